"""Activations and their slopes, for networks that are really evaluated.

Each is a function of the inputs of a layer that returns ``phi(h)`` and ``phi'(h)``. The
names are those of the infinitely wide networks in `sklearn_msk.kernels`.
"""

import numpy as np
from scipy.special import erf, ndtr

_LEAK = 0.01


def _relu(h):
    return np.maximum(h, 0.0), (h > 0).astype(h.dtype)


def _leaky_relu(h):
    slope = np.where(h > 0, h.dtype.type(1.0), h.dtype.type(_LEAK))
    return slope * h, slope


def _abs(h):
    return np.abs(h), np.sign(h)


def _erf(h):
    return erf(h), (2.0 / np.sqrt(np.pi)) * np.exp(-np.square(h))


def _sin(h):
    return np.sin(h), np.cos(h)


def _cos(h):
    return np.cos(h), -np.sin(h)


def _gaussian(h):
    bump = np.exp(-np.square(h))
    return bump, -2.0 * h * bump


def _gelu(h):
    share = ndtr(h)
    density = np.exp(-0.5 * np.square(h)) / np.sqrt(2.0 * np.pi)
    return h * share, share + h * density


ACTIVATION_FUNCTIONS = {
    "relu": _relu,
    "leaky_relu": _leaky_relu,
    "abs": _abs,
    "erf": _erf,
    "sin": _sin,
    "cos": _cos,
    "gaussian": _gaussian,
    "gelu": _gelu,
}

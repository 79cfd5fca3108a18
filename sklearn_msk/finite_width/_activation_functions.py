"""Activations and their derivatives, for networks that are evaluated.

Each is a function of the inputs h of a layer that returns ``phi(h)`` and ``phi'(h)``.
The names are those of the infinitely wide networks in `sklearn_msk.kernels`.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import erf, ndtr

_LEAK = 0.01

Activation = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def _relu(h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.maximum(h, 0.0), (h > 0).astype(h.dtype)


def _leaky_relu(h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    slope = np.where(h > 0, h.dtype.type(1.0), h.dtype.type(_LEAK))
    return slope * h, slope


def _abs(h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.abs(h), np.sign(h)


def _erf(h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return erf(h), (2.0 / np.sqrt(np.pi)) * np.exp(-np.square(h))


def _sin(h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.sin(h), np.cos(h)


def _cos(h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.cos(h), -np.sin(h)


def _gaussian(h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    phi = np.exp(-np.square(h))
    return phi, -2.0 * h * phi


def _gelu(h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    probability = ndtr(h)
    density = np.exp(-0.5 * np.square(h)) / np.sqrt(2.0 * np.pi)
    return h * probability, probability + h * density


ACTIVATION_FUNCTIONS: dict[str, Activation] = {
    "relu": _relu,
    "leaky_relu": _leaky_relu,
    "abs": _abs,
    "erf": _erf,
    "sin": _sin,
    "cos": _cos,
    "gaussian": _gaussian,
    "gelu": _gelu,
}

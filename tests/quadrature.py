"""Gaussian expectations by numerical integration, which tests of kernels import.

Nothing here knows a closed form of the package: an activation is its definition, and
an expectation is a sum over nodes. `kernels/test_quadrature.py` checks the rules.
"""

import numpy as np
from scipy.special import erf, ndtr


def _gaussian_density(f):
    return np.exp(-0.5 * f * f) / np.sqrt(2.0 * np.pi)


# Every activation with its derivative, by the names of `sklearn_msk.kernels`.
ACTIVATIONS = {
    "relu": (lambda f: np.maximum(f, 0.0), lambda f: 1.0 * (f > 0)),
    "leaky_relu": (
        lambda f: np.where(f > 0, f, 0.01 * f),
        lambda f: np.where(f > 0, 1.0, 0.01),
    ),
    "abs": (np.abs, np.sign),
    "erf": (erf, lambda f: 2.0 / np.sqrt(np.pi) * np.exp(-f * f)),
    "sin": (np.sin, np.cos),
    "cos": (np.cos, lambda f: -np.sin(f)),
    "gaussian": (
        lambda f: np.exp(-f * f),
        lambda f: -2.0 * f * np.exp(-f * f),
    ),
    "gelu": (
        lambda f: f * ndtr(f),
        lambda f: ndtr(f) + f * _gaussian_density(f),
    ),
}
# These oscillate everywhere; all others change fast only where f changes its sign.
_OSCILLATING = {"sin", "cos"}

# Gauss-Legendre nodes of a panel.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)

# Radii beyond hold exp(-50) of the mass.
_RADIUS = 10.0


def _panels(edges):
    """Nodes and weights of composite Gauss-Legendre quadrature."""
    half = 0.5 * np.diff(edges)[:, None]
    middle = 0.5 * (edges[1:] + edges[:-1])[:, None]
    return (middle + half * _NODES).ravel(), (half * _WEIGHTS).ravel()


def _halving(finest):
    """Edges 0, ..., 1/4, 1/2, 1 of panels that shrink towards 0."""
    n_halvings = max(1, int(np.ceil(-np.log2(finest))))
    return np.append(0.0, 0.5 ** np.arange(n_halvings, -1.0, -1.0))


def polar_rule(correlation, largest):
    """Nodes (g_x, g_z) and weights, in polar coordinates.

    ``g_x = r cos(t)`` and ``g_z = r cos(t - theta)`` change sign at four angles t. The
    panels end there, so that a kink costs no accuracy, and shrink towards them, so that
    a step as narrow as ``1 / largest`` costs none either.
    """
    theta = np.arctan2(np.sqrt((1.0 - correlation) * (1.0 + correlation)), correlation)
    edges = _halving(0.1 / max(largest, 0.5))
    radii, radial = _panels(_RADIUS * edges)
    radial *= radii * np.exp(-0.5 * radii**2) / (2.0 * np.pi)
    unit, weights = _panels(np.append(0.5 * edges, 1.0 - 0.5 * edges[-2::-1]))
    kinks = np.pi * np.array([-0.5, 0.5, 1.5])
    starts = np.sort(np.append(kinks[:2], theta + kinks[:2]))
    arcs = np.diff(np.append(starts, starts[0] + 2.0 * np.pi))[:, None]
    t = (starts[:, None] + arcs * unit).ravel()[:, None]
    return (
        (np.cos(t) * radii).ravel(),
        (np.cos(t - theta) * radii).ravel(),
        ((arcs * weights).ravel()[:, None] * radial).ravel(),
    )


def trapezoidal_rule(correlation, largest):
    """Nodes and weights on a square grid, which converge exponentially for waves.

    Waves of frequency up to ``2 largest`` and a Gaussian of bandwidth 10 alias only
    beyond this step.
    """
    step = np.pi / (largest + 5.0)
    axis = step * np.arange(-np.ceil(9.0 / step), np.ceil(9.0 / step) + 1.0)
    first, second = axis[:, None], axis[None, :]
    weights = step**2 * _gaussian_density(first) * _gaussian_density(second)
    across = np.sqrt((1.0 - correlation) * (1.0 + correlation))
    g_x = np.broadcast_to(first, weights.shape)
    return g_x.ravel(), (correlation * first + across * second).ravel(), weights.ravel()


def expectations(activation, lengths_x, lengths_z, correlation):
    """``E[phi phi]`` and ``E[phi' phi']`` by quadrature.

    Parameters
    ----------
    activation : str
    lengths_x, lengths_z : arrays of shape (n_x,) and (n_z,)
        Standard deviations of the two Gaussian variables.
    correlation : float

    Returns
    -------
    Two arrays of shape (n_x, n_z)
    """
    rule = trapezoidal_rule if activation in _OSCILLATING else polar_rule
    largest = max(np.max(lengths_x), np.max(lengths_z))
    g_x, g_z, weights = rule(correlation, largest)
    f_x, f_z = np.outer(lengths_x, g_x), np.outer(lengths_z, g_z)
    return [(weights * phi(f_x)) @ phi(f_z).T for phi in ACTIVATIONS[activation]]

"""Contours that take a Laplace or a z transform back to time.

A path ``e(T)`` whose transform is ``rho(s) / s`` is

    e(T) = 1 / (2 pi i) * integral of exp(eta T s) rho(s) / s ds         flow
    e(T) = 1 / (2 pi i) * integral of (1 + eta s)^T rho(s) / s ds        descent

around the singularities of rho, which lie on the negative real axis, and 0.
The sums here have the form ``e(T) ~ Re sum_j W[j, T] rho(s_j)``: as e is real, one
half of the nodes is enough.
"""

from dataclasses import dataclass

import numpy as np

# Nodes on a hyperbola, and how far apart the times may be that it serves. The error is
# below 4e-7 of the largest value, and falls by a factor of 2.8 for each further node.
_NODES = 16
_SPAN = 10.0
# Descent up to here is read off a circle, which serves all of these times: earlier than
# that a hyperbola would leave the first sheet of log(1 + eta s).
_CIRCLE_STEPS = 32
_CIRCLE_NODES = 64


@dataclass(frozen=True, eq=False)
class Contour:
    """Nodes and weights for some times.

    Attributes
    ----------
    nodes : ndarray of shape (n_nodes,)
        s, complex; or one real node, 0, for the limit.
    weights : ndarray of shape (n_nodes, n_times)
        W.
    times : ndarray of shape (n_times,), int
        Places among the times that were asked for.
    """

    nodes: np.ndarray
    weights: np.ndarray
    times: np.ndarray


def contours(
    iterations: np.ndarray, learning_rate: float, dynamics: str, radius: float
) -> list[Contour]:
    """Contours for all times.

    Parameters
    ----------
    iterations : ndarray of shape (n_iterations,)
        T > 0; whole numbers under descent. inf is the limit, ``e = rho(0)``.
    learning_rate : float
        eta > 0.
    dynamics : {"flow", "descent"}
    radius : float
        Largest size of a singularity of rho, of which ``eta * radius`` has to be less
        than 2 under descent.

    Returns
    -------
    list of Contour
    """
    T = np.asarray(iterations, dtype=np.float64)
    finite = np.isfinite(T)
    found = []
    limit = np.flatnonzero(~finite)
    if len(limit):
        found.append(Contour(np.zeros(1), np.ones((1, len(limit))), limit))
    early = finite & (T <= _CIRCLE_STEPS) & (dynamics == "descent")
    if early.any():
        at = np.flatnonzero(early)
        found.append(_circle(T[at], learning_rate, at))
    late = np.flatnonzero(finite & ~early)
    while len(late):
        last = T[late].max()
        near = T[late] >= last / _SPAN
        at, late = late[near], late[~near]
        if dynamics == "flow":
            found.append(_flow(T[at], last, learning_rate, at))
        else:
            both_signs = learning_rate * radius > 1.0
            found.append(_descent(T[at], last, learning_rate, at, both_signs))
    return found


def _hyperbola() -> tuple[np.ndarray, np.ndarray]:
    """Nodes z for times from 1 / 10 to 1, and ``2 dz / (2 pi i)``.

    ``z(u) = mu (1 + sin(i u - phi))``, midpoint rule, u > 0. For the span L of the
    times and N nodes, ``u = (j + 1/2) a / N``, ``mu = N pi (4 phi - pi) / a`` and
    ``a = arccosh(((pi - 2 phi) L + 4 phi - pi) / ((4 phi - pi) sin(phi)))``; phi has
    the largest ``(pi^2 - 2 pi phi) / a``, the rate of convergence (Weideman, Trefethen,
    Math. Comp. 76, 2007).
    """
    phi = 1.0236
    slope = 4 * phi - np.pi
    a = np.arccosh(((np.pi - 2 * phi) * _SPAN + slope) / (slope * np.sin(phi)))
    u = (np.arange(_NODES) + 0.5) * a / _NODES
    mu = _NODES * np.pi * slope / a
    z = mu * (1 + np.sin(1j * u - phi))
    return z, mu * np.cos(1j * u - phi) * a / _NODES / np.pi


def _normalised(weights: np.ndarray) -> np.ndarray:
    """Weights by which a constant, and so the limit of a path, is exact."""
    return weights / weights.sum(axis=0).real


def _flow(T: np.ndarray, last: float, learning_rate: float, at: np.ndarray) -> Contour:
    """``eta s = z / last``, so ``exp(eta T s) ds / s = exp(z T / last) dz / z``."""
    z, measure = _hyperbola()
    weights = np.exp(z[:, None] * (T / last)) * (measure / z)[:, None]
    return Contour(z / (learning_rate * last), _normalised(weights), at)


def _descent(
    T: np.ndarray, last: float, learning_rate: float, at: np.ndarray, both_signs: bool
) -> Contour:
    """``1 + eta s = exp(z / last)``, so that its T-th power is ``exp(z T / last)``.

    Modes of ``eta lam > 1`` have ``1 + eta s < 0`` and change sign at each step: a
    second contour has ``1 + eta s = -exp(z / last)``.
    """
    z, measure = _hyperbola()
    growth = np.exp(z[:, None] * (T / last)) * (measure / last)[:, None]
    step = np.exp(z / last)[:, None]
    nodes, weights = np.expm1(z / last), growth * step / np.expm1(z / last)[:, None]
    weights = _normalised(weights)
    if both_signs:
        back = -step - 1.0
        sign = np.where(T % 2 == 0, 1.0, -1.0)
        weights = np.vstack([weights, sign * growth * -step / back])
        nodes = np.append(nodes, back)
    return Contour(nodes / learning_rate, weights, at)


def _circle(T: np.ndarray, learning_rate: float, times: np.ndarray) -> Contour:
    """Coefficients of ``zeta^T`` in ``rho(s) / (1 - zeta)``, ``1 + eta s = 1 / zeta``.

    The radius balances aliasing, ``r^N``, with rounding, ``eps / r^T``.
    """
    n_nodes, eps = _CIRCLE_NODES, float(np.finfo(np.float64).eps)
    angle = (2 * np.arange(n_nodes // 2) + 1) * np.pi / n_nodes
    zeta = eps ** (1.0 / (n_nodes + _CIRCLE_STEPS)) * np.exp(1j * angle)
    weights = (2.0 / n_nodes) * zeta[:, None] ** -T / (1.0 - zeta[:, None])
    return Contour((1.0 - zeta) / (learning_rate * zeta), weights, times)

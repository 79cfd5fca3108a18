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

from sklearn_msk._batches import batches

# Nodes on Talbot's contour, of which one half is computed. The error is below 4e-7 of
# the largest value at 12, and falls by a factor of 4 for each further node.
_TALBOT_NODES = 12
# Descent up to here is read off a circle, which serves all of these times. Later times
# have a contour each; at earlier ones it would leave the first sheet of log(1 + eta s).
_CIRCLE_STEPS = 32
_CIRCLE_NODES = 64
# Times that share one product.
_TOGETHER = 8


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
    for part in batches(len(late), _TOGETHER):
        at = late[part]
        if dynamics == "flow":
            nodes, weights = _talbot_flow(learning_rate * T[at])
        else:
            nodes, weights = _talbot_descent(
                T[at], learning_rate, both_signs=learning_rate * radius > 1.0
            )
        found.append(Contour(nodes.ravel(), _block_diagonal(weights), at))
    return found


def _talbot(n_nodes: int = _TALBOT_NODES) -> tuple[np.ndarray, np.ndarray]:
    """Nodes z of the contour for time 1 and ``2 exp(z) dz / (2 pi i)``.

    ``z(theta) = N (.5017 theta cot(.6407 theta) - .6122 + .2645 i theta)``, midpoint
    rule, theta in (0, pi) (Weideman, SIAM J. Numer. Anal. 44, 2006).
    """
    theta = (2 * np.arange(n_nodes // 2) + 1) * np.pi / n_nodes
    cot, sin = 1 / np.tan(0.6407 * theta), np.sin(0.6407 * theta)
    z = n_nodes * (0.5017 * theta * cot - 0.6122 + 0.2645j * theta)
    slope = 0.5017 * cot - 0.5017 * 0.6407 * theta / sin**2 + 0.2645j
    measure = 2.0 * np.exp(z) * slope / 1j
    # A constant, and so the limit of a path, is exact.
    return z, measure / (measure / z).sum().real


def _talbot_flow(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``s = z / t`` for the contour variable z, so that ``ds / s = dz / z``."""
    z, measure = _talbot()
    return z / t[:, None], np.broadcast_to(measure / z, (len(t), len(z)))


def _talbot_descent(
    T: np.ndarray, learning_rate: float, both_signs: bool
) -> tuple[np.ndarray, np.ndarray]:
    """``1 + eta s = exp(z / T)``, so that its T-th power is ``exp(z)``.

    Modes of ``eta lam > 1`` have ``1 + eta s < 0`` and change sign at each step: a
    second contour has ``1 + eta s = -exp(z / T)``.
    """
    z, measure = _talbot()
    z = z / T[:, None]
    measure = measure / T[:, None]
    step = np.expm1(z)
    nodes, weights = step, measure * np.exp(z) / step
    if both_signs:
        back = -np.exp(z) - 1.0
        sign = np.where(T % 2 == 0, 1.0, -1.0)[:, None]
        weights = np.hstack([weights, sign * measure * -np.exp(z) / back])
        nodes = np.hstack([nodes, back])
    return nodes / learning_rate, weights


def _circle(T: np.ndarray, learning_rate: float, times: np.ndarray) -> Contour:
    """Coefficients of ``zeta^T`` in ``rho(s) / (1 - zeta)``, ``1 + eta s = 1 / zeta``.

    The radius balances aliasing, ``r^N``, with rounding, ``eps / r^T``.
    """
    n_nodes, eps = _CIRCLE_NODES, float(np.finfo(np.float64).eps)
    angle = (2 * np.arange(n_nodes // 2) + 1) * np.pi / n_nodes
    zeta = eps ** (1.0 / (n_nodes + _CIRCLE_STEPS)) * np.exp(1j * angle)
    weights = (2.0 / n_nodes) * zeta[:, None] ** -T / (1.0 - zeta[:, None])
    return Contour((1.0 - zeta) / (learning_rate * zeta), weights, times)


def _block_diagonal(weights: np.ndarray) -> np.ndarray:
    """Weights of shape (n_times * n_nodes, n_times), each time with its own nodes."""
    n_times, n_nodes = weights.shape
    result = np.zeros((n_times, n_nodes, n_times), dtype=complex)
    result[np.arange(n_times), :, np.arange(n_times)] = weights
    return result.reshape(n_times * n_nodes, n_times)

"""One entry to the solvers."""

from dataclasses import replace

import numpy as np

from sklearn_msk._dynamics._diagonal import diagonal_trajectories
from sklearn_msk._dynamics._eigh import eigh_trajectories
from sklearn_msk._dynamics._gd import gd_trajectories
from sklearn_msk._dynamics._lanczos import lanczos_trajectories
from sklearn_msk._operators import RoundingError
from sklearn_msk._scaling import power_of_two

SOLVERS = {
    "lanczos": lanczos_trajectories,
    "eigh": eigh_trajectories,
    "gd": gd_trajectories,
    "diagonal": diagonal_trajectories,
}

# Up to here the limit is taken from a full decomposition, which is exact.
_EXACT_LIMIT_MAX = 1500


def trajectory(A, y, S, schedule, solver="auto", tol=1e-4, monitor=None):
    """Path of preconditioned gradient descent.

    Solves ``c_T = S^(1/2) p_T(M) S^(1/2) b`` with ``M = S^(1/2) A S^(1/2)``, which is
    exact for any positive definite S, ``b = D^(1/2) y`` and ``a = D^(1/2) c``; p_T is
    `Schedule.gain`.

    Parameters
    ----------
    A : operator
    y : ndarray of shape (n,) or (n, n_targets), float64
        Centred targets.
    S : Preconditioner
    schedule : Schedule
    solver : {"auto", "lanczos", "eigh", "gd"}
        "auto" is "eigh" for the limit up to 1500 rows, "lanczos" otherwise. Where A is
        diagonal, both "auto" and "eigh" have nothing to decompose.
    tol : float
        Bound on ``|K (a - a_T)| / |y|`` for every target; no less than rounding allows.
    monitor : callable, default=None
        ``monitor(n_products, error, tol)`` is called whenever an iterative solver
        estimates its error.

    Returns
    -------
    Trajectory

    Raises
    ------
    RoundingError
        If the products of A are not exact enough for `tol`.
    """
    solver = choose_solver(solver, A, schedule)
    path = trajectories(A, y, [(S, [schedule])], solver, tol, monitor)[0]
    if A.rounding > 0.0 and not path.rounding_error <= 0.5 * tol:
        raise RoundingError("products are not exact enough")
    return path


def trajectories(A, y, requests, solver, tol, monitor=None):
    """Paths for several preconditioners and schedules, which share what they can.

    Parameters
    ----------
    A, y, tol, monitor
        As in `trajectory`.
    requests : list of pairs (Preconditioner, list of Schedule)
        Every path serves all of its schedules.
    solver : {"lanczos", "eigh", "gd", "diagonal"}

    Returns
    -------
    list of Trajectory
    """
    # The squares of a norm would leave the range of a float where y is of 1e-200.
    scale = power_of_two(np.abs(y).max(axis=0))
    tol = max(tol, smallest_tol(A))
    paths = SOLVERS[solver](A, y / scale, requests, tol, monitor)
    return [replace(path, target_scale=scale) for path in paths]


def choose_solver(solver, A, schedule):
    """Solver that "auto" stands for, or the one asked for."""
    if A.is_diagonal and solver in ("auto", "eigh"):
        return "diagonal"
    if solver != "auto":
        return solver
    limit = np.isinf(schedule.max_iter)
    return "eigh" if limit and A.shape[0] <= _EXACT_LIMIT_MAX else "lanczos"


def smallest_tol(A):
    """Smallest tolerance that the precision of the kernel matrix allows."""
    return max(10.0 * np.finfo(A.dtype).eps, A.shape[0] * np.finfo(np.float64).eps)

"""One entry to the solvers."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from sklearn_msk._array_api import Array, namespace, put_like, to_host
from sklearn_msk._filters import SpectralFilter, longest
from sklearn_msk._linalg import Status
from sklearn_msk._operators import Operator
from sklearn_msk._scaling import power_of_two
from sklearn_msk._solvers._eigh import diagonal_paths, eigh_paths
from sklearn_msk._solvers._lanczos import lanczos_paths
from sklearn_msk._solvers._loop import loop_paths
from sklearn_msk._solvers._path import Path
from sklearn_msk._solvers._requests import Monitor, Request
from sklearn_msk._tuning import EXACT_LIMIT_MAX_ROWS, PRODUCT_ERROR_SHARE

SOLVERS: dict[str, Callable[..., Sequence[Path]]] = {
    "lanczos": lanczos_paths,
    "eigh": eigh_paths,
    "gd": loop_paths,
    "diagonal": diagonal_paths,
}


def solve(
    A: Operator,
    y: Array,
    requests: list[Request],
    *,
    solver: str = "auto",
    tol: float = 1e-4,
    monitor: Monitor = None,
) -> list[Path]:
    """Paths of preconditioned gradient descent, which share what they can.

    Solves ``c_T = S^(1/2) p_T(M) S^(1/2) b`` with ``M = S^(1/2) A S^(1/2)``, which is
    exact for any positive definite S, ``b = D^(1/2) y`` and ``a = D^(1/2) c``; p_T is
    a `SpectralFilter`.

    Parameters
    ----------
    A : operator
    y : array of shape (n,) or (n, n_targets), float64
        Centred targets, where the operator is.
    requests : list of pairs (Preconditioner, list of SpectralFilter)
        Every path holds for all of its filters.
    solver : {"auto", "lanczos", "eigh", "gd"}
        See `choose_solver`; "auto" is chosen for the longest of all filters.
    tol : float
        Bound on ``|K (a - a_T)| / |y|`` for every target; no less than rounding allows.
    monitor : callable, default=None
        ``monitor(n_products, error, tol)`` is called whenever an iterative solver
        estimates its error.

    Returns
    -------
    list of Path
        The status of a path is INEXACT_PRODUCTS if the products of A are not exact
        enough for `tol`.
    """
    chosen = choose_solver(solver, A, longest(f for _, of in requests for f in of))
    # The squares of a norm would leave the range of a float where y is of 1e-200.
    xp = namespace(y)
    scale = power_of_two(to_host(xp.max(xp.abs(y), axis=0)))
    paths = SOLVERS[chosen](
        A, y / put_like(scale, y), requests, max(tol, smallest_tol(A)), monitor
    )
    return [
        replace(path, target_scale=scale, status=_status(A, path, tol))
        for path in paths
    ]


def choose_solver(solver: str, A: Operator, filter: SpectralFilter) -> str:
    """Solver that "auto" stands for, or the one asked for.

    "auto" is "eigh" for the limit up to 1500 rows of an operator that fits in memory
    as a matrix, "lanczos" otherwise. Where A is diagonal, "auto" and "eigh" have
    nothing to decompose.
    """
    if A.is_diagonal and solver in ("auto", "eigh"):
        return "diagonal"
    if solver != "auto":
        return solver
    small = A.fits_dense and A.shape[0] <= EXACT_LIMIT_MAX_ROWS
    return "eigh" if small and np.isinf(filter.max_iter) else "lanczos"


def smallest_tol(A: Operator) -> float:
    """Smallest tolerance that the precision of the kernel matrix allows."""
    # Ten roundings of K, or the ``n eps`` of a sum in double precision.
    return max(10.0 * np.finfo(A.dtype).eps, A.shape[0] * np.finfo(np.float64).eps)


def _status(A: Operator, path: Path, tol: float) -> Status:
    """Whether the error of products leaves half of the tolerance."""
    if A.product_error > 0.0 and not path.rounding_error <= PRODUCT_ERROR_SHARE * tol:
        return Status.INEXACT_PRODUCTS
    return Status.CONVERGED

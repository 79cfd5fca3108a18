"""One entry to the eigensolvers."""

from dataclasses import replace

import numpy as np

from sklearn_msk._spectrum._eigen_solvers import BREAKDOWN, EIGEN_SOLVERS, compacts
from sklearn_msk._spectrum._spectrum import Spectrum
from sklearn_msk._spectrum._tolerance import Tolerance
from sklearn_msk._validation import check_seed

# Up to here a full decomposition takes less than half a second.
DENSE_MAX = 1500


def leading_spectrum(
    A, k, eigen_solver="auto", random_state=None, tol=1e-5, monitor=None
):
    """Leading eigenpairs of A, truncated at its numerical rank.

    The rank counts eigenvalues above ``max(n eps(dtype of K), -4 lam_min / lam_1)
    lam_1``, n the distinct rows and lam_min the smallest eigenvalue or Ritz value seen;
    it is n at most.

    Parameters
    ----------
    A : operator
    k : int
        Number of pairs, >= 0. One more is computed, for `Spectrum.next_eigenvalue`.
    eigen_solver : {"auto", "dense", "arpack", "lobpcg", "randomized"}
        "auto" is "dense" up to 1500 rows or where k is a quarter of them, and
        "randomized" beyond. "arpack" and "lobpcg" become "dense" where k is too close
        to n for them, or where their iteration breaks down, and everything is where A
        is diagonal.
    random_state : int, RandomState instance or None, default=None
        Start vectors; None is deterministic too.
    tol : float or Tolerance, default=1e-5
        Residuals stay below ``tol sqrt(lam_i lam_m)``, m the last pair computed; the
        default serves a preconditioner. Beyond 2000 rows and from 1e-6 on, "randomized"
        multiplies matrices that are held in single precision, where the rounding that
        this adds, part of the residuals, is measured to be small enough.
    monitor : callable, default=None
        ``monitor(n_products, error, tol)`` is called where block Krylov iteration
        checks its residuals, error the largest of them in these units.

    Returns
    -------
    Spectrum

    Raises
    ------
    RoundingError
        If A is a `CompactOperator` whose products are not exact enough for `tol`.
    """
    n = A.shape[0]
    m = min(k + 1, n)
    known = A.is_diagonal or not A.diagonal().any()
    method = "dense" if known else _method(eigen_solver, n, m)
    rng = check_seed(random_state)
    tol = tol if isinstance(tol, Tolerance) else Tolerance(tol)
    try:
        found = EIGEN_SOLVERS[method](A, m, rng, tol, monitor)
    except BREAKDOWN:
        method = "dense"
        found = EIGEN_SOLVERS[method](A, m, rng, tol, monitor)
    values, vectors, residuals, smallest, coupling = found
    vectors = _fix_signs(vectors)

    largest = max(values[0], 0.0)
    floor = max(A.rank_floor * largest, -4.0 * smallest)
    # Rows that repeat add no direction, whatever rounding makes of them.
    rank = min(np.count_nonzero(values > floor), A.n_distinct)
    k = min(k, rank)
    following = max(values[k], 0.0) if k < m else 0.0
    bound = max(values[k] + residuals[k], 0.0) if k < m else 0.0
    return Spectrum(
        eigenvalues=values[:k] * A.scale,
        eigenvectors=np.ascontiguousarray(vectors[:, :k]),
        residual_norms=residuals[:k] * A.scale,
        method=method,
        next_eigenvalue=float(bound * A.scale),
        next_ritz_value=float(following * A.scale),
        smallest=float(smallest * A.scale),
        floor=float(floor * A.scale),
        coupling=None if coupling is None else replace(coupling, scale=A.scale),
    )


def serves_compact(n, k, eigen_solver):
    """Whether k pairs of n rows are best found on a `CompactOperator`."""
    return _method(eigen_solver, n, k + 1) == "randomized" and compacts(n, k + 1)


def _method(eigen_solver, n, m):
    """Eigensolver to run: the one asked for, where it can."""
    if eigen_solver == "auto":
        return "dense" if n <= DENSE_MAX or m > n // 4 else "randomized"
    if eigen_solver == "arpack" and m >= n - 1:
        return "dense"
    if eigen_solver == "lobpcg" and 5 * (m + 10) > n:
        return "dense"
    return eigen_solver


def _fix_signs(vectors):
    """Make the largest entry of every eigenvector positive."""
    largest = np.abs(vectors).argmax(axis=0)
    signs = np.sign(vectors[largest, np.arange(vectors.shape[1])])
    return vectors * np.where(signs == 0, 1.0, signs)

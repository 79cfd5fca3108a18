"""One entry to the eigensolvers."""

import numpy as np

from sklearn_msk._array_api import Array, namespace
from sklearn_msk._linalg import RitzPairs, Status
from sklearn_msk._operators import (
    DenseOperator,
    Operator,
    mixed_precision,
)
from sklearn_msk._spectrum._accuracy import PairAccuracy
from sklearn_msk._spectrum._eigen_solvers import (
    EIGEN_SOLVERS,
    Monitor,
    randomized,
)
from sklearn_msk._spectrum._spectrum import Spectrum
from sklearn_msk._threads import n_blas_threads
from sklearn_msk._tuning import (
    BASIS_COLUMNS_PER_PAIR,
    DEFAULT_PAIR_TOL,
    DENSE_MAX,
    LOBPCG_GUARD,
    MIXED_MIN_PAIRS,
    MIXED_MIN_ROWS,
    MIXED_MIN_TOL,
    NEGATIVE_EIGENVALUE_FACTOR,
)
from sklearn_msk._validation import check_seed


def leading_spectrum(
    A: Operator,
    k: int,
    *,
    eigen_solver: str = "auto",
    random_state: int | np.random.RandomState | None = None,
    accuracy: PairAccuracy | None = None,
    monitor: Monitor = None,
    dense_max: int = DENSE_MAX,
) -> Spectrum:
    """Leading eigenpairs of A, truncated at its numerical rank.

    The rank counts eigenvalues above ``max(n eps, 16 eps_K, -4 lam_min / lam_1)
    lam_1``: n the distinct rows, eps that of double precision, eps_K that of the
    entries of K, lam_min the smallest eigenvalue or Ritz value seen. It is n at most.

    Parameters
    ----------
    A : operator
    k : int
        Number of pairs, >= 0. One more is computed, for `Spectrum.next_eigenvalue`.
    eigen_solver : {"auto", "dense", "arpack", "lobpcg", "randomized"}
        "auto" is "dense" up to `dense_max` rows or where ``5 (k + 1) > n``, and
        "randomized" beyond. "arpack" and "lobpcg" become "dense" where k is too close
        to n for them. An iteration that breaks down becomes "dense" too. A diagonal
        operator is its own decomposition.
    random_state : int, RandomState instance or None, default=None
        Start vectors; None is deterministic too.
    accuracy : PairAccuracy, default=None
        Residuals stay below ``tol sqrt(lam_i lam_m)``, m the last pair computed and tol
        what `accuracy` says; None is ``PairAccuracy.for_residual(1e-5)``, which serves
        any preconditioner.
    monitor : callable, default=None
        ``monitor(n_products, error, tol)`` is called where block Krylov iteration
        checks its residuals, error the largest of them in these units.
    dense_max : int, default=300
        Largest order that "auto" decomposes fully, and that counts as fitting in memory
        for every operator.

    Returns
    -------
    Spectrum
        Its status is INEXACT_PRODUCTS where the products of A are not exact enough.

    Raises
    ------
    ValueError
        If a full decomposition is left, of an operator whose matrix does not fit in
        memory.
    """
    if accuracy is None:
        accuracy = PairAccuracy.for_residual(DEFAULT_PAIR_TOL)
    n = A.shape[0]
    m = min(k + 1, n)
    rng = check_seed(random_state)
    method = _method(eigen_solver, n, m, dense_max)
    if A.is_diagonal or not A.diagonal().any():
        method = "dense"
    elif method == "dense" != eigen_solver:
        _check_fits(A, k, eigen_solver, dense_max)
    pairs = _leading_pairs(method, A, m, rng, accuracy, monitor)
    if pairs.status == Status.BREAKDOWN:
        _check_fits(A, k, method, dense_max)
        method = "dense"
        pairs = _leading_pairs(method, A, m, rng, accuracy, monitor)
    return _truncated_at_rank(A, pairs, k, method)


def prefers_mixed_precision(
    n: int, n_pairs: int, eigen_solver: str, dense_max: int = DENSE_MAX
) -> bool:
    """Whether `n_pairs` of n rows are found fastest on a `MixedPrecisionOperator`."""
    m = min(n_pairs + 1, n)
    iterates = _method(eigen_solver, n, m, dense_max) == "randomized"
    return iterates and _is_mixed_worth_it(n, m)


def _is_mixed_worth_it(n: int, m: int) -> bool:
    """Whether products in mixed precision save more than the operator costs."""
    return n >= MIXED_MIN_ROWS and m >= MIXED_MIN_PAIRS


def _method(eigen_solver: str, n: int, m: int, dense_max: int) -> str:
    """Eigensolver to run: the one asked for, where it can."""
    if eigen_solver == "auto":
        basis_is_whole = BASIS_COLUMNS_PER_PAIR * m > n
        return "dense" if n <= dense_max or basis_is_whole else "randomized"
    if eigen_solver == "arpack" and m >= n - 1:
        return "dense"
    # The rule by which scipy's lobpcg itself turns to a full decomposition.
    if eigen_solver == "lobpcg" and 5 * (m + LOBPCG_GUARD) > n:
        return "dense"
    return eigen_solver


def _check_fits(A: Operator, k: int, method: str, dense_max: int) -> None:
    """Refuse a full decomposition of what does not fit in memory as a matrix."""
    n = A.shape[0]
    if A.fits_dense or n <= dense_max:
        return
    raise ValueError(
        f"eigen_solver={method!r} does not find the {k} leading directions of {n} rows "
        "without a full decomposition, and the memory that a fit may take does not "
        f"hold the matrix of {n**2 * 8 / 2**30:.1f} GiB. Use another "
        "eigen_solver ('randomized', 'arpack' or 'lobpcg'), a smaller k, landmarks, "
        "or more memory."
    )


def _leading_pairs(
    method: str,
    A: Operator,
    m: int,
    rng: np.random.RandomState,
    accuracy: PairAccuracy,
    monitor: Monitor,
) -> RitzPairs:
    """Pairs by one eigensolver, on a mixed precision copy first where that pays."""
    exact_enough = accuracy.strict >= MIXED_MIN_TOL
    worth_it = method == "randomized" and _is_mixed_worth_it(A.shape[0], m)
    if isinstance(A, DenseOperator) and A.compactable and exact_enough and worth_it:
        copy = mixed_precision(A, m, n_blas_threads())
        pairs = randomized(copy, m, rng, accuracy, monitor)
        if pairs.status != Status.INEXACT_PRODUCTS:
            return pairs
    return EIGEN_SOLVERS[method](A, m, rng, accuracy, monitor)


def _truncated_at_rank(A: Operator, pairs: RitzPairs, k: int, method: str) -> Spectrum:
    """At most k pairs above the numerical rank, in the units of A."""
    values, residuals, m = pairs.values, pairs.residuals, len(pairs.values)
    largest = max(values[0], 0.0)
    floor = max(A.rank_rtol * largest, -NEGATIVE_EIGENVALUE_FACTOR * pairs.smallest)
    # Rows that repeat add no direction, whatever rounding makes of them.
    k = min(k, int(np.count_nonzero(values > floor)), A.n_distinct)
    following = max(values[k], 0.0) if k < m else 0.0
    bound = max(values[k] + residuals[k], 0.0) if k < m else 0.0
    return Spectrum(
        eigenvalues=values[:k] * A.scale,
        eigenvectors=_fix_signs(pairs.vectors[:, :k]),
        residual_norms=residuals[:k] * A.scale,
        method=method,
        next_eigenvalue=float(bound * A.scale),
        next_ritz_value=float(following * A.scale),
        smallest=float(pairs.smallest * A.scale),
        floor=float(floor * A.scale),
        status=pairs.status,
    )


def _fix_signs(vectors: Array) -> Array:
    """Make the largest entry of every eigenvector positive, in a C-ordered array."""
    xp = namespace(vectors)
    largest, smallest = xp.max(vectors, axis=0), xp.min(vectors, axis=0)
    ones = xp.ones_like(largest)
    signed = vectors * xp.where(largest >= -smallest, ones, -ones)
    return np.ascontiguousarray(signed) if isinstance(signed, np.ndarray) else signed

"""Eigensolvers: the m leading pairs of a scaled operator, and its smallest Ritz value.

Each takes an operator A, a number of pairs m, a `numpy.random.RandomState`, a
`PairAccuracy` in the units of A and a monitor, works on ``A / A.scale`` and returns
`RitzPairs` in these units, whose status says whether its iteration converged.
"""

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh, lobpcg

from sklearn_msk._array_api import (
    Array,
    column_norms,
    namespace,
    put_like,
    to_host,
)
from sklearn_msk._linalg import RitzPairs, Status, block_krylov, worst_residual
from sklearn_msk._operators import MixedPrecisionOperator, Operator
from sklearn_msk._spectrum._accuracy import PairAccuracy
from sklearn_msk._threads import single_threaded_blas
from sklearn_msk._tuning import (
    BASIS_COLUMNS_PER_PAIR,
    BASIS_SPARE_BLOCKS,
    BLOCK_WIDTHS,
    LOBPCG_GUARD,
    LOBPCG_ROUNDS,
    LOBPCG_STEPS,
    LOBPCG_TOL_SHARE,
    MAX_TOL_WITHOUT_BASIS,
    MIXED_BLOCK_WIDTHS,
    MIXED_MANY_PAIRS,
    MIXED_RESIDUAL_SHARE,
    PAIRS_PER_BLOCK_WIDTH,
    RECOMPUTED_BLOCK_WIDTH,
    SHORT_ITERATION_BLOCKS,
    SHORT_ITERATION_TOL,
)

Monitor = Callable[[int, float, float], None] | None

# Tolerance of the pairs that the smallest Ritz value comes with.
_ROUGH = PairAccuracy.for_residual(SHORT_ITERATION_TOL)


def dense(
    A: Operator,
    m: int,
    rng: np.random.RandomState,
    accuracy: PairAccuracy,
    monitor: Monitor = None,
) -> RitzPairs:
    """Full decomposition: exact."""
    all_values, all_vectors = A.decomposition()
    values = all_values[: -m - 1 : -1]
    vectors = namespace(all_vectors).flip(all_vectors[:, -m:], axis=1)
    residuals = _residuals(A, values, vectors)
    return RitzPairs(Status.CONVERGED, values, vectors, residuals, float(all_values[0]))


def arpack(
    A: Operator,
    m: int,
    rng: np.random.RandomState,
    accuracy: PairAccuracy,
    monitor: Monitor = None,
) -> RitzPairs:
    """Implicitly restarted Lanczos by `scipy.sparse.linalg.eigsh`."""
    n = A.shape[0]
    operator = LinearOperator(A.shape, partial(_product, A), dtype=np.float64)
    start = rng.uniform(-1.0, 1.0, n)
    try:
        # To rounding: a looser tolerance misses copies of eigenvalues that repeat.
        values, vectors = eigsh(operator, m, which="LA", v0=start, tol=0)
    except ArpackError:
        return _broken_down(n, m)
    values, vectors = values[::-1], A.put(vectors[:, ::-1])
    return _with_smallest_ritz_value(A, values, vectors, rng)


def lobpcg_(
    A: Operator,
    m: int,
    rng: np.random.RandomState,
    accuracy: PairAccuracy,
    monitor: Monitor = None,
) -> RitzPairs:
    """Locally optimal block preconditioned conjugate gradients, with guard vectors."""
    n, tol = A.shape[0], min(accuracy.strict, MAX_TOL_WITHOUT_BASIS)
    vectors = rng.standard_normal((n, m + LOBPCG_GUARD))
    # lobpcg stops at an absolute residual: estimate the eigenvalues that scale it.
    values = _ritz_values(A, vectors)
    for _ in range(LOBPCG_ROUNDS):
        # No residual falls below rounding, some n times 1e-16.
        bound = max(LOBPCG_TOL_SHARE * tol * values[m - 1], n * 1e-16 * values[0])
        with warnings.catch_warnings():
            # lobpcg warns that it has not converged; the next round goes on.
            warnings.simplefilter("ignore", UserWarning)
            values, vectors = lobpcg(
                partial(_product, A),
                vectors,
                largest=True,
                tol=bound,
                maxiter=LOBPCG_STEPS,
            )
        order = np.argsort(values)[::-1]
        values, vectors = values[order], vectors[:, order]
        leading = A.put(vectors[:, :m])
        residuals = _residuals(A, values[:m], leading)
        if worst_residual(values[:m], residuals, n, tol) <= tol:
            return _with_smallest_ritz_value(A, values[:m], leading, rng)
    # The Gram matrices of lobpcg are singular where the rank of K is below the width
    # of its block.
    return _broken_down(n, m)


def randomized(
    A: Operator,
    m: int,
    rng: np.random.RandomState,
    accuracy: PairAccuracy,
    monitor: Monitor = None,
) -> RitzPairs:
    """Block Krylov iteration from a random block."""
    if isinstance(A, MixedPrecisionOperator):
        return _in_mixed_precision(A, m, rng, accuracy, monitor)
    size = min(m // PAIRS_PER_BLOCK_WIDTH, len(BLOCK_WIDTHS) - 1)
    width = RECOMPUTED_BLOCK_WIDTH if A.is_recomputed else BLOCK_WIDTHS[size]
    return _in_double_precision(
        A, m, rng, width, _max_columns(m, width), accuracy, monitor
    )


def _in_mixed_precision(
    A: MixedPrecisionOperator,
    m: int,
    rng: np.random.RandomState,
    accuracy: PairAccuracy,
    monitor: Monitor,
) -> RitzPairs:
    """Block Krylov iteration on an operator that multiplies in single precision."""
    n, width = A.shape[0], MIXED_BLOCK_WIDTHS[m >= MIXED_MANY_PAIRS]
    accuracy = replace(accuracy, strict=MIXED_RESIDUAL_SHARE * accuracy.strict)
    # Threads of NumPy's and SciPy's BLAS in turn would wait for each other.
    with single_threaded_blas():
        return block_krylov(
            lambda V: A @ V / A.scale,
            m,
            lambda width: A.smoothed(rng.standard_normal((n, width))),
            width,
            min(n, _max_columns(m, width)),
            strict=accuracy.strict,
            tolerance=_tolerance(A, accuracy),
            product_error=A.product_error,
            monitor=monitor,
        )


def _in_double_precision(
    A: Operator,
    m: int,
    rng: np.random.RandomState,
    width: int,
    max_columns: int,
    accuracy: PairAccuracy,
    monitor: Monitor = None,
) -> RitzPairs:
    """Block Krylov iteration on ``A / A.scale``."""
    n = A.shape[0]
    return block_krylov(
        lambda V: A @ V / A.scale,
        m,
        lambda width: A.put(rng.standard_normal((n, width))),
        min(n, width),
        min(n, max_columns),
        strict=accuracy.strict,
        tolerance=_tolerance(A, accuracy),
        product_error=A.product_error,
        monitor=monitor,
    )


def _product(A: Operator, V: np.ndarray) -> np.ndarray:
    """Return ``A / A.scale @ V`` for iterations of SciPy."""
    return to_host(A @ A.put(V)) / A.scale


def _tolerance(
    A: Operator, accuracy: PairAccuracy
) -> Callable[[np.ndarray, float], float]:
    """`PairAccuracy.tolerance_for` of Ritz values in units of ``A.scale``."""
    return lambda values, error: accuracy.tolerance_for(
        A.scale * values, error, A.rank_rtol
    )


def _max_columns(m: int, width: int) -> int:
    """Largest basis for m pairs."""
    return BASIS_COLUMNS_PER_PAIR * m + BASIS_SPARE_BLOCKS * width


def _residuals(A: Operator, values: np.ndarray, vectors: Array) -> np.ndarray:
    """Residual norms of some pairs, by a product."""
    return column_norms(A @ vectors / A.scale - vectors * put_like(values, vectors))


def _ritz_values(A: Operator, vectors: np.ndarray) -> np.ndarray:
    """Ritz values of A in the span of A applied to some vectors, descending."""
    basis = np.linalg.qr(_product(A, vectors))[0]
    return np.linalg.eigvalsh(basis.T @ _product(A, basis))[::-1]


def _with_smallest_ritz_value(
    A: Operator,
    values: np.ndarray,
    vectors: Array,
    rng: np.random.RandomState,
) -> RitzPairs:
    """Pairs, with the smallest Ritz value of a short block Krylov iteration."""
    width = BLOCK_WIDTHS[0]
    m = min(A.shape[0], width)
    short = _in_double_precision(
        A, m, rng, width, SHORT_ITERATION_BLOCKS * width, _ROUGH
    )
    residuals = _residuals(A, values, vectors)
    return RitzPairs(short.status, values, vectors, residuals, short.smallest)


def _broken_down(n: int, m: int) -> RitzPairs:
    """Nothing but the status."""
    zeros = np.zeros(m)
    return RitzPairs(Status.BREAKDOWN, zeros, np.zeros((n, m)), zeros, 0.0)


EIGEN_SOLVERS = {
    "dense": dense,
    "arpack": arpack,
    "lobpcg": lobpcg_,
    "randomized": randomized,
}

"""Eigensolvers: the m leading pairs of a scaled operator, and its smallest Ritz value.

Each takes an operator A, a number of pairs m, a `numpy.random.RandomState`, the
tolerance of `worst_residual` and what is told of the progress, works on ``A / A.scale``
and returns ``(values, vectors, residuals, smallest)`` in these units; it raises
`BREAKDOWN` where its iteration does not converge.
"""

import warnings
from contextlib import suppress

import numpy as np
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh, lobpcg

from sklearn_msk._operators import DenseOperator, SinglePrecisionProducts
from sklearn_msk._spectrum._block_krylov import (
    RoundingError,
    block_krylov,
    worst_residual,
)
from sklearn_msk._threads import n_blas_threads, single_threaded_blas

BREAKDOWN = (ArithmeticError, ArpackError)

# Columns of a block, for fewer than 40 pairs, fewer than 80, and more: narrow ones need
# fewer products, which take longer each. BLAS wants multiples of eight.
_WIDTHS, _PAIRS_A_STEP = (8, 16, 24), 40

# The same where every product computes the kernel again, whatever the number of pairs.
_WIDTH_RECOMPUTED = 40

# From this many rows and pairs on, and for residuals down to this tolerance, a copy of
# one triangle in single precision is worth its making; the least rank of what is taken
# out of it, and the columns of a block, for fewer than 80 pairs and for more.
_ROWS_SINGLE, _PAIRS_SINGLE, _TOL_SINGLE = 2000, 10, 1e-6
_MIN_RANK, _WIDTHS_SINGLE, _MANY_PAIRS = 64, (16, 32), 80

# lobpcg carries this many more vectors than it is asked for.
_GUARD = 10


def dense(A, m, random_state, tol, monitor=None):
    """Full decomposition: exact."""
    values, vectors = A.decomposition()
    leading, vectors = values[: -m - 1 : -1], vectors[:, : -m - 1 : -1]
    return leading, vectors, _residuals(A, leading, vectors), values[0]


def arpack(A, m, random_state, tol, monitor=None):
    """Implicitly restarted Lanczos by `scipy.sparse.linalg.eigsh`."""
    n = A.shape[0]
    operator = LinearOperator(A.shape, lambda v: A @ v / A.scale, dtype=np.float64)
    start = random_state.uniform(-1.0, 1.0, n)
    # To rounding: a looser tolerance misses copies of eigenvalues that repeat.
    values, vectors = eigsh(operator, m, which="LA", v0=start, tol=0)
    values, vectors = values[::-1], vectors[:, ::-1]
    smallest = _smallest_ritz_value(A, random_state)
    return values, vectors, _residuals(A, values, vectors), smallest


def lobpcg_(A, m, random_state, tol, monitor=None):
    """Locally optimal block preconditioned conjugate gradients, with guard vectors."""
    vectors = random_state.standard_normal((A.shape[0], m + _GUARD))
    # lobpcg stops at an absolute residual, which the eigenvalues only now decide.
    values = _ritz_values(A, vectors)
    for _ in range(10):
        bound = max(0.1 * tol * values[m - 1], A.shape[0] * 1e-16 * values[0])
        with warnings.catch_warnings():
            # Its own warnings speak of an iteration that goes on below.
            warnings.simplefilter("ignore", UserWarning)
            values, vectors = lobpcg(
                lambda V: A @ V / A.scale, vectors, largest=True, tol=bound, maxiter=40
            )
        order = np.argsort(values)[::-1]
        values, vectors = values[order], vectors[:, order]
        leading = values[:m], vectors[:, :m]
        residuals = _residuals(A, *leading)
        if worst_residual(values[:m], residuals, A.shape[0], tol) <= tol:
            return *leading, residuals, _smallest_ritz_value(A, random_state)
    # Its Gram matrices are singular where K has fewer dimensions than its blocks.
    raise ArithmeticError("lobpcg does not converge")


def randomized(A, m, random_state, tol, monitor=None):
    """Block Krylov iteration from a random block.

    Its products are those of single precision where the rounding that they add is
    measured to be below half of the tolerance, and of double precision anywhere else.
    """
    size = min(m // _PAIRS_A_STEP, len(_WIDTHS) - 1)
    large = A.shape[0] >= _ROWS_SINGLE and m >= _PAIRS_SINGLE
    if large and isinstance(A, DenseOperator) and tol >= _TOL_SINGLE:
        with suppress(RoundingError):
            return _in_single_precision(A, m, random_state, tol, monitor)
    width = _WIDTH_RECOMPUTED if A.is_recomputed else _WIDTHS[size]
    return _in_double_precision(
        A, m, random_state, width, _max_columns(m, width), tol, monitor
    )


def _in_single_precision(A, m, random_state, tol, monitor):
    """Block Krylov iteration on a copy of A that is multiplied in single precision."""
    n, rank = A.shape[0], max(_MIN_RANK, 2 * m // 3)
    width = _WIDTHS_SINGLE[m >= _MANY_PAIRS]
    settings = A, rank, random_state, n_blas_threads()
    # Threads of NumPy's and SciPy's BLAS in turn would wait for each other.
    with single_threaded_blas(), SinglePrecisionProducts(*settings) as products:
        return block_krylov(
            products.__matmul__,
            m,
            lambda width: products.smoothed(random_state.standard_normal((n, width))),
            width,
            min(n, _max_columns(m, width)),
            # With the rounding, the residuals are below tol.
            0.8 * tol,
            monitor,
            products.rounding,
        )


def _in_double_precision(A, m, random_state, width, max_columns, tol, monitor=None):
    """Block Krylov iteration on ``A / A.scale``."""
    n = A.shape[0]
    return block_krylov(
        lambda V: A @ V / A.scale,
        m,
        lambda width: random_state.standard_normal((n, width)),
        min(n, width),
        min(n, max_columns),
        tol,
        monitor,
    )


def _max_columns(m, width):
    """Largest basis for m pairs."""
    return 5 * m + 10 * width


def _residuals(A, values, vectors):
    """Residual norms of some pairs, by a product."""
    return np.linalg.norm(A @ vectors / A.scale - vectors * values, axis=0)


def _ritz_values(A, vectors):
    """Ritz values of A in the span of A applied to some vectors, descending."""
    basis = np.linalg.qr(A @ vectors / A.scale)[0]
    return np.linalg.eigvalsh(basis.T @ (A @ basis) / A.scale)[::-1]


def _smallest_ritz_value(A, random_state):
    """Smallest Ritz value of a short block Krylov iteration."""
    width = _WIDTHS[0]
    m = min(A.shape[0], width)
    return _in_double_precision(A, m, random_state, width, 50 * width, tol=1e-4)[-1]


EIGEN_SOLVERS = {
    "dense": dense,
    "arpack": arpack,
    "lobpcg": lobpcg_,
    "randomized": randomized,
}

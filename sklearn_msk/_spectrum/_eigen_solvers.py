"""Eigensolvers: the m leading pairs of a scaled operator, and its smallest Ritz value.

Each takes an operator A, a number of pairs m, a `numpy.random.RandomState`, a
`Tolerance` in the units of A and what is told of the progress, works on ``A / A.scale``
and returns ``(values, vectors, residuals, smallest, coupling)`` in these units, the
last None where there is no Krylov basis; it raises `BREAKDOWN` where its iteration does
not converge.
"""

import warnings
from contextlib import suppress
from dataclasses import replace

import numpy as np
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh, lobpcg

from sklearn_msk._operators import CompactOperator, DenseOperator, RoundingError
from sklearn_msk._spectrum._block_krylov import block_krylov, worst_residual
from sklearn_msk._spectrum._tolerance import Tolerance
from sklearn_msk._threads import n_blas_threads, single_threaded_blas

BREAKDOWN = (ArithmeticError, ArpackError)

# Columns of a block, for fewer than 40 pairs, fewer than 80, and more: narrow ones need
# fewer products, which take longer each. BLAS wants multiples of eight.
_WIDTHS, _PAIRS_A_STEP = (8, 16, 24), 40

# The same where every product computes the kernel again, whatever the number of pairs.
_WIDTH_RECOMPUTED = 40

# For residuals down to this tolerance products in single precision will do; columns of
# a block then, for fewer than 80 pairs and for more.
_TOL_COMPACT, _WIDTHS_COMPACT, _MANY_PAIRS = 1e-6, (16, 32), 80

# From this many rows and pairs on a compact operator is worth its making.
_ROWS_COMPACT, _PAIRS_COMPACT = 2000, 10

# Largest tolerance of pairs whose residuals are all that is known of them.
_TOL_ALONE = 1e-5

# Tolerance of the pairs that the smallest Ritz value comes with.
_ROUGH = Tolerance(1e-4)

# lobpcg carries this many more vectors than it is asked for.
_GUARD = 10


def compacts(n, m):
    """Whether m pairs of n rows are found sooner on a `CompactOperator`."""
    return n >= _ROWS_COMPACT and m >= _PAIRS_COMPACT


def _is_compactable(A, m):
    """Whether to look for m pairs on a compact copy."""
    held = isinstance(A, DenseOperator) and A.compactable
    return held and compacts(A.shape[0], m)


def dense(A, m, random_state, tol, monitor=None):
    """Full decomposition: exact."""
    values, vectors = A.decomposition()
    leading, vectors = values[: -m - 1 : -1], vectors[:, : -m - 1 : -1]
    return leading, vectors, _residuals(A, leading, vectors), values[0], None


def arpack(A, m, random_state, tol, monitor=None):
    """Implicitly restarted Lanczos by `scipy.sparse.linalg.eigsh`."""
    n = A.shape[0]
    operator = LinearOperator(A.shape, lambda v: A @ v / A.scale, dtype=np.float64)
    start = random_state.uniform(-1.0, 1.0, n)
    # To rounding: a looser tolerance misses copies of eigenvalues that repeat.
    values, vectors = eigsh(operator, m, which="LA", v0=start, tol=0)
    values, vectors = values[::-1], vectors[:, ::-1]
    smallest = _smallest_ritz_value(A, random_state)
    return values, vectors, _residuals(A, values, vectors), smallest, None


def lobpcg_(A, m, random_state, tol, monitor=None):
    """Locally optimal block preconditioned conjugate gradients, with guard vectors."""
    # Without a Krylov basis its residuals bound the rates to first order alone.
    tol = min(tol.strict, _TOL_ALONE)
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
            return *leading, residuals, _smallest_ritz_value(A, random_state), None
    # Its Gram matrices are singular where K has fewer dimensions than its blocks.
    raise ArithmeticError("lobpcg does not converge")


def randomized(A, m, random_state, tol, monitor=None):
    """Block Krylov iteration from a random block.

    Its products are those of single precision where the rounding that they add is
    measured to be below half of the tolerance, and of double precision anywhere else.
    """
    if isinstance(A, CompactOperator):
        return _in_single_precision(A, m, random_state, tol, monitor)
    if tol.strict >= _TOL_COMPACT and _is_compactable(A, m):
        with suppress(RoundingError):
            copy = CompactOperator(A, m, n_blas_threads())
            return _in_single_precision(copy, m, random_state, tol, monitor)
    size = min(m // _PAIRS_A_STEP, len(_WIDTHS) - 1)
    width = _WIDTH_RECOMPUTED if A.is_recomputed else _WIDTHS[size]
    return _in_double_precision(
        A, m, random_state, width, _max_columns(m, width), tol, monitor
    )


def _in_single_precision(A, m, random_state, tol, monitor):
    """Block Krylov iteration on an operator that multiplies in single precision."""
    n, width = A.shape[0], _WIDTHS_COMPACT[m >= _MANY_PAIRS]
    # Threads of NumPy's and SciPy's BLAS in turn would wait for each other.
    with single_threaded_blas():
        return block_krylov(
            lambda V: A @ V / A.scale,
            m,
            lambda width: A.smoothed(random_state.standard_normal((n, width))),
            width,
            min(n, _max_columns(m, width)),
            # With the rounding, the residuals are below tol.
            replace(tol.scaled(A.scale), strict=0.8 * tol.strict),
            monitor,
            A.rounding,
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
        tol.scaled(A.scale),
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
    return _in_double_precision(A, m, random_state, width, 50 * width, _ROUGH)[3]


EIGEN_SOLVERS = {
    "dense": dense,
    "arpack": arpack,
    "lobpcg": lobpcg_,
    "randomized": randomized,
}

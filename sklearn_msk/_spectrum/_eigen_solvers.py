"""Eigensolvers: the m leading pairs of a scaled operator, and its smallest Ritz value.

Each takes an operator A, a number of pairs m, a `numpy.random.RandomState`, the
tolerance of `worst_residual` and what is told of the progress, works on ``A / A.scale``
and returns ``(values, vectors, smallest)`` in these units; it raises `BREAKDOWN` where
its iteration does not converge.
"""

import warnings

import numpy as np
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh, lobpcg

from sklearn_msk._spectrum._block_krylov import block_krylov, worst_residual

BREAKDOWN = (ArithmeticError, ArpackError)

# Columns of a block: enough for fast products, few enough for a high degree. Measured
# for k = 100: of 3000 rows 20 columns are fastest; of 10 000, which no cache holds, 40.
_BLOCK = (10, 20)
_WIDE_BLOCK, _WIDE_FROM = 40, 6000

# lobpcg carries this many more vectors than it is asked for.
_GUARD = 10


def dense(A, m, random_state, tol, monitor=None):
    """Full decomposition: exact."""
    values, vectors = A.decomposition()
    return values[: -m - 1 : -1], vectors[:, : -m - 1 : -1], values[0]


def arpack(A, m, random_state, tol, monitor=None):
    """Implicitly restarted Lanczos by `scipy.sparse.linalg.eigsh`."""
    n = A.shape[0]
    operator = LinearOperator(A.shape, lambda v: A @ v / A.scale, dtype=np.float64)
    start = random_state.uniform(-1.0, 1.0, n)
    # To rounding: a looser tolerance misses copies of eigenvalues that repeat.
    values, vectors = eigsh(operator, m, which="LA", v0=start, tol=0)
    return values[::-1], vectors[:, ::-1], _smallest_ritz_value(A, random_state)


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
        residuals = A @ vectors[:, :m] / A.scale - vectors[:, :m] * values[:m]
        norms = np.linalg.norm(residuals, axis=0)
        if worst_residual(values[:m], norms, A.shape[0], tol) <= tol:
            return values[:m], vectors[:, :m], _smallest_ritz_value(A, random_state)
    # Its Gram matrices are singular where K has fewer dimensions than its blocks.
    raise ArithmeticError("lobpcg does not converge")


def randomized(A, m, random_state, tol, monitor=None):
    """Block Krylov iteration from a random block."""
    n = A.shape[0]
    widest = _WIDE_BLOCK if n >= _WIDE_FROM else _BLOCK[1]
    width = min(n, int(np.clip(m // 3, _BLOCK[0], widest)))
    return block_krylov(
        lambda V: A @ V / A.scale,
        m,
        start=random_state.standard_normal((n, width)),
        max_columns=min(n, 5 * m + 10 * width),
        tol=tol,
        monitor=monitor,
    )


def _ritz_values(A, vectors):
    """Ritz values of A in the span of A applied to some vectors, descending."""
    basis = np.linalg.qr(A @ vectors / A.scale)[0]
    return np.linalg.eigvalsh(basis.T @ (A @ basis) / A.scale)[::-1]


def _smallest_ritz_value(A, random_state):
    """Smallest Ritz value of a short block Krylov iteration."""
    width = _BLOCK[0]
    start = random_state.standard_normal((A.shape[0], width))
    return block_krylov(
        lambda V: A @ V / A.scale,
        width,
        start=start,
        max_columns=min(A.shape[0], 50 * width),
        tol=1e-4,
    )[2]


EIGEN_SOLVERS = {
    "dense": dense,
    "arpack": arpack,
    "lobpcg": lobpcg_,
    "randomized": randomized,
}

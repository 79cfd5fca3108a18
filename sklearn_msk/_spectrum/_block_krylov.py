"""Block Krylov iteration with thick restarts."""

import numpy as np
from scipy.linalg import eigh, qr

_MAX_PASSES = 300


def block_krylov(apply, m, start, max_columns, tol, monitor=None):
    """Leading eigenpairs of a symmetric operator by block Krylov iteration.

    An orthonormal basis V of ``span{Q, A Q, A^2 Q, ...}`` is kept fully orthogonal; the
    eigenpairs of ``T = V^T A V`` give the Ritz pairs of A, and as
    ``A V = V T + Q_next B E^T`` (E the last block) their residual norms are read off
    ``B`` without another product. A basis that has grown to `max_columns` is replaced
    by its leading Ritz vectors.

    Parameters
    ----------
    apply : callable
        ``apply(V)`` is A V, for V of shape (n, width).
    m : int
        Number of pairs.
    start : ndarray of shape (n, width)
        Random block that the iteration starts from.
    max_columns : int
        Largest basis, at least ``min(n, m + 2 width)``. A basis of n columns is
        complete and its pairs exact.
    tol : float
        Bound on `worst_residual`.
    monitor : callable, default=None
        ``monitor(n_products, error, tol)`` is called at every check.

    Returns
    -------
    values : ndarray of shape (m,), descending
    vectors : ndarray of shape (n, m)
    smallest : float
        Smallest Ritz value.

    Raises
    ------
    ArithmeticError
        If the pairs have not converged after 300 blocks.

    References
    ----------
    C. Musco, C. Musco, *Randomized Block Krylov Methods for Stronger and Faster
    Approximate Singular Value Decomposition*, NeurIPS 2015. K. Wu, H. Simon, *Thick-
    Restart Lanczos Method for Large Symmetric Eigenvalue Problems*, SIAM J. Matrix
    Anal. Appl. 22(2), 2000.
    """
    n, width = start.shape
    basis = np.empty((n, max_columns), order="F")
    projected = np.zeros((max_columns, max_columns))
    block, done = qr(start, mode="economic")[0], 0
    next_check = m + 2 * width
    for passes in range(_MAX_PASSES):
        columns = done + block.shape[1]
        basis[:, done:columns] = block
        image = apply(block)
        coupling = basis[:, :columns].T @ image
        projected[:columns, done:columns] = coupling
        projected[done:columns, :columns] = coupling.T
        if columns < n:
            block, step = _orthonormal_complement(image, basis[:, :columns])
        full = columns + width > max_columns
        if full or columns >= next_check or columns == n:
            # A decomposition of T costs as much as a few products where m is large.
            next_check = columns + max(width, columns // 8)
            values, vectors = eigh(projected[:columns, :columns])
            values, vectors = values[::-1], vectors[:, ::-1]
            if columns == n:
                return values[:m], basis @ vectors[:, :m], values[-1]
            residuals = np.linalg.norm(step @ vectors[done:, :m], axis=0)
            error = worst_residual(values[:m], residuals, n, tol)
            if monitor is not None:
                monitor((passes + 1) * width, error, tol)
            if columns >= m and error <= tol:
                leading = basis[:, :columns] @ vectors[:, :m]
                return values[:m], leading, values[-1]
            if full and max_columns < n:
                keep = m + width
                basis[:, :keep] = basis[:, :columns] @ vectors[:, :keep]
                projected[:keep, :keep] = np.diag(values[:keep])
                columns = keep
                next_check = keep + m // 2
        block, done = block[:, : n - columns], columns
    raise ArithmeticError(f"no convergence within {_MAX_PASSES} blocks")


def worst_residual(values, residuals, n, tol):
    """Return the largest residual ``r_i / sqrt(lam_i lam_m)`` of m pairs, descending.

    A residual ``r_i`` couples direction i to the rest, and S scales this coupling by
    ``sqrt(g_i / lam_i)``. Under flatten that is ``r_i sqrt(lam_m / lam_i)``, to be
    small next to the ``lam_m`` that it perturbs: predictions move by less than the
    result, whatever the number of steps. A residual that may be what rounding leaves
    for an operator of order n counts as tol at most.
    """
    values = np.maximum(values, 0.0)
    rounding = n * np.finfo(np.float64).eps * values[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = residuals / np.sqrt(values * values[-1])
    rounded = (residuals <= rounding) & ~(relative <= tol)
    return float(np.max(np.where(rounded, tol, relative)))


def _orthonormal_complement(block, basis):
    """Part of a block beyond the basis, as ``Q B``; twice, for orthogonality."""
    block = block - basis @ (basis.T @ block)
    block, first = qr(block, mode="economic")
    block -= basis @ (basis.T @ block)
    block, second = qr(block, mode="economic")
    return block, second @ first

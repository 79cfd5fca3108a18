"""Block Krylov iteration with thick restarts."""

from contextlib import suppress

import numpy as np
from scipy.linalg import qr

from sklearn_msk._operators import RoundingError
from sklearn_msk._spectrum._coupling import Coupling

_MAX_PASSES = 300

# How far from an identity the Gram matrix may be for Cholesky to make it one.
_NEARLY_ORTHONORMAL = 1e-3

# Largest tolerance that `rounding` is held to: unlike residuals, it is no direction
# beyond the basis that the rates could tell of.
_ROUNDING = 1e-5

# Ritz values as close as this to each other, relative to their size, may be copies of
# one eigenvalue: the share of the residuals that their errors may be.
_ALIKE = 0.2

# Share of the last Ritz value that the mean of a block beyond is at most taken for.
_LARGEST_REST = 0.75

# Error below which a Ritz value is as good as its eigenvalue, and how many times larger
# the eigenvalue may be above.
_KNOWN, _GROWTH = 0.1, 10.0


def block_krylov(apply, m, draw, width, max_columns, tol, monitor=None, rounding=0.0):
    """Leading eigenpairs of a symmetric operator by block Krylov iteration.

    An orthonormal basis V of ``span{Q, A Q, A^2 Q, ...}`` is kept fully orthogonal; the
    eigenpairs of ``T = V^T A V`` give the Ritz pairs of A, and as ``A V = V T + Q_next
    B E^T`` (E the last block) their residual norms are read off ``B`` without another
    product. The image of a block has components in that block and the one before alone
    (after a restart, in the vectors kept), but for rounding, which is taken out of it
    for the whole basis. A basis that has grown to `max_columns` is replaced by its
    leading Ritz vectors. A block holds as many copies of an eigenvalue as it has
    columns; where that many are found, it is widened by fresh random ones.

    Parameters
    ----------
    apply : callable
        ``apply(V)`` is A V, for V of shape (n, width).
    m : int
        Number of pairs.
    draw : callable
        ``draw(width)`` is a random block of shape (n, width).
    width : int
        Columns of a block, at most n.
    max_columns : int
        Largest basis, at least ``min(n, 5 m + 2 width)``. A basis of n columns is
        complete and its pairs exact.
    tol : Tolerance
        In units of ``apply``.
    monitor : callable, default=None
        ``monitor(n_products, error, tol)`` is called at every check, tol a float.
    rounding : float, default=0.0
        Norm of the error of ``apply`` for a unit vector, where that is more than the
        rounding of double precision.

    Returns
    -------
    values : ndarray of shape (m,), descending
        Ritz values, with what their residuals still add to them.
    vectors : ndarray of shape (n, m)
    residuals : ndarray of shape (m,)
        Residual norms.
    smallest : float
        Smallest Ritz value.
    coupling : Coupling or None
        To what is beyond the basis; None where it is complete.

    Raises
    ------
    ArithmeticError
        If the pairs have not converged after 300 blocks, or if an eigenvalue has too
        many copies for the largest basis.
    RoundingError
        If `rounding` alone is more than half of what the strict tolerance, or 1e-5,
        allows.

    References
    ----------
    C. Musco, C. Musco, *Randomized Block Krylov Methods for Stronger and Faster
    Approximate Singular Value Decomposition*, NeurIPS 2015. K. Wu, H. Simon, *Thick-
    Restart Lanczos Method for Large Symmetric Eigenvalue Problems*, SIAM J. Matrix
    Anal. Appl. 22(2), 2000.
    """
    block, before, done = _orthonormal(draw(width))[0], 0, 0
    n, n_products = len(block), 0
    basis = np.empty((n, max_columns), order="F")
    projected = np.zeros((max_columns, max_columns))
    checks = _Checks(m + 2 * width, width)
    widened, enough = 0, 1
    for passes in range(1, _MAX_PASSES + 1):
        columns = done + block.shape[1]
        basis[:, done:columns] = block
        image = apply(block)
        n_products += block.shape[1]
        recent = basis[:, before:columns]
        coupling = recent.T @ image
        projected[before:columns, done:columns] = coupling
        projected[done:columns, before:columns] = coupling.T
        complete = columns == n
        if not complete:
            image -= _combine(recent, coupling)
            block, step = _complement(image, basis[:, :columns])
        before = done
        full = columns + width > max_columns
        if full or complete or columns >= checks.next:
            values, vectors = np.linalg.eigh(projected[:columns, :columns])
            values, vectors = values[::-1], vectors[:, ::-1]
            residuals, coupling = np.zeros(m), None
            if not complete:
                residuals = np.linalg.norm(step @ vectors[done:, :m], axis=0)
            error = worst_residual(values[:m], residuals, n, tol.strict)
            goal = tol.of(values[:m], error)
            if monitor is not None:
                monitor(n_products, error, goal)
            if columns >= m and rounding > _allowed(values[m - 1], error, tol.strict):
                raise RoundingError("products are not exact enough")
            converged = columns >= m and error <= goal and passes >= enough
            alike = max(tol.strict, _ALIKE * goal)
            missing = converged and _n_copies(values[:m], alike) >= width
            if complete or (converged and not missing):
                leading = _combine(basis[:, :columns], vectors[:, :m])
                # No residual is known to less than rounding.
                arithmetic = np.sqrt(n) * np.finfo(np.float64).eps * abs(values[0])
                rounding = max(rounding, arithmetic)
                residuals = np.hypot(residuals, rounding)
                found = values[:m]
                if not complete:
                    matrix = step @ vectors[done:]
                    coupling = Coupling(values, matrix, rounding, 1.0)
                    rest = projected[done:columns, done:columns]
                    found = _corrected(found, matrix[:, :m], rest)
                return found, leading, residuals, values[-1], coupling
            checks.plan(columns, error, goal)
            if missing:
                # What more columns add shows after as many passes as these took.
                width, widened, enough = 2 * width, passes, 2 * passes - widened
                if width > n - max_columns > 0:
                    raise ArithmeticError("too many copies of an eigenvalue")
            if columns + width > max_columns and max_columns < n:
                keep = m + width
                basis[:, :keep] = _combine(basis[:, :columns], vectors[:, :keep])
                projected[...] = 0.0
                projected[:keep, :keep] = np.diag(values[:keep])
                columns, before = keep, 0
                checks.restart(keep + m // 2)
            if missing:
                block = _widened(block, basis[:, :columns], draw)
        block, done = block[:, : n - columns], columns
    raise ArithmeticError(f"no convergence within {_MAX_PASSES} blocks")


def _corrected(values, matrix, rest):
    """Ritz values, and to second order what the residuals still add to them.

    In the basis of the Ritz vectors and of the block that would come next, A is ``[[D,
    E^T], [E, B]]``, D the values and E `matrix`. Its eigenvalues are those of ``D + E^T
    (lam - B)^(-1) E`` at ``lam`` (Schur). The last value stands for that, and for B the
    mean of what the last block had for it, `rest`: from block to block it changes
    little.
    """
    gap = values[-1] - min(np.trace(rest) / len(rest), _LARGEST_REST * values[-1])
    if gap <= 0.0:
        return values
    return np.linalg.eigvalsh(np.diag(values) + matrix.T @ matrix / gap)[::-1]


def _allowed(value, error, tol):
    """Half of the rounding that a Ritz value allows, whose pair has this error."""
    # It grows, until its pair has converged.
    grown = 1.0 if error <= _KNOWN else _GROWTH
    return 0.5 * min(tol, _ROUNDING) * grown * max(value, 0.0)


def _n_copies(values, tol):
    """Most copies of one eigenvalue among some, descending, but for the last one."""
    values = values[values > (1.0 + tol) * max(values[-1], 0.0)]
    first = np.searchsorted(-values, -(1.0 + tol) * values)
    return int(np.max(np.arange(len(values)) - first, initial=-1)) + 1


class _Checks:
    """At how many columns to look at the residuals.

    A look costs as much as a few products where m is large. The error falls ever
    faster, so the next look is half way to where a constant rate would end.
    """

    def __init__(self, first, width):
        self._width = width
        self.restart(first)

    def plan(self, columns, error, tol):
        """Choose the next look after one that found this error, above tol."""
        wait = columns // 8
        if self._last is not None and 0.0 < error < self._last[1]:
            before, larger = self._last
            rate = np.log(larger / error) / (columns - before)
            wait = min(wait, int(0.5 * np.log(error / tol) / rate))
        self.next = columns + max(self._width, wait)
        self._last = columns, error

    def restart(self, columns):
        """Look at this many columns next, and forget the errors of a longer basis."""
        self.next, self._last = columns, None


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


def _complement(image, basis):
    """Part of an image beyond the basis, as ``Q B``.

    Once more where its columns depend so much on each other that dividing by ``B``
    would magnify the rounding in the basis.
    """
    image = image - _combine(basis, basis.T @ image)
    block, factor = _orthonormal(image)
    sizes = np.abs(np.diagonal(factor))
    if sizes.min() > 0.01 * sizes.max():
        return block, factor
    block = block - _combine(basis, basis.T @ block)
    block, second = _orthonormal(block)
    return block, second @ factor


def _orthonormal(block):
    """``block = Q B`` by Cholesky factors of its Gram matrix, twice.

    That takes products alone, which are several times as fast as reflections; where the
    columns depend too much on each other for it, the reflections are taken.

    References
    ----------
    T. Fukaya, Y. Nakatsukasa, Y. Yanagisawa, Y. Yamamoto, *CholeskyQR2: A Simple and
    Communication-Avoiding Algorithm for Computing a Tall-Skinny QR Factorization on a
    Large-Scale Parallel System*, ScalA 2014.
    """
    with suppress(np.linalg.LinAlgError), np.errstate(all="ignore"):
        first = np.linalg.cholesky(block.T @ block)
        Q = block @ np.linalg.inv(first).T
        gram = Q.T @ Q
        if np.abs(gram - np.eye(len(gram))).max() < _NEARLY_ORTHONORMAL:
            second = np.linalg.cholesky(gram)
            return Q @ np.linalg.inv(second).T, (first @ second).T
    return qr(block, mode="economic")


def _combine(basis, coefficients):
    """``basis @ coefficients``; BLAS packs a large second factor with less work."""
    return (coefficients.T @ basis.T).T


def _widened(block, basis, draw):
    """Block with as many fresh columns, orthogonal to it and to the basis."""
    fresh = draw(block.shape[1])
    fresh = _complement(fresh, basis)[0]
    return _orthonormal(np.hstack([block, fresh]))[0]

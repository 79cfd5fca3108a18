"""Block Krylov iteration with thick restarts."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sklearn_msk._array_api import (
    Array,
    column_norms,
    empty,
    namespace,
    put_like,
    to_host,
)
from sklearn_msk._linalg._orthonormal import combine, complement, orthonormalise
from sklearn_msk._linalg._status import Status
from sklearn_msk._tuning import (
    COPY_SHARE,
    FIRST_LOOK_BLOCKS,
    FIRST_LOOK_SHARE,
    LOOK_COST,
    LOOK_MAX_GROWTH,
    LOOK_SHARE_OF_WAY,
    MAX_PASSES,
    MAX_PRODUCT_TOL,
    MAX_REST_SHARE,
    PRODUCT_ERROR_SHARE,
    TRUSTED_ERROR,
    UNTRUSTED_GROWTH,
)


@dataclass(frozen=True, eq=False)
class RitzPairs:
    """Leading approximate eigenpairs of a symmetric operator.

    Attributes
    ----------
    status : Status
    values : ndarray of shape (m,)
        Descending.
    vectors : array of shape (n, m)
        Orthonormal columns, where the operator is.
    residuals : ndarray of shape (m,)
        Residual norms.
    smallest : float
        Smallest eigenvalue or Ritz value seen.
    """

    status: Status
    values: np.ndarray
    vectors: Array
    residuals: np.ndarray
    smallest: float


def block_krylov(
    apply: Callable[[Array], Array],
    m: int,
    draw: Callable[[int], Array],
    width: int,
    max_columns: int,
    *,
    strict: float,
    tolerance: Callable[[np.ndarray, float], float] | None = None,
    product_error: float = 0.0,
    monitor: Callable[[int, float, float], None] | None = None,
    max_passes: int = MAX_PASSES,
) -> RitzPairs:
    """Leading eigenpairs of a symmetric operator by block Krylov iteration.

    An orthonormal basis V of ``span{Q, A Q, A^2 Q, ...}`` is kept fully orthogonal; the
    eigenpairs of ``T = V^T A V`` give the Ritz pairs of A, and as ``A V = V T + Q_next
    B E^T`` (E the last block) their residual norms are read off ``B`` without another
    product. A basis that has grown to `max_columns` is replaced by its leading Ritz
    vectors. A block holds as many copies of an eigenvalue as it has columns; where that
    many are found, it is widened by fresh random ones.

    Parameters
    ----------
    apply : callable
        ``apply(V)`` is A V, for V of shape (n, width).
    m : int
        Number of pairs.
    draw : callable
        ``draw(width)`` is a random block of shape (n, width), where A is.
    width : int
        Columns of a block, at most n.
    max_columns : int
        Largest basis, at least ``min(n, 5 m + 2 width)``. A basis of n columns is
        complete and its pairs exact.
    strict : float
        Bound of `worst_residual` that is enough for any purpose.
    tolerance : callable, default=None
        ``tolerance(values, error)`` is the bound for m Ritz values of that error; None
        is `strict`.
    product_error : float, default=0.0
        Norm of the error of ``apply`` for a unit vector, where that is more than the
        rounding of double precision.
    monitor : callable, default=None
        ``monitor(n_products, error, tol)`` is called at every check.
    max_passes : int, default=300
        Largest number of blocks.

    Returns
    -------
    RitzPairs
        With the status INEXACT_PRODUCTS if `product_error` alone is more than half of
        what `strict`, or 1e-5, allows; and BREAKDOWN if the pairs have not converged
        after `max_passes` blocks or if an eigenvalue has too many copies for the
        largest basis.

    References
    ----------
    C. Musco, C. Musco, *Randomized Block Krylov Methods for Stronger and Faster
    Approximate Singular Value Decomposition*, NeurIPS 2015. K. Wu, H. Simon, *Thick-
    Restart Lanczos Method for Large Symmetric Eigenvalue Problems*, SIAM J. Matrix
    Anal. Appl. 22(2), 2000.
    """
    basis = _KrylovBasis(orthonormalise(draw(width))[0], max_columns)
    plan = _CheckPlan(basis.n, m, width)
    n_products, widened_at, first_pass = 0, 0, 1
    for passes in range(1, max_passes + 1):
        n_products += basis.extend(apply)
        full = basis.size + width > max_columns
        if full or basis.is_complete or basis.size >= plan.next_size:
            ritz = basis.ritz(m)
            error = worst_residual(ritz.values[:m], ritz.residuals, basis.n, strict)
            goal = strict if tolerance is None else tolerance(ritz.values[:m], error)
            if monitor is not None:
                monitor(n_products, error, goal)
            enough = basis.size >= m
            if enough and product_error > _allowed(ritz.values[m - 1], error, strict):
                return basis.pairs(ritz, m, product_error, Status.INEXACT_PRODUCTS)
            converged = enough and error <= goal and passes >= first_pass
            alike = max(strict, COPY_SHARE * goal)
            too_narrow = converged and _n_copies(ritz.values[:m], alike) >= width
            if basis.is_complete or (converged and not too_narrow):
                return basis.pairs(ritz, m, product_error, Status.CONVERGED)
            plan.after(basis.size, error, goal)
            if too_narrow:
                # The wider block finds more copies only after as many passes as the
                # narrow one took.
                width, first_pass = 2 * width, 2 * passes - widened_at
                widened_at = passes
                if width > basis.n - max_columns > 0:
                    break
            if basis.size + width > max_columns and max_columns < basis.n:
                basis.restart(ritz, m + width)
                plan.restart(m + width + int(FIRST_LOOK_SHARE * m))
            if too_narrow:
                basis.widen(draw)
    return basis.pairs(basis.ritz(m), m, product_error, Status.BREAKDOWN)


@dataclass(frozen=True, eq=False)
class _Ritz:
    """Eigenpairs of ``T = V^T A V``, descending, and m residual norms."""

    values: np.ndarray
    coordinates: np.ndarray
    residuals: np.ndarray


class _KrylovBasis:
    """Orthonormal basis V, ``T = V^T A V``, and the block that comes next."""

    def __init__(self, block: Array, max_columns: int) -> None:
        self.n, self.block = block.shape[0], block
        self.size = self._last = 0
        # V^T, as vectors in one piece are read faster than strided ones.
        self._rows = empty((max_columns, self.n), block)
        self._projected = np.zeros((max_columns, max_columns))
        # A V = V T + block step E^T, E the last block of V.
        self._step = np.zeros((0, 0))

    @property
    def vectors(self) -> Array:
        """V, of shape (n, size)."""
        return self._rows[: self.size, :].T

    @property
    def is_complete(self) -> bool:
        """Whether V spans the whole space."""
        return self.size == self.n

    def extend(self, apply: Callable[[Array], Array]) -> int:
        """Append the block, make the next one from its image; return its width.

        The image of a block has components in that block and the one before alone
        (after a restart, in the vectors kept), but for rounding, which `complement`
        takes out for the whole basis.
        """
        width = min(self.block.shape[1], self.n - self.size)
        block = self.block[:, :width]
        recent = slice(self._last, self.size + block.shape[1])
        own = slice(self.size, recent.stop)
        self._rows[own, :] = block.T
        self._last, self.size = own.start, own.stop
        image = apply(block)
        neighbours = self._rows[recent, :].T
        coupling = neighbours.T @ image
        self._projected[recent, own] = to_host(coupling)
        self._projected[own, recent] = to_host(coupling).T
        if not self.is_complete:
            size = float(column_norms(image).max())
            image -= combine(neighbours, coupling)
            self.block, self._step = complement(image, self.vectors, size)
        return block.shape[1]

    def ritz(self, m: int) -> _Ritz:
        """Ritz pairs in the coordinates of V, the residual norms of the first m."""
        values, vectors = np.linalg.eigh(self._projected[: self.size, : self.size])
        values, vectors = values[::-1], vectors[:, ::-1]
        residuals = np.zeros(m)
        if not self.is_complete:
            residuals = np.linalg.norm(self._step @ vectors[self._last :, :m], axis=0)
        return _Ritz(values, vectors, residuals)

    def pairs(
        self, ritz: _Ritz, m: int, product_error: float, status: Status
    ) -> RitzPairs:
        """Leading pairs, their values corrected by what is known beyond the basis."""
        vectors = self._combined(ritz.coordinates[:, :m])
        # No residual is known to less than rounding.
        arithmetic = np.sqrt(self.n) * np.finfo(np.float64).eps * abs(ritz.values[0])
        error = max(product_error, arithmetic)
        residuals, smallest = np.hypot(ritz.residuals, error), float(ritz.values[-1])
        values = ritz.values[:m]
        if not self.is_complete:
            matrix = self._step @ ritz.coordinates[self._last :, :m]
            rest = self._projected.diagonal()[self._last : self.size].mean()
            values = _corrected(values, matrix, float(rest))
        return RitzPairs(status, values, vectors, residuals, smallest)

    def restart(self, ritz: _Ritz, n_kept: int) -> None:
        """Replace V by its leading Ritz vectors."""
        self._step = self._step @ ritz.coordinates[self._last :, :n_kept]
        self._rows[:n_kept, :] = self._combined(ritz.coordinates[:, :n_kept]).T
        self._projected[...] = 0.0
        self._projected[:n_kept, :n_kept] = np.diag(ritz.values[:n_kept])
        self.size, self._last = n_kept, 0

    def widen(self, draw: Callable[[int], Array]) -> None:
        """Append as many fresh random columns to the block as it has."""
        fresh = complement(draw(self.block.shape[1]), self.vectors)[0]
        wider = namespace(fresh).concat([self.block, fresh], axis=1)
        self.block = orthonormalise(wider)[0]

    def _combined(self, coefficients: np.ndarray) -> Array:
        """``V @ coefficients``."""
        return combine(self.vectors, put_like(coefficients, self.block))


def _corrected(values: np.ndarray, matrix: np.ndarray, rest: float) -> np.ndarray:
    """Ritz values with the second order terms that their residuals add.

    In the basis of the Ritz vectors and of the block that would come next, A is ``[[D,
    E^T], [E, B]]``, D the values and E `matrix`. Its eigenvalues are those of ``D + E^T
    (lam - B)^(-1) E`` at ``lam`` (Schur). The last value stands for ``lam``, and for B
    the mean of its diagonal in the last block, `rest`, which changes little from block
    to block.
    """
    gap = values[-1] - min(rest, MAX_REST_SHARE * values[-1])
    if gap <= 0.0:
        return values
    return np.linalg.eigvalsh(np.diag(values) + matrix.T @ matrix / gap)[::-1]


def _allowed(value: float, error: float, tol: float) -> float:
    """Half of the product error that a Ritz value of this error allows."""
    growth = 1.0 if error <= TRUSTED_ERROR else UNTRUSTED_GROWTH
    return PRODUCT_ERROR_SHARE * min(tol, MAX_PRODUCT_TOL) * growth * max(value, 0.0)


def _n_copies(values: np.ndarray, tol: float) -> int:
    """Most copies of one eigenvalue among some, descending, but for the last one."""
    values = values[values > (1.0 + tol) * max(values[-1], 0.0)]
    first = np.searchsorted(-values, -(1.0 + tol) * values)
    return int(np.max(np.arange(len(values)) - first, initial=-1)) + 1


class _CheckPlan:
    """At how many columns to look at the residuals.

    A look decomposes T, which costs as much as many columns where n is small. The rate
    at which the error has fallen, at first that of an average spectrum, predicts how
    many columns are missing. The next look is after 80 % of them, but not much later
    than after as many columns as a look costs.
    """

    def __init__(self, n: int, m: int, width: int) -> None:
        self._n, self._m, self._width = n, m, width
        self.next_size = m + max(FIRST_LOOK_BLOCKS * width, int(FIRST_LOOK_SHARE * m))
        self._last_size, self._last_error = 0, np.inf

    def after(self, size: int, error: float, tol: float) -> None:
        """Choose the next look after one that found this error, above tol."""
        # An average spectrum falls by a factor of 10 over the m pairs.
        rate = np.log(10.0) / self._m
        if 0.0 < error < self._last_error < np.inf:
            rate = np.log(self._last_error / error) / (size - self._last_size)
        wait = self._width
        if 0.0 < tol < error < np.inf:
            longest = max(int(LOOK_MAX_GROWTH * size), self._columns_a_look(size))
            wait = min(longest, int(LOOK_SHARE_OF_WAY * np.log(error / tol) / rate))
        self.next_size = size + max(self._width, wait)
        self._last_size, self._last_error = size, error

    def _columns_a_look(self, size: int) -> int:
        """Columns whose products and orthogonalisation cost as much as a look."""
        column = 2.0 * self._n * (self._n + 2.0 * size)
        return int(LOOK_COST * size**3 / column)

    def restart(self, size: int) -> None:
        """Look at this size next, and forget the errors of a longer basis."""
        self.next_size, self._last_size, self._last_error = size, 0, np.inf


def worst_residual(
    values: np.ndarray, residuals: np.ndarray, n: int, tol: float
) -> float:
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

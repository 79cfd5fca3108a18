"""Paths from a Krylov basis of M: T steps in about sqrt(T) products."""

import numpy as np
from scipy.linalg import eigh_tridiagonal

from sklearn_msk._array_api import (
    Array,
    column_norms,
    empty,
    namespace,
    put_like,
)
from sklearn_msk._filters import SpectralFilter, extremes, longest
from sklearn_msk._operators import Operator
from sklearn_msk._preconditioner import Preconditioner
from sklearn_msk._solvers._path import ModalPath, Modes
from sklearn_msk._solvers._requests import Monitor, Request
from sklearn_msk._tuning import (
    ESTIMATE_GROWTH,
    ESTIMATE_MIN_GROWTH,
    FIRST_ESTIMATE,
    FIRST_KRYLOV_VECTORS,
    MAX_KRYLOV_VECTORS,
)


def lanczos_paths(
    A: Operator,
    y: Array,
    requests: list[Request],
    tol: float,
    monitor: Monitor = None,
    *,
    max_basis: int = MAX_KRYLOV_VECTORS,
) -> list[ModalPath]:
    """Paths in the Krylov spaces of ``M = S^(1/2) A S^(1/2)`` from ``S^(1/2) b``.

    A basis for each preconditioner and target is extended until its estimated error is
    below tol for all its filters (see `_KrylovBasis.estimate_error`) or until it holds
    `max_basis` vectors. All bases share their products with A.
    """
    b = A.rhs(y)
    targets = [b] if y.ndim == 1 else [b[:, i] for i in range(b.shape[1])]
    grown = [
        [_KrylovBasis(A, S, column, extremes(filters)) for column in targets]
        for S, filters in requests
    ]
    every = [basis for bases in grown for basis in bases]
    _extend(A, every, tol, monitor, min(max_basis, A.shape[0]))
    return [
        _lanczos_path(A, y, bases, longest(filters))
        for (_, filters), bases in zip(requests, grown, strict=True)
    ]


def _lanczos_path(
    A: Operator,
    y: Array,
    bases: list["_KrylovBasis"],
    filter: SpectralFilter,
) -> ModalPath:
    """Path of one preconditioner, from a basis for each target."""
    path = ModalPath(
        filter=filter,
        coef_map=A.coef_map,
        total_weight=A.total_weight,
        n_products=sum(len(basis.diagonal) for basis in bases),
        error_estimate=max(basis.error for basis in bases),
        rounding_error=0.0,
        eigenvalue_floor=bases[0].floor,
        modes=tuple(basis.modes(y.ndim) for basis in bases),
    )
    columns = [basis.fitted(filter) for basis in bases]
    fitted = namespace(y).stack(columns, axis=1) if y.ndim == 2 else columns[0]
    return path.verified(A, y, fitted)


def _extend(
    A: Operator,
    bases: list["_KrylovBasis"],
    tol: float,
    monitor: Monitor,
    max_size: int,
) -> None:
    """Extend every basis until its error is below tol."""
    active = [basis for basis in bases if not basis.complete]
    size, next_check = 0, FIRST_ESTIMATE
    while active and size < max_size:
        vectors = [basis.next_factor() for basis in active]
        size += 1
        if len(active) == 1:
            active[0].extend(A @ vectors[0])
        else:
            images = A @ namespace(vectors[0]).stack(vectors, axis=1)
            for column, basis in enumerate(active):
                basis.extend(images[:, column])
        if size >= next_check:
            growth = max(ESTIMATE_MIN_GROWTH, int(ESTIMATE_GROWTH * size))
            next_check = min(size + growth, max_size)
            for basis in active:
                basis.estimate_error()
            if monitor is not None:
                n_products = sum(len(basis.diagonal) for basis in bases)
                monitor(n_products, max(basis.error for basis in active), tol)
        active = [basis for basis in active if basis.error > tol]


class _KrylovBasis:
    """Orthonormal basis Q of a Krylov space of ``M / unit``, for one target.

    Full orthogonalisation, twice: next to the products it is cheap, and it keeps
    ``T = Q^T M Q`` tridiagonal with every Ritz value found once.
    """

    def __init__(
        self,
        A: Operator,
        S: Preconditioner,
        b: Array,
        filters: list[SpectralFilter],
    ) -> None:
        self.S = S
        self.unit = S.spectral_radius_bound
        self.floor = A.eigenvalue_error(S.spectrum.largest)
        self.filters = filters
        start = S.power(0.5, b)
        self.start_norm = float(column_norms(start))
        self.target_norm = float(column_norms(b))
        # Q^T, as vectors in one piece are read faster than strided ones.
        self._rows = empty((FIRST_KRYLOV_VECTORS, b.shape[0]), start)
        self.diagonal: list[float] = []
        self.off_diagonal: list[float] = []
        self.complete = self.start_norm == 0.0
        self.error = 0.0 if self.complete else np.inf
        self._learned: list[np.ndarray] = []
        if not self.complete:
            self._rows[0, :] = start / self.start_norm

    @property
    def last(self) -> Array:
        """The vector whose image extends the basis."""
        return self._rows[len(self.diagonal), :]

    def next_factor(self) -> Array:
        """``S^(1/2)`` times the last vector: A of it is what `extend` takes."""
        return self.S.power(0.5, self.last)

    def extend(self, image: Array) -> None:
        """Take ``A S^(1/2)`` of the last vector, and make the next vector from it."""
        image = self.S.power(0.5, image) / self.unit
        size = len(self.diagonal) + 1
        rows = self._rows[:size, :]
        self.diagonal.append(float(rows[size - 1, :] @ image))
        image = image - rows.T @ (rows @ image)
        image -= rows.T @ (rows @ image)
        step = float(column_norms(image))
        self.off_diagonal.append(step)
        # Nothing is left but rounding: the space is invariant and its modes exact.
        n = image.shape[0]
        if step <= n * np.finfo(np.float64).eps or size == n:
            self.complete, self.error = True, 0.0
            return
        if size == self._rows.shape[0]:
            grown = empty((min(2 * size, n), n), image)
            grown[:size, :] = self._rows
            self._rows = grown
        self._rows[size, :] = image / step

    def estimate_error(self) -> None:
        """Estimate ``|K (a - a_T)| / |y|``, the error of the fitted values.

        What was learned is ``A c = S^(-1/2) M Q u`` with ``M Q u = Q T u + h q_next
        u_last``: no product is needed. The estimate is the larger of its change since
        the last estimate, which sees a basis too short for few steps, and of its part
        along ``q_next``, the residual of the limit, which sees slow convergence over
        many; of all filters, the worst counts.
        """
        if self.complete:
            return
        learned = [self._learn(filter) for filter in self.filters]
        previous, self._learned = self._learned, learned
        if not previous:
            return
        changes = np.column_stack(learned)
        changes[: len(previous[0])] -= np.column_stack(previous)
        change = column_norms(self.S.power(-0.5, self._combined(changes))).max()
        along = max(abs(coordinates[-1]) for coordinates in learned)
        residual = along * float(column_norms(self.S.power(-0.5, self.last)))
        self.error = float(max(change, residual) / self.target_norm)

    def fitted(self, filter: SpectralFilter) -> Array:
        """Return ``A c``, as the recurrence of the basis has it."""
        if not self.diagonal:
            return namespace(self._rows).zeros_like(self._rows[0, :])
        return self.S.power(-0.5, self._combined(self._learn(filter)))

    def _combined(self, coefficients: np.ndarray) -> Array:
        """Return ``Q @ coefficients`` over the first vectors."""
        rows = self._rows[: len(coefficients), :]
        return rows.T @ put_like(coefficients, rows)

    def _learn(self, filter: SpectralFilter) -> np.ndarray:
        """Coordinates of ``S^(1/2) A c`` in the basis and the vector after it."""
        rates, ritz, weights = self._decompose()
        gain = filter(self.unit * rates, floor=self.floor) * self.unit
        learned = ritz @ (rates * gain * weights)
        if self.complete:
            return learned
        return np.append(learned, self.off_diagonal[-1] * (ritz[-1] @ (gain * weights)))

    def _decompose(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Ritz values (units of M / unit), Ritz vectors in Q, weights of the start."""
        rates, ritz = eigh_tridiagonal(self.diagonal, self.off_diagonal[:-1])
        return np.maximum(rates, 0.0), ritz, self.start_norm * ritz[0]

    def modes(self, ndim: int = 1) -> Modes:
        """Ritz pairs as `Modes`, for a target of shape (n,) or (n, 1)."""
        if not self.diagonal:
            none = np.empty(0)
            vectors = empty((self._rows.shape[1], 0), self._rows)
            return Modes(none, vectors, none.reshape(0, *[1] * (ndim - 1)))
        rates, ritz, weights = self._decompose()
        weights = weights.reshape(-1, *[1] * (ndim - 1))
        vectors = self.S.power(0.5, self._combined(ritz))
        return Modes(self.unit * rates, vectors, weights)

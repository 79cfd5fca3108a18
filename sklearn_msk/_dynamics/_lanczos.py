"""Trajectory from a Krylov basis of M: T steps in about sqrt(T) products."""

import numpy as np
from scipy.linalg import eigh_tridiagonal

from sklearn_msk._dynamics._schedule import extremes, longest
from sklearn_msk._dynamics._trajectory import ModalTrajectory, Modes

# The largest basis; beyond it the time for orthogonalisation exceeds a decomposition's.
_MAX_BASIS = 1500


def lanczos_trajectories(A, y, requests, tol, monitor=None):
    """Paths in the Krylov spaces of ``M = S^(1/2) A S^(1/2)`` from ``S^(1/2) b``.

    A basis for each preconditioner and target is extended until its estimated error is
    below tol for all its schedules (see `_KrylovBasis.estimate_error`) or until it
    holds 1500 vectors. All bases share their products with A. Parameters as in
    `trajectories`.
    """
    b = A.right_hand_side(y)
    targets = b[:, None] if y.ndim == 1 else b
    grown = [
        [_KrylovBasis(A, S, column, extremes(schedules)) for column in targets.T]
        for S, schedules in requests
    ]
    _extend(A, [basis for bases in grown for basis in bases], tol, monitor)
    paths = []
    for (_, schedules), bases in zip(requests, grown, strict=True):
        schedule = longest(schedules)
        path = ModalTrajectory(
            schedule=schedule,
            dual_basis=A.dual_basis,
            total_weight=A.total_weight,
            n_products=sum(len(basis.diagonal) for basis in bases),
            error_estimate=max(basis.error for basis in bases),
            rounding_error=0.0,
            modes=tuple(basis.modes() for basis in bases),
            noise=bases[0].noise,
            single_target=y.ndim == 1,
        )
        fitted = np.column_stack([basis.fitted(schedule) for basis in bases])
        paths.append(path.verified(A, y, fitted[:, 0] if y.ndim == 1 else fitted))
    return paths


def _extend(A, bases, tol, monitor):
    """Extend every basis until its error is below tol."""
    active = [basis for basis in bases if not basis.complete]
    size, next_check, largest = 0, 4, min(_MAX_BASIS, A.shape[0])
    while active and size < largest:
        vectors = np.column_stack([basis.next_factor() for basis in active])
        images = A @ (vectors[:, 0] if len(active) == 1 else vectors)
        size += 1
        for basis, image in zip(
            active, images.reshape(len(vectors), -1).T, strict=True
        ):
            basis.extend(image)
        if size >= next_check:
            next_check = min(size + max(2, size // 6), largest)
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

    def __init__(self, A, S, b, schedules):
        self.S = S
        self.unit = S.largest_rate
        self.noise = A.noise(S.spectrum.largest)
        self.schedules = schedules
        start = S.power(0.5, b)
        self.start_norm = float(np.linalg.norm(start))
        self.target_norm = float(np.linalg.norm(b))
        self.vectors = np.empty((len(b), 32), order="F")
        self.diagonal, self.off_diagonal = [], []
        self.complete = self.start_norm == 0.0
        self.error = 0.0 if self.complete else np.inf
        self._learned = [None] * len(schedules)
        if not self.complete:
            self.vectors[:, 0] = start / self.start_norm

    @property
    def last(self):
        """The vector whose image extends the basis."""
        return self.vectors[:, len(self.diagonal)]

    def next_factor(self):
        """``S^(1/2)`` times the last vector: A of it is what `extend` takes."""
        return self.S.power(0.5, self.last)

    def extend(self, image):
        """Take ``A S^(1/2)`` of the last vector, and make the next vector from it."""
        image = self.S.power(0.5, image) / self.unit
        size = len(self.diagonal) + 1
        basis = self.vectors[:, :size]
        self.diagonal.append(float(basis[:, -1] @ image))
        image = image - basis @ (basis.T @ image)
        image -= basis @ (basis.T @ image)
        step = float(np.linalg.norm(image))
        self.off_diagonal.append(step)
        # Nothing is left but rounding: the space is invariant and its modes exact.
        if step <= len(image) * np.finfo(np.float64).eps or size == len(image):
            self.complete, self.error = True, 0.0
            return
        if size == self.vectors.shape[1]:
            grown = np.empty((len(image), min(2 * size, len(image))), order="F")
            grown[:, :size] = self.vectors
            self.vectors = grown
        self.vectors[:, size] = image / step

    def estimate_error(self):
        """Estimate ``|K (a - a_T)| / |y|``, the error of the fitted values.

        What was learned is ``A c = S^(-1/2) M Q u`` with ``M Q u = Q T u + h q_next
        u_last``: no product is needed. The estimate is the larger of its change since
        the last estimate, which sees a basis too short for few steps, and of its part
        along ``q_next``, the residual of the limit, which sees slow convergence over
        many; of all schedules, the worst counts.
        """
        if self.complete:
            return
        learned = [self._learn(schedule) for schedule in self.schedules]
        previous, self._learned = self._learned, learned
        if previous[0] is None:
            return
        changes = np.column_stack(learned)
        changes[: len(previous[0])] -= np.column_stack(previous)
        changes = self.S.power(-0.5, self.vectors[:, : len(changes)] @ changes)
        change = np.linalg.norm(changes, axis=0).max()
        along = max(abs(coordinates[-1]) for coordinates in learned)
        residual = along * np.linalg.norm(self.S.power(-0.5, self.last))
        self.error = float(max(change, residual) / self.target_norm)

    def fitted(self, schedule):
        """Return ``A c``, as the recurrence of the basis has it."""
        if not self.diagonal:
            return np.zeros(len(self.vectors))
        learned = self._learn(schedule)
        return self.S.power(-0.5, self.vectors[:, : len(learned)] @ learned)

    def _learn(self, schedule):
        """Coordinates of ``S^(1/2) A c`` in the basis and the vector after it."""
        rates, ritz, weights = self._decompose()
        gain = schedule.gain(self.unit * rates, self.noise) * self.unit
        learned = ritz @ (rates * gain * weights)
        if self.complete:
            return learned
        return np.append(learned, self.off_diagonal[-1] * (ritz[-1] @ (gain * weights)))

    def _decompose(self):
        """Ritz values (units of M / unit), Ritz vectors in Q, weights of the start."""
        rates, ritz = eigh_tridiagonal(self.diagonal, self.off_diagonal[:-1])
        return np.maximum(rates, 0.0), ritz, self.start_norm * ritz[0]

    def modes(self):
        """Ritz pairs as `Modes`."""
        if not self.diagonal:
            empty = np.empty(0)
            return Modes(empty, np.empty((self.vectors.shape[0], 0)), empty)
        rates, ritz, weights = self._decompose()
        vectors = self.S.power(0.5, self.vectors[:, : len(rates)] @ ritz)
        return Modes(self.unit * rates, vectors, weights)

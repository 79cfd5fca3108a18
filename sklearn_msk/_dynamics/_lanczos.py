"""Trajectory from a Krylov basis of M: T steps in about sqrt(T) products."""

import numpy as np
from scipy.linalg import eigh_tridiagonal

from sklearn_msk._dynamics._trajectory import ModalTrajectory, Modes

# The largest basis; beyond it the time for orthogonalisation exceeds a decomposition's.
_MAX_BASIS = 1500


def lanczos_trajectory(A, y, S, schedule, tol):
    """Path in the Krylov space of ``M = S^(1/2) A S^(1/2)`` from ``S^(1/2) b``.

    The basis is extended until the estimated error of `schedule` is below tol (see
    `_KrylovBasis.estimate_error`) or until it holds 1500 vectors. Parameters as in
    `trajectory`.
    """
    b = A.right_hand_side(y)
    targets = b[:, None] if y.ndim == 1 else b
    unit = S.largest_rate

    def apply(V):
        return S.power(0.5, A @ S.power(0.5, V)) / unit

    noise = A.noise(S.spectrum.largest)
    bases = [_KrylovBasis(S, column, unit, noise) for column in targets.T]
    active = [basis for basis in bases if not basis.complete]
    size = n_products = 0
    largest, next_check = min(_MAX_BASIS, A.shape[0]), 4
    while active and size < largest:
        images = apply(np.column_stack([basis.last for basis in active]))
        n_products += len(active)
        size += 1
        for basis, image in zip(active, images.T, strict=True):
            basis.extend(image)
        if size >= next_check:
            next_check = min(size + max(2, size // 6), largest)
            for basis in active:
                basis.estimate_error(schedule)
        active = [basis for basis in active if basis.error > tol]
    path = ModalTrajectory(
        schedule=schedule,
        roots=A.roots,
        total_weight=A.total_weight,
        n_products=n_products,
        error_estimate=max(basis.error for basis in bases),
        rounding_error=0.0,
        modes=tuple(basis.modes() for basis in bases),
        noise=noise,
        single_target=y.ndim == 1,
    )
    fitted = np.column_stack([basis.fitted(schedule) for basis in bases])
    return path.verified(A, y, fitted[:, 0] if y.ndim == 1 else fitted)


class _KrylovBasis:
    """Orthonormal basis Q of a Krylov space of ``M / unit``, for one target.

    Full orthogonalisation, twice: next to the products it is cheap, and it keeps
    ``T = Q^T M Q`` tridiagonal with every Ritz value found once.
    """

    def __init__(self, S, b, unit, noise):
        self.S = S
        self.unit = unit
        self.noise = noise
        start = S.power(0.5, b)
        self.start_norm = float(np.linalg.norm(start))
        self.target_norm = float(np.linalg.norm(b))
        self.vectors = np.empty((len(b), 32), order="F")
        self.diagonal, self.off_diagonal = [], []
        self.complete = self.start_norm == 0.0
        self.error = 0.0 if self.complete else np.inf
        self._learned = None
        if not self.complete:
            self.vectors[:, 0] = start / self.start_norm

    @property
    def last(self):
        """The vector whose image extends the basis."""
        return self.vectors[:, len(self.diagonal)]

    def extend(self, image):
        """Take the image of the last vector, and make the next vector from it."""
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

    def estimate_error(self, schedule):
        """Estimate ``|K (a - a_T)| / |y|``, the error of the fitted values.

        What was learned is ``A c = S^(-1/2) M Q u`` with ``M Q u = Q T u + h q_next
        u_last``: no product is needed. The estimate is the larger of its change since
        the last estimate, which sees a basis too short for few steps, and of its part
        along ``q_next``, the residual of the limit, which sees slow convergence over
        many.
        """
        if self.complete:
            return
        learned = self._learn(schedule)
        previous, self._learned = self._learned, learned
        if previous is None:
            return
        change = learned.copy()
        change[: len(previous)] -= previous
        change = self.S.power(-0.5, self.vectors[:, : len(change)] @ change)
        residual = learned[-1] * self.S.power(-0.5, self.last)
        error = max(np.linalg.norm(change), np.linalg.norm(residual))
        self.error = float(error / self.target_norm)

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

"""The empirical integral operator on the span of a few kernel functions."""

from dataclasses import dataclass

import numpy as np

from sklearn_msk._array_api import Place
from sklearn_msk._batches import batches
from sklearn_msk._linalg import full_eigh
from sklearn_msk._operators._feature_sums import feature_sums
from sklearn_msk._operators._nystroem_features import NystroemFeatures
from sklearn_msk._scaling import power_of_two
from sklearn_msk._tuning import FEATURE_BLOCK_ROWS

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Units:
    """Offset and scales that sums are taken in: ``(y - offset) / scale``, ``w / unit``.

    In these units targets and weights are numbers around 1, whatever their size, and
    sums lose no digit of targets whose mean is far from zero.

    Attributes
    ----------
    offset : ndarray of shape (n_targets,)
        A value of each target.
    scale : ndarray of shape (n_targets,)
        Powers of two.
    weight_scale : float
        A power of two.
    """

    offset: np.ndarray
    scale: np.ndarray
    weight_scale: float

    @classmethod
    def of(cls, Y: np.ndarray, weights: np.ndarray | None) -> "Units | None":
        """Units of some rows: medians and powers of two next to the largest values.

        Parameters
        ----------
        Y : ndarray of shape (n, n_targets)
        weights : ndarray of shape (n,) or None

        Returns
        -------
        Units or None
            None where no row has a positive weight.
        """
        positive = slice(None) if weights is None else weights > 0
        Y = Y[positive]
        if not len(Y):
            return None
        scale = power_of_two(np.maximum(Y.max(axis=0), -Y.min(axis=0)))
        middle = min(len(Y), FEATURE_BLOCK_ROWS) // 2
        offset = np.partition(Y[:FEATURE_BLOCK_ROWS], middle, axis=0)[middle]
        largest = 1.0 if weights is None else weights.max()
        return cls(offset, scale, float(power_of_two(largest)))

    @classmethod
    def common(cls, first: "Units | None", second: "Units | None") -> "Units | None":
        """Units that serve the rows of both: the offset of the first, larger scales."""
        if first is None or second is None:
            return second if first is None else first
        return cls(
            first.offset,
            np.maximum(first.scale, second.scale),
            max(first.weight_scale, second.weight_scale),
        )

    def targets(self, Y: np.ndarray) -> np.ndarray:
        """Return ``(Y - offset) / scale``, divided first: differences may overflow."""
        return Y / self.scale - self.offset / self.scale


@dataclass(frozen=True, eq=False)
class SufficientStatistics:
    """What one pass over weighted rows leaves of them; those of two passes add up.

    Below, ``z = (y - offset) / scale`` and ``v = w / weight_scale`` are targets and
    weights in the units of the first rows of positive weight.

    Attributes
    ----------
    gram : ndarray of shape (rank, rank)
        Lower triangle of ``Phi^T diag(v) Phi``.
    moments : ndarray of shape (rank, n_targets + 1)
        ``Phi^T diag(v) [z, 1]``.
    target_sums : ndarray of shape (n_targets,)
        ``sum_i v_i z_i``.
    weight_sum : float
        ``sum_i v_i``.
    n_rows : int
        Rows of any weight.
    units : Units or None
        None where no row has a positive weight: all sums are zero.
    """

    gram: np.ndarray
    moments: np.ndarray
    target_sums: np.ndarray
    weight_sum: float
    n_rows: int
    units: Units | None

    @classmethod
    def over(
        cls,
        features: NystroemFeatures,
        X: np.ndarray,
        Y: np.ndarray,
        weights: np.ndarray | None = None,
        n_jobs: int | None = None,
        *,
        units: Units | None = None,
        place: Place | None = None,
    ) -> "SufficientStatistics":
        """Pass over some rows.

        Parameters
        ----------
        features : NystroemFeatures
        X : ndarray of shape (n, n_features)
            Read in blocks of 2048 rows.
        Y : ndarray of shape (n, n_targets), float64
        weights : ndarray of shape (n,), default=None
            Non-negative; None means ones.
        n_jobs : int, default=None
            Threads that compute the kernel.
        units : Units, default=None
            Units of rows before, whose offset is taken; None means those of these rows.
        place : Place, default=None
            Device to sum on; None is NumPy.

        Returns
        -------
        SufficientStatistics
        """
        sums = feature_sums(features, len(Y), Y.shape[1], n_jobs, place)
        target_sums, weight_sum = np.zeros(Y.shape[1]), 0.0
        units = Units.common(units, Units.of(Y, weights))
        for block in batches(len(Y), FEATURE_BLOCK_ROWS):
            if units is None:
                break
            x, z, v = X[block], Y[block], np.full(block.stop - block.start, 1.0)
            if weights is not None:
                # Targets of weight 0 may be too large for the units.
                positive = weights[block] > 0
                x, z, v = x[positive], z[positive], weights[block][positive]
            z, v = units.targets(z), v / units.weight_scale
            target_sums += v @ z
            weight_sum += float(v.sum())
            if features.rank and len(z):
                right = np.column_stack([z, np.ones(len(z))])
                sums.add(x, right, None if weights is None else v)
        gram, moments = sums.total()
        return cls(gram, moments, target_sums, weight_sum, len(Y), units)

    @property
    def n_targets(self) -> int:
        """Number of targets."""
        return len(self.target_sums)

    @property
    def total_weight(self) -> float:
        """``sum(w)``; ``inf`` where that is too large for a float."""
        return 0.0 if self.units is None else self.units.weight_scale * self.weight_sum

    def target_means(self) -> np.ndarray:
        """Weighted means of the targets; some row has to have a positive weight."""
        units = self.units
        assert units is not None
        mean = self.target_sums / self.weight_sum + units.offset / units.scale
        return mean * units.scale

    def in_units(self, units: Units) -> "SufficientStatistics":
        """Return the same statistics in other units.

        With ``r`` the ratio of the scales and ``d`` the difference of the offsets in
        the new scale, ``z' = r z + d``, of which sums are sums of the parts.

        Parameters
        ----------
        units : Units

        Returns
        -------
        SufficientStatistics
        """
        old = self.units
        if old is None or old is units:
            return SufficientStatistics(
                self.gram,
                self.moments,
                self.target_sums,
                self.weight_sum,
                self.n_rows,
                units,
            )
        ratio = old.scale / units.scale
        shift = old.offset / units.scale - units.offset / units.scale
        weight_ratio = old.weight_scale / units.weight_scale
        ones = self.moments[:, -1:]
        moments = np.hstack([ratio * self.moments[:, :-1] + shift * ones, ones])
        return SufficientStatistics(
            weight_ratio * self.gram,
            weight_ratio * moments,
            weight_ratio * (ratio * self.target_sums + shift * self.weight_sum),
            weight_ratio * self.weight_sum,
            self.n_rows,
            units,
        )

    def __add__(self, other: "SufficientStatistics") -> "SufficientStatistics":
        """Return the statistics of the rows of both, with the offset of the first."""
        units = Units.common(self.units, other.units)
        a = self if units is None else self.in_units(units)
        b = other if units is None else other.in_units(units)
        return SufficientStatistics(
            a.gram + b.gram,
            a.moments + b.moments,
            a.target_sums + b.target_sums,
            a.weight_sum + b.weight_sum,
            a.n_rows + b.n_rows,
            units,
        )


class NystroemOperator:
    """The empirical integral operator on the span of the landmarks, in its eigenbasis.

    With ``D = diag(w) / sum(w)`` and ``A = Phi^T D Phi = U diag(lam) U^T``, the
    operator ``D^(1/2) Phi Phi^T D^(1/2)`` of all rows has the same eigenvalues, with
    eigenvectors ``Q = D^(1/2) Phi U lam^(-1/2)``. In the coordinates of Q it is
    ``diag(lam)``, the right-hand side is
    ``Q^T D^(1/2) y = lam^(-1/2) U^T Phi^T D y``, and coordinates c
    give the dual coefficients ``K_LL^(-1/2) U lam^(1/2) c``: norms are those over the
    rows. Directions whose eigenvalue is rounding are left out. It has those attributes
    and methods of `KernelOperator` that solvers use; what they call targets are
    coordinates already.

    Parameters
    ----------
    features : NystroemFeatures
    statistics : SufficientStatistics
        Of a positive weight.

    Attributes
    ----------
    eigenvalues : ndarray of shape (n_directions,)
        Descending.
    coef_map : ndarray of shape (n_landmarks, n_directions)
        Takes coordinates to dual coefficients.
    scale, total_weight, n_distinct, rank_rtol, product_error, fits_dense, dtype
        As in `KernelOperator`.
    """

    is_diagonal = True
    is_recomputed = False
    fits_dense = True
    product_error = 0.0
    dtype = np.dtype(np.float64)

    def __init__(
        self, features: NystroemFeatures, statistics: SufficientStatistics
    ) -> None:
        self.total_weight = statistics.total_weight
        # One direction of eigenvalue zero, for solvers, where there is no other.
        eigenvalues, vectors = np.zeros(1), np.zeros((features.rank, 1))
        if features.rank:
            values, all_vectors = full_eigh(statistics.gram / statistics.weight_sum)
            values, all_vectors = values[::-1], all_vectors[:, ::-1]
            n_kept = np.count_nonzero(values > features.rank * _EPS * values[0])
            if n_kept:
                eigenvalues, vectors = values[:n_kept], all_vectors[:, :n_kept]
        self._vectors, self._roots = vectors, np.sqrt(eigenvalues)
        self.eigenvalues = eigenvalues
        self.coef_map = features.dual_coef(vectors * self._roots)
        self.scale = float(eigenvalues[0]) or 1.0
        self.n_distinct = len(eigenvalues)
        self.rank_rtol = self.n_distinct * _EPS

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of A, which has a row for each direction."""
        return (len(self.eigenvalues), len(self.eigenvalues))

    def targets(self, statistics: SufficientStatistics, mean: np.ndarray) -> np.ndarray:
        """Coordinates of the targets less their mean.

        Parameters
        ----------
        statistics : SufficientStatistics
        mean : ndarray of shape (n_targets,)

        Returns
        -------
        ndarray of shape (n_directions, n_targets)
        """
        units, moments = statistics.units, statistics.moments
        assert units is not None
        shift = mean / units.scale - units.offset / units.scale
        centred = (moments[:, :-1] - moments[:, -1:] * shift) / statistics.weight_sum
        roots = np.where(self._roots > 0, self._roots, 1.0)
        return (self._vectors.T @ centred) / roots[:, None] * units.scale

    def put(self, vectors: np.ndarray) -> np.ndarray:
        """Return vectors as they are."""
        return vectors

    def rhs(self, y: np.ndarray) -> np.ndarray:
        """Return the coordinates of the targets, which are the right-hand side."""
        return y

    def diagonal(self) -> np.ndarray:
        """Diagonal of A."""
        return self.eigenvalues

    def eigenvalue_error(self, largest: float) -> float:
        """Size of the eigenvalues that rounding alone can make."""
        return self.rank_rtol * largest

    def __matmul__(self, V: np.ndarray) -> np.ndarray:
        """Return ``A @ V`` for V of shape (n,) or (n, m)."""
        return (self.eigenvalues * V.T).T

    def dense(self) -> np.ndarray:
        """Return A as a new array."""
        return np.diag(self.eigenvalues)

    def decomposition(self) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues of ``A / scale``, ascending, and its eigenvectors as columns."""
        identity = np.eye(len(self.eigenvalues))
        return self.eigenvalues[::-1] / self.scale, identity[:, ::-1]

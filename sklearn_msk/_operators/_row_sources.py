"""Rows to pass over: held as arrays here, or as chunks of a dask array elsewhere."""

from dataclasses import dataclass

import numpy as np

from sklearn_msk._array_api import Place
from sklearn_msk._operators._nystroem import SufficientStatistics, Units
from sklearn_msk._operators._nystroem_features import NystroemFeatures
from sklearn_msk._operators._row_sample import RowSample


@dataclass(frozen=True, eq=False)
class ArrayRows:
    """Rows in memory, or mapped into it.

    Attributes
    ----------
    X : ndarray of shape (n, n_features)
    Y : ndarray of shape (n, n_targets), float64
    weights : ndarray of shape (n,) or None
    single_target : bool
        Whether y has one dimension.
    """

    X: np.ndarray
    Y: np.ndarray
    weights: np.ndarray | None
    single_target: bool

    @classmethod
    def of(
        cls, X: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None
    ) -> "ArrayRows":
        """Rows with targets of shape (n,) or (n, n_targets)."""
        return cls(X, y.reshape(len(y), -1), weights, y.ndim == 1)

    @property
    def n_features(self) -> int:
        """Number of columns of X."""
        return self.X.shape[1]

    @property
    def n_targets(self) -> int:
        """Number of columns of Y."""
        return self.Y.shape[1]

    def sample(self, size: int, seed: int) -> RowSample:
        """`RowSample` of the rows."""
        return RowSample.of(self.X, self.weights, size, seed)

    def statistics(
        self,
        features: NystroemFeatures,
        n_jobs: int | None,
        units: Units | None = None,
        place: Place | None = None,
    ) -> SufficientStatistics:
        """`SufficientStatistics` of the rows, in their own units if none are given."""
        return SufficientStatistics.over(
            features, self.X, self.Y, self.weights, n_jobs, units=units, place=place
        )

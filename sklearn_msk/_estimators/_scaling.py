"""Rows in standardised units, and the linear map that a chosen model sees."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.sparse import csr_matrix, issparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_msk._array_api import MovableEstimator, float_types
from sklearn_msk._selection import label_equal_rows

# Interquartile range of the normal distribution, in standard deviations.
_NORMAL_RANGE = 1.3489795

# Least interquartile range that is a scale, as a share of the largest distance from the
# median: rows may lie that far out.
_LEAST_SPREAD = 1e-12


@dataclass(frozen=True, eq=False)
class RobustScale:
    """``(x - centre) * factor``, whatever single rows far from the others are.

    Attributes
    ----------
    centre : ndarray of shape (n_features,)
        Medians.
    factor : ndarray of shape (n_features,)
        1 over the interquartile range (in units of the normal distribution's) where it
        is positive, else over the standard deviation; 0 for constant features.
    """

    centre: np.ndarray
    factor: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray, *, standardize: bool) -> "RobustScale":
        """Scale of some rows, equal ones counted once; 1 without `standardize`."""
        if not standardize:
            return cls(np.zeros(X.shape[1]), np.ones(X.shape[1]))
        # Repeated rows count as weights do, which change no scale.
        X = X[np.unique(label_equal_rows(X), return_index=True)[1]]
        low, centre, high = np.percentile(X, [25, 50, 75], axis=0)
        # Halves first: a difference of numbers of 1e308 overflows.
        spread = (high / 2 - low / 2) * 2 / _NORMAL_RANGE
        largest = np.abs(X - centre).max(axis=0)
        unit = np.where(largest > 0, largest, 1.0)
        deviation = unit * np.std((X - centre) / unit, axis=0)
        # Rounding about a value that most rows share is no spread.
        size = np.where(spread > _LEAST_SPREAD * largest, spread, deviation)
        rounding = 10 * np.finfo(np.float64).eps * np.abs(centre)
        size = np.where(size > rounding, size, 0.0)
        return cls(
            centre, np.divide(1.0, size, where=size > 0, out=np.zeros_like(size))
        )

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """Return rows in standardised units."""
        return (X - self.centre) * self.factor


@dataclass(frozen=True, eq=False)
class LinearCoordinates:
    """``(x - centre) @ components.T`` as a function of rows.

    Attributes
    ----------
    centre : ndarray of shape (n_features,)
    components : ndarray of shape (n_components, n_features)
    """

    centre: np.ndarray
    components: np.ndarray

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """Return coordinates of rows."""
        return map_rows(X, self.centre, self.components)


class LinearMap(MovableEstimator, TransformerMixin, BaseEstimator):
    """``(x - centre) @ components.T``, a step of a chosen model that is known already.

    Parameters
    ----------
    centre : ndarray of shape (n_features,)
    components : ndarray of shape (n_components, n_features)
    """

    def __init__(self, centre: np.ndarray, components: np.ndarray) -> None:
        self.centre = centre
        self.components = components

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the rows; nothing is learned."""
        validate_data(self, X, dtype=np.float64, accept_sparse="csr")
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Map rows."""
        check_is_fitted(self, "n_features_in_")
        options = {"dtype": float_types(X)[0], "accept_sparse": "csr"}
        X = validate_data(self, X, reset=False, **options)
        return map_rows(X, self.centre, self.components)


def map_rows(
    X: np.ndarray | csr_matrix, centre: np.ndarray, components: np.ndarray
) -> np.ndarray:
    """``(x - centre) @ components.T`` of rows, which stay sparse where they are."""
    if issparse(X):
        return X @ components.T - components @ centre
    return (X - centre) @ components.T

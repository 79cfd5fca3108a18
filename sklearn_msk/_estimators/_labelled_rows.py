"""Rows that a metric is learned from: standardised, with their targets as columns."""

from dataclasses import dataclass

import numpy as np
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import check_classification_targets, type_of_target

# Rows that the metric is learned from, and at which gradients are averaged.
_MAX_ROWS = 2000


# Integers are labels where each is there this often on average.
_ROWS_OF_A_LABEL = 5


# Interquartile range of the normal distribution of standard deviation 1.
_NORMAL_RANGE = 1.3489795


@dataclass(frozen=True, eq=False)
class LabelledRows:
    """Standardised rows, their targets of unit variance, and weights.

    Attributes
    ----------
    X : ndarray of shape (n, n_features), float64
    targets : ndarray of shape (n, n_targets), float64
    weights : ndarray of shape (n,) or None
    """

    X: np.ndarray
    targets: np.ndarray
    weights: np.ndarray | None

    @property
    def spreads(self) -> np.ndarray:
        """Standard deviation of each target, 1 where it is constant."""
        mean = np.average(self.targets, axis=0, weights=self.weights)
        squares = np.square(self.targets - mean)
        spreads = np.sqrt(np.average(squares, axis=0, weights=self.weights))
        return np.where(spreads > 0, spreads, 1.0)

    def sample(self, seed: int, max_rows: int = _MAX_ROWS) -> "LabelledRows":
        """At most so many of the rows of positive weight."""
        used = np.arange(len(self.X))
        if self.weights is not None:
            used = np.flatnonzero(self.weights)
        if len(used) > max_rows:
            used = np.random.default_rng(seed).choice(used, max_rows, replace=False)
        weights = None if self.weights is None else self.weights[used]
        return LabelledRows(self.X[used], self.targets[used], weights)

    def merged(self) -> "LabelledRows":
        """Distinct rows in ascending order: weights add, targets average."""
        weights = np.ones(len(self.X)) if self.weights is None else self.weights
        # A zero and a negative zero are equal.
        X, group = np.unique(self.X + 0.0, axis=0, return_inverse=True)
        group = group.reshape(-1)
        total = np.bincount(group, weights)
        sums = [np.bincount(group, weights * column) for column in self.targets.T]
        return LabelledRows(X, np.column_stack(sums) / total[:, None], total)


def standardize(
    X: np.ndarray, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Rows in robust units, about their median, and what X is multiplied by.

    The unit of a feature is its interquartile range, that of a normal distribution
    being its standard deviation, or else its standard deviation; a constant feature is
    multiplied by 0.
    """
    X = X.astype(np.float64)
    quartiles = [_quantile(column, weights, (0.25, 0.5, 0.75)) for column in X.T]
    low, middle, high = np.array(quartiles).T
    X -= middle
    spread = (high - low) / _NORMAL_RANGE
    mean = np.average(X, axis=0, weights=weights)
    deviation = np.sqrt(np.average(np.square(X - mean), axis=0, weights=weights))
    unit = np.where(spread > 0, spread, deviation)
    inverse = np.where(unit > 0, 1.0 / np.where(unit > 0, unit, 1.0), 0.0)
    return X * inverse, inverse


def target_columns(y: np.ndarray) -> np.ndarray:
    """Columns of numbers; one for each class where y are labels, for two but one."""
    if _are_labels(y):
        check_classification_targets(y)
        return LabelBinarizer().fit_transform(y).astype(np.float64)
    return np.asarray(y, dtype=np.float64).reshape(len(y), -1)


def _quantile(
    column: np.ndarray, weights: np.ndarray | None, levels: tuple[float, ...]
) -> np.ndarray:
    """Quantiles of weighted numbers, the inverse of their distribution function."""
    order = np.argsort(column, kind="stable")
    shares = np.ones(len(column)) if weights is None else weights[order]
    below = np.cumsum(shares)
    at = np.searchsorted(below, np.array(levels) * below[-1])
    return column[order][np.minimum(at, len(column) - 1)]


def _are_labels(y: np.ndarray) -> bool:
    """Whether targets are class labels, as `LearnedMetric.fit` states."""
    if y.ndim > 1 and y.shape[1] > 1:
        return False
    kind = y.dtype.kind
    if kind in "iu":
        return len(np.unique(y)) <= max(2, len(y) / _ROWS_OF_A_LABEL)
    if kind == "O":
        return type_of_target(y) in ("binary", "multiclass") and isinstance(
            y.flat[0], str | bool
        )
    return kind in "USb"

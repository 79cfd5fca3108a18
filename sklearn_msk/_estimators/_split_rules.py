"""Coordinates in which a partition splits rows, and the rule that it splits by."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_msk._estimators._learned_metric import LearnedMetric
from sklearn_msk._estimators._leaves import root_mean_square
from sklearn_msk._estimators._scaling import LinearCoordinates, RobustScale
from sklearn_msk._scaling import power_of_two
from sklearn_msk._selection import label_equal_rows
from sklearn_msk._splits import LeastError, LongestDirection, Splitter

Coordinates = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class SplitSample:
    """Distinct rows that a partition is grown on.

    Attributes
    ----------
    X : ndarray of shape (n, n_features)
    targets : ndarray of shape (n,) or (n, n_targets)
        Means over the rows that are equal.
    residuals : ndarray of the shape of `targets`
        What the global model leaves of them.
    weights : ndarray of shape (n,)
        Sums over the rows that are equal.
    """

    X: np.ndarray
    targets: np.ndarray
    residuals: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(
        cls,
        X: np.ndarray,
        targets: np.ndarray,
        residuals: np.ndarray,
        weights: np.ndarray | None,
    ) -> "SplitSample":
        """Join equal rows, so that weights equal repetition."""
        labels = label_equal_rows(X)
        w = np.ones(len(X)) if weights is None else weights
        totals = np.bincount(labels, w)
        first = np.unique(labels, return_index=True)[1]

        def mean(values: np.ndarray) -> np.ndarray:
            columns = values.reshape(len(values), -1).T
            means = [np.bincount(labels, w * column) / totals for column in columns]
            return np.column_stack(means).reshape(len(first), *values.shape[1:])

        return cls(X[first], mean(targets), mean(residuals), totals)

    def take(self, rows: np.ndarray) -> "SplitSample":
        """Take some of the rows."""
        return SplitSample(
            self.X[rows], self.targets[rows], self.residuals[rows], self.weights[rows]
        )


@dataclass(frozen=True, eq=False)
class UserCoordinates:
    """Coordinates by a user's function, checked.

    Attributes
    ----------
    function : callable
        From rows to an array of shape (n, n_coordinates).
    """

    function: Callable[[np.ndarray], Any]

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """Return coordinates of rows."""
        given = self.function(X)
        try:
            found = np.asarray(given, dtype=np.float64)
        except (TypeError, ValueError):
            found = np.empty(0)
        legal = found.ndim == 2 and len(found) == len(X) and found.shape[1] > 0
        if not legal or not np.isfinite(found).all():
            raise ValueError(
                "The 'split' must return finite numbers in the shape (n_samples, "
                f"n_coordinates), a row for each of the {len(X)} rows of X. Got "
                f"{type(given).__name__} of shape {np.shape(found)} instead; one "
                "coordinate is X[:, [0]]."
            )
        return found


def standardized(X: np.ndarray) -> LinearCoordinates:
    """Coordinates in which the features are standardised."""
    scale = RobustScale.of(np.asarray(X, dtype=np.float64), standardize=True)
    return LinearCoordinates(scale.centre, np.diag(scale.factor))


@dataclass(frozen=True, eq=False)
class SplitRule:
    """What splits rows, and the coordinates in which it does.

    Attributes
    ----------
    split : str or callable
        The parameter that stands for the rule.
    coordinates : callable
        From rows to coordinates.
    splitter : Splitter
        Of the rows of a sample.
    """

    split: Any
    coordinates: Coordinates
    splitter: Splitter


def split_rules(
    split: Any, sample: SplitSample, some: np.ndarray, metric: LearnedMetric
) -> list[SplitRule]:
    """Return the rules to choose from.

    Parameters
    ----------
    split : {"auto", "linear", "metric", "principal"} or callable
        As in the estimators.
    sample : SplitSample
        What the rules split.
    some : ndarray of int
        Numbers of the rows of the sample that say how features are scaled, and teach
        the metric.
    metric : LearnedMetric
        Not fitted.
    """
    if callable(split):
        function = UserCoordinates(split)
        return [SplitRule(split, function, LongestDirection(function(sample.X)))]
    few = sample.take(some)
    plain = standardized(few.X)
    if split == "principal":
        return [SplitRule(split, plain, LongestDirection(plain(sample.X)))]
    metric.fit(plain(few.X), _in_one_unit(few.targets), few.weights)
    rules: list[SplitRule] = []
    if split in ("metric", "auto"):
        components = metric.components_ @ plain.components
        learned = LinearCoordinates(plain.centre, components)
        longest = LongestDirection(learned(sample.X))
        rules.append(SplitRule("metric", learned, longest))
    if split in ("linear", "auto"):
        least = least_error(plain, sample, metric.components_)
        rules.append(SplitRule("linear", plain, least))
    return rules


def _in_one_unit(values: np.ndarray) -> np.ndarray:
    """Columns of values in units in which no square overflows or vanishes."""
    return values / power_of_two(np.abs(values).max(axis=0))


def least_error(
    coordinates: Coordinates, sample: SplitSample, metric: np.ndarray
) -> LeastError:
    """Return the rule that splits where linear models have the least error."""
    residuals = sample.residuals / residual_unit(sample)
    return LeastError.of(coordinates(sample.X), residuals, sample.weights, metric)


def residual_unit(sample: SplitSample) -> np.ndarray:
    """Root mean square of the residuals of each target, above rounding.

    It is at least a millionth of the root mean square of the target, and 1 where that
    is 0.
    """
    size = root_mean_square(sample.residuals, sample.weights)
    # The residuals of a target that the global model explains are rounding.
    own = 1e-6 * root_mean_square(sample.targets, sample.weights)
    size = np.maximum(size, own)
    return np.where(size > 0, size, 1.0)

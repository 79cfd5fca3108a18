"""Where rows are cut in two: along the longest direction, or for the least error."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from scipy.linalg import cholesky, eigh, solve_triangular

from sklearn_msk._tuning import (
    SPLIT_LEAST_SHARE,
    SPLIT_MODEL_FEATURES,
    SPLIT_RIDGE,
    SPLIT_ROWS,
    SPLIT_ROWS_PER_FEATURE,
)


@dataclass(frozen=True, eq=False)
class Split:
    """Rows on the two sides of ``u.z = t``.

    Attributes
    ----------
    direction : ndarray of shape (n_coordinates,)
        Unit vector u.
    threshold : float
        t.
    left : ndarray of shape (n,), bool
        Whether a row has ``u.z <= t``.
    """

    direction: np.ndarray
    threshold: float
    left: np.ndarray

    @property
    def balance(self) -> float:
        """Share of the rows on the side of fewer rows."""
        return float(min(self.left.mean(), 1.0 - self.left.mean()))


class Splitter(Protocol):
    """A rule that cuts rows in two."""

    @property
    def Z(self) -> np.ndarray:
        """Rows in the coordinates of the splits."""

    def __call__(self, rows: np.ndarray) -> Split | None:
        """Split the rows of some numbers; None where all of them are equal."""


@dataclass(frozen=True, eq=False)
class LongestDirection:
    """Splits at the median of the first principal direction that has one.

    Attributes
    ----------
    Z : ndarray of shape (n, n_coordinates)
    """

    Z: np.ndarray

    def __call__(self, rows: np.ndarray) -> Split | None:
        """Split the rows of some numbers; None where all of them are equal."""
        Z = self.Z[rows]
        some = _spread(Z)
        centred = some - some.mean(axis=0)
        _, V = eigh(centred.T @ centred)
        for direction in V.T[::-1]:
            largest = direction[np.argmax(np.abs(direction))]
            split = _at_median(Z, direction * np.sign(largest))
            if split is not None:
                return split
        return None


@dataclass(frozen=True, eq=False)
class LeastError:
    """Splits after which linear models of both sides have the least error.

    Splits at the median of single features, and of the longest direction in a metric,
    are compared. The error of a side is the sum of squared leave-one-out errors of
    ridge regression there, as in the linear model trees of Quinlan (*Learning with
    continuous classes*, 1992), which compare standard deviations::

        e_i = (t_i - f(x_i)) / (1 - h_i),   h_i = w_i (1 / W + x_i^T G^{-1} x_i)

    with weights w of sum W, features x that are centred and divided by the root of
    ``sum_i w_i x_i^2``, so that the tails of one do not shrink the others, and ``G =
    sum_i w_i x_i x_i^T + r I``.

    Attributes
    ----------
    Z : ndarray of shape (n, n_coordinates)
        Standardised features.
    targets : ndarray of shape (n, n_targets)
        What the leaves will learn.
    weights : ndarray of shape (n,)
        Positive.
    metric : ndarray of shape (n_components, n_coordinates)
        The distances of ``Z @ metric.T`` are those of the metric.
    features : ndarray of shape (n_features,), int
        Columns of Z that are split along, and that linear models see.
    """

    Z: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    metric: np.ndarray
    features: np.ndarray

    @classmethod
    def of(
        cls, Z: np.ndarray, targets: np.ndarray, weights: np.ndarray, metric: np.ndarray
    ) -> "LeastError":
        """Take the features that matter most in the metric where there are many."""
        lengths = np.square(metric).sum(axis=0)
        leading = np.argsort(-lengths, kind="stable")[:SPLIT_MODEL_FEATURES]
        return cls(Z, targets.reshape(len(Z), -1), weights, metric, np.sort(leading))

    def __call__(self, rows: np.ndarray) -> Split | None:
        """Split the rows of some numbers; None where all of them are equal."""
        some = _spread(rows)
        directions = [*self._longest(some), *np.eye(self.Z.shape[1])[self.features]]
        found = [_at_median(self.Z[some], direction) for direction in directions]
        splits = [split for split in found if split is not None]
        if not splits:
            return LongestDirection(self.Z)(rows)
        best = self._best(splits, some)
        return _at_median(self.Z[rows], best.direction)

    def errors(self, labels: np.ndarray, n_leaves: int) -> np.ndarray:
        """Sum of squared errors of a linear model in each of some leaves.

        Parameters
        ----------
        labels : ndarray of shape (n,), int
            Number of the leaf of each row.
        n_leaves : int

        Returns
        -------
        ndarray of shape (n_leaves,)
            0 where there is no row.
        """
        order = np.argsort(labels, kind="stable")
        ends = np.searchsorted(labels[order], np.arange(n_leaves + 1))
        leaves = [order[a:b] for a, b in pairwise(ends)]
        return np.array([self._error(rows) if len(rows) else 0.0 for rows in leaves])

    def _longest(self, rows: np.ndarray) -> list[np.ndarray]:
        """Return the longest direction of rows in the metric, if they have one."""
        split = LongestDirection(self.Z[rows] @ self.metric.T)(np.arange(len(rows)))
        if split is None:
            return []
        direction = self.metric.T @ split.direction
        return [direction / np.linalg.norm(direction)]

    def _best(self, splits: list[Split], rows: np.ndarray) -> Split:
        """Return the split of least error among those that are balanced."""
        balanced = [split for split in splits if split.balance >= SPLIT_LEAST_SHARE]
        balanced = balanced or [max(splits, key=lambda split: split.balance)]
        if len(rows) < SPLIT_ROWS_PER_FEATURE * len(self.features):
            # Too few rows for linear models.
            return balanced[0]
        return min(
            balanced,
            key=lambda split: (
                self._error(rows[split.left]) + self._error(rows[~split.left])
            ),
        )

    def _error(self, rows: np.ndarray) -> float:
        """Sum of squared errors of a linear model of some rows."""
        X = self.Z[np.ix_(rows, self.features)]
        return _linear_error(X, self.targets[rows], self.weights[rows])


def _linear_error(X: np.ndarray, t: np.ndarray, w: np.ndarray) -> float:
    """Weighted sum of squared leave-one-out errors of ridge regression."""
    total = w.sum()
    X, t = X - w @ X / total, t - w @ t / total
    lengths = np.sqrt(w @ np.square(X))
    X = X / np.where(lengths > 0, lengths, 1.0)
    G = X.T @ (w[:, None] * X)
    G[np.diag_indices_from(G)] += SPLIT_RIDGE
    # P P^T = X G^{-1} X^T.
    P = solve_triangular(cholesky(G, lower=True), X.T, lower=True).T
    residuals = t - P @ (P.T @ (w[:, None] * t))
    leverages = w * (1.0 / total + np.square(P).sum(axis=1))
    # A row that is alone has a leverage of 1 but for rounding.
    errors = residuals / np.maximum(1.0 - leverages, 1e-6)[:, None]
    return float(w @ np.square(errors).sum(axis=1))


def _spread(rows: np.ndarray) -> np.ndarray:
    """Rows at equal distances, few enough to find a split by."""
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), SPLIT_ROWS)).astype(int)]


def _at_median(Z: np.ndarray, direction: np.ndarray) -> Split | None:
    """Split next to the median along a direction, None where there is one value."""
    x = Z @ direction
    threshold = _middle_gap(x)
    return None if threshold is None else Split(direction, threshold, x <= threshold)


def _middle_gap(x: np.ndarray) -> float | None:
    """Threshold between two values next to the median, None where there is one only."""
    x = np.sort(x)
    middle = len(x) // 2
    # Equal values stay together, on the side that is the smaller then.
    first = np.searchsorted(x, x[middle], side="left")
    last = np.searchsorted(x, x[middle], side="right")
    gaps = [place for place in (first, last) if 0 < place < len(x)]
    if not gaps:
        return None
    gap = min(gaps, key=lambda place: abs(place - middle))
    middle = 0.5 * (x[gap - 1] + x[gap])
    return float(middle if middle < x[gap] else x[gap - 1])

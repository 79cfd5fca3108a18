"""Rows, targets and weights as they were given, and targets in standardised units."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sklearn_msk._compat import _check_method_params
from sklearn_msk._estimators._classes import class_signs
from sklearn_msk._scaling import power_of_two


@dataclass(frozen=True, eq=False)
class Table:
    """Rows as they were given, with their targets and weights.

    Attributes
    ----------
    X : ndarray of shape (n, n_features)
    y : ndarray of shape (n,) or (n, n_targets)
        Targets or labels.
    weights : ndarray of shape (n,) or None
    metadata : dict
        What a scorer wants of the rows.
    """

    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None
    metadata: dict[str, Any] = field(default_factory=dict)

    def with_rows_outside(
        self, values: np.ndarray, predict: Callable[[np.ndarray], np.ndarray]
    ) -> np.ndarray:
        """Values of all rows: those of the rows of weight 0 are predicted."""
        if self.weights is None or self.weights.all():
            return values
        found = np.empty((len(self.X), *values.shape[1:]))
        found[self.weights > 0] = values
        outside = self.weights == 0
        found[outside] = predict(self.X[outside])
        return found

    def part(self, numbers: np.ndarray) -> "Table":
        """Those of some rows that have a positive weight."""
        if self.weights is not None:
            numbers = numbers[self.weights[numbers] > 0]
        weights = None if self.weights is None else self.weights[numbers]
        metadata = _check_method_params(self.X, self.metadata, numbers)
        return Table(self.X[numbers], self.y[numbers], weights, metadata)


@dataclass(frozen=True, eq=False)
class Targets:
    """Targets of mean 0 and variance 1, and what takes them back.

    Attributes
    ----------
    values : ndarray of shape (n,) or (n, n_targets)
    mean, unit : ndarray of shape () or (n_targets,)
    classes : ndarray of shape (n_classes,) or None
        Labels, where the targets are of classes.
    """

    values: np.ndarray
    mean: np.ndarray
    unit: np.ndarray
    classes: np.ndarray | None = None

    @classmethod
    def of(cls, y: np.ndarray, weights: np.ndarray | None) -> "Targets":
        """Standardise targets of any scale; constant ones keep their unit."""
        size = power_of_two(np.abs(y).max(axis=0))
        mean = np.average(y / size, axis=0, weights=weights)
        centred = y / size - mean
        variance = np.average(np.square(centred), axis=0, weights=weights)
        unit = np.where(variance > 0, np.sqrt(variance), 1.0)
        return cls(centred / unit, mean * size, unit * size)

    @classmethod
    def of_labels(
        cls, y: np.ndarray, classes: np.ndarray, weights: np.ndarray | None
    ) -> "Targets":
        """Targets of +1 and -1, one for two classes, in a unit that all share.

        So a rare class counts by its rows, and the mean variance is 1.
        """
        signs = class_signs(y, classes)
        mean = np.average(signs, axis=0, weights=weights)
        variance = np.mean(1.0 - np.square(mean))
        unit = np.sqrt(variance) if variance > 0 else 1.0
        return cls((signs - mean) / unit, mean, np.asarray(unit), classes)

    @property
    def variance(self) -> float:
        """Variance of y, the mean over the targets; inf where it overflows."""
        with np.errstate(over="ignore"):
            return float(np.mean(np.square(self.unit)))

    def back(self, values: np.ndarray) -> np.ndarray:
        """Values in the units of y; of classes, those of +1 and -1."""
        return values * self.unit + self.mean

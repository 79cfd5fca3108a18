"""Rows, targets and weights as they were given, and targets in standardised units."""

from dataclasses import dataclass

import numpy as np

from sklearn_msk._scaling import power_of_two


@dataclass(frozen=True, eq=False)
class Table:
    """Rows as they were given, with their targets and weights.

    Attributes
    ----------
    X : ndarray of shape (n, n_features)
    y : ndarray of shape (n,) or (n, n_targets)
    weights : ndarray of shape (n,) or None
    """

    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None

    def part(self, numbers: np.ndarray) -> "Table":
        """Those of some rows that have a positive weight."""
        if self.weights is None:
            return Table(self.X[numbers], self.y[numbers], None)
        numbers = numbers[self.weights[numbers] > 0]
        return Table(self.X[numbers], self.y[numbers], self.weights[numbers])


@dataclass(frozen=True, eq=False)
class Targets:
    """Targets of mean 0 and variance 1, and what takes them back.

    Attributes
    ----------
    values : ndarray of the shape of y
    mean, unit : ndarray of shape () or (n_targets,)
    """

    values: np.ndarray
    mean: np.ndarray
    unit: np.ndarray

    @classmethod
    def of(cls, y: np.ndarray, weights: np.ndarray | None) -> "Targets":
        """Standardise targets of any scale; constant ones keep their unit."""
        size = power_of_two(np.abs(y).max(axis=0))
        mean = np.average(y / size, axis=0, weights=weights)
        centred = y / size - mean
        variance = np.average(np.square(centred), axis=0, weights=weights)
        unit = np.where(variance > 0, np.sqrt(variance), 1.0)
        return cls(centred / unit, mean * size, unit * size)

    @property
    def variance(self) -> float:
        """Variance of y, the mean over the targets; inf where it overflows."""
        with np.errstate(over="ignore"):
            return float(np.mean(np.square(self.unit)))

    def back(self, values: np.ndarray) -> np.ndarray:
        """Values in the units of y."""
        return values * self.unit + self.mean

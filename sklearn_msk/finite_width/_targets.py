"""Targets brought to mean 0 and root mean square 1, and back."""

from dataclasses import dataclass

import numpy as np

from sklearn_msk._scaling import power_of_two


@dataclass(frozen=True, eq=False)
class StandardizedTargets:
    """``values = (y - offset) / scale``, one column for each target.

    Attributes
    ----------
    values : ndarray of shape (n, n_targets)
    offset : ndarray of shape (n_targets,)
        Weighted mean of y, or 0.
    scale : ndarray of shape (n_targets,)
        Weighted root mean square of ``y - offset``; values are 0 where it is 0.
    """

    values: np.ndarray
    offset: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(
        cls, y: np.ndarray, weights: np.ndarray | None, *, centre: bool
    ) -> "StandardizedTargets":
        """Standardise the columns of y, of shape (n, n_targets), float64.

        Columns are divided by powers of two first, so that no square overflows, and
        reduced by their first row, so that a constant column leaves 0 exactly.
        """
        unit = power_of_two(np.abs(y).max(axis=0))
        y = y / unit
        offset = np.zeros(y.shape[1])
        if centre:
            first = y[0]
            offset = first + np.average(y - first, axis=0, weights=weights)
            y = y - offset
        scale = np.sqrt(np.average(np.square(y), axis=0, weights=weights))
        values = y / np.where(scale > 0.0, scale, 1.0)
        return cls(values, offset * unit, scale * unit)

    def mean_square(self, squares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean over the targets of squares in units of `scale`, twice.

        The first is in units of the largest scale, and never overflows; the second is
        in the units of y squared, and may be infinite or zero.
        """
        unit = self.scale.max() or 1.0
        relative = np.mean(squares * np.square(self.scale / unit), axis=-1)
        with np.errstate(over="ignore", under="ignore"):
            return relative, relative * unit * unit

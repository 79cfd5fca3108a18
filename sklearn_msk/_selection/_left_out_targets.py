"""Targets less their mean, and how the mean changes when a row is left out."""

from dataclasses import dataclass

import numpy as np

from sklearn_msk._scaling import power_of_two
from sklearn_msk._selection._distinct_rows import DistinctRows


@dataclass(frozen=True, eq=False)
class LeftOutTargets:
    """Targets of groups of rows, in units of a power of two next to the largest.

    With D the shares of the groups and m the weighted mean of y, ``z = y - m``;
    without row i the mean is ``m + d_i``, ``d_i = -D_i z_i / (1 - D_i)``. A model
    without intercept has ``m = d = 0``. Where one group is all there is, no mean is
    left, and its ``d`` is NaN.

    Attributes
    ----------
    rows : DistinctRows
    unit : ndarray of shape (n_targets,)
    mean : ndarray of shape (n_targets,)
        m.
    centred : ndarray of shape (n, n_targets)
        Targets of all rows less m.
    z, d : ndarray of shape (n_groups, n_targets)
    single : bool
        Whether y was of shape (n,).
    """

    rows: DistinctRows
    unit: np.ndarray
    mean: np.ndarray
    centred: np.ndarray
    z: np.ndarray
    d: np.ndarray
    single: bool

    def row_errors(self, errors: np.ndarray, fitted: np.ndarray) -> np.ndarray:
        """Errors of all rows, in the units of y.

        Parameters
        ----------
        errors : ndarray of shape (..., n_groups, n_targets)
            Mean target of each group less its prediction without the group.
        fitted : ndarray of shape (..., n_outside, n_targets)
            Predictions less m at the rows outside, by the model of all groups.

        Returns
        -------
        ndarray of shape (..., n) or (..., n, n_targets)
        """
        group, outside = self.rows.group, self.rows.outside
        result = errors[..., group, :] + (self.centred - self.z[group])
        if len(outside):
            result[..., outside, :] = self.centred[outside] - fitted
        # Errors of the size of the largest number may be infinite.
        with np.errstate(over="ignore"):
            result *= self.unit
        return result[..., 0] if self.single else result


def left_out_targets(
    rows: DistinctRows, y: np.ndarray, fit_intercept: bool
) -> LeftOutTargets:
    """Centre the targets of shape (n,) or (n, n_targets)."""
    Y = np.asarray(y, dtype=np.float64)
    Y, single = (Y[:, None], True) if Y.ndim == 1 else (Y, False)
    used = rows.row_shares > 0
    unit = power_of_two(np.abs(Y[used]).max(axis=0))
    # Targets of weight 0 may be too large for the units.
    with np.errstate(over="ignore"):
        centred = Y / unit
    mean = np.zeros(Y.shape[1])
    if fit_intercept:
        # Less a value of theirs first: an offset leaves nothing, not its rounding.
        middle = np.count_nonzero(used) // 2
        value = np.partition(centred[used], middle, axis=0)[middle]
        centred -= value
        change = rows.row_shares[used] @ centred[used]
        centred -= change
        mean = value + change
    z = rows.average(centred)
    d = _mean_changes(rows.shares, z) if fit_intercept else np.zeros_like(z)
    return LeftOutTargets(rows, unit, mean, centred, z, d, single)


def _mean_changes(shares: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return d; for a row of more than half the weight, from the other rows."""
    rest = 1.0 - shares
    large = int(np.argmax(shares))
    if shares[large] <= 0.5:
        return -(shares / rest)[:, None] * z
    others = np.arange(len(shares)) != large
    rest[large] = 1.0
    d = -(shares / rest)[:, None] * z
    left = shares[others].sum()
    if left > 0.0:
        d[large] = shares[large] * (shares[others] @ z[others] / left - z[large])
    else:
        d[large] = np.nan
    return d

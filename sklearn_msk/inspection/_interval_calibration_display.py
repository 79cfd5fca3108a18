"""How many targets prediction intervals hold, beside how many they promise."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom
from sklearn.utils import check_array, check_consistent_length

from sklearn_msk._array_api import to_host
from sklearn_msk._estimators import MSKRegressorCV
from sklearn_msk.inspection._axes import COLORS, GREY, finish, prepare_axes
from sklearn_msk.inspection._chosen import find_chosen

_LEVELS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99)

# Part of the samples of as many rows whose share is within the band.
_BAND = 0.95


class IntervalCalibrationDisplay:
    """Share of targets within prediction intervals, against the confidence level.

    Create the display with `from_estimator`, on rows that did not train the estimator,
    or with `from_predictions`, from the intervals of any model. Shares below the
    diagonal come from intervals that are too short. The band holds 95 % of the shares
    that intervals of the right length have on as many independent rows, for each level
    separately. A share outside of the band is hardly due to the draw of the rows.

    Parameters
    ----------
    levels : ndarray of shape (n_levels,)
        Confidence levels.
    coverages : ndarray of shape (n_levels,) or (n_levels, n_targets)
        Share of the targets within the intervals of each level.
    n_samples : int
        Number of rows.

    Attributes
    ----------
    figure_ : matplotlib Figure
        Figure of the axes.
    ax_ : matplotlib Axes
        Axes with the shares.
    lines_ : list of matplotlib Line2D
        Shares, a line for each target.
    band_ : tuple of ndarray of shape (n_levels,)
        Lower and upper limits of the band.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_msk import MSKRegressorCV
    >>> from sklearn_msk.inspection import IntervalCalibrationDisplay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = MSKRegressorCV("rbf", metrics="none").fit(X[::2], y[::2])
    >>> display = IntervalCalibrationDisplay.from_estimator(
    ...     model, X[1::2], y[1::2], levels=[0.5, 0.9]
    ... )
    >>> display.coverages.round(2)
    array([0.52, 0.93])
    >>> plt.close(display.figure_)
    """

    def __init__(
        self, *, levels: np.ndarray, coverages: np.ndarray, n_samples: int
    ) -> None:
        self.levels = levels
        self.coverages = coverages
        self.n_samples = n_samples

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: ArrayLike,
        *,
        levels: ArrayLike | None = None,
        ax: Any = None,
    ) -> "IntervalCalibrationDisplay":
        """Predict intervals of several levels, and draw how many targets they hold.

        Parameters
        ----------
        estimator : MSKRegressorCV
            Fitted estimator; or a fitted pipeline that ends in one, or a search with
            `best_estimator_`.
        X : array-like of shape (n_samples, n_features)
            Rows that the estimator was not trained on, as the pipeline or search takes
            them.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        levels : array-like of shape (n_levels,), default=None
            Confidence levels, in (0, 1). None is 11 levels from 0.5 to 0.99.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        Returns
        -------
        IntervalCalibrationDisplay
            The display.

        Raises
        ------
        TypeError
            If the estimator is none of these.
        ValueError
            If a level is out of its range, or rows and targets are not what the
            estimator takes.
        """
        model, rows = find_chosen(
            estimator,
            X,
            kinds=(MSKRegressorCV,),
            display="IntervalCalibrationDisplay",
        )
        found = _check_levels(_LEVELS if levels is None else levels)
        y = to_host(y)
        check_consistent_length(rows, y)
        intervals = [model.predict_interval(rows, float(level)) for level in found]
        return cls.from_predictions(y, intervals, found, ax=ax)

    @classmethod
    def from_predictions(
        cls, y: ArrayLike, intervals: ArrayLike, levels: ArrayLike, *, ax: Any = None
    ) -> "IntervalCalibrationDisplay":
        """Draw how many targets given intervals hold.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        intervals : array-like of shape (n_levels, n_samples, 2) or (n_levels, \
                n_samples, n_targets, 2)
            Lower and upper ends of the intervals of every level, which may be infinite.
        levels : array-like of shape (n_levels,)
            Confidence levels, in (0, 1).
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        Returns
        -------
        IntervalCalibrationDisplay
            The display.

        Raises
        ------
        ValueError
            If a level is out of its range, or the shapes do not agree.
        """
        targets = check_array(y, dtype=np.float64, ensure_2d=False, input_name="y")
        found, ends = _check_levels(levels), np.asarray(intervals, dtype=np.float64)
        n_nan, n_swapped = np.isnan(ends).sum(), (ends[..., 0] > ends[..., 1]).sum()
        if n_nan or n_swapped:
            raise ValueError(
                "The 'intervals' must hold lower ends and then upper ends, no NaN. Got "
                f"{n_nan} NaN, and {n_swapped} lower ends above the upper ones."
            )
        expected = (len(found), *targets.shape, 2)
        if ends.shape != expected:
            raise ValueError(
                f"The 'intervals' must be of shape {expected}, as (levels, *y.shape, "
                f"2). Got shape {ends.shape} instead."
            )
        within = (ends[..., 0] <= targets) & (targets <= ends[..., 1])
        display = cls(
            levels=found, coverages=within.mean(axis=1), n_samples=len(targets)
        )
        return display.plot(ax=ax)

    def plot(self, ax: Any = None) -> "IntervalCalibrationDisplay":
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        Returns
        -------
        self : IntervalCalibrationDisplay
            The display itself.
        """
        (axis,) = prepare_axes(ax, 1, "IntervalCalibrationDisplay.plot", (4.8, 4.2))
        self.ax_, self.figure_ = axis, axis.figure
        order = np.argsort(self.levels)
        levels = self.levels[order]
        tail = (1.0 - _BAND) / 2.0
        counts = (binom.ppf(q, self.n_samples, levels) for q in (tail, 1.0 - tail))
        low, high = (count / self.n_samples for count in counts)
        self.band_ = low, high
        label = f"{_BAND:.0%} limits of {self.n_samples} rows"
        axis.fill_between(levels, low, high, color=GREY, alpha=0.25, lw=0, label=label)
        axis.plot(levels, levels, "--", color=GREY, lw=1, label="as promised")
        shares = self.coverages[order].reshape(len(levels), -1)
        several = shares.shape[1] > 1
        self.lines_ = [
            axis.plot(
                levels,
                column,
                "o-",
                color=COLORS[number % len(COLORS)],
                ms=4,
                label=f"target {number}" if several else "share of targets",
            )[0]
            for number, column in enumerate(shares.T)
        ]
        finish(axis, "confidence level", "share of targets within the interval")
        return self


def _check_levels(levels: ArrayLike) -> np.ndarray:
    """Validate confidence levels."""
    found = np.atleast_1d(np.asarray(levels, dtype=np.float64))
    if found.ndim != 1 or not found.size or not np.all((found > 0) & (found < 1)):
        raise ValueError(
            "The 'levels' must be one or more numbers in the range (0, 1). Got "
            f"{levels!r} instead."
        )
    return found

"""Which features, and which directions of them, a chosen model depends on."""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.pipeline import Pipeline

from sklearn_msk._estimators import LearnedMetric, MSKClassifierCV, MSKRegressorCV
from sklearn_msk.inspection._axes import BLUE, finish, prepare_axes
from sklearn_msk.inspection._chosen import find_chosen

# Directions to show: at most so many, each with this part of the metric at the least.
_MAX_DIRECTIONS = 5
_MIN_SHARE = 0.01

# Height of a figure: of one feature, and of what is above and below, in inches.
_ROW_HEIGHT, _MARGIN = 0.22, 1.0


class ImportancesDisplay:
    """Importance of each feature, and the leading directions of a full metric.

    Create the display with `from_estimator`. Importances are mean squared slopes of the
    model along the features, which sum to 1. If the model compares rows in a full
    metric, its leading directions are drawn, each a vector of length 1 over the
    features. Importances and directions are in standardised units: the unit of a
    feature changes neither.

    Parameters
    ----------
    importances : ndarray of shape (n_features,)
        Importances of all features.
    feature_names : ndarray of shape (n_features,)
        Names of the features.
    directions : ndarray of shape (n_directions, n_features), default=None
        Leading directions of the metric, orthonormal; None draws none.
    shares : ndarray of shape (n_directions,), default=None
        Part of the squared distances of uncorrelated standardised features that each
        direction holds.
    max_features : int or None, default=20
        Number of features to draw, the most important ones. None draws all.

    Attributes
    ----------
    figure_ : matplotlib Figure
        Figure of the axes.
    ax_ : matplotlib Axes
        Axes with the importances.
    directions_ax_ : matplotlib Axes or None
        Axes with the directions.
    bar_ : matplotlib BarContainer
        Bars, the most important feature first.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_msk import MSKRegressorCV
    >>> from sklearn_msk.inspection import ImportancesDisplay
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = MSKRegressorCV("rbf").fit(X, y)
    >>> display = ImportancesDisplay.from_estimator(model, max_features=5)
    >>> [label.get_text() for label in display.ax_.get_yticklabels()][:3]
    ['bmi', 's5', 'bp']
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        *,
        importances: np.ndarray,
        feature_names: np.ndarray,
        directions: np.ndarray | None = None,
        shares: np.ndarray | None = None,
        max_features: int | None = 20,
    ) -> None:
        self.importances = importances
        self.feature_names = feature_names
        self.directions = directions
        self.shares = shares
        self.max_features = max_features

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        feature_names: ArrayLike | None = None,
        max_features: int | None = 20,
        ax: Any = None,
    ) -> "ImportancesDisplay":
        """Read the importances of a fitted estimator, and draw them.

        Parameters
        ----------
        estimator : MSKRegressorCV, MSKClassifierCV or LearnedMetric
            Fitted estimator; or a fitted pipeline that ends in one, or a search with
            `best_estimator_`.
        feature_names : array-like of shape (n_features,), default=None
            Names of the features that the estimator sees. None takes those that it was
            fitted with, or those that the steps before it in a pipeline give.
        max_features : int or None, default=20
            Number of features to draw, the most important ones. None draws all.
        ax : matplotlib Axes, or two of them, default=None
            Axes to draw on: two where the metric is a full one. None makes a new
            figure.

        Returns
        -------
        ImportancesDisplay
            The display.

        Raises
        ------
        TypeError
            If the estimator is none of these.
        ValueError
            If `max_features` is out of its range, or the number of names is not that of
            the features.
        """
        kinds = (MSKRegressorCV, MSKClassifierCV, LearnedMetric)
        (model,) = find_chosen(estimator, kinds=kinds, display="ImportancesDisplay")
        if max_features is not None and not (
            isinstance(max_features, Integral) and max_features >= 1
        ):
            raise ValueError(
                "The 'max_features' parameter must be an int in the range [1, inf) or "
                f"None. Got {max_features!r} instead."
            )
        importances = model.feature_importances_
        directions = shares = None
        # In standardised units; a constant feature of infinite scale has no part.
        known = np.isfinite(model.scale_)
        metric = model.components_ * np.where(known, model.scale_, 0.0)
        if _is_full(metric):
            directions, shares = _leading_directions(metric)
        display = cls(
            importances=importances,
            feature_names=_names(estimator, model, feature_names),
            directions=directions,
            shares=shares,
            max_features=max_features,
        )
        return display.plot(ax=ax)

    def plot(self, ax: Any = None) -> "ImportancesDisplay":
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, or two of them, default=None
            Axes to draw on: two where there are directions. None makes a new figure.

        Returns
        -------
        self : ImportancesDisplay
            The display itself.
        """
        order = np.argsort(-self.importances, kind="stable")[: self.max_features]
        n, n_shown = len(self.importances), len(order)
        size = (4.8, _MARGIN + _ROW_HEIGHT * max(n_shown, 6))
        count = 1 if self.directions is None else 2
        axes = prepare_axes(ax, count, "ImportancesDisplay.plot", size)
        self.ax_, self.figure_ = axes[0], axes[0].figure
        self.directions_ax_ = None if self.directions is None else axes[1]
        places = np.arange(n_shown)
        self.bar_ = self.ax_.barh(places, self.importances[order], color=BLUE)
        self.ax_.set_yticks(places, [str(name) for name in self.feature_names[order]])
        self.ax_.set_ylim(n_shown - 0.5, -0.5)
        some = "" if n_shown == n else f" ({n_shown} of {n} features)"
        finish(self.ax_, f"importance{some}", "")
        self.ax_.grid(visible=False, axis="y")
        self.ax_.set_axisbelow(True)
        if self.directions is not None:
            self._plot_directions(axes[1], order)
        return self

    def _plot_directions(self, axis: Any, order: np.ndarray) -> None:
        """Draw the directions as columns, in the rows of the bars."""
        assert self.directions is not None and self.shares is not None
        weights = self.directions.T[order]
        largest = np.abs(weights).max()
        image = axis.imshow(
            weights, cmap="PuOr", vmin=-largest, vmax=largest, aspect="auto"
        )
        places = np.arange(len(self.directions))
        axis.set_xticks(places, [f"{share:.0%}" for share in self.shares])
        # The bars beside have the names.
        axis.set_yticks(np.arange(len(order)), [""] * len(order))
        axis.set_xlabel("direction (its part of the metric)")
        axis.figure.colorbar(image, ax=axis, label="weight of the feature")


def _is_full(metric: np.ndarray) -> bool:
    """Whether any component of a metric mixes features."""
    return bool((np.count_nonzero(metric, axis=1) > 1).any())


def _leading_directions(metric: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Leading directions of a metric, and their shares."""
    _, lengths, Vt = np.linalg.svd(metric, full_matrices=False)
    shares = np.square(lengths) / np.sum(np.square(lengths))
    n_shown = max(1, int(np.sum(shares[:_MAX_DIRECTIONS] >= _MIN_SHARE)))
    largest = np.take_along_axis(Vt, np.abs(Vt).argmax(axis=1)[:, None], axis=1)
    return (np.sign(largest) * Vt)[:n_shown], shares[:n_shown]


def _names(estimator: Any, model: Any, given: ArrayLike | None) -> np.ndarray:
    """Names of the features that a model sees."""
    n = model.n_features_in_
    if given is not None:
        names = np.asarray(given, dtype=object)
        if names.shape != (n,):
            raise ValueError(
                f"The 'feature_names' must be {n} names, one for each feature that "
                f"{type(model).__name__} sees. Got an array of shape {names.shape} "
                "instead."
            )
        return names
    if hasattr(model, "feature_names_in_"):
        return model.feature_names_in_
    if isinstance(estimator, Pipeline) and estimator[-1] is model:
        try:
            return np.asarray(estimator[:-1].get_feature_names_out(), dtype=object)
        except (AttributeError, ValueError):
            pass
    return np.array([f"x{i}" for i in range(n)], dtype=object)

"""The candidates that the data chose from, and how close they were."""

import textwrap
from typing import Any

import numpy as np

from sklearn_msk._estimators import MSKClassifierCV, MSKRegressorCV
from sklearn_msk._selection._model_choice import SCREENED_ALPHAS
from sklearn_msk.inspection._axes import (
    COLORS,
    GREY,
    finish,
    prepare_axes,
    put_legend_beside,
    set_scales,
)
from sklearn_msk.inspection._chosen import find_chosen

_MARKERS = {"none": "o", "diagonal": "s", "full": "^"}

# Characters of the name of a kernel in the legend.
_NAME_WIDTH = 24


class CandidatesDisplay:
    """Error of every candidate against its ridge, by kernel and metric.

    Create the display with `from_estimator`. Colours are kernels, markers are
    structures of metrics, and a circle is around the chosen candidate. Dotted lines are
    the ends of the grid of ridges. If many candidates lie at an end, give `alphas` a
    wider range.

    Hollow markers are candidates that were not judged. Their errors are taken at rows
    that helped to learn the metric, and are too small. Compare hollow markers with each
    other, not with full markers.

    Parameters
    ----------
    kernels : array-like of str of shape (n_candidates,)
        Names of the kernels.
    metrics : array-like of str of shape (n_candidates,)
        Structures of the metrics, "none", "diagonal" or "full".
    alphas : ndarray of shape (n_candidates,)
        Ridges, as in `cv_results_`.
    errors : ndarray of shape (n_candidates,)
        Root mean square leave-one-out errors in units of the standard deviation of y
        (of the targets of +1 and -1, for classes). Without `scores`, those of judged
        candidates are at rows that their metric has not seen.
    judged : ndarray of bool of shape (n_candidates,)
        Whether each candidate was judged.
    best_index : int
        Place of the chosen candidate.
    scores : ndarray of shape (n_candidates,), default=None
        Scores that decided, NaN where a candidate was not judged. None stands for the
        errors.
    alpha_range : tuple of float, default=None
        Ends of the grid of ridges. None draws none.

    Attributes
    ----------
    figure_ : matplotlib Figure
        Figure of the axes.
    ax_ : matplotlib Axes
        Axes with the errors.
    score_ax_ : matplotlib Axes or None
        Axes with the scores.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_wine
    >>> from sklearn_msk import MSKClassifierCV
    >>> from sklearn_msk.inspection import CandidatesDisplay
    >>> model = MSKClassifierCV(metrics="none").fit(*load_wine(return_X_y=True))
    >>> display = CandidatesDisplay.from_estimator(model)
    >>> len(display.errors), int(display.errors.argmin()) == model.best_index_
    (15, True)
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        *,
        kernels: np.ndarray,
        metrics: np.ndarray,
        alphas: np.ndarray,
        errors: np.ndarray,
        judged: np.ndarray,
        best_index: int,
        scores: np.ndarray | None = None,
        alpha_range: tuple[float, float] | None = None,
    ) -> None:
        self.kernels = kernels
        self.metrics = metrics
        self.alphas = alphas
        self.errors = errors
        self.judged = judged
        self.best_index = best_index
        self.scores = scores
        self.alpha_range = alpha_range

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None) -> "CandidatesDisplay":
        """Read the candidates of a fitted estimator, and draw them.

        With ``scoring=None`` and ``cv=None`` the errors are what decided. Otherwise,
        and where `metrics` leaves out "none", a second axes has the scores that
        decided. Candidates that could not be fitted are not drawn.

        Parameters
        ----------
        estimator : MSKRegressorCV or MSKClassifierCV
            Fitted estimator; or a fitted pipeline that ends in one, or a search with
            `best_estimator_`.
        ax : matplotlib Axes, or two of them, default=None
            Axes to draw on: two where there are scores. None makes a new figure.

        Returns
        -------
        CandidatesDisplay
            The display.

        Raises
        ------
        TypeError
            If the estimator is none of these.
        """
        kinds = (MSKRegressorCV, MSKClassifierCV)
        (model,) = find_chosen(estimator, kinds=kinds, display="CandidatesDisplay")
        params = model.cv_results_["params"]
        scores = model.cv_results_["mean_test_score"]
        errors = model.cv_results_["leave_one_out_error"]
        updates = np.array([each.get("n_updates", 0) for each in params])
        judged = ~np.isnan(scores)
        unit = np.nan
        if model.scoring is None and model.cv is None:
            unit = _unit_of_y(scores, errors, judged & (updates == 0))
        if np.isfinite(unit):
            honest = np.sqrt(-np.where(judged, scores, 0.0)) / unit
            errors, scores = np.where(judged, honest, errors), None
        alphas = np.array([each.get("alpha", np.nan) for each in params])
        display = cls(
            kernels=np.array([each["kernel"] for each in params], dtype=object),
            metrics=np.array([each.get("metric", "none") for each in params]),
            alphas=alphas,
            errors=errors,
            judged=judged,
            best_index=model.best_index_,
            scores=scores,
            alpha_range=_ends_of_grid(model.alphas, alphas),
        )
        return display.plot(ax=ax)

    def plot(self, ax: Any = None) -> "CandidatesDisplay":
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, or two of them, default=None
            Axes to draw on: two where there are scores. None makes a new figure.

        Returns
        -------
        self : CandidatesDisplay
            The display itself.
        """
        count = 1 if self.scores is None else 2
        axes = prepare_axes(ax, count, "CandidatesDisplay.plot", size=(6.6, 4.2))
        self.ax_, self.figure_ = axes[0], axes[0].figure
        self.score_ax_ = None if self.scores is None else axes[1]
        self._plot_values(self.ax_, self.errors, "leave-one-out error / sd(y)")
        if self.scores is not None:
            self._plot_values(axes[1], self.scores, "score")
        self._add_legend(axes[-1])
        return self

    def _plot_values(self, axis: Any, values: np.ndarray, name: str) -> None:
        """Draw a value of every candidate."""
        colors, markers = self._colors(), np.asarray(self.metrics)
        for place in np.argsort(self.judged, kind="stable"):
            color = colors[self.kernels[place]]
            axis.plot(
                self.alphas[place],
                values[place],
                _MARKERS[markers[place]],
                color=color,
                markerfacecolor=color if self.judged[place] else "none",
                ms=6,
                alpha=0.8,
            )
        best = self.best_index
        axis.plot(self.alphas[best], values[best], "o", color="k", mfc="none", ms=13)
        for end in self.alpha_range or ():
            axis.axvline(end, color=GREY, ls=":", lw=1)
        set_scales(axis, values)
        finish(axis, "ridge alpha", name)

    def _colors(self) -> dict[str, str]:
        """Colours of the kernels, grey for those behind the first six."""
        values = self.errors if self.scores is None else -np.asarray(self.scores)
        best = {
            name: np.nanmin(np.append(values[self.kernels == name], np.inf))
            for name in dict.fromkeys(self.kernels)
        }
        first = sorted(best, key=lambda name: best[name])[: len(COLORS)]
        kept = [name for name in best if name in first]
        return dict.fromkeys(best, GREY) | dict(zip(kept, COLORS, strict=False))

    def _add_legend(self, axis: Any) -> None:
        """Explain colours, markers and lines beside the axes."""
        known = np.isfinite(self.alphas)
        colors = self._colors()
        for name in dict.fromkeys(self.kernels[known]):
            short = textwrap.shorten(name, _NAME_WIDTH, placeholder=" ...")
            axis.plot([], [], color=colors[name], lw=6, label=short)
        metrics = np.asarray(self.metrics)[known]
        for name, marker in _MARKERS.items():
            if name in metrics:
                label = "no metric" if name == "none" else f"{name} metric"
                axis.plot([], [], marker, color=GREY, label=label)
        if not self.judged[known].all():
            # With scores, no error is at rows that the metric has not seen.
            label = "not judged" + (" (optimistic)" if self.scores is None else "")
            axis.plot([], [], "D", color=GREY, mfc="none", label=label)
        axis.plot([], [], "o", color="k", mfc="none", ms=11, label="chosen")
        if self.alpha_range is not None:
            axis.plot([], [], ":", color=GREY, label="ends of the grid")
        put_legend_beside(axis)


def _unit_of_y(scores: np.ndarray, errors: np.ndarray, plain: np.ndarray) -> float:
    """Return sd(y), as a plain score is -(error sd(y))^2; NaN where none is known."""
    plain = plain & (errors > 0)
    if not plain.any():
        return np.nan
    return float(np.median(np.sqrt(-scores[plain]) / errors[plain]))


def _ends_of_grid(given: Any, alphas: np.ndarray) -> tuple[float, float] | None:
    """Return the ends of the grid of ridges, None where weights have moved it."""
    grid = SCREENED_ALPHAS if given is None else np.ravel(given)
    found = alphas[np.isfinite(alphas)]
    on_grid = np.isclose(found[:, None], grid, rtol=1e-6, atol=0.0).any(axis=1)
    return (float(np.min(grid)), float(np.max(grid))) if on_grid.all() else None

"""The path of training, measured and predicted from the spectrum."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone, is_classifier

from sklearn_msk._estimators import (
    MSKClassifier,
    MSKClassifierCV,
    MSKRegressor,
    MSKRegressorCV,
)
from sklearn_msk._estimators._iterations import check_has_path
from sklearn_msk._operators import is_dask
from sklearn_msk._tuning import (
    REFERENCE_MAX_STEP,
    SAME_LOSS_ATOL,
    SAME_LOSS_RTOL,
    TIMED_MIN_ENERGY,
)
from sklearn_msk.finite_width import WideNetworkRegressor
from sklearn_msk.inspection._axes import (
    BLUE,
    GREY,
    ORANGE,
    finish,
    prepare_axes,
    set_scales,
)
from sklearn_msk.inspection._directions import (
    Directions,
    Targets,
    find_directions,
    find_targets,
)
from sklearn_msk.inspection._last_step import last_step
from sklearn_msk.kernels import NTK

# Take this part of a direction for what a step has left at the least: its logarithm is
# finite.
_MIN_REMAINDER = 1e-12


class DynamicsDisplay:
    """Errors along the path and the time to learn each eigen-direction.

    Create the display with `from_estimator`. Measured values are drawn beside values
    that the full decomposition of the kernel predicts. For a `WideNetworkRegressor`,
    the errors are predicted from the kernel at infinite width, and the eigen-directions
    and times from the empirical kernel at the start.

    Parameters
    ----------
    iterations : ndarray of shape (n_iterations,)
        Numbers of steps.
    train_errors, predicted_train_errors : ndarray of shape (n_iterations,)
        Root mean squared errors on the training rows, in the units of y; in units of
        the targets of +1 and -1 for a classifier.
    times, predicted_times : ndarray of shape (n_directions,)
        Steps until half of an eigen-direction of K/n has been learned; NaN if the path
        is too short, or if the eigen-direction holds less than a millionth of the
        energy of y.
    test_errors, predicted_test_errors : ndarray of shape (n_iterations,), default=None
        Root mean squared errors on rows held out.

    Attributes
    ----------
    figure_ : matplotlib Figure
        Figure of the axes.
    ax_ : matplotlib Axes
        Axes with the errors.
    times_ax_ : matplotlib Axes
        Axes with the times.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import make_friedman1
    >>> from sklearn_msk import MSKRegressor
    >>> from sklearn_msk.inspection import DynamicsDisplay
    >>> X, y = make_friedman1(200, random_state=0)
    >>> model = MSKRegressor(k=20, store_trajectory=True).fit(X, y)
    >>> display = DynamicsDisplay.from_estimator(model, X, y)
    >>> difference = display.train_errors - display.predicted_train_errors
    >>> bool(abs(difference).max() < 1e-3 * y.std())
    True
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        *,
        iterations: np.ndarray,
        train_errors: np.ndarray,
        predicted_train_errors: np.ndarray,
        times: np.ndarray,
        predicted_times: np.ndarray,
        test_errors: np.ndarray | None = None,
        predicted_test_errors: np.ndarray | None = None,
    ) -> None:
        self.iterations = iterations
        self.train_errors = train_errors
        self.predicted_train_errors = predicted_train_errors
        self.times = times
        self.predicted_times = predicted_times
        self.test_errors = test_errors
        self.predicted_test_errors = predicted_test_errors

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: ArrayLike,
        *,
        X_test: ArrayLike | None = None,
        y_test: ArrayLike | None = None,
        n_directions: int | None = None,
        ax: Any = None,
    ) -> "DynamicsDisplay":
        """Follow the path of a fitted estimator, and draw the display.

        Parameters
        ----------
        estimator : MSKRegressor, MSKClassifier or WideNetworkRegressor
            Estimator, fitted on X and y without weights, with
            ``store_trajectory=True``; or a fitted pipeline that ends in one, or a
            search with `best_estimator_`.
        X : array-like of shape (n_samples, n_features)
            Training rows as the pipeline or search takes them, at most 10 000 rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets of the training rows, or labels of a classifier.
        X_test : array-like of shape (n_queries, n_features), default=None
            Rows held out.
        y_test : array-like of shape (n_queries,) or (n_queries, n_targets), \
                default=None
            Targets or labels of the rows held out.
        n_directions : int, default=None
            Number of eigen-directions to time. None is the larger of 50 and twice the
            number whose rates g sets.
        ax : matplotlib Axes, or two of them, default=None
            Axes to draw on. None makes a new figure.

        Returns
        -------
        DynamicsDisplay
            The display.

        Raises
        ------
        TypeError
            If the estimator is none of these.
        ValueError
            If the estimator has not kept its path or was trained on other rows or with
            weights, or if only one of `X_test` and `y_test` is given.
        """
        if (X_test is None) != (y_test is None):
            raise ValueError(
                "'X_test' and 'y_test' go together. Got only "
                f"{'y_test' if X_test is None else 'X_test'}."
            )
        X, y = _in_memory(X), _in_memory(y)
        # They solve for the limit, and have no path.
        chosen = (MSKRegressorCV, MSKClassifierCV)
        estimator, X, X_test = last_step(estimator, X, X_test, shown=chosen)
        _check_path(estimator)
        iterations = np.asarray(estimator.path_iterations_, dtype=float)
        directions = find_directions(estimator, X, n_directions)
        targets = find_targets(estimator, X, y)
        path = list(_stages(estimator, X, targets.unit))
        _check_trained_on(estimator, path[-1], targets)
        reference = _reference(estimator, X, y)
        predicted = _stages(reference, X, targets.unit, iterations)
        test_errors = predicted_test_errors = None
        if X_test is not None and y_test is not None:
            held_out = find_targets(estimator, X_test, y_test)
            stages = _stages(estimator, X_test, held_out.unit)
            test_errors = _errors(stages, held_out)
            stages = _stages(reference, X_test, held_out.unit, iterations)
            predicted_test_errors = _errors(stages, held_out)
        display = cls(
            iterations=iterations,
            train_errors=_errors(path, targets),
            predicted_train_errors=_errors(predicted, targets),
            times=_measured_times(directions, targets, path, iterations, estimator),
            predicted_times=_predicted_times(directions, targets, estimator),
            test_errors=test_errors,
            predicted_test_errors=predicted_test_errors,
        )
        return display.plot(ax=ax)

    def plot(self, ax: Any = None) -> "DynamicsDisplay":
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, or two of them, default=None
            Axes to draw on. None makes a new figure.

        Returns
        -------
        self : DynamicsDisplay
            The display itself.
        """
        axes = prepare_axes(ax, 2, "DynamicsDisplay.plot")
        (self.ax_, self.times_ax_), self.figure_ = axes, axes[0].figure
        self._plot_errors(
            "training", BLUE, "o", self.train_errors, self.predicted_train_errors
        )
        measured = self.train_errors
        if self.test_errors is not None and self.predicted_test_errors is not None:
            self._plot_errors(
                "held out", ORANGE, "s", self.test_errors, self.predicted_test_errors
            )
            measured = np.concatenate([measured, self.test_errors])
        set_scales(self.ax_, measured)
        finish(self.ax_, "step", "root mean squared error")
        self._plot_times()
        return self

    def _plot_errors(
        self,
        name: str,
        color: str,
        marker: str,
        errors: np.ndarray,
        predicted: np.ndarray,
    ) -> None:
        """Draw measured errors, at up to 30 log-spaced steps, and predicted ones."""
        apart = np.geomspace(1, len(errors), 30) - 1
        self.ax_.plot(
            self.iterations,
            errors,
            marker,
            color=color,
            ms=4,
            markevery=np.unique(apart.astype(int)).tolist(),
            label=f"{name} (line: predicted)",
        )
        self.ax_.plot(self.iterations, predicted, color=color)

    def _plot_times(self) -> None:
        """Draw measured and predicted times, of the directions that are timed."""
        number, timed = np.arange(1, len(self.times) + 1), ~np.isnan(self.times)
        self.times_ax_.plot(
            number[timed], self.times[timed], "o", color=GREY, ms=4, label="measured"
        )
        timed = ~np.isnan(self.predicted_times)
        self.times_ax_.plot(
            number[timed], self.predicted_times[timed], color=ORANGE, label="predicted"
        )
        set_scales(self.times_ax_, self.times)
        finish(self.times_ax_, "direction", "steps to learn half of it")


def _check_path(estimator: Any) -> None:
    """Raise an error where an estimator has no path, or was trained with weights."""
    if not isinstance(estimator, MSKRegressor | MSKClassifier | WideNetworkRegressor):
        raise TypeError(
            "DynamicsDisplay takes a fitted MSKRegressor, MSKClassifier or "
            "WideNetworkRegressor, a pipeline that ends in one, or a search of them "
            f"with refit=True. Got {type(estimator).__name__} instead."
        )
    check_has_path(estimator, "DynamicsDisplay")
    if getattr(estimator, "class_weight", None) is not None:
        raise ValueError(
            "DynamicsDisplay takes a classifier that was trained without weights. Got "
            f"class_weight={estimator.class_weight!r} instead."
        )


def _check_trained_on(estimator: Any, fitted: np.ndarray, targets: Targets) -> None:
    """Raise a ValueError where the estimator was trained on other rows."""
    n = len(targets.values)
    if isinstance(estimator, WideNetworkRegressor):
        known = len(estimator.spectrum_.eigenvectors) == n
        known = known and _has_loss(estimator.loss_curve_[-1], fitted, targets)
    elif estimator.landmarks is not None:
        known = estimator.n_samples_seen_ == n
    else:
        known = len(estimator.dual_coef_) == n
    if not (known and _has_mean(estimator, targets)):
        raise ValueError(
            "DynamicsDisplay needs the rows and targets that the estimator was trained "
            f"on, without weights. Got {n} others instead; pass rows held out as "
            "X_test and y_test."
        )


def _in_memory(array: Any) -> Any:
    """Return the values of a dask array, anything else as it is."""
    return array.compute() if is_dask(array) else array


def _has_mean(estimator: Any, targets: Targets) -> bool:
    """Whether the mean of the targets is that which was subtracted, without weights."""
    intercept = np.ravel(estimator.intercept_) / targets.unit
    mean = targets.values.mean(axis=0)
    return not estimator.fit_intercept or np.allclose(intercept, mean, atol=1e-6)


def _has_loss(loss: float, fitted: np.ndarray, targets: Targets) -> bool:
    """Whether a mean square is that of the residuals, where a float can hold it."""
    square = targets.unit * targets.unit
    if not np.finfo(float).tiny < square < np.inf or np.isinf(loss):
        return True
    seen = np.mean(np.square(fitted - targets.values))
    tolerance = SAME_LOSS_ATOL * float(np.var(targets.values))
    return bool(np.isclose(seen, loss / square, rtol=SAME_LOSS_RTOL, atol=tolerance))


def _reference(estimator: Any, X: ArrayLike, y: ArrayLike) -> Any:
    """Kernel model of the same path, by a full decomposition."""
    exact = {"solver": "eigh", "eigen_solver": "dense", "store_trajectory": True}
    if not isinstance(estimator, WideNetworkRegressor):
        exact |= {"landmarks": None, "early_stopping": False, "verbose": 0}
        if estimator.k is None:
            # Without landmarks, None would be another number.
            exact["k"] = estimator.k_
        reference = clone(estimator).set_params(**exact)
        return reference.set_params(max_iter=estimator.n_iter_).fit(X, y)
    kernel = NTK(
        estimator.depth,
        estimator.activation,
        estimator.weight_variance,
        estimator.bias_variance,
    )
    shared = ("g", "k", "alpha", "fit_intercept")
    reference = MSKRegressor(
        kernel,
        dynamics="descent",
        solver="gd",
        eigen_solver="dense",
        max_iter=1,
        **{name: getattr(estimator, name) for name in shared},
    ).fit(X, y)
    # The step is the network's, unless the kernel would diverge with it.
    step = min(estimator.learning_rate_ / reference.learning_rate_, REFERENCE_MAX_STEP)
    reference.set_params(learning_rate=step, max_iter=estimator.n_iter_, **exact)
    return reference.fit(X, y)


def _stages(
    estimator: Any, X: ArrayLike, unit: float, iterations: np.ndarray | None = None
) -> Iterator[np.ndarray]:
    """Yield the values along a path, as columns in units of `unit`."""
    if is_classifier(estimator):
        stages = estimator.staged_decision_function(X, iterations)
    else:
        stages = estimator.staged_predict(X, iterations)
    return (values.reshape(len(values), -1) / unit for values in stages)


def _errors(path: Iterable[np.ndarray], targets: Targets) -> np.ndarray:
    """Root mean squared errors along a path, in the units of y."""
    squares = [np.mean(np.square(values - targets.values)) for values in path]
    return targets.unit * np.sqrt(squares)


def _is_timed(directions: Directions, targets: Targets) -> np.ndarray:
    """Whether each direction holds enough of y to be timed."""
    return directions.energies(targets) > TIMED_MIN_ENERGY


def _measured_times(
    directions: Directions,
    targets: Targets,
    path: list[np.ndarray],
    iterations: np.ndarray,
    estimator: Any,
) -> np.ndarray:
    """Measure the steps until half of what training makes of a direction is there."""
    timed = _is_timed(directions, targets)
    coordinates = directions.vectors.T @ targets.centred
    ridge = estimator.alpha / len(targets.values)
    limit = directions.rates / (directions.rates + ridge)
    goal = np.where(timed, limit * np.sum(np.square(coordinates), axis=1), 1.0)
    intercept = np.ravel(estimator.intercept_) / targets.unit
    learned = (directions.vectors.T @ (values - intercept) for values in path)
    parts = np.array([np.sum(part * coordinates, axis=1) / goal for part in learned])
    return np.array(
        [
            _crossing(iterations, part) if known else np.nan
            for part, known in zip(parts.T, timed, strict=True)
        ]
    )


def _crossing(iterations: np.ndarray, part: np.ndarray) -> float:
    """Step at which a part first exceeds one half, between those that are known."""
    steps, part = np.append(0.0, iterations), np.append(0.0, part)
    above = np.flatnonzero(part >= 0.5)
    if not above.size or np.isinf(steps[above[0]]):
        return np.nan
    after = above[0]
    # The remainder decays geometrically, from more than 1/2 to less.
    before, behind = np.maximum(1.0 - part[after - 1 : after + 1], _MIN_REMAINDER)
    fraction = np.log(before / 0.5) / np.log(before / behind)
    return float(steps[after - 1] + fraction * (steps[after] - steps[after - 1]))


def _predicted_times(
    directions: Directions, targets: Targets, estimator: Any
) -> np.ndarray:
    """Predict the steps after which the decay of a direction has halved it.

    They are ``log(2) / z`` for flow, ``-log(2) / log|1 - z|`` for descent, with ``z =
    eta (rate + alpha / n)``.
    """
    ridge = estimator.alpha / len(targets.values)
    z = estimator.learning_rate_ * (directions.rates + ridge)
    flow = getattr(estimator, "dynamics", "descent") == "flow"
    decay = z if flow else -np.log(np.maximum(np.abs(1.0 - z), _MIN_REMAINDER))
    return np.where(_is_timed(directions, targets), np.log(2.0) / decay, np.nan)

"""How training went, beside how the spectrum says that it goes."""

import numpy as np
from sklearn.base import clone

from sklearn_msk._estimators import MSKRegressor
from sklearn_msk._estimators._iterations import check_has_path
from sklearn_msk.finite_width import WideNetworkRegressor
from sklearn_msk.inspection._axes import BLUE, GREY, ORANGE, finish, prepare_axes
from sklearn_msk.inspection._directions import Directions
from sklearn_msk.kernels import NTK

# Parts of y below this are rounding, or noise of a network, not to be timed.
_SMALLEST_ENERGY = 1e-6

# What is left of a direction that a step has learned whole: times are on a logarithmic
# axis.
_NOTHING = 1e-12


class DynamicsDisplay:
    """Errors along the path and the time to learn each direction.

    It is recommended to use `from_estimator` to create a display. What is measured
    stands beside what the full decomposition of the kernel predicts. For a
    `WideNetworkRegressor`, the errors are predicted from the kernel at infinite width,
    and the directions and times are those of its empirical kernel at the start.

    Parameters
    ----------
    iterations : ndarray of shape (n_iterations,)
        Steps.
    train_errors, predicted_train_errors : ndarray of shape (n_iterations,)
        Root mean squared errors on the training rows, in the units of y.
    times, predicted_times : ndarray of shape (n_directions,)
        Steps until a direction of K/n has been learned by half; NaN where the path is
        too short, or where it holds less than a millionth of the energy of y.
    test_errors, predicted_test_errors : ndarray of shape (n_iterations,), default=None
        The same on rows held out.

    Attributes
    ----------
    figure_ : matplotlib Figure
    ax_ : matplotlib Axes
        With the errors.
    times_ax_ : matplotlib Axes
        With the times.

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
        iterations,
        train_errors,
        predicted_train_errors,
        times,
        predicted_times,
        test_errors=None,
        predicted_test_errors=None,
    ):
        self.iterations = iterations
        self.train_errors = train_errors
        self.predicted_train_errors = predicted_train_errors
        self.times = times
        self.predicted_times = predicted_times
        self.test_errors = test_errors
        self.predicted_test_errors = predicted_test_errors

    @classmethod
    def from_estimator(
        cls, estimator, X, y, *, X_test=None, y_test=None, n_directions=None, ax=None
    ):
        """Follow the path of a fitted estimator, and draw it.

        Parameters
        ----------
        estimator : MSKRegressor or WideNetworkRegressor
            Fitted on X and y, without weights, with ``store_trajectory=True``.
        X : array-like of shape (n_samples, n_features)
            Training rows, 10 000 at most.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Their targets.
        X_test : array-like of shape (n_queries, n_features), default=None
            Rows held out.
        y_test : array-like of shape (n_queries,) or (n_queries, n_targets), \
                default=None
            Their targets.
        n_directions : int, default=None
            Directions to time; None is twice those that g re-scales, and 50 at least.
        ax : matplotlib Axes, or two of them, default=None
            None is a new figure.

        Returns
        -------
        DynamicsDisplay

        Raises
        ------
        TypeError
            If the estimator is neither.
        ValueError
            If it has not kept its path, if the rows are not those that it was trained
            on, or if only one of `X_test` and `y_test` is given.
        """
        _check_path(estimator)
        if (X_test is None) != (y_test is None):
            raise ValueError(
                "'X_test' and 'y_test' go together. Got only "
                f"{'y_test' if X_test is None else 'X_test'}."
            )
        y = np.asarray(y)
        iterations = np.asarray(estimator.path_iterations_, dtype=float)
        directions = Directions(estimator, X, y, n_directions)
        reference = _reference(estimator, X, y)
        paths = {
            "": list(estimator.staged_predict(X)),
            "predicted_": list(reference.staged_predict(X, iterations)),
        }
        _check_trained_on(estimator, paths[""][-1], y)
        measured = {
            f"{kind}train_errors": _errors(path, y) for kind, path in paths.items()
        }
        if X_test is not None:
            measured["test_errors"] = _errors(estimator.staged_predict(X_test), y_test)
            measured["predicted_test_errors"] = _errors(
                reference.staged_predict(X_test, iterations), y_test
            )
        display = cls(
            iterations=iterations,
            times=_measured_times(directions, paths[""], iterations, estimator, len(X)),
            predicted_times=_predicted_times(directions, estimator, len(X)),
            **measured,
        )
        return display.plot(ax=ax)

    def plot(self, ax=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, or two of them, default=None
            None is a new figure.

        Returns
        -------
        self : DynamicsDisplay
            The display itself.
        """
        axes = prepare_axes(ax, 2, "DynamicsDisplay.plot")
        (self.ax_, self.times_ax_), self.figure_ = axes, axes[0].figure
        self._plot_errors("training", BLUE, self.train_errors, "o")
        self.ax_.loglog(self.iterations, self.predicted_train_errors, color=BLUE)
        if self.test_errors is not None:
            self._plot_errors("held out", ORANGE, self.test_errors, "s")
            self.ax_.loglog(self.iterations, self.predicted_test_errors, color=ORANGE)
        finish(self.ax_, "step", "root mean squared error of y")
        number = np.arange(1, len(self.times) + 1)
        self.times_ax_.loglog(
            number, self.times, "o", color=GREY, ms=4, label="measured"
        )
        self.times_ax_.loglog(
            number, self.predicted_times, color=ORANGE, label="predicted"
        )
        finish(self.times_ax_, "direction", "steps to learn half of it")
        return self

    def _plot_errors(self, name, color, errors, marker):
        apart = np.geomspace(1, len(errors), 30) - 1
        self.ax_.loglog(
            self.iterations,
            errors,
            marker,
            color=color,
            ms=4,
            markevery=np.unique(apart.astype(int)).tolist(),
            label=f"{name} (line: predicted)",
        )


def _check_path(estimator):
    if not isinstance(estimator, MSKRegressor | WideNetworkRegressor):
        raise TypeError(
            "DynamicsDisplay takes an MSKRegressor or a WideNetworkRegressor. Got "
            f"{type(estimator).__name__} instead; of a pipeline pass the last step and "
            "the transformed rows."
        )
    check_has_path(estimator, "DynamicsDisplay")


def _check_trained_on(estimator, fitted, y):
    """Raise a ValueError where the estimator was trained on other rows."""
    if isinstance(estimator, WideNetworkRegressor):
        seen, loss = np.mean((fitted - y) ** 2), estimator.loss_curve_[-1]
        known = np.isclose(seen, loss, rtol=1e-2, atol=1e-6 * np.var(y))
    elif estimator.landmarks is not None:
        known = estimator.n_samples_seen_ == len(y)
    else:
        known = len(estimator.dual_coef_) == len(y)
    if not known:
        raise ValueError(
            "DynamicsDisplay needs the rows and targets that the estimator was trained "
            f"on, without weights. Got {len(y)} others instead; pass rows held out as "
            "X_test and y_test."
        )


def _reference(estimator, X, y):
    """Kernel model of the same path, by a full decomposition."""
    exact = {"solver": "eigh", "eigen_solver": "dense", "store_trajectory": True}
    if not isinstance(estimator, WideNetworkRegressor):
        exact |= {"landmarks": None, "early_stopping": False, "verbose": 0}
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
    # The same absolute step, which the kernel may not allow where the network does.
    step = min(estimator.learning_rate_ / reference.learning_rate_, 1.999)
    reference.set_params(learning_rate=step, max_iter=estimator.max_iter, **exact)
    return reference.fit(X, y)


def _errors(path, y):
    y = np.asarray(y)
    return np.array([np.sqrt(np.mean((values - y) ** 2)) for values in path])


def _timed(directions):
    """Which directions hold enough of y to be timed."""
    return directions.energies() > _SMALLEST_ENERGY


def _measured_times(directions, path, iterations, estimator, n):
    """Measure the steps until half of what training makes of a direction is there."""
    timed = _timed(directions)
    coordinates = directions.vectors.T @ directions.targets
    limit = directions.rates / (directions.rates + estimator.alpha / n)
    goal = np.where(timed, limit * np.sum(coordinates**2, axis=1), 1.0)
    shape, shift = directions.targets.shape, np.ravel(estimator.intercept_)
    learned = [
        directions.vectors.T @ (values.reshape(shape) - shift) for values in path
    ]
    parts = np.array([np.sum(part * coordinates, axis=1) / goal for part in learned])
    return np.array(
        [
            _crossing(iterations, part) if known else np.nan
            for part, known in zip(parts.T, timed, strict=True)
        ]
    )


def _crossing(iterations, part):
    """Step at which a part first exceeds one half, between those that are known."""
    steps, part = np.append(0.0, iterations), np.append(0.0, part)
    above = np.flatnonzero(part >= 0.5)
    if not above.size or np.isinf(steps[above[0]]):
        return np.nan
    after = above[0]
    # What is left decays geometrically, from more than 1/2 to less.
    left = np.maximum(1.0 - part[after - 1 : after + 1], _NOTHING)
    share = np.log(left[0] / 0.5) / np.log(left[0] / left[1])
    return steps[after - 1] + share * (steps[after] - steps[after - 1])


def _predicted_times(directions, estimator, n):
    """Predict the steps after which the decay of a direction has halved it."""
    z = estimator.learning_rate_ * (directions.rates + estimator.alpha / n)
    flow = getattr(estimator, "dynamics", "descent") == "flow"
    decay = z if flow else -np.log(np.maximum(np.abs(1.0 - z), _NOTHING))
    return np.where(_timed(directions), np.log(2.0) / decay, np.nan)

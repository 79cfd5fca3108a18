"""Fitting and prediction, shared by the estimators that follow a spectrum."""

import math
from abc import ABC
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from sklearn_msk._array_api import Place, place_of, rows_for, to_host
from sklearn_msk._compat import (
    CallbackSupportMixin,
    HasMethods,
    Interval,
    StrOptions,
)
from sklearn_msk._doc_links import DocLinkMixin
from sklearn_msk._estimators._data import DaskData, TrainingData, check_data
from sklearn_msk._estimators._fitted import finish_fit
from sklearn_msk._estimators._iterations import check_has_path, check_iterations
from sklearn_msk._estimators._kernel_mixin import (
    KernelMixin,
    check_queries,
    kernel_config,
)
from sklearn_msk._estimators._known_values import find_known_values
from sklearn_msk._estimators._names import NamedParameters, explain_arguments
from sklearn_msk._estimators._parameters import stopping_rule, training_config
from sklearn_msk._estimators._progress import FitTask
from sklearn_msk._estimators._stopping import (
    Validation,
    check_validation,
    report_scores,
    train_and_stop,
)
from sklearn_msk._estimators._useless import warn_of_gamma, warn_of_scale
from sklearn_msk._operators import check_chunks, is_dask, map_rows
from sklearn_msk._training import (
    LandmarkConfig,
    ProblemConfig,
    Report,
    apply_kernel,
    extend,
    predict_rows,
    train,
    train_on,
    values_along,
)


def check_landmarks(estimator: Any) -> None:
    """Raise an AttributeError where an estimator cannot learn chunk by chunk."""
    if estimator.landmarks is None:
        raise AttributeError(
            f"{type(estimator).__name__}.partial_fit needs landmarks. Got "
            "landmarks=None instead; set landmarks to a number, such as "
            "landmarks=2000, or to an array of rows."
        )


class BaseMSK(
    NamedParameters,
    CallbackSupportMixin,
    KernelMixin,
    DocLinkMixin,
    BaseEstimator,
    ABC,
):
    """Kernel model trained by gradient flow along a chosen spectrum."""

    # The groups that a search passes on to its splitter are not asked about: `fit`
    # gets them after ``set_fit_request(groups=True)``.
    __metadata_request__fit = {"groups": False}

    _parameter_constraints: dict = {
        **KernelMixin._parameter_constraints,
        "alpha": [Interval(Real, 0, math.inf, closed="left")],
        "learning_rate": [Interval(Real, 0, math.inf, closed="neither")],
        "k": [*KernelMixin._parameter_constraints["k"], None],
        "max_iter": [Interval(Real, 0, math.inf, closed="right"), None],
        "landmarks": [
            Interval(Integral, 1, None, closed="left"),
            "array-like",
            None,
        ],
        "early_stopping": ["boolean", StrOptions({"loo", "auto"})],
        "validation_fraction": [
            Interval(Real, 0, 1, closed="neither"),
            HasMethods(["split"]),
        ],
        "landmark_selection": [StrOptions({"uniform", "rpcholesky"})],
        "dynamics": [StrOptions({"flow", "descent"})],
        "fit_intercept": ["boolean"],
        "solver": [StrOptions({"auto", "lanczos", "eigh", "gd"})],
        "tol": [Interval(Real, 0, math.inf, closed="neither")],
        "store_trajectory": ["boolean"],
        "verbose": ["verbose"],
    }

    @explain_arguments
    def __init__(
        self,
        kernel: Any = "ntk_relu",
        *,
        g: Any = "flatten",
        k: int | None = None,
        alpha: float = 0.0,
        learning_rate: float = 1.0,
        max_iter: float | None = None,
        dynamics: str = "flow",
        fit_intercept: bool = True,
        early_stopping: bool | str = "auto",
        validation_fraction: Any = 0.1,
        landmarks: Any = None,
        landmark_selection: str = "uniform",
        gamma: float | None = None,
        degree: float = 3,
        coef0: float = 1,
        kernel_params: dict | None = None,
        solver: str = "auto",
        eigen_solver: str = "auto",
        tol: float = 1e-4,
        store_trajectory: bool = False,
        memory: Any = None,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.kernel = kernel
        self.g = g
        self.k = k
        self.alpha = alpha
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.dynamics = dynamics
        self.fit_intercept = fit_intercept
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.landmarks = landmarks
        self.landmark_selection = landmark_selection
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.kernel_params = kernel_params
        self.solver = solver
        self.eigen_solver = eigen_solver
        self.tol = tol
        self.store_trajectory = store_trajectory
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def _fit(self, X: Any, y: Any, sample_weight: Any, validation: Validation) -> None:
        """Train on rows that are here, or with landmarks on rows in dask chunks."""
        task, place = FitTask(self, X, y, sample_weight), place_of(X)
        training, config = training_config(self), problem_config(self, place=place)
        report = Report.at(type(self).__name__, self.verbose)
        rule = stopping_rule(self, asked=validation.asks)
        check_validation(rule, validation)
        data = check_data(self, to_host(X), to_host(y), to_host(sample_weight))
        check_landmark_columns(self.landmarks, data.columns.names)
        warn_of_useless(self, data)
        attributes = data.attributes()
        if rule:
            model, chosen = train_and_stop(
                self, rule, data, validation, training, config, report
            )
            attributes |= chosen
            report_scores(report, data, model, chosen)
        else:
            model = train(data.rows, training, config, report)
        finish_fit(self, model, attributes, task, place)

    def _partial_fit(
        self, X: Any, y: Any, sample_weight: Any, classes: Any = None
    ) -> None:
        """Train on the rows that were passed over before and on more."""
        task, place = FitTask(self, X, y, sample_weight), place_of(X)
        # scikit-learn validates parameters for the first chunk only.
        self._validate_params()
        training, config = training_config(self), problem_config(self, place=place)
        report = Report.at(type(self).__name__, self.verbose)
        seen = vars(self).get("_pass")
        self._check_stream(seen, config)
        data = check_data(
            self,
            to_host(X),
            to_host(y),
            to_host(sample_weight),
            classes=to_host(classes),
            first=seen is None,
        )
        check_landmark_columns(self.landmarks, data.columns.names)
        if seen is None:
            warn_of_useless(self, data)
        problem = extend(seen, data.rows, config, [training], report)
        model = train_on(problem, training, config, report)
        finish_fit(self, model, data.attributes(), task, place)

    def _check_stream(self, seen: Any, config: ProblemConfig) -> None:
        """Raise a ValueError where `partial_fit` cannot go on, or begin."""
        if self.early_stopping not in (False, "auto"):
            raise ValueError(
                "partial_fit holds no rows out. Got early_stopping="
                f"{self.early_stopping!r} instead; set it to False."
            )
        if seen is not None:
            seen.check_parameters(config.kernel, self.landmarks)
        elif "dual_coef_" in vars(self):
            raise ValueError(
                "partial_fit has no sums to go on from. Either the model was trained "
                "without landmarks, or the model is a copy or a pickle of one that fit "
                "trained. Train by partial_fit from the first chunk on, or start again "
                "with a clone."
            )

    def __getstate__(self) -> dict:
        # After fit, prediction is all that a file is for; a stream goes on from it.
        state = dict(super().__getstate__())
        state.pop("_known_values", None)
        if "_pass" in state and not state["_pass"].streamed:
            del state["_pass"]
        return state

    def _values(self, X: Any, method: str) -> Any:
        """Values of the model, of shape (n,) or (n, n_targets); lazily for dask.

        Errors name the method that was called.
        """
        if is_dask(X):
            return self._dask_values(X)
        X, back = rows_for(self, X, self.dual_coef_, method)
        X = check_queries(self, X)
        known = find_known_values(self, X)
        if known is not None:
            return back(known)
        values = apply_kernel(
            self.kernel_, X, self.X_fit_, self.dual_coef_, self.n_jobs
        )
        return back(values + self.intercept_)

    def _dask_values(self, X: Any) -> Any:
        """Values of the model at the chunks of a dask array, when they are computed."""
        # What the workers are sent: the model without what only training needs.
        model = partial(
            predict_rows, self.kernel_, self.X_fit_, self.dual_coef_, self.intercept_
        )
        n_targets = None if self.dual_coef_.ndim == 1 else self.dual_coef_.shape[1]
        X = check_chunks(X, known=False)
        check_queries(self, np.zeros((1, X.shape[1])))
        return map_rows(model, X, n_targets, self.dual_coef_.dtype)

    def _staged_values(
        self, X: Any, iterations: ArrayLike | None
    ) -> Iterator[np.ndarray]:
        """Values along the path, once it is known to be there."""
        check_has_path(self, "staged_predict")
        if iterations is None:
            iterations = to_host(self.path_iterations_)
        X, back = rows_for(self, X, self.dual_coef_, "staged_predict")
        path = self.trajectory_
        along = values_along(
            self.kernel_,
            check_queries(self, X),
            self.X_fit_,
            self.intercept_,
            path,
            path.filter,
            check_iterations(iterations, self.n_iter_, path.filter.dynamics),
            self.n_jobs,
        )
        return map(back, along)


def problem_config(
    estimator: Any, n_parallel: int = 1, place: Place | None = None
) -> ProblemConfig:
    """Read what turns rows into a problem from the parameters of an estimator.

    Parameters
    ----------
    estimator : MSKRegressor or MSKClassifier
    n_parallel : int, default=1
        Problems that are in memory at the same time, and share its limit.
    place : Place, default=None
        Where the rows are; None is NumPy.

    Returns
    -------
    ProblemConfig
    """
    landmarks = None
    if estimator.landmarks is not None:
        landmarks = LandmarkConfig(
            to_host(estimator.landmarks),
            estimator.landmark_selection,
            estimator.random_state,
        )
    return replace(
        kernel_config(estimator, n_parallel),
        fit_intercept=estimator.fit_intercept,
        landmarks=landmarks,
        place=None if place is None else place.engine,
    )


def warn_of_useless(estimator: BaseMSK, data: TrainingData) -> None:
    """Warn of a `gamma` without effect, and of columns that the kernel hardly sees."""
    warn_of_gamma(estimator)
    if not isinstance(data, DaskData):
        warn_of_scale(estimator, data.X, data.columns.names)


def check_landmark_columns(landmarks: Any, names: np.ndarray | None) -> None:
    """Raise a ValueError where landmarks in a data frame have other columns."""
    columns = getattr(landmarks, "columns", None)
    if columns is not None and names is not None and list(columns) != list(names):
        raise ValueError(
            f"The 'landmarks' must have the columns of X, {list(names)}, in this "
            f"order. Got {list(columns)} instead."
        )

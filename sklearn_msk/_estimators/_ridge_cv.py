"""Regression whose kernel, metric, length scale and ridge the data choose."""

import copy
import warnings
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.gaussian_process.kernels import Kernel
from sklearn.utils import check_array, gen_batches
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_msk._compat import Interval, StrOptions, _fit_context
from sklearn_msk._doc_links import DocLinkMixin
from sklearn_msk._estimators._candidates import (
    Judge,
    params_of,
    report_failures,
    results_table,
    score_candidates,
)
from sklearn_msk._estimators._chosen_model import (
    as_pipeline,
    components,
    cross_kernel,
    exact_regressor,
    feature_importances,
    landmark_regressor,
)
from sklearn_msk._estimators._data import check_dense_array
from sklearn_msk._estimators._regressor import MSKRegressor
from sklearn_msk._estimators._scaling import RobustScale
from sklearn_msk._estimators._table import Table, Targets
from sklearn_msk._scores import r2
from sklearn_msk._selection import (
    ChoiceConfig,
    LeftOutModels,
    RidgeModel,
    SearchRows,
    compare_finalists,
    compared_rows,
    cross_metric_errors,
    jackknife_plus,
    judge_candidates,
    kernel_family,
    metric_folds,
    quantile_interval,
    quantile_rank,
    screened_rows,
)
from sklearn_msk._selection._kernel_families import AUTO
from sklearn_msk._threads import single_threaded_blas
from sklearn_msk._validation import check_seed, check_weights

# Up to this many rows all models without a row are kept, n^2 numbers, for jackknife+.
_JACKKNIFE_ROWS = 2000

# Landmarks of the final model, where there are more rows than `max_rows`.
_LANDMARKS = 2000

# Rows of a block of queries, each with the models without every row.
_QUERY_ENTRIES = 4_000_000


class MSKRegressorCV(DocLinkMixin, MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Kernel ridge regression that chooses all of itself by leave-one-out errors.

    Kernel, length scale and ridge are chosen by exact leave-one-out errors, which one
    decomposition gives for every ridge. A metric, in which the kernel compares rows, is
    learned from the gradients of the model; metrics are compared by errors at rows that
    they have not seen. The features are standardised by their interquartile ranges, so
    that the units of a column change nothing.

    Parameters
    ----------
    kernels : "auto", a kernel or a list of kernels, default="auto"
        Candidates, each a name, kernel object or function. Names get a few length
        scales relative to the data: "laplacian" (city block), "matern" (nu = 1/2,
        Euclidean), "rbf", and networks as "ntk_relu" or, with 3 hidden layers,
        "ntk3_relu", which are normalised. Objects are used as
        they are, on the standardised features. "auto" is the list of these five.
    metrics : {"none", "diagonal", "full"} or list of them, default=("none", \
            "diagonal", "full")
        Structures of the metrics to learn, for "laplacian", "matern" and "rbf".
    max_updates : int, default=3
        Updates of a metric, >= 0: the number is chosen too.
    alphas : array-like of shape (n_alphas,), default=None
        Ridges, > 0, in the units of `sklearn.kernel_ridge.KernelRidge` for targets of
        unit variance, on the up to 500 rows that candidates are screened on. None is
        28 of them from 1e-7 to 100, for weights of mean 1.
    standardize : bool, default=True
        Whether features are centred at their median and divided by their interquartile
        range, or by their standard deviation where that is 0. Constant features are
        left out.
    scoring : str, callable or None, default=None
        None is the mean squared error. With ``cv=None`` a scorer judges the
        leave-one-out predictions, so that it must need nothing else.
    cv : int, cross-validation generator, iterable or None, default=None
        None is leave-one-out (for metrics, by folds); anything else judges the models
        that leave-one-out ranks first by its folds.
    max_rows : int, default=10000
        Up to so many rows the final model is exact, in about 3 n^3 / 3 operations and
        16 n^2 bytes; beyond, it has as many landmarks, up to 2000.
    n_jobs : int, default=None
        Number of kernels that are screened at a time.
    random_state : int, RandomState instance or None, default=None
        Draw of the rows that candidates are screened on, and of folds. None is
        deterministic too.
    verbose : int, default=0
        1 or more prints a line for each metric that is judged.

    Attributes
    ----------
    best_estimator_ : Pipeline
        Of the map to standardised units and metric, and an `MSKRegressor`; it predicts
        as this estimator does.
    best_params_ : dict
        Kernel, metric, power of the metric, number of its updates, length scale and
        alpha of the final model. Those in `cv_results_` are of the models on the rows
        that candidates are screened on.
    best_index_ : int
        Place of the chosen candidate in `cv_results_`.
    best_score_ : float
        Its score on the rows that candidates are screened on: the negative mean squared
        leave-one-out error (of rows that a metric has not seen), or what `scoring`
        says.
    cv_results_ : dict of ndarray
        For every candidate ``params``, ``mean_test_score`` (NaN where the metric was
        not judged, as the errors of others were smaller), ``rank_test_score``,
        ``leave_one_out_error`` (root mean square, relative to y, in a metric that has
        seen it), ``fit_time`` in seconds and ``failure``.
    alpha_ : float
        Ridge of the final model, in the units of `KernelRidge`.
    kernel_ : object
        Kernel of the final model, in standardised units and metric.
    components_ : ndarray of shape (n_components, n_features)
        Metric in the units of X. The training matrix is ``kernel_(X @ components_.T)``
        (for networks, of ``(X - centre_) @ components_.T``).
    centre_ : ndarray of shape (n_features,)
        Medians of the features.
    feature_importances_ : ndarray of shape (n_features,)
        Mean squared slopes of the model along the standardised features, summing to 1.
    loo_prediction_ : ndarray of shape (n_samples,) or (n_samples, n_targets)
        Prediction of every training row by the model without it. In a learned metric,
        which has seen the row, for the rows that it was learned on by folds instead.
        Absent with `cv` and with landmarks.
    interval_method_ : {"jackknife+", "leave-one-out", "cross-metric leave-one-out"}
        How `predict_interval` works; absent with landmarks.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where all are strings.

    See Also
    --------
    MSKRegressor : Training along a spectrum that you choose.
    LearnedMetric : The metric alone, in front of other estimators.
    sklearn.linear_model.RidgeCV : Ridge regression chosen by leave-one-out.

    References
    ----------
    A. Radhakrishnan, D. Beaglehole, P. Pandit, M. Belkin, *Mechanism for feature
    learning in neural networks and backpropagation-free machine learning models*,
    Science 383, 2024.
    R. Barber, E. Candès, A. Ramdas, R. Tibshirani, *Predictive inference with the
    jackknife+*, Annals of Statistics 49, 2021.

    Examples
    --------
    >>> from sklearn.datasets import make_friedman1
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn_msk import MSKRegressorCV
    >>> X, y = make_friedman1(400, noise=0.5, random_state=0)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> model = MSKRegressorCV().fit(X_train, y_train)
    >>> print(f"{model.score(X_test, y_test):.2f}")
    0.98
    >>> low, high = model.predict_interval(X_test, confidence_level=0.9).T
    >>> print(f"{((low <= y_test) & (y_test <= high)).mean():.2f}")
    0.90
    """

    _parameter_constraints: dict = {
        "kernels": [list, tuple, str, Kernel, callable],
        "metrics": [StrOptions({"none", "diagonal", "full"}), list, tuple],
        "max_updates": [Interval(Integral, 0, None, closed="left")],
        "alphas": ["array-like", None],
        "standardize": ["boolean"],
        "scoring": [str, callable, None],
        "cv": ["cv_object", None],
        "max_rows": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        kernels: Any = "auto",
        *,
        metrics: Sequence[str] = ("none", "diagonal", "full"),
        max_updates: int = 3,
        alphas: Any = None,
        standardize: bool = True,
        scoring: Any = None,
        cv: Any = None,
        max_rows: int = 10_000,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.kernels = kernels
        self.metrics = metrics
        self.max_updates = max_updates
        self.alphas = alphas
        self.standardize = standardize
        self.scoring = scoring
        self.cv = cv
        self.max_rows = max_rows
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Choose a model, and train it on all rows.

        A fit that fails leaves the object as it was before.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights; an integer weight equals repeating the row.

        Returns
        -------
        self : MSKRegressorCV
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are out of their range, or if no candidate can be
            fitted.
        """
        config = self._config()
        columns, given = self._check_data(X, y, sample_weight)
        judge = Judge.of(self.scoring, self.cv, self.standardize, given)
        table = given.part(np.arange(len(given.X)))
        scale = RobustScale.of(table.X, standardize=self.standardize)
        targets = Targets.of(table.y, table.weights)
        rows = SearchRows.of(scale(table.X), targets.values, table.weights)
        rng = check_seed(self.random_state)

        screened = rows.part(screened_rows(rows, rng))
        folds = metric_folds(screened, rng)
        # Threads would wait more than work on matrices of a few hundred rows.
        with single_threaded_blas():
            judged = judge_candidates(screened, config, folds, self._report)
        report_failures(judged)
        scores = score_candidates(judged, judge, screened, targets, given)
        compared = rows.part(compared_rows(len(rows.Z), rng))
        best_index, model = compare_finalists(judged, scores, screened, compared)
        if len(compared.Z) != len(screened.Z):
            folds = metric_folds(compared, rng)
        regressor, errors = self._fit_final(model, rows, compared, targets, folds)
        if judge.is_relative:
            scores = scores * targets.variance
        attributes = {
            **columns,
            **errors,
            "best_estimator_": as_pipeline(model, scale, regressor, columns),
            "kernel_": model.family.at(model.scale)[0],
            "alpha_": regressor.alpha,
            "components_": components(model, scale),
            "centre_": scale.centre,
            "feature_importances_": feature_importances(model, compared),
            "cv_results_": results_table(judged, scores, screened),
            "best_index_": best_index,
            "best_score_": float(scores[best_index]),
            "best_params_": params_of(model, rows),
        }
        self._assign(attributes)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict targets.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_queries,) or (n_queries, n_targets)
            Predictions, float64.
        """
        check_is_fitted(self)
        return self.best_estimator_[-1].predict(self._mapped(X))

    def predict_interval(self, X: Any, confidence_level: float = 0.9) -> np.ndarray:
        """Predict intervals that hold the target with a given probability.

        Jackknife+ where no metric was learned and there are at most 2000 rows:
        the r-th smallest ``f_{-i}(x) + |e_i|`` and the r-th largest ``f_{-i}(x) -
        |e_i|``, ``r = ceil(confidence_level (n + 1))``, over the models f_{-i} without
        a row and their errors e_i at it. Otherwise the r-th smallest ``|e_i|`` around
        the prediction, of errors in a metric that has not seen the row. Both hold for
        rows that are exchangeable: not for groups, times or weights.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Rows.
        confidence_level : float, default=0.9
            In (0, 1).

        Returns
        -------
        ndarray of shape (n_queries, 2) or (n_queries, n_targets, 2)
            Lower and upper ends; infinite where there are too few rows.
        """
        check_is_fitted(self)
        legal = isinstance(confidence_level, Real) and 0 < confidence_level < 1
        if not legal or isinstance(confidence_level, bool):
            raise ValueError(
                "The 'confidence_level' must be a float in the range (0, 1). Got "
                f"{confidence_level!r} instead."
            )
        if not hasattr(self, "interval_method_"):
            raise ValueError(
                "predict_interval needs leave-one-out errors, which a model on "
                f"landmarks has not: it was fitted on more than max_rows="
                f"{self.max_rows} rows. Set a larger max_rows."
            )
        level, errors = float(confidence_level), self._interval_errors
        if quantile_rank(len(errors), level) > len(errors):
            fewest = int(np.ceil(level / (1 - level) - 1e-9))
            warnings.warn(
                f"Intervals of confidence_level={level} need at least {fewest} rows. "
                f"Got {len(errors)}: their ends are infinite.",
                UserWarning,
                stacklevel=2,
            )
        Z = self._mapped(X)
        if self.interval_method_ != "jackknife+":
            return quantile_interval(self.best_estimator_[-1].predict(Z), errors, level)
        return self._jackknife(Z, level)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Coefficient of determination R2 of the predictions, at any scale of y.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Rows.
        y : array-like of shape (n_queries,) or (n_queries, n_targets)
            True targets.
        sample_weight : array-like of shape (n_queries,), default=None
            Weights of the rows.

        Returns
        -------
        float
            R2, the mean over the targets.
        """
        return r2(y, self.predict(X), sample_weight)

    def _config(self) -> ChoiceConfig:
        """Read and check what there is to choose from."""
        legal = ("none", "diagonal", "full")
        metrics = [self.metrics] if isinstance(self.metrics, str) else self.metrics
        unknown = [m for m in metrics if m not in legal]
        if unknown or not len(metrics):
            raise ValueError(
                f"The 'metrics' must be some of {list(legal)}. Got "
                f"{self.metrics!r} instead."
            )
        kernels = self.kernels
        if isinstance(kernels, str) and kernels == "auto":
            kernels = AUTO
        elif not isinstance(kernels, (list, tuple)):
            kernels = [kernels]
        if not len(kernels):
            raise ValueError("The 'kernels' must hold at least one kernel. Got none.")
        alphas = None
        if self.alphas is not None:
            if not np.size(self.alphas):
                raise ValueError("The 'alphas' must hold at least one number.")
            alphas = check_array(
                self.alphas, ensure_2d=False, dtype=np.float64, input_name="alphas"
            ).ravel()
            if alphas.min() <= 0:
                raise ValueError(
                    f"The 'alphas' must be > 0. Got {alphas.min():.6g} instead."
                )
        return ChoiceConfig(
            families=[kernel_family(kernel) for kernel in kernels],
            structures=tuple(metrics),
            max_updates=self.max_updates,
            alphas=alphas,
            n_jobs=self.n_jobs,
        )

    def _check_data(
        self, X: Any, y: Any, sample_weight: Any
    ) -> tuple[dict[str, Any], Table]:
        """Validate rows, targets and weights; return the columns' names too."""
        check_dense_array(y, "y")
        # scikit-learn's validation sets attributes: here those of a copy.
        checked = copy.copy(self)
        X, y = validate_data(
            checked,
            X,
            y,
            dtype=np.float64,
            multi_output=True,
            y_numeric=True,
            ensure_min_samples=2,
        )
        y = check_array(y, dtype=np.float64, ensure_2d=False, input_name="y")
        weights = check_weights(sample_weight, X)
        if weights is not None and np.count_nonzero(weights) < 2:
            raise ValueError(
                "Leave-one-out needs at least 2 rows of positive weight. Got "
                f"{np.count_nonzero(weights)}."
            )
        columns = {"n_features_in_": checked.n_features_in_}
        if hasattr(checked, "feature_names_in_"):
            columns["feature_names_in_"] = checked.feature_names_in_
        return columns, Table(X, y, weights)

    def _report(self, line: str) -> None:
        """Print a line, under `verbose`."""
        if self.verbose:
            print(f"[{type(self).__name__}] {line}")

    def _fit_final(
        self,
        model: RidgeModel,
        rows: SearchRows,
        compared: SearchRows,
        targets: Targets,
        folds: np.ndarray,
    ) -> tuple[MSKRegressor, dict[str, Any]]:
        """Train the chosen model on all rows; return its errors at them too."""
        if len(rows.Z) > self.max_rows:
            n_landmarks = min(_LANDMARKS, self.max_rows)
            return landmark_regressor(
                model, rows, targets, n_landmarks, self.random_state
            ), {}
        left_out = model.left_out(rows)
        attributes: dict[str, Any] = {}
        errors, method = left_out.errors, "leave-one-out"
        if model.n_updates > 0:
            method = "cross-metric leave-one-out"
            errors = cross_metric_errors(model, compared, folds)
        elif len(rows.Z) <= _JACKKNIFE_ROWS:
            method = "jackknife+"
            attributes["_left_out"] = left_out
        attributes["interval_method_"] = method
        attributes["_interval_errors"] = errors * targets.unit
        attributes["_target_units"] = targets.mean, targets.unit
        if self.cv is None:
            known = len(errors) == len(rows.Z)
            prediction = rows.y - (errors if known else left_out.errors)
            attributes["loo_prediction_"] = targets.back(prediction)
        regressor = exact_regressor(model, left_out, rows, targets)
        return regressor, attributes

    def _assign(self, attributes: dict[str, Any]) -> None:
        """Set the fitted attributes, and remove those of an earlier fit."""
        for name in _OPTIONAL:
            self.__dict__.pop(name, None)
        self.__dict__ |= attributes

    def _mapped(self, X: Any) -> np.ndarray:
        """Validate rows, and take them to standardised units and metric."""
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return (X - self.centre_) @ self.components_.T

    def _jackknife(self, Z: np.ndarray, level: float) -> np.ndarray:
        """Find the ends of jackknife+ intervals, in blocks of queries."""
        left_out: LeftOutModels = self._left_out
        mean, unit = self._target_units
        model = self.best_estimator_[-1]
        size = max(1, _QUERY_ENTRIES // left_out.errors.size)
        ends = []
        for block in gen_batches(len(Z), size):
            K = cross_kernel(model, Z[block])
            ends.append(
                jackknife_plus(left_out.predict_without(K), left_out.errors, level)
            )
        found = np.concatenate(ends)
        return found * np.asarray(unit)[..., None] + np.asarray(mean)[..., None]


# What a fit may leave, and the next one may not.
_OPTIONAL = (
    "_interval_errors",
    "_left_out",
    "_target_units",
    "feature_names_in_",
    "interval_method_",
    "loo_prediction_",
)

"""Regression whose kernel, metric, length scale and ridge the data choose."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Self

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted

from sklearn_msk._array_api import Array, place_of, put_like, to_host
from sklearn_msk._compat import StrOptions, _fit_context, with_callbacks
from sklearn_msk._estimators._base_cv import BaseMSKCV
from sklearn_msk._estimators._candidates import Judge
from sklearn_msk._estimators._choice import (
    Choice,
    choose,
    choose_quickly,
    chosen_attributes,
)
from sklearn_msk._estimators._chosen_model import (
    as_pipeline,
    cross_kernel,
    exact_estimator,
    feature_importances,
    landmark_estimator,
    rank_on_landmarks,
)
from sklearn_msk._estimators._intervals import check_level, warn_of_infinite_ends
from sklearn_msk._estimators._names import explain_arguments
from sklearn_msk._estimators._progress import FitTask
from sklearn_msk._estimators._regressor import MSKRegressor
from sklearn_msk._estimators._table import Table
from sklearn_msk._scores import r2
from sklearn_msk._selection import (
    LeftOutModels,
    RidgeModel,
    cross_metric_errors,
    jackknife_plus,
    quantile_interval,
    quantile_rank,
)
from sklearn_msk._selection._kernel_families import AUTO, QUICK

# Up to this many rows all models without a row are kept, n^2 numbers, for jackknife+.
_JACKKNIFE_ROWS = 2000

# Rows of a block of queries, each with the models without every row.
_QUERY_ENTRIES = 4_000_000


class MSKRegressorCV(MultiOutputMixin, RegressorMixin, BaseMSKCV):
    """Kernel ridge regression that chooses its settings by leave-one-out errors.

    The leave-one-out error at a row is that of the model trained without the row. One
    decomposition of the kernel matrix gives these errors exactly, for every ridge. They
    choose the kernel, its length scale and the ridge. A metric, in which the kernel
    compares rows, is learned from the gradients of the model. Metrics are compared by
    errors at rows that did not help to learn them. The features are divided by their
    interquartile ranges, so the units of a column change nothing.

    Parameters
    ----------
    kernels : "auto", a kernel or a list of kernels, default="auto"
        Candidates, each a name, kernel object or function. Names get a few length
        scales relative to the data: "laplacian" (city block), "matern" (nu = 1/2,
        Euclidean), "rbf", and networks as "ntk_relu" or, with 3 hidden layers,
        "ntk3_relu", which are normalised. Objects are used without change, on the
        standardised features. "auto" is the list of these five names.
    metrics : {"none", "diagonal", "full"} or list of them, default=("none", \
            "diagonal", "full")
        Structures of the metrics to learn, for "laplacian", "matern" and "rbf".
    max_updates : int, default=3
        Largest number of updates of a metric, >= 0. The number in use is chosen too.
    alphas : array-like of shape (n_alphas,), default=None
        Ridges, > 0, in the units of `sklearn.kernel_ridge.KernelRidge`, for the up to
        500 rows that screen the candidates; for more rows the ridges grow with the sum
        of the weights. None is 28 ridges from 1e-7 to 100, for weights of mean 1. On
        more rows None is the range from a thousandth of the best ridge to ten times the
        best.
    standardize : bool, default=True
        Whether features are centred at their median and divided by their interquartile
        range, or by their standard deviation if the range is 0. Constant features are
        left out.
    scoring : str, callable or None, default=None
        None is the mean squared error. With ``cv=None`` a scorer judges the
        leave-one-out predictions, and must need nothing else. The scorer chooses kernel
        and metric; squared errors choose the length scale and ridge of each.
    cv : int, cross-validation generator, iterable or None, default=None
        None is leave-one-out (for metrics, by folds). The folds of anything else judge
        the five candidates that leave-one-out ranks first, and choose the ridges of
        the best three.
    effort : {"full", "quick"}, default="full"
        "quick" takes a tenth of the seconds, for many small models. Two draws of
        neighbouring rows choose among three kernels (with "auto"), one or two updates
        of a metric, and the ridge. `scoring` and `cv` must be None. The errors are
        taken at rows that helped to learn the metric, so errors and intervals are a
        little too small.
    max_rows : int, default=10000
        Up to so many rows the final model is exact, in about n^3 operations and 9 n^2
        bytes. With more rows, or if 9 n^2 bytes exceed the memory limit, the model has
        as many landmarks, up to 2000. The best three kernels and metrics are then
        compared by the leave-one-out errors of 30 000 rows, on landmarks.
    n_jobs : int, default=None
        Number of kernels that are screened at a time.
    random_state : int, RandomState instance or None, default=None
        Draw of the rows that candidates are screened on, and of folds. None is
        deterministic too.
    verbose : int, default=0
        1 or more prints a line for each kernel that is screened and each metric that is
        judged, with the seconds that are left at most.

    Attributes
    ----------
    best_estimator_ : Pipeline
        A map to standardised units and metric, and an `MSKRegressor`. The pipeline
        predicts as this estimator does.
    best_params_ : dict
        Kernel, metric, power of the metric, number of its updates, length scale and
        alpha of the final model. The parameters in `cv_results_` are those of the
        models on the rows that screen the candidates.
    best_index_ : int
        Place of the chosen candidate in `cv_results_`.
    best_score_ : float
        Score of the chosen candidate on the rows that screen the candidates: the
        negative mean squared leave-one-out error (in a learned metric, at rows that did
        not help to learn the metric; with several targets, relative to their
        variances), or the score of `scoring`.
    cv_results_ : dict of ndarray
        For every candidate ``params``, ``mean_test_score`` (NaN if the metric was not
        judged, because other metrics had smaller errors), ``rank_test_score``,
        ``leave_one_out_error`` (root mean square, relative to y, in a metric that all
        rows helped to learn), ``fit_time`` in seconds and ``failure``.
    alpha_ : float
        Ridge of the final model, in the units of `KernelRidge`.
    kernel_ : object
        Kernel of the final model, in standardised units and metric.
    components_ : ndarray of shape (n_components, n_features)
        Metric in the units of X. The training matrix is ``kernel_(X @ components_.T)``
        (for networks, of ``(X - centre_) @ components_.T``).
    centre_ : ndarray of shape (n_features,)
        Medians of the features.
    scale_ : ndarray of shape (n_features,)
        What the features are divided by; inf for constant ones, which are left out.
    feature_importances_ : ndarray of shape (n_features,)
        Mean squared slopes of the model along the standardised features, summing to 1.
        They say what the model looks at. A feature of heavy tails, which no metric was
        learned for, makes all of them less exact: to leave features out, look at
        `sklearn.inspection.permutation_importance`.
    loo_prediction_ : ndarray of shape (n_samples,) or (n_samples, n_targets)
        Prediction of every training row by the model without the row. If a metric was
        learned, folds take the place of single rows, for the rows that helped to learn
        the metric. With landmarks the predictions come from leverages. A row of weight
        0 has the prediction of the model itself. Absent with `cv`.
    interval_method_ : {"jackknife+", "leave-one-out", "cross-metric leave-one-out"}
        How `predict_interval` works. For "jackknife+" the object, and its pickle, hold
        n_samples^2 numbers.
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
        **BaseMSKCV._parameter_constraints,
        "effort": [StrOptions({"full", "quick"})],
    }

    @explain_arguments
    def __init__(
        self,
        kernels: Any = "auto",
        *,
        metrics: str | Sequence[str] = ("none", "diagonal", "full"),
        max_updates: int = 3,
        alphas: Any = None,
        standardize: bool = True,
        scoring: Any = None,
        cv: Any = None,
        effort: str = "full",
        max_rows: int = 10_000,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            kernels,
            metrics=metrics,
            max_updates=max_updates,
            alphas=alphas,
            standardize=standardize,
            scoring=scoring,
            cv=cv,
            max_rows=max_rows,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
        )
        self.effort = effort

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> Self:
        """Choose a model, and train it on all rows.

        A fit that fails leaves the object as it was before.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Training rows. Sparse ones are made dense.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets. Several targets share kernel, metric and ridge: fit unlike targets
            one by one.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights. An integer weight equals repeating the row, up to the
            500 rows that candidates are screened on.
        **params : dict
            Metadata of the splitter `cv` and of the scorer, such as ``groups``, under
            ``sklearn.set_config(enable_metadata_routing=True)``.

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
        quick = self.effort == "quick"
        if quick and (self.scoring is not None or self.cv is not None):
            raise ValueError(
                "effort='quick' chooses by leave-one-out squared errors. Got scoring="
                f"{self.scoring!r} and cv={self.cv!r}: leave both at None, or set "
                "effort='full'."
            )
        config = self._config(QUICK if quick else AUTO)
        place = place_of(X)
        self._check_kernels(config, place)
        columns, X, y = self._check_data(X, y)
        weights = self._check_weights(sample_weight, X)
        scorer_params, split_params = self._routed(weights, params)
        given = Table(X, y, weights, scorer_params)
        judge = Judge.of(
            self.scoring, self.cv, self.standardize, given, split_params=split_params
        )
        task = FitTask(self, X, y, sample_weight)
        how = choose_quickly if quick else partial(choose, of_each=True)
        choice = how(given, judge, config, self.random_state, self._progress(task))
        plain = self.scoring is None and self.cv is None
        if plain and not self._is_exact(len(choice.rows.Z)):
            ranked = rank_on_landmarks(
                choice.finalists, choice.rows, self.max_rows, self.random_state
            )
            choice = replace(choice, finalists=ranked)
        best = choice.finalists[0]
        regressor, errors = self._fit_final(best.model, choice)
        fitted = as_pipeline(best.model, choice.scale, regressor, columns)
        if "loo_prediction_" in errors:
            errors["loo_prediction_"] = given.with_rows_outside(
                errors["loo_prediction_"], fitted.predict
            )
        attributes = {
            **columns,
            **errors,
            **chosen_attributes(choice, regressor.alpha),
            "best_estimator_": fitted,
            "feature_importances_": feature_importances(best.model, choice.compared),
        }
        if place is not None:
            attributes = place.put_all(attributes)
        task.end(lambda: attributes)
        self._assign(attributes)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict targets.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_queries, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_queries,) or (n_queries, n_targets)
            Predictions, float64.
        """
        check_is_fitted(self)
        X, back = self._checked(X, "predict")
        return back(self.best_estimator_[-1].predict(self._mapped(X)))

    def predict_interval(self, X: Any, confidence_level: float = 0.9) -> np.ndarray:
        """Predict intervals that hold the target with a given probability.

        Let f_{-i} be the model without row i, e_i its error at row i, and ``r =
        ceil(confidence_level (n + 1))``. If no metric was learned and there are at most
        2000 rows, the intervals are those of jackknife+: the r-th smallest ``f_{-i}(x)
        + |e_i|`` and the r-th largest ``f_{-i}(x) - |e_i|``. Otherwise an interval is
        the prediction plus and minus the r-th smallest ``|e_i|``. These errors are
        taken in a metric that was learned without row i (but with row i for
        ``effort="quick"``, and for landmarks of at most 2000 rows). Both kinds of
        interval hold for exchangeable rows, not for groups, times or weights.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_queries, n_features)
            Rows.
        confidence_level : float, default=0.9
            In (0, 1).

        Returns
        -------
        ndarray of shape (n_queries, 2) or (n_queries, n_targets, 2)
            Lower and upper ends; infinite where there are too few rows.

        Warns
        -----
        UserWarning
            If the ends are infinite.
        """
        check_is_fitted(self)
        level, errors = check_level(confidence_level), to_host(self._interval_errors)
        if quantile_rank(len(errors), level) > len(errors):
            warn_of_infinite_ends(level, len(errors))
        X, back = self._checked(X, "predict_interval")
        Z = self._mapped(X)
        if self.interval_method_ != "jackknife+":
            predicted = to_host(self.best_estimator_[-1].predict(Z))
            ends = quantile_interval(predicted, errors, level)
        else:
            ends = self._jackknife(Z, level)
        return back(put_like(ends, self.centre_))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Coefficient of determination R2 of the predictions, at any scale of y.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_queries, n_features)
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

    def _fit_final(
        self, model: RidgeModel, choice: Choice
    ) -> tuple[MSKRegressor, dict[str, Any]]:
        """Train the chosen model on all rows; return its errors at them too."""
        rows, targets = choice.rows, choice.targets
        attributes: dict[str, Any] = {}
        method = "leave-one-out"
        if self._is_exact(len(rows.Z)):
            left_out = model.left_out(rows)
            regressor = exact_estimator(model, left_out, rows, targets)
            errors = of_all = left_out.errors
            full = self.effort == "full"
            if full and model.n_updates > 0:
                method = "cross-metric leave-one-out"
                errors = cross_metric_errors(model, choice.compared, choice.folds)
                of_all = of_all.copy()
                of_all[choice.compared_rows] = errors
            elif full and len(rows.Z) <= _JACKKNIFE_ROWS:
                method = "jackknife+"
                attributes["_left_out"] = left_out
        else:
            regressor, of_all = landmark_estimator(
                model, rows, targets, self.max_rows, self.random_state
            )
            # A metric has seen the rows that it was learned on.
            unseen = np.delete(of_all, choice.compared_rows, axis=0)
            errors = unseen if model.n_updates > 0 and len(unseen) else of_all
        attributes["interval_method_"] = method
        attributes["_interval_errors"] = errors * targets.unit
        attributes["_target_units"] = targets.mean, targets.unit
        if self.cv is None:
            attributes["loo_prediction_"] = targets.back(rows.y - of_all)
        return regressor, attributes

    def _jackknife(self, Z: Array, level: float) -> np.ndarray:
        """Find the ends of jackknife+ intervals, in blocks of queries."""
        left_out: LeftOutModels = self._left_out
        mean, unit = map(to_host, self._target_units)
        model = self.best_estimator_[-1]
        size = max(1, _QUERY_ENTRIES // left_out.errors.size)
        ends = []
        for block in gen_batches(Z.shape[0], size):
            K = to_host(cross_kernel(model, Z[block, :]))
            ends.append(
                jackknife_plus(left_out.predict_without(K), left_out.errors, level)
            )
        found = np.concatenate(ends)
        return found * np.asarray(unit)[..., None] + np.asarray(mean)[..., None]

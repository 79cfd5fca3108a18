"""Classification whose kernel, metric, length scale and ridge the data choose."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_msk._array_api import Array, place_of, put_like, rows_for, to_host
from sklearn_msk._compat import StrOptions, _fit_context, with_callbacks
from sklearn_msk._estimators._base_cv import BaseMSKCV
from sklearn_msk._estimators._candidates import Judge, calibrated
from sklearn_msk._estimators._choice import Choice, choose, chosen_attributes
from sklearn_msk._estimators._chosen_model import (
    MeanClassifier,
    as_pipeline,
    exact_estimator,
    feature_importances,
    landmark_estimator,
    mean_classifier,
)
from sklearn_msk._estimators._classes import (
    check_class_weight,
    class_weights,
    classes_of,
    labels_of,
)
from sklearn_msk._estimators._names import explain_arguments
from sklearn_msk._estimators._progress import FitTask
from sklearn_msk._estimators._table import Table
from sklearn_msk._selection import (
    RidgeModel,
    class_probabilities,
    cross_metric_errors,
)


class MSKClassifierCV(ClassifierMixin, BaseMSKCV):
    """Kernel classification that chooses its settings by leave-one-out errors.

    Each class is a target, +1 on its own rows and -1 on the others, and two classes
    share one. Kernel, metric, length scale and ridge are chosen by the squared errors
    of these targets at rows left out, as in `MSKRegressorCV`. The model is the mean of
    the best three candidates. A temperature and a shift for each class turn the mean
    into probabilities. Both are fitted to the values at rows left out, without a
    further fit.

    Parameters
    ----------
    kernels : "auto", a kernel or a list of kernels, default="auto"
        Candidates, as in `MSKRegressorCV`.
    metrics : {"none", "diagonal", "full"} or list of them, \
            default=("none", "diagonal")
        Structures of the metrics to learn, as in `MSKRegressorCV`. Full metrics take
        more time where there are many features and classes.
    max_updates : int, default=3
        Largest number of updates of a metric, >= 0. The number in use is chosen too.
    alphas : array-like of shape (n_alphas,), default=None
        Ridges, > 0, in the units of `sklearn.kernel_ridge.KernelRidge`, as in
        `MSKRegressorCV`.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, as ``{label: weight}``, which multiply those of the
        rows; "balanced" gives each class the same total. None means ones. The
        probabilities are then those of classes of these weights.
    standardize : bool, default=True
        Whether to standardise the features, as in `MSKRegressorCV`.
    scoring : str, callable or None, default=None
        None is the mean squared error of the targets. With ``cv=None`` a scorer judges
        labels, log odds or probabilities at rows left out, and must need nothing else.
    cv : int, cross-validation generator, iterable or None, default=None
        None is leave-one-out (for metrics, by folds). The folds of anything else judge
        the five candidates that leave-one-out ranks first, and choose the ridges of
        the best three.
    max_rows : int, default=10000
        Up to so many rows the three models of the mean are exact, as in
        `MSKRegressorCV`. With more rows, the models have as many landmarks, up to 2000.
    n_jobs : int, default=None
        Number of kernels that are screened at a time.
    random_state : int, RandomState instance or None, default=None
        Draw of the rows that candidates are screened on, and of folds. None is
        deterministic too.
    verbose : int, default=0
        1 or more prints a line for each kernel that is screened and each metric that is
        judged, with the seconds that are left.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    best_estimator_ : object
        Classifier that predicts as this estimator does: the calibrated mean of
        `estimators_`.
    estimators_ : list of Pipeline
        Models of the mean, the best first. Each is a map to standardised units and
        metric, and an `MSKClassifier`.
    best_params_ : dict
        Of the first of `estimators_`, as in `MSKRegressorCV`.
    best_index_ : int
        Place of the best candidate in `cv_results_`.
    best_score_ : float
        Score of the best candidate on the rows that screen the candidates.
    cv_results_ : dict of ndarray
        For every candidate, as in `MSKRegressorCV`.
    alpha_, kernel_, components_, centre_, scale_
        Of the first of `estimators_`, as in `MSKRegressorCV`.
    feature_importances_ : ndarray of shape (n_features,)
        Mean squared slopes of the targets along the standardised features, summing to
        1, the mean over `estimators_`.
    loo_decision_function_ : ndarray of shape (n_samples,) or (n_samples, n_classes)
        Log odds of every training row by the models without the row, as in
        `decision_function`. If a metric was learned, folds take the place of single
        rows, for the rows that helped to learn the metric. Absent with `cv`.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where all are strings.

    See Also
    --------
    MSKClassifier : Training along a spectrum that you choose.
    MSKRegressorCV : The same choice for numeric targets; it defines the parameters.
    sklearn.linear_model.RidgeClassifierCV : Linear, chosen by leave-one-out.

    References
    ----------
    J. Platt, *Probabilistic outputs for support vector machines and comparisons to
    regularized likelihood methods*, 1999.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn_msk import MSKClassifierCV
    >>> X, y = load_wine(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> model = MSKClassifierCV().fit(X_train, y_train)
    >>> print(f"{model.score(X_test, y_test):.2f}")
    1.00
    """

    _parameter_constraints: dict = {
        **BaseMSKCV._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    @explain_arguments
    def __init__(
        self,
        kernels: Any = "auto",
        *,
        metrics: str | Sequence[str] = ("none", "diagonal"),
        max_updates: int = 3,
        alphas: Any = None,
        class_weight: dict | str | None = None,
        standardize: bool = True,
        scoring: Any = None,
        cv: Any = None,
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
        self.class_weight = class_weight

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> Self:
        """Choose a model, and train it on all rows.

        A fit that fails leaves the object as it was before.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Training rows. Sparse ones are made dense.
        y : array-like of shape (n_samples,)
            Labels of at least two classes.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights. An integer weight equals repeating the row, up to the
            500 rows that candidates are screened on.
        **params : dict
            Metadata of the splitter `cv` and of the scorer, such as ``groups``, under
            ``sklearn.set_config(enable_metadata_routing=True)``.

        Returns
        -------
        self : MSKClassifierCV
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are out of their range, or if no candidate can be
            fitted.
        """
        config = self._config()
        place = place_of(X)
        self._check_kernels(config, place)
        columns, X, y = self._check_data(X, y)
        classes = classes_of(self, y)
        weights = self._check_weights(sample_weight, X)
        scorer_params, split_params = self._routed(weights, params)
        check_class_weight(self.class_weight, classes)
        weights = class_weights(y, classes, weights, self.class_weight)
        if weights is not None:
            classes_of(self, y[weights > 0])
        given = Table(X, y, weights, scorer_params)
        judge = Judge.of(
            self.scoring, self.cv, self.standardize, given, classes, split_params
        )
        task = FitTask(self, X, y, sample_weight)
        choice = choose(
            given,
            judge,
            config,
            self.random_state,
            self._progress(task),
            of_each=False,
        )
        mean, values = self._fit_final(choice, columns)
        importances = [
            feature_importances(finalist.model, choice.compared)
            for finalist in choice.finalists
        ]
        attributes = {
            **columns,
            **chosen_attributes(choice, mean.estimators_[0][-1].alpha),
            "best_estimator_": mean,
            "classes_": classes,
            "estimators_": mean.estimators_,
            "feature_importances_": np.mean(importances, axis=0),
        }
        if self.cv is None:
            attributes["loo_decision_function_"] = given.with_rows_outside(
                mean.slope * values + mean.shifts, mean.decision_function
            )
        if place is not None:
            attributes = place.put_all(attributes)
        task.end(lambda: attributes)
        self._assign(attributes)
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Log odds of the classes.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_queries, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_queries,) or (n_queries, n_classes)
            For two classes, the log odds of the second against the first; for more
            classes, up to a constant that all classes of a row share.
        """
        return self._log_odds(X, "decision_function")

    def predict(self, X: Any) -> np.ndarray:
        """Predict the most probable class.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_queries, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_queries,)
            Labels.
        """
        return labels_of(self._log_odds(X, "predict"), self.classes_)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict the probabilities of the classes.

        The probabilities are calibrated on the values at rows left out. Log odds are
        the mean value of `estimators_`, divided by a temperature, plus a shift for each
        class.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_queries, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_queries, n_classes)
            Columns in the order of `classes_`.
        """
        values = self._log_odds(X, "predict_proba")
        return put_like(class_probabilities(to_host(values)), values)

    def _log_odds(self, X: Any, method: str) -> Array:
        """Log odds of the classes; errors name the method that was called."""
        check_is_fitted(self)
        # The pipelines check the names of the columns too, so that these stay.
        _, back = self._checked(X, method)
        X, _ = rows_for(self, X, self.centre_, method)
        return back(self.best_estimator_.decision_function(X))

    def _fit_final(
        self, choice: Choice, columns: dict[str, Any]
    ) -> tuple[MeanClassifier, np.ndarray]:
        """Train the finalists on all rows; return their mean values there too."""
        members, values, calibrating = [], [], []
        for finalist in choice.finalists:
            estimator, of_all, of_compared = self._fit_member(finalist.model, choice)
            members.append(
                as_pipeline(finalist.model, choice.scale, estimator, columns)
            )
            values.append(of_all)
            calibrating.append(of_compared)
        assert choice.targets.classes is not None
        calibration = calibrated(
            np.mean(calibrating, axis=0),
            choice.compared_table,
            choice.compared,
            choice.targets.classes,
        )
        mean = mean_classifier(members, calibration, choice.targets.classes)
        return mean, np.mean(values, axis=0)

    def _fit_member(
        self, model: RidgeModel, choice: Choice
    ) -> tuple[Any, np.ndarray, np.ndarray]:
        """Train a model; return its values at all rows, and at those compared, too.

        They are values at rows that the model has not seen; nor has the metric of those
        compared.
        """
        rows, compared, targets = choice.rows, choice.compared, choice.targets
        if self._is_exact(len(rows.Z)):
            left_out = model.left_out(rows)
            estimator = exact_estimator(model, left_out, rows, targets)
            errors = left_out.errors
        else:
            estimator, errors = landmark_estimator(
                model, rows, targets, self.max_rows, self.random_state
            )
        of_all = rows.y - errors
        of_compared = of_all[choice.compared_rows]
        if model.n_updates > 0:
            errors = cross_metric_errors(model, compared, choice.folds)
            of_compared = compared.y - errors
            of_all[choice.compared_rows] = of_compared
        return estimator, targets.back(of_all), targets.back(of_compared)

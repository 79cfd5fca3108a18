"""Classification of millions of rows: a global model, and leaves that correct it."""

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_msk._compat import HasMethods, _fit_context, with_callbacks
from sklearn_msk._estimators._classes import classes_of
from sklearn_msk._estimators._classifier_cv import MSKClassifierCV
from sklearn_msk._estimators._global_values import Probabilities
from sklearn_msk._estimators._partitioned import BasePartitioned
from sklearn_msk._estimators._regressor_cv import MSKRegressorCV
from sklearn_msk._tuning import GLOBAL_LANDMARKS


class PartitionedClassifier(ClassifierMixin, BasePartitioned):
    """Probabilities of one global model, which regressors of small leaves correct.

    A row has the target 1 for its class and 0 for the others. Leaves learn the
    differences between these targets and the probabilities of the global classifier, as
    in `PartitionedRegressor`. The sums of probabilities and corrections are clipped, to
    no less than ``1 / ((leaf_size + 2) n_classes)``, and divided by their total.

    Parameters
    ----------
    estimator : regressor, default=None
        Model of a leaf, of one target for two classes, else of a target for each class.
        None is ``MSKRegressorCV(effort="quick")``.
    global_estimator : classifier, default=None
        Model of all rows, with `predict_proba`. None is `MSKClassifierCV` with 1000
        landmarks. Leaves learn from the `loo_decision_function_` of the model. If a
        model has none, leaves learn from the probabilities of five folds.
    leaf_size : int, default=2000
        As in `PartitionedRegressor`.
    overlap : float, default=0.1
        As in `PartitionedRegressor`.
    split : {"auto", "linear", "metric", "principal"} or callable, default="auto"
        As in `PartitionedRegressor`.
    max_global_rows : int, default=200000
        The global model is trained on so many rows, drawn at random, and on one row of
        every class at the least.
    n_jobs : int, default=None
        Leaves that are fitted, or predicted, at a time, as in `PartitionedRegressor`.
    random_state : int, RandomState instance or None, default=None
        Draws of rows, and of whatever the estimators draw. None is deterministic too.
    verbose : int, default=0
        1 or more prints a line for each leaf, and each leaf that compares splits.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    global_estimator_ : classifier
        The global model, fitted.
    estimators_ : list of regressor or None
        The models of the leaves, fitted; None where a leaf has less than 10
        distinct rows.
    shrinkages_ : ndarray of shape (n_leaves,) or (n_leaves, n_classes)
        What the corrections are multiplied by, in [0, 1].
    n_leaves_ : int
        Number of leaves.
    split_ : str or callable
        The value of `split` in use, as in `PartitionedRegressor`.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where all are strings.

    See Also
    --------
    MSKClassifierCV : One classifier of up to 10 000 rows, with calibrated
        probabilities.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from sklearn_msk import PartitionedClassifier
    >>> X, y = make_moons(2000, noise=0.2, random_state=0)
    >>> model = PartitionedClassifier(leaf_size=500).fit(X[:1500], y[:1500])
    >>> print(f"{model.score(X[1500:], y[1500:]):.2f}")
    0.97
    """

    _parameter_constraints: dict = {
        **BasePartitioned._parameter_constraints,
        "global_estimator": [HasMethods(["fit", "predict_proba"]), None],
    }

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> Self:
        """Train the global model and the leaves.

        A fit that fails or is interrupted leaves the object as it was before.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows, as in `PartitionedRegressor`.
        y : array-like of shape (n_samples,)
            Labels of at least two classes.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights. They help to choose where rows are split; a median is
            that of the distinct rows of positive weight.
        **params : dict
            Metadata of the `fit` of both estimators, under
            ``sklearn.set_config(enable_metadata_routing=True)``.

        Returns
        -------
        self : PartitionedClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are out of their range.
        RuntimeError
            If the model of a leaf cannot be fitted; the error names the leaf.

        Warns
        -----
        UserWarning
            If `leaf_size` is below 10, and a leaf has less than 10 distinct rows.
        """
        columns, table = self._check_data(X, y, sample_weight, {})
        used = table.used()
        labels = np.asarray(table.y)
        classes = classes_of(self, labels)
        classes_of(self, labels[used])
        # One row of every class.
        first = used[np.unique(labels[used], return_index=True)[1]]
        kind = Probabilities(classes, first)
        known = {
            **columns,
            "classes_": classes,
            "_least_probability": 1.0 / ((self.leaf_size + 2.0) * len(classes)),
        }
        return self._train(table, known, kind, params, (X, y, sample_weight))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict the probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Rows. A dask array gives a lazy dask array.

        Returns
        -------
        ndarray, or dask array, of shape (n_queries, n_classes)
            Columns in the order of `classes_`; none is 0 or 1.
        """
        check_is_fitted(self)
        n_classes = len(self.classes_)
        return self._answer(X, self._probabilities_of, n_classes, np.float64)

    def _probabilities_of(self, X: np.ndarray) -> np.ndarray:
        """Probabilities of rows: sums that are clipped and divided by their total."""
        none = np.empty(0, dtype=np.intp)
        total = self._sum_values(X, Probabilities(self.classes_, none))
        if total.ndim == 1:
            total = np.column_stack([1.0 - total, total])
        total = np.clip(total, self._least_probability, 1.0)
        return total / total.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> np.ndarray:
        """Predict the most probable class.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Rows. A dask array gives a lazy dask array.

        Returns
        -------
        ndarray, or dask array, of shape (n_queries,)
            Labels.
        """
        check_is_fitted(self)
        return self._answer(X, self._labels_of, None, self.classes_.dtype)

    def _labels_of(self, X: np.ndarray) -> np.ndarray:
        """Labels of rows."""
        return self.classes_[self._probabilities_of(X).argmax(axis=1)]

    def _default_estimators(self) -> dict[str, Any]:
        """Return what None stands for."""
        return {
            "estimator": MSKRegressorCV(effort="quick"),
            "global_estimator": MSKClassifierCV(max_rows=GLOBAL_LANDMARKS),
        }

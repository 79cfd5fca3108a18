"""Training data, validated without a side effect on the estimator."""

import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.validation import assert_all_finite, validate_data

from sklearn_msk._estimators._classes import (
    check_class_weight,
    check_classes,
    check_one_label,
    class_signs,
    class_weights,
    labels_of,
)
from sklearn_msk._estimators._numbers import numbers_expected
from sklearn_msk._estimators._sparse_rows import (
    accepted_sparse,
    check_dense,
    check_dense_array,
)
from sklearn_msk._operators import ArrayRows, DaskRows, is_dask
from sklearn_msk._scaling import power_of_two
from sklearn_msk._scores import RSquared
from sklearn_msk._selection import Measure, fit_slope, usual_slope
from sklearn_msk._validation import check_weights, count_distinct_rows


@dataclass(frozen=True, eq=False)
class Columns:
    """Number and names of the features, as scikit-learn keeps them.

    Attributes
    ----------
    number : int
    names : ndarray of shape (number,) or None
    """

    number: int
    names: np.ndarray | None

    def attributes(self) -> dict[str, Any]:
        """Return the fitted attributes that hold them."""
        kept: dict[str, Any] = {"n_features_in_": self.number}
        if self.names is not None:
            kept["feature_names_in_"] = self.names
        return kept


@dataclass(frozen=True, eq=False)
class DaskData:
    """Rows in dask arrays, of which none is computed here.

    Attributes
    ----------
    rows : DaskRows
    columns : Columns
    """

    rows: DaskRows
    columns: Columns

    def attributes(self) -> dict[str, Any]:
        """Return the fitted attributes that the data determine."""
        return self.columns.attributes()


@dataclass(frozen=True, eq=False)
class RegressionData:
    """Rows, numeric targets and weights.

    Attributes
    ----------
    X : ndarray or csr_matrix of shape (n, n_features)
    y : ndarray of shape (n,) or (n, n_targets), float64
    weights : ndarray of shape (n,) or None
    columns : Columns
    """

    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None
    columns: Columns

    @property
    def rows(self) -> ArrayRows:
        """Rows with targets as columns."""
        return ArrayRows.of(self.X, self.y, self.weights)

    @property
    def targets(self) -> np.ndarray:
        """Targets, of shape (n,) or (n, n_targets)."""
        return self.y

    @property
    def strata(self) -> None:
        """Nothing that each part of the rows has to have its share of."""
        return None

    def attributes(self) -> dict[str, Any]:
        """Return the fitted attributes that the data determine."""
        return self.columns.attributes()

    def part(self, numbers: np.ndarray, pairwise: bool) -> "RegressionData":
        """Return some of the rows; of a kernel matrix those columns too."""
        X, weights = _rows_of(self.X, numbers, pairwise), _taken(self.weights, numbers)
        return RegressionData(X, self.y[numbers], weights, self.columns)

    def scorer(self, held: Any) -> Measure:
        """Return R2 as a function of the values of a model of these rows at others.

        Nothing decides ties.
        """
        y, weights = held.y, held.weights
        if y.max() > y.min():
            judge = RSquared.of(y, weights)
            return lambda values: (judge.score(values), 0.0)
        scale = power_of_two(np.abs(self.y).max())

        def negative_mean_square(values: np.ndarray) -> tuple[float, float]:
            errors = np.square(values / scale - y / scale)
            return -float(np.average(errors, axis=0, weights=weights).mean()), 0.0

        # R2 would be the same for all steps.
        return negative_mean_square

    def measure(self) -> Measure:
        """Return R2 as a function of errors at these rows; nothing decides ties."""
        judge = RSquared.of(self.y, self.weights)
        if self.y.max() > self.y.min():
            return lambda errors: (judge.score_errors(errors), 0.0)
        return lambda errors: (-judge.loss_errors(errors), 0.0)

    def judged_by(self, held: Any, values: np.ndarray) -> dict[str, Any]:
        """Return the fitted attributes that values at other rows determine: none."""
        return {}


@dataclass(frozen=True, eq=False)
class ClassificationData:
    """Rows, labels and weights.

    Attributes
    ----------
    X : ndarray or csr_matrix of shape (n, n_features)
    y : ndarray of shape (n,)
        Labels.
    weights : ndarray of shape (n,) or None
        Of the rows, without those of the classes.
    columns : Columns
    classes : ndarray of shape (n_classes,)
    class_weight : dict, "balanced" or None
    """

    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None
    columns: Columns
    classes: np.ndarray
    class_weight: Any

    @property
    def rows(self) -> ArrayRows:
        """Rows with a target of +1 and -1 for each class, one for two classes."""
        return ArrayRows.of(self.X, self.targets, self.row_weights())

    @property
    def targets(self) -> np.ndarray:
        """Targets of +1 and -1, of shape (n,) or (n, n_classes)."""
        return class_signs(self.y, self.classes)

    @property
    def strata(self) -> np.ndarray:
        """Labels, of which each part of the rows has to have its share."""
        return self.y

    def attributes(self) -> dict[str, Any]:
        """Return the fitted attributes that the data determine."""
        return {
            **self.columns.attributes(),
            "classes_": self.classes,
            "temperature_": 1.0 / usual_slope(len(self.classes)),
        }

    def part(self, numbers: np.ndarray, pairwise: bool) -> "ClassificationData":
        """Return some of the rows, with the classes that they have."""
        X, weights = _rows_of(self.X, numbers, pairwise), _taken(self.weights, numbers)
        y = self.y[numbers]
        return ClassificationData(
            X, y, weights, self.columns, np.unique(y), self.class_weight
        )

    def scorer(self, held: Any) -> Measure:
        """Return accuracy, and mean square, of the values of a model at other rows."""
        y, weights, classes = held.y, held.weights, self.classes
        if weights is not None:
            weights = weights / power_of_two(weights.max())
        signs = class_signs(y, classes)

        def accuracy(values: np.ndarray) -> tuple[float, float]:
            right = labels_of(values, classes) == y
            with np.errstate(over="ignore", invalid="ignore"):
                squares = np.square(values - signs).reshape(len(signs), -1).mean(axis=1)
                loss = np.average(squares, weights=weights)
            return float(np.average(right, weights=weights)), float(loss)

        return accuracy

    def measure(self) -> Measure:
        """Return accuracy and mean square as functions of errors at these rows."""
        accuracy, targets = self.scorer(self), self.targets
        return lambda errors: accuracy(targets - errors)

    def judged_by(self, held: Any, values: np.ndarray) -> dict[str, Any]:
        """Return the fitted attributes that values at other rows determine."""
        weights = held.row_weights()
        weights = np.ones(len(held.y)) if weights is None else weights
        used = np.isin(held.y, self.classes) & (weights > 0)
        if not used.any():
            return {}
        # Rows count as often as their weights say, whatever the unit of the weights.
        shares = weights[used] / weights[used].max()
        shares *= count_distinct_rows(held.X[used]) / shares.sum()
        labels = np.searchsorted(self.classes, held.y[used])
        return {"temperature_": 1.0 / fit_slope(values[used], labels, shares)}

    def row_weights(self) -> np.ndarray | None:
        """Weights of the rows times those of their classes."""
        return class_weights(self.y, self.classes, self.weights, self.class_weight)


TrainingData = RegressionData | ClassificationData | DaskData


def check_data(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    *,
    classes: Any = None,
    first: bool = True,
) -> TrainingData:
    """Validate training data, and leave the estimator as it is.

    Parameters
    ----------
    estimator : MSKRegressor or MSKClassifier
        Names the errors, and says which columns and classes later rows must have.
    X : array-like or dask array of shape (n, n_features)
    y : array-like or dask array of shape (n,) or (n, n_targets)
    sample_weight : None, float, array-like or dask array of shape (n,)
    classes : array-like of shape (n_classes,), default=None
        Labels that later rows may have.
    first : bool, default=True
        Whether these rows are the first, or go on from those that `estimator` has seen.

    Returns
    -------
    RegressionData, ClassificationData or DaskData
    """
    if is_dask(X, y):
        return _check_dask(estimator, X, y, sample_weight, first=first)
    check_dense(estimator, X)
    check_dense_array(y, "y")
    check_one_label(estimator, y)
    # scikit-learn's validation sets attributes: here those of a copy.
    checked = copy.copy(estimator)
    options: dict[str, Any] = {
        "accept_sparse": accepted_sparse(estimator),
        "dtype": [np.float64, np.float32],
        "reset": first,
    }
    labelled = is_classifier(estimator)
    if not labelled:
        options |= {"multi_output": True, "y_numeric": True}
    with numbers_expected(estimator, X, None if labelled else y):
        X, y = validate_data(checked, X, y, **options)
        y = y if labelled else y.astype(np.float64)
    names = getattr(checked, "feature_names_in_", None)
    columns = Columns(checked.n_features_in_, names)
    if not labelled:
        # None among objects is NaN only now.
        assert_all_finite(y, input_name="y")
        weights = check_weights(sample_weight, X, allow_zero=not first)
        return RegressionData(X, y, weights, columns)
    known = check_classes(estimator, y, classes, first)
    weights = check_weights(sample_weight, X, allow_zero=not first)
    check_class_weight(estimator.class_weight, known)
    return ClassificationData(X, y, weights, columns, known, estimator.class_weight)


def check_validation_data(
    estimator: Any,
    data: RegressionData | ClassificationData,
    X: Any,
    y: Any,
    sample_weight: Any,
) -> RegressionData | ClassificationData:
    """Validate rows that judge a model, beside those that it is trained on.

    Parameters
    ----------
    estimator : MSKRegressor or MSKClassifier
    data : RegressionData or ClassificationData
        Of the rows to train on.
    X : array-like of shape (n_val, n_features)
        The kernel with the rows to train on where that is precomputed.
    y : array-like of shape (n_val,) or (n_val, n_targets)
        A label that no row to train on has counts as an error of every model.
    sample_weight : None, float or array-like of shape (n_val,)

    Returns
    -------
    RegressionData or ClassificationData
    """
    check_dense(estimator, X)
    checked = copy.copy(estimator)
    vars(checked).pop("feature_names_in_", None)
    vars(checked).update(data.columns.attributes())
    labelled = isinstance(data, ClassificationData)
    options = {} if labelled else {"multi_output": True, "y_numeric": True}
    with numbers_expected(estimator, X, None if labelled else y):
        X, y = validate_data(
            checked,
            X,
            y,
            accept_sparse=accepted_sparse(estimator),
            dtype=[np.float64, np.float32],
            reset=False,
            **options,
        )
        y = y if labelled else y.astype(np.float64)
    if not labelled:
        assert_all_finite(y, input_name="y_val")
        if y.shape[1:] != data.y.shape[1:]:
            raise ValueError(
                "'y_val' must have one column for each target of y, which has shape "
                f"{data.y.shape}. Got shape {y.shape} instead."
            )
    if isinstance(data, ClassificationData) and not np.isin(y, data.classes).any():
        raise ValueError(
            f"'y_val' must hold labels of y, such as {data.classes[:3].tolist()}. Got "
            f"none of them, but {np.unique(y)[:3].tolist()}."
        )
    weights = check_weights(sample_weight, X)
    if weights is not None and not weights.all():
        X, y, weights = (part[weights > 0] for part in (X, y, weights))
    return replace(data, X=X, y=y, weights=weights)


def _check_dask(
    estimator: Any, X: Any, y: Any, sample_weight: Any, *, first: bool
) -> DaskData:
    """Validate rows in dask arrays, of which none is computed here."""
    if is_classifier(estimator):
        raise ValueError(
            "MSKClassifier is trained on arrays in memory. Got dask arrays "
            "instead; pass their chunks to partial_fit, computed one by one."
        )
    if isinstance(X, np.ndarray):
        raise ValueError(
            "X must be a dask.array.Array where y is one. Got numpy.ndarray instead. "
            "StandardScaler and other steps of a pipeline turn dask arrays into NumPy "
            "arrays; scale X before the pipeline, as (X - X.mean(axis=0)) / "
            "X.std(axis=0), or call dask.array.from_array."
        )
    rows = DaskRows.of(X, y, sample_weight)
    # Of the number of features one row tells enough.
    validate_data(copy.copy(estimator), np.zeros((1, rows.n_features)), reset=first)
    return DaskData(rows, Columns(rows.n_features, None))


def _rows_of(X: Any, numbers: np.ndarray, pairwise: bool) -> Any:
    """Return some rows; of a kernel matrix the columns of the same numbers too."""
    return X[np.ix_(numbers, numbers)] if pairwise else X[numbers]


def _taken(weights: np.ndarray | None, numbers: np.ndarray) -> np.ndarray | None:
    """Return the weights of some rows."""
    return None if weights is None else weights[numbers]

"""The estimators that chosen ridge models are, on rows in the units of X."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_msk._array_api import Array, MovableEstimator, namespace, put_like, to_host
from sklearn_msk._estimators._classes import labels_of
from sklearn_msk._estimators._classifier import MSKClassifier
from sklearn_msk._estimators._fitted import assign
from sklearn_msk._estimators._regressor import MSKRegressor
from sklearn_msk._estimators._scaling import LinearMap, RobustScale
from sklearn_msk._estimators._table import Targets
from sklearn_msk._operators import NystroemFeatures, randomly_pivoted_rows
from sklearn_msk._selection import (
    Calibration,
    Finalist,
    LeftOutModels,
    RidgeModel,
    SearchRows,
    class_probabilities,
    compared_rows,
    feature_errors,
    gradient_product,
    usual_slope,
)
from sklearn_msk._spectrum import Spectrum
from sklearn_msk._tuning import LANDMARK_COMPARED_ROWS
from sklearn_msk._validation import check_seed
from sklearn_msk.kernels._adapters import CallableKernel, PairwiseKernel
from sklearn_msk.kernels._evaluation import evaluate_kernel

# Landmarks of a final model that is not exact.
_LANDMARKS = 2000

# Rows that landmarks are drawn from, by randomly pivoted Cholesky. On a table of heavy
# tails (100 000 rows of household power) random landmarks leave an error of .048,
# these .033.
_LANDMARK_POOL = 20_000

# Ridges to try there, over that of the exact model on fewer rows.
_LANDMARK_RIDGES = np.logspace(-3, 1, 9)


class MeanClassifier(MovableEstimator, ClassifierMixin, BaseEstimator):
    """Classifier whose log odds are the mean of the values of others, calibrated.

    Parameters
    ----------
    estimators : list of estimators
        With `decision_function`.
    slope : float
        What the mean value is multiplied by, > 0.
    shifts : float or ndarray of shape (n_classes,)
        What is added then, for two classes to the value of the second.
    """

    def __init__(
        self, estimators: Sequence[Any], slope: float = 1.0, shifts: Any = 0.0
    ) -> None:
        self.estimators = estimators
        self.slope = slope
        self.shifts = shifts

    def fit(self, X: Any, y: Any) -> Self:
        """Train the estimators; slope and shifts stay."""
        estimators = [clone(estimator).fit(X, y) for estimator in self.estimators]
        self.estimators_, self.classes_ = estimators, estimators[0].classes_
        return self

    def decision_function(self, X: Any) -> Array:
        """Log odds, of shape (n,) for two classes, else (n, n_classes)."""
        check_is_fitted(self)
        values = [member.decision_function(X) for member in self.estimators_]
        mean = namespace(values[0]).mean(namespace(values[0]).stack(values), axis=0)
        return self.slope * mean + put_like(to_host(self.shifts), mean)

    def predict(self, X: Any) -> np.ndarray:
        """Class of the largest log odds."""
        return labels_of(self.decision_function(X), self.classes_)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities, of shape (n, n_classes)."""
        values = self.decision_function(X)
        return put_like(class_probabilities(to_host(values)), values)


def mean_classifier(
    members: Sequence[Pipeline], calibration: Calibration, classes: np.ndarray
) -> MeanClassifier:
    """Return the calibrated mean of classifiers that are fitted."""
    slope, shifts = calibration.slope, calibration.shifts
    mean = MeanClassifier(list(members), slope, shifts)
    assign(mean, {"estimators_": list(members), "classes_": classes})
    return mean


def exact_estimator(
    model: RidgeModel, left_out: LeftOutModels, rows: SearchRows, targets: Targets
) -> MSKRegressor | MSKClassifier:
    """Return the estimator that a ridge model is, trained on these rows."""
    kernel, _ = model.family.at(model.scale)
    Z = _mapped(model, rows)
    intercept = targets.back(left_out.intercept)
    no_pairs = Spectrum(
        eigenvalues=np.empty(0),
        eigenvectors=np.empty((len(Z), 0)),
        residual_norms=np.empty(0),
        method="dense",
        next_eigenvalue=0.0,
        next_ritz_value=0.0,
        smallest=0.0,
        floor=0.0,
    )
    attributes = {
        "kernel_": kernel,
        "X_fit_": Z,
        "n_features_in_": Z.shape[1],
        "dual_coef_": left_out.dual_coef * targets.unit,
        "intercept_": float(intercept) if rows.y.ndim == 1 else intercept,
        "spectrum_": no_pairs,
        "modified_eigenvalues_": np.empty(0),
        "k_": 0,
        "learning_rate_": 1.0,
        "max_learning_rate_": 2.0,
        "n_iter_": np.inf,
        "n_products_": 0,
    }
    if targets.classes is not None:
        temperature = 1.0 / usual_slope(len(targets.classes))
        attributes |= {"classes_": targets.classes, "temperature_": temperature}
    estimator = _estimator(model, rows, targets)
    assign(estimator, attributes)
    return estimator


def landmark_estimator(
    model: RidgeModel,
    rows: SearchRows,
    targets: Targets,
    max_landmarks: int,
    random_state: Any,
) -> tuple[MSKRegressor | MSKClassifier, np.ndarray]:
    """Train a ridge model on landmarks of the rows, its ridge chosen anew.

    The leave-one-out errors of all rows, from leverages, choose the ridge. They are
    returned too, of the shape of `rows.y`.
    """
    errors, landmarks, ridge = _landmark_errors(
        model, rows, max_landmarks, random_state
    )
    estimator = _estimator(model.with_ridge(ridge), rows, targets)
    y = targets.back(rows.y)
    if targets.classes is not None:
        y = labels_of(y, targets.classes)
    estimator.set_params(landmarks=landmarks)
    return estimator.fit(_mapped(model, rows), y, rows.weights), errors


def rank_on_landmarks(
    finalists: Sequence[Finalist],
    rows: SearchRows,
    max_landmarks: int,
    random_state: Any,
) -> list[Finalist]:
    """Order finalists by the errors of models on landmarks, of many rows.

    A few thousand rows of heavy tails rank kernels by chance: on household power the
    first of three had .085 sd(y) on 200 000 rows, the last .033.
    """
    if len(finalists) == 1:
        return list(finalists)
    rng = check_seed(random_state)
    some = rows.part(compared_rows(len(rows.Z), rng, LANDMARK_COMPARED_ROWS))
    ranked = []
    for finalist in finalists:
        errors, _, _ = _landmark_errors(
            finalist.model, some, max_landmarks, random_state
        )
        error = float(some.mean_square(errors))
        ranked.append(replace(finalist, error=error))
    return sorted(ranked, key=lambda finalist: finalist.error)


def as_pipeline(
    model: RidgeModel,
    scale: RobustScale,
    estimator: MSKRegressor | MSKClassifier,
    columns: dict[str, Any],
) -> Pipeline:
    """Put the map to standardised units and metric in front of an estimator.

    `columns` holds the number and names of the features.
    """
    mapped = LinearMap(scale.centre, components(model, scale))
    assign(mapped, columns)
    return Pipeline([("map", mapped), (_step_name(estimator), estimator)])


def components(model: RidgeModel, scale: RobustScale) -> np.ndarray:
    """Return the metric of a model in the units of X."""
    _, multiplier = model.family.at(model.scale)
    return multiplier * model.metric.components * scale.factor


def feature_importances(model: RidgeModel, rows: SearchRows) -> np.ndarray:
    """Diagonal of the gradient product, summing to 1 (equal where it is 0)."""
    squares = gradient_product(model, rows).diagonal()
    total = squares.sum()
    if not 0 < total < np.inf:
        return np.full(len(squares), 1.0 / len(squares))
    return squares / total


def cross_kernel(model: MSKRegressor, Z: Array) -> Array:
    """Kernel of rows with the training rows of a model."""
    return evaluate_kernel(model.kernel_, Z, model.X_fit_)


def _landmark_errors(
    model: RidgeModel, rows: SearchRows, max_landmarks: int, random_state: Any
) -> tuple[np.ndarray, np.ndarray, float]:
    """Leave-one-out errors on landmarks, with these and the ridge of least error."""
    kernel, _ = model.family.at(model.scale)
    Z = _mapped(model, rows)
    first = rows.distinct.first
    n_landmarks = min(_LANDMARKS, max_landmarks, len(first))
    rng = check_seed(random_state)
    some = Z[first[np.sort(rng.permutation(len(first))[:_LANDMARK_POOL])]]
    landmarks = some[randomly_pivoted_rows(kernel, some, n_landmarks, rng)]
    features = NystroemFeatures.of(kernel, landmarks)
    ridges = model.ridge * _LANDMARK_RIDGES
    errors = feature_errors(
        lambda block: features.features(Z[block]).T,
        rows.distinct,
        rows.y,
        ridges * rows.distinct.total_weight,
    )
    best = int(np.nanargmin(rows.mean_square(errors)))
    return errors[best], landmarks, float(ridges[best])


def _estimator(
    model: RidgeModel, rows: SearchRows, targets: Targets
) -> MSKRegressor | MSKClassifier:
    """Return the estimator of the kernel and ridge of a model, not trained yet."""
    kernel, _ = model.family.at(model.scale)
    options: dict[str, Any] = {"kernel": kernel}
    if isinstance(kernel, PairwiseKernel):
        options = {"kernel": kernel.metric, "kernel_params": kernel.params}
    elif isinstance(kernel, CallableKernel):
        options = {"kernel": kernel.function, "kernel_params": kernel.params}
    kind = MSKRegressor if targets.classes is None else MSKClassifier
    alpha = model.ridge * rows.distinct.total_weight
    return kind(**options, g="identity", k=0, alpha=alpha, max_iter=np.inf)


def _step_name(estimator: MSKRegressor | MSKClassifier) -> str:
    """Name of the last step of a pipeline."""
    return "classifier" if isinstance(estimator, MSKClassifier) else "regressor"


def _mapped(model: RidgeModel, rows: SearchRows) -> np.ndarray:
    """Rows in the metric of a model."""
    _, multiplier = model.family.at(model.scale)
    return model.metric.transform(rows.Z) * multiplier

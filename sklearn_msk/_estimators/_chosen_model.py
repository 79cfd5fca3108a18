"""The pipeline that a chosen ridge model is, on rows in the units of X."""

from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from sklearn_msk._estimators._fitted import assign
from sklearn_msk._estimators._regressor import MSKRegressor
from sklearn_msk._estimators._scaling import LinearMap, RobustScale
from sklearn_msk._estimators._table import Targets
from sklearn_msk._selection import (
    LeftOutModels,
    RidgeModel,
    SearchRows,
    gradient_product,
)
from sklearn_msk._spectrum import Spectrum
from sklearn_msk._training import apply_kernel
from sklearn_msk.kernels._adapters import CallableKernel, PairwiseKernel


def exact_regressor(
    model: RidgeModel, left_out: LeftOutModels, rows: SearchRows, targets: Targets
) -> MSKRegressor:
    """Return the regressor that a ridge model is, trained on these rows."""
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
    regressor = _regressor(model, rows)
    assign(regressor, attributes)
    return regressor


def landmark_regressor(
    model: RidgeModel,
    rows: SearchRows,
    targets: Targets,
    n_landmarks: int,
    random_state: Any,
) -> MSKRegressor:
    """Train a ridge model on landmarks of the rows."""
    regressor = _regressor(model, rows)
    regressor.set_params(landmarks=n_landmarks, random_state=random_state)
    return regressor.fit(_mapped(model, rows), targets.back(rows.y), rows.weights)


def as_pipeline(
    model: RidgeModel,
    scale: RobustScale,
    regressor: MSKRegressor,
    columns: dict[str, Any],
) -> Pipeline:
    """Put the map to standardised units and metric in front of a regressor.

    `columns` holds the number and names of the features.
    """
    mapped = LinearMap(scale.centre, components(model, scale))
    assign(mapped, columns)
    return Pipeline([("map", mapped), ("regressor", regressor)])


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


def cross_kernel(model: MSKRegressor, Z: np.ndarray) -> np.ndarray:
    """Kernel of rows with the training rows of a model."""
    identity = np.eye(len(model.X_fit_))
    return apply_kernel(model.kernel_, Z, model.X_fit_, identity, None)


def _regressor(model: RidgeModel, rows: SearchRows) -> MSKRegressor:
    """Return the regressor of the kernel and ridge of a model, not trained yet."""
    kernel, _ = model.family.at(model.scale)
    options: dict[str, Any] = {"kernel": kernel}
    if isinstance(kernel, PairwiseKernel):
        options = {"kernel": kernel.metric, "kernel_params": kernel.params}
    elif isinstance(kernel, CallableKernel):
        options = {"kernel": kernel.function, "kernel_params": kernel.params}
    alpha = model.ridge * rows.distinct.total_weight
    return MSKRegressor(**options, g="identity", k=0, alpha=alpha, max_iter=np.inf)


def _mapped(model: RidgeModel, rows: SearchRows) -> np.ndarray:
    """Rows in the metric of a model."""
    _, multiplier = model.family.at(model.scale)
    return model.metric.transform(rows.Z) * multiplier

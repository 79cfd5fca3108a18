"""From a trained model to the attributes of an estimator, and its callbacks."""

from typing import Any

from sklearn.exceptions import ConvergenceWarning

from sklearn_msk._array_api import Place
from sklearn_msk._compat import with_callbacks
from sklearn_msk._estimators._data import TrainingData
from sklearn_msk._estimators._progress import FitTask
from sklearn_msk._estimators._warnings import warn_user
from sklearn_msk._training import FittedModel, Report

# What a fit may leave, and the next one may not.
_OPTIONAL = (
    "_known_values",
    "_pass",
    "classes_",
    "feature_names_in_",
    "n_samples_seen_",
    "path_iterations_",
    "temperature_",
    "trajectory_",
    "validation_iterations_",
    "validation_scores_",
)


def finish_fit(
    estimator: Any,
    model: FittedModel,
    data_attributes: dict[str, Any],
    task: FitTask,
    place: Place | None = None,
) -> Any:
    """Show the path to callbacks, warn, and assign the fitted attributes last.

    Parameters
    ----------
    estimator : MSKRegressor or MSKClassifier
    model : FittedModel
    data_attributes : dict
        Attributes that the data determine, and the choice of the steps.
    task : FitTask
    place : Place, default=None
        Where the arrays of the attributes go; None is NumPy.

    Returns
    -------
    estimator
    """

    def attributes(model: FittedModel) -> dict[str, Any]:
        values = {
            **data_attributes,
            **model_attributes(model, store_path=estimator.store_trajectory),
        }
        return values if place is None else place.put_all(values)

    model = task.show_path(model, attributes)
    path = model.path
    report = Report.at(type(estimator).__name__, estimator.verbose)
    report.line(
        f"{model.filter.max_iter} steps: {path.n_products} products, "
        f"estimated error {path.error_estimate:.1e}, "
        f"rounding {path.rounding_error:.1e}"
    )
    for message in model.warnings():
        warn_user(message, ConvergenceWarning)
    fitted = attributes(model)
    task.end(lambda: fitted)
    assign(estimator, fitted)
    return estimator


@with_callbacks
def adopt(
    estimator: Any,
    model: FittedModel,
    data: TrainingData,
    passed: tuple[Any, Any, Any],
    place: Place | None = None,
) -> Any:
    """End the fit of an estimator whose model was trained with others.

    Parameters
    ----------
    estimator : MSKRegressor or MSKClassifier
    model : FittedModel
    data : RegressionData, ClassificationData or DaskData
    passed : tuple
        X, y and sample_weight, for callbacks.
    place : Place, default=None
        As in `finish_fit`.

    Returns
    -------
    estimator
    """
    task = FitTask(estimator, *passed)
    return finish_fit(estimator, model, data.attributes(), task, place)


def assign(estimator: Any, attributes: dict[str, Any]) -> None:
    """Set fitted attributes, and remove those that an earlier fit has left."""
    for name in _OPTIONAL:
        vars(estimator).pop(name, None)
    vars(estimator).update(attributes)


def model_attributes(model: FittedModel, *, store_path: bool) -> dict[str, Any]:
    """Fitted attributes that a model determines."""
    problem, S = model.problem, model.preconditioner
    attributes: dict[str, Any] = {
        "kernel_": problem.kernel,
        "X_fit_": problem.X_fit,
        "intercept_": problem.intercept,
        "dual_coef_": model.coef,
        "spectrum_": S.spectrum,
        "modified_eigenvalues_": S.modified_eigenvalues,
        "k_": len(S.modified_eigenvalues),
        "learning_rate_": model.filter.learning_rate,
        "max_learning_rate_": model.max_learning_rate,
        "n_iter_": model.filter.max_iter,
        "n_products_": model.path.n_products,
    }
    if problem.landmark_pass is not None:
        attributes["_pass"] = problem.landmark_pass
        attributes["n_samples_seen_"] = problem.landmark_pass.statistics.n_rows
    if store_path:
        attributes["trajectory_"] = model.stored_path
        attributes["path_iterations_"] = model.iterations
    return attributes

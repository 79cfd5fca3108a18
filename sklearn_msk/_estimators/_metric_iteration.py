"""The iteration that learns a metric: a model, its gradients, the next metric."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier

from sklearn_msk._estimators._labelled_rows import LabelledRows
from sklearn_msk._selection._metric import Metric, agop, next_metric
from sklearn_msk._selection._metric_ridge import Expansion, fit_chosen_ridge
from sklearn_msk.kernels._resolution import resolve_kernel


@dataclass(frozen=True, eq=False)
class Learned:
    """What the iteration ends with."""

    metric: Metric
    importances: np.ndarray
    n_models: int


@dataclass(frozen=True, eq=False)
class ChosenRidge:
    """Kernel ridge regression that leave-one-out errors choose, on distinct rows."""

    rows: LabelledRows
    seed: int

    def gradients(self, metric: Metric) -> np.ndarray:
        """Gradients at the rows, in the coordinates of the metric."""
        X, targets = metric.transform(self.rows.X), self.rows.targets
        if len(X) < 2:
            return np.zeros((*X.shape, targets.shape[1]))
        weights = self.rows.weights
        assert weights is not None
        expansion = fit_chosen_ridge(
            X,
            targets / self.rows.spreads,
            weights,
            seed=self.seed,
        )
        return expansion.gradients(X)


@dataclass(frozen=True, eq=False)
class GivenEstimator:
    """The user's estimator, fitted on all rows, and the rows for its gradients."""

    data: LabelledRows
    y: np.ndarray
    rows: LabelledRows
    estimator: Any

    def gradients(self, metric: Metric) -> np.ndarray:
        """Gradients at the rows, in the coordinates of the metric."""
        labels = is_classifier(self.estimator)
        targets, spreads = self.data.targets, self.data.spreads
        numbers = targets[:, 0] if targets.shape[1] == 1 else targets
        weights = self.data.weights
        fit_params = {} if weights is None else {"sample_weight": weights}
        model = clone(self.estimator).fit(
            metric.transform(self.data.X), self.y if labels else numbers, **fit_params
        )
        gradients = _expansion(model).gradients(metric.transform(self.rows.X))
        several = gradients.ndim == 3 and not labels
        return gradients / spreads if several else gradients


def iterate(
    model: ChosenRidge | GivenEstimator,
    n_features: int,
    structure: str,
    power: float,
    max_iter: int,
) -> Learned:
    """Fit, replace the metric by a power of the AGOP, and repeat."""
    metric, rows = Metric.identity(n_features), model.rows
    importances, n_models = np.zeros(n_features), 0
    while n_models < max_iter:
        gradients = metric.pull_back(model.gradients(metric))
        product = agop(gradients, rows.weights)
        n_models += 1
        importance = product.diagonal()
        if not importance.sum() > 0:
            break
        importances = importance / importance.sum()
        metric = next_metric(metric, product, rows.X, structure=structure, power=power)
    return Learned(metric, importances, n_models)


def _expansion(model: Any) -> Expansion:
    """Kernel functions and coefficients of a fitted model."""
    fitted = vars(model)
    if {"kernel_", "X_fit_", "dual_coef_"} <= fitted.keys():
        kernel, rows, coef = model.kernel_, model.X_fit_, model.dual_coef_
    elif {"X_fit_", "dual_coef_"} <= fitted.keys():
        # `KernelRidge` gives a callable two rows at a time.
        if callable(model.kernel):
            raise ValueError(
                "The 'estimator' of LearnedMetric must have a kernel by name where it "
                f"is a {type(model).__name__}. Got {model.kernel!r} instead; use "
                "MSKRegressor."
            )
        kernel = resolve_kernel(
            model.kernel,
            gamma=model.gamma,
            degree=model.degree,
            coef0=model.coef0,
            kernel_params=model.kernel_params,
        )
        rows, coef = model.X_fit_, model.dual_coef_
    elif {"kernel_", "X_train_", "alpha_"} <= fitted.keys():
        kernel, rows, coef = model.kernel_, model.X_train_, model.alpha_
    else:
        raise ValueError(
            "The 'estimator' of LearnedMetric must be an MSKRegressor, MSKClassifier, "
            "KernelRidge or GaussianProcessRegressor, whose expansion in kernel "
            f"functions is known. Got {type(model).__name__} instead."
        )
    return Expansion(kernel, rows, coef)

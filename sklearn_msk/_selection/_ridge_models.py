"""Kernel ridge models of one family, chosen by exact leave-one-out errors."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from sklearn_msk._selection._distinct_rows import (
    DistinctRows,
    distinct_rows,
    label_equal_rows,
)
from sklearn_msk._selection._full_decomposition import full_decomposition
from sklearn_msk._selection._kernel_families import (
    NO_METRIC,
    KernelFamily,
    MetricChoice,
)
from sklearn_msk._selection._leave_one_out import ridge_errors
from sklearn_msk._selection._metric import Metric, agop, next_metric
from sklearn_msk._selection._ridge_inverse import (
    LeftOutModels,
    dual_coef,
    left_out_models,
    ridge_inverse,
)
from sklearn_msk._validation import check_positive_semidefinite
from sklearn_msk.kernels._gradients import weighted_gradients


@dataclass(frozen=True, eq=False)
class SearchRows:
    """Rows to choose models on, in standardised units.

    Attributes
    ----------
    Z : ndarray of shape (n, n_features)
    y : ndarray of shape (n,) or (n, n_targets)
        Targets of unit variance.
    weights : ndarray of shape (n,) or None
    distinct : DistinctRows
    """

    Z: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None
    distinct: DistinctRows

    @classmethod
    def of(
        cls, Z: np.ndarray, y: np.ndarray, weights: np.ndarray | None
    ) -> "SearchRows":
        """Rows whose equal ones are found."""
        labels = label_equal_rows(Z)
        if labels.max() == 0:
            # A model without the only group would be a model of no row.
            labels = np.arange(len(Z))
        return cls(Z, y, weights, distinct_rows(len(Z), weights, labels))

    @property
    def distinct_Z(self) -> np.ndarray:
        """One row of each group of equal rows: neither order nor weights change it."""
        return self.Z[self.distinct.first]

    def part(self, numbers: np.ndarray) -> "SearchRows":
        """Return some of the rows."""
        weights = None if self.weights is None else self.weights[numbers]
        return SearchRows.of(self.Z[numbers], self.y[numbers], weights)

    def mean_square(self, errors: np.ndarray) -> np.ndarray:
        """Weighted mean over the rows and mean over the targets of squared errors.

        `errors` has the shape of y, or one axis more in front.
        """
        squares = np.square(errors)
        if self.y.ndim == 2:
            squares = squares.mean(axis=-1)
        return np.average(squares, axis=-1, weights=self.weights)


@dataclass(frozen=True)
class RidgeStep:
    """What one fit on the way to a model was told, so that it can be repeated.

    Attributes
    ----------
    factor : float
        Length scale, in units of the typical scale of the family.
    ridge : float
        ``alpha / W``, W the sum of the weights.
    """

    factor: float
    ridge: float


@dataclass(frozen=True, eq=False)
class RidgeModel:
    """A kernel, a metric and a ridge.

    Attributes
    ----------
    family : KernelFamily
    choice : pair of str and float
        Structure of the metric, and power of the gradient outer product.
    metric : Metric
    steps : tuple of RidgeStep
        One for each metric, the last one of the model itself.
    scale : float
        Length scale in the metric.
    error : float
        Mean square leave-one-out error, in units of the variance of y.
    """

    family: KernelFamily
    choice: MetricChoice
    metric: Metric
    steps: tuple[RidgeStep, ...]
    scale: float
    error: float = np.nan

    @property
    def ridge(self) -> float:
        """``alpha / W`` of the model."""
        return self.steps[-1].ridge

    @property
    def n_updates(self) -> int:
        """Number of metrics that were learned on the way."""
        return len(self.steps) - 1

    def with_ridge(self, ridge: float) -> "RidgeModel":
        """Return the model of another ``alpha / W``, whose error is not known."""
        last = replace(self.steps[-1], ridge=ridge)
        return replace(self, steps=(*self.steps[:-1], last), error=np.nan)

    def matrix(self, Z: np.ndarray, others: np.ndarray | None = None) -> np.ndarray:
        """Kernel matrix of rows in standardised units."""
        others = None if others is None else self.metric.transform(others)
        return self.family.matrix(self.scale, self.metric.transform(Z), others)

    def dual_coef(self, rows: SearchRows) -> np.ndarray:
        """Coefficients of the rows that this model is fitted on."""
        return dual_coef(
            self.matrix(rows.Z),
            rows.distinct,
            self._alpha(rows),
            rows.y,
            overwrite_K=True,
        )

    def left_out(self, rows: SearchRows) -> LeftOutModels:
        """Models without each of the rows, at the ridge of this model."""
        K = self.matrix(rows.Z)
        inverse = ridge_inverse(K, rows.distinct, self._alpha(rows), overwrite_K=True)
        return left_out_models(inverse, rows.y)

    def _alpha(self, rows: SearchRows) -> float:
        """Ridge in the units of `KernelRidge`."""
        return self.ridge * rows.distinct.total_weight


def best_ridge(
    family: KernelFamily,
    rows: SearchRows,
    ridges: np.ndarray,
    *,
    choice: MetricChoice = NO_METRIC,
    metric: Metric | None = None,
    before: tuple[RidgeStep, ...] = (),
    factors: tuple[float, ...] | None = None,
) -> RidgeModel:
    """Choose length scale and ridge by exact leave-one-out errors.

    Parameters
    ----------
    family : KernelFamily
    rows : SearchRows
    ridges : ndarray of shape (n_ridges,)
        ``alpha / W`` to try.
    choice : pair of str and float, default=("none", 0)
    metric : Metric, default=None
        None is the identity.
    before : tuple of RidgeStep, default=()
        Steps that led to the metric.
    factors : tuple of float, default=None
        Scales to try, in units of the typical scale; None is those of the family.

    Returns
    -------
    RidgeModel
    """
    tried = ridge_at_each_scale(
        family,
        rows,
        ridges,
        choice=choice,
        metric=metric,
        before=before,
        factors=factors,
    )
    return min((model for model, _ in tried), key=lambda model: model.error)


def ridge_at_each_scale(
    family: KernelFamily,
    rows: SearchRows,
    ridges: np.ndarray,
    *,
    choice: MetricChoice = NO_METRIC,
    metric: Metric | None = None,
    before: tuple[RidgeStep, ...] = (),
    factors: tuple[float, ...] | None = None,
) -> Iterator[tuple[RidgeModel, np.ndarray]]:
    """Yield the model of the best ridge at each length scale, and its errors.

    The parameters are those of `best_ridge`, the errors of the shape of y.
    """
    metric = Metric.identity(rows.Z.shape[1]) if metric is None else metric
    Z, alphas = metric.transform(rows.Z), ridges * rows.distinct.total_weight
    unit = family.typical_scale(metric.transform(rows.distinct_Z))
    for factor in family.factors if factors is None else factors:
        K = family.matrix(unit * factor, Z)
        decomposition = full_decomposition(K, rows.distinct)
        check_positive_semidefinite(
            decomposition.smallest, decomposition.eigenvalues[-1], "kernel"
        )
        errors = ridge_errors(decomposition, rows.y, alphas)
        squares = rows.mean_square(errors)
        best = int(np.nanargmin(squares))
        steps = (*before, RidgeStep(factor, float(ridges[best])))
        yield (
            RidgeModel(
                family, choice, metric, steps, unit * factor, float(squares[best])
            ),
            errors[best],
        )


def follow_metric(
    start: RidgeModel,
    choice: MetricChoice,
    rows: SearchRows,
    ridges: np.ndarray,
    max_updates: int,
) -> Iterator[RidgeModel]:
    """Yield the model after each update of the metric, its scale and ridge chosen anew.

    Parameters
    ----------
    start : RidgeModel
        Without a metric.
    choice : pair of str and float
        Structure of the metric, and power of the gradient outer product.
    rows : SearchRows
    ridges : ndarray of shape (n_ridges,)
    max_updates : int

    Yields
    ------
    RidgeModel
    """
    model = start
    for _ in range(max_updates):
        model = best_ridge(
            model.family,
            rows,
            ridges,
            choice=choice,
            metric=_updated(model, choice, rows),
            before=model.steps,
        )
        yield model


def learn_again(model: RidgeModel, rows: SearchRows) -> RidgeModel:
    """Learn the metric of a model on other rows: the same steps, without a choice.

    A ridge ``alpha / W`` and a length scale in units of the median distance mean the
    same at every number of rows.
    """
    identity = Metric.identity(rows.Z.shape[1])
    current = replace(model, metric=identity, steps=model.steps[:1], error=np.nan)
    for place, step in enumerate(model.steps):
        unit = model.family.typical_scale(current.metric.transform(rows.distinct_Z))
        steps = model.steps[: place + 1]
        current = replace(current, scale=unit * step.factor, steps=steps)
        if place < model.n_updates:
            updated = _updated(current, model.choice, rows)
            current = replace(current, metric=updated)
    return current


def cross_metric_errors(
    model: RidgeModel, rows: SearchRows, folds: np.ndarray
) -> np.ndarray:
    """Leave-one-out errors of every row in a metric that has not seen the row.

    A metric has seen every y, so that leave-one-out errors in it are too small. Here,
    for each fold the metric is learned without it, and the errors of its rows are taken
    by the exact formula, with all rows in that metric.

    Parameters
    ----------
    model : RidgeModel
    rows : SearchRows
    folds : ndarray of shape (n,), int
        Number of the fold of every row.

    Returns
    -------
    ndarray of the shape of y
    """
    if model.n_updates == 0:
        return model.left_out(rows).errors
    errors = np.empty(rows.y.shape)
    for fold in range(int(folds.max()) + 1):
        held = folds == fold
        learned = learn_again(model, rows.part(np.flatnonzero(~held)))
        errors[held] = learned.left_out(rows).errors[held]
    return errors


def gradient_product(model: RidgeModel, rows: SearchRows) -> np.ndarray:
    """Average gradient outer product of a model, in standardised units.

    Parameters
    ----------
    model : RidgeModel
    rows : SearchRows
        Rows that it is fitted on.

    Returns
    -------
    ndarray of shape (n_features, n_features)
    """
    kernel, multiplier = model.family.at(model.scale)
    Z = model.metric.transform(rows.Z) * multiplier
    slopes = weighted_gradients(kernel, Z, model.dual_coef(rows))
    return agop(model.metric.pull_back(multiplier * slopes), rows.weights)


def _updated(model: RidgeModel, choice: MetricChoice, rows: SearchRows) -> Metric:
    """Metric after the next update."""
    structure, power = choice
    product = gradient_product(model, rows)
    return next_metric(
        model.metric, product, rows.distinct_Z, structure=structure, power=power
    )

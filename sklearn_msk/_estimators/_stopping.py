"""Early stopping: which rows judge the steps of a model."""

from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d

from sklearn_msk._array_api import to_host
from sklearn_msk._estimators._data import (
    ClassificationData,
    RegressionData,
    TrainingData,
    check_validation_data,
)
from sklearn_msk._estimators._useless import warn_of_few_rows
from sklearn_msk._operators import check_precomputed
from sklearn_msk._selection import (
    StoppedPath,
    can_hold_out,
    distinct_rows,
    fold_numbers,
    hold_out,
    label_equal_rows,
    number_rows,
    score_folds,
    score_path,
    shorten,
    train_by_leave_one_out,
)
from sklearn_msk._training import (
    FittedModel,
    ProblemConfig,
    Report,
    TrainingConfig,
    train,
)
from sklearn_msk._tuning import FEW_STOPPING_ROWS, FEWEST_STOPPING_ROWS

# Up to so many distinct rows each is left out. Beyond, the full decomposition takes
# longer than five fits, of which the folds are made.
LEAVE_ONE_OUT_ROWS = 4000
# Arrays of the size of the kernel matrix that the decomposition takes, K included.
DECOMPOSITION_ARRAYS = 5

ArrayData = RegressionData | ClassificationData


@dataclass(frozen=True, eq=False)
class Validation:
    """What `fit` was passed for early stopping, as it came.

    Attributes
    ----------
    X, y, sample_weight : array-like or None
        Rows that judge the steps.
    groups : array-like of shape (n,) or None
        Of the rows to train on.
    """

    X: Any = None
    y: Any = None
    sample_weight: Any = None
    groups: Any = None

    @property
    def asks(self) -> bool:
        """Whether there are rows that judge, or groups to hold out."""
        return self.X is not None or self.groups is not None


@dataclass(frozen=True, eq=False)
class _Parts:
    """Rows to train on, and rows that judge.

    Attributes
    ----------
    train, held : RegressionData or ClassificationData
        Of a precomputed kernel, `held` is the kernel of its rows with those of `train`.
    """

    train: ArrayData
    held: ArrayData


def check_validation(rule: bool | str, validation: Validation) -> None:
    """Raise a ValueError where the arguments of `fit` do not go with a rule.

    Parameters
    ----------
    rule : bool or str
        As `stopping_rule` returns.
    validation : Validation
    """
    given = validation.X is not None
    if given and validation.y is None:
        raise ValueError("X_val needs y_val, its targets. Got y_val=None instead.")
    for name, value in (
        ("y_val", validation.y),
        ("sample_weight_val", validation.sample_weight),
    ):
        if value is not None and not given:
            raise ValueError(f"{name} needs X_val, its rows. Got X_val=None instead.")
    for name, value in (("X_val", validation.X), ("groups", validation.groups)):
        # Not a comparison: True is equal to 1, which is no rule.
        if value is not None and (not rule or isinstance(rule, str)):
            raise ValueError(
                f"{name} goes with early_stopping=True. Got early_stopping="
                f"{rule!r} instead; set it to True, or leave {name} out."
            )
    if given and validation.groups is not None:
        raise ValueError(
            "X_val judges the steps, and no rows are held out. Got groups too, which "
            "say how to hold rows out; leave one of the two out."
        )


def train_and_stop(
    estimator: Any,
    rule: bool | str,
    data: TrainingData,
    validation: Validation,
    training: TrainingConfig,
    config: ProblemConfig,
    report: Report,
    *,
    leave_one_out_rows: int = LEAVE_ONE_OUT_ROWS,
) -> tuple[FittedModel, dict[str, Any]]:
    """Choose the number of steps, and train all rows for as many.

    Parameters
    ----------
    estimator : MSKRegressor or MSKClassifier
    rule : True, "loo" or "auto"
        As `stopping_rule` returns; "auto" leaves out the rows one by one where they are
        few, and takes all steps where held-out rows would not tell the steps apart.
    data : RegressionData or ClassificationData
    validation : Validation
    training : TrainingConfig
        Its `max_iter` is the last of the steps.
    config : ProblemConfig
    report : Report
    leave_one_out_rows : int, default=4000

    Returns
    -------
    model : FittedModel
    attributes : dict
        Fitted attributes that the choice determines; none where all steps were taken.

    Raises
    ------
    ValueError
        If the rows cannot be parted, and the rule is not "auto".
    """
    if not isinstance(data, ArrayData):
        if rule == "auto":
            return train(data.rows, training, config, report), {}
        raise ValueError(
            f"early_stopping={rule!r} holds out rows of arrays in "
            "memory. Got dask arrays instead; score staged_predict on rows of your "
            "choice."
        )
    if validation.X is not None:
        return _judged_by_given_rows(
            estimator, data, validation, training, config, report
        )
    if rule == "auto" and config.landmarks is None and _are_few(estimator, data):
        rule = "loo"
    if rule == "loo" and config.landmarks is None:
        return _stop_by_all_rows(
            estimator, data, training, config, report, leave_one_out_rows
        )
    with report.stage("path on the rows that are not held out"):
        judged = _judge_by_held_rows(
            estimator,
            data,
            validation.groups,
            training,
            config,
            if_possible=rule == "auto",
        )
    if judged is None:
        return train(data.rows, training, config, report), {}
    stopped, attributes = judged
    return train(data.rows, _up_to(stopped, training), config, report), attributes


def report_scores(
    report: Report, data: TrainingData, model: FittedModel, chosen: dict[str, Any]
) -> None:
    """Print the score on all training rows beside that on the rows that judged.

    Parameters
    ----------
    report : Report
    data : RegressionData or ClassificationData
    model : FittedModel
        Of all rows.
    chosen : dict
        Attributes that `train_and_stop` returned.
    """
    if not (report.verbose and chosen and isinstance(data, ArrayData)):
        return
    scores = chosen["validation_scores_"]
    left_out = scores[~np.isnan(scores)].max(initial=-np.inf)
    at_training_rows, _ = data.scorer(data)(to_host(model.predict(data.X)))
    report.line(
        f"{model.filter.max_iter} of {chosen['validation_iterations_'][-1]:g} steps: "
        f"score {left_out:.4f} at the rows left out, {at_training_rows:.4f} at the "
        "training rows"
    )


def _are_few(estimator: Any, data: ArrayData) -> bool:
    """Whether leaving out every row costs less than holding out some of them."""
    if hasattr(estimator.validation_fraction, "split"):
        return False
    kept = slice(None) if data.weights is None else data.weights > 0
    if isinstance(data, ClassificationData) and len(np.unique(data.y[kept])) < 2:
        return False
    labels = label_equal_rows(data.X)
    n = len(distinct_rows(data.X.shape[0], data.weights, labels).first)
    return FEWEST_STOPPING_ROWS <= n <= FEW_STOPPING_ROWS


def _stop_by_all_rows(
    estimator: Any,
    data: ArrayData,
    training: TrainingConfig,
    config: ProblemConfig,
    report: Report,
    leave_one_out_rows: int,
) -> tuple[FittedModel, dict[str, Any]]:
    """Judge the steps at every row by a model without it: row by row, or in folds."""
    kept, used = _positive(estimator, data)
    rows = data.rows
    distinct = distinct_rows(data.X.shape[0], rows.weights, label_equal_rows(data.X))
    n = len(distinct.first)
    if n < 2:
        raise ValueError(
            "early_stopping='loo' leaves out every row in turn, rows that are equal "
            f"together. Got n_samples={data.X.shape[0]} with {n} distinct row, which "
            "leaves none to train on; pass more rows, or early_stopping=False."
        )
    warn_of_few_rows(estimator, n)
    in_memory = DECOMPOSITION_ARRAYS * 8 * n**2 <= config.memory_limit
    measure = used.measure()
    if n <= leave_one_out_rows and in_memory:
        model, stopped = train_by_leave_one_out(
            rows,
            distinct,
            training,
            config,
            lambda errors: measure(errors[kept]),
            report,
        )
        errors = None if stopped.values is None else stopped.values[kept]
        return model, _attributes(stopped, used, used, _values_of(used, errors))
    with report.stage("paths of the folds"):
        numbers = fold_numbers(distinct, data.strata, estimator.random_state)
        stopped = score_folds(
            used.rows,
            numbers[kept],
            _without_loop(training),
            config,
            measure,
        )
    model = train(rows, _up_to(stopped, training), config, report)
    return model, _attributes(stopped, used, used, _values_of(used, stopped.values))


def _judged_by_given_rows(
    estimator: Any,
    data: ArrayData,
    validation: Validation,
    training: TrainingConfig,
    config: ProblemConfig,
    report: Report,
) -> tuple[FittedModel, dict[str, Any]]:
    """Train on all rows once, and stop the path by rows that were given."""
    given = validation.X, validation.y, validation.sample_weight
    held = check_validation_data(estimator, data, *map(to_host, given))
    warn_of_few_rows(estimator, len(held.y))
    model = train(data.rows, _without_loop(training), config, report)
    with report.stage("values at X_val"):
        stopped = score_path(model, held.X, data.scorer(held), config.n_jobs)
    attributes = _attributes(stopped, data, held, stopped.values)
    return shorten(model, stopped.best, training, report), attributes


def _part_rows(
    estimator: Any, data: ArrayData, given_groups: Any, *, if_possible: bool
) -> _Parts | None:
    """Split the rows of positive weight, or return None where none can judge."""
    n_given, pairwise = data.X.shape[0], estimator.kernel == "precomputed"
    if pairwise:
        # Errors name the entries of the matrix that was passed.
        check_precomputed(data.X)
    kept, data = _positive(estimator, data)
    strata = data.strata
    units = number_rows(data.X)
    if pairwise:
        # Columns have no order but that of the rows: that of the first of equal rows.
        units = distinct_rows(len(units), labels=units).group
    if if_possible and not _can_judge(estimator, units, strata):
        return None
    groups = None
    if given_groups is not None:
        given_groups = to_host(given_groups)
        check_consistent_length(np.empty(n_given), given_groups)
        groups = column_or_1d(given_groups)[kept]
    fraction = estimator.validation_fraction
    if hasattr(fraction, "split"):
        train_rows, held_rows = next(iter(fraction.split(data.X, data.y, groups)))
        if not (len(train_rows) and len(held_rows)):
            raise ValueError(
                "The first split of 'validation_fraction' must have rows to train on "
                f"and rows to hold out. Got {len(train_rows)} and {len(held_rows)} of "
                "them."
            )
    else:
        seed = estimator.random_state
        train_rows, held_rows = hold_out(units, fraction, seed, strata, groups)
    part, held = data.part(train_rows, pairwise), data.part(held_rows, False)
    if isinstance(part, ClassificationData) and len(part.classes) < 2:
        raise ValueError(
            f"early_stopping={estimator.early_stopping!r} holds out {len(held_rows)} "
            f"of the {len(units)} rows, and those left to train on have one class "
            "only. Pass more rows, or early_stopping=False."
        )
    return _Parts(part, replace(held, X=held.X[:, train_rows]) if pairwise else held)


def _can_judge(estimator: Any, units: np.ndarray, strata: np.ndarray | None) -> bool:
    """Whether rows that are held out tell steps apart, and leave enough to train on."""
    if hasattr(estimator.validation_fraction, "split"):
        return len(np.unique(units)) >= FEWEST_STOPPING_ROWS
    drawn = isinstance(estimator.landmarks, Integral)
    return can_hold_out(
        units,
        estimator.validation_fraction,
        strata,
        fewest_left=estimator.landmarks if drawn else 1,
    )


def _judge_by_held_rows(
    estimator: Any,
    data: ArrayData,
    groups: Any,
    training: TrainingConfig,
    config: ProblemConfig,
    *,
    if_possible: bool,
) -> tuple[StoppedPath, dict[str, Any]] | None:
    """Score the path of a model that is trained without some rows on these.

    The copies of the rows are given back before the model of all rows is trained.
    """
    parts = _part_rows(estimator, data, groups, if_possible=if_possible)
    if parts is None:
        return None
    if not if_possible:
        warn_of_few_rows(estimator, len(parts.held.y))
    model = train(parts.train.rows, _without_loop(training), config)
    score = parts.train.scorer(parts.held)
    stopped = score_path(model, parts.held.X, score, config.n_jobs)
    return stopped, _attributes(stopped, parts.train, parts.held, stopped.values)


def _attributes(
    stopped: StoppedPath, data: ArrayData, held: ArrayData, values: np.ndarray | None
) -> dict[str, Any]:
    """Return the fitted attributes that a choice of steps determines.

    `values` are those of a model of `data` at the rows that judge, None where no step
    can be scored.
    """
    attributes = {} if values is None else data.judged_by(held, values)
    return attributes | {
        "validation_iterations_": stopped.iterations,
        "validation_scores_": stopped.scores,
    }


def _values_of(data: ArrayData, errors: np.ndarray | None) -> np.ndarray | None:
    """Return the values of a model from its errors."""
    return None if errors is None else data.targets - errors


def _positive(estimator: Any, data: ArrayData) -> tuple[np.ndarray, ArrayData]:
    """Return the numbers of the rows of positive weight, and these rows."""
    kept = np.arange(data.X.shape[0])
    if data.weights is None or data.weights.all():
        return kept, data
    kept = np.flatnonzero(data.weights)
    part = data.part(kept, estimator.kernel == "precomputed")
    if isinstance(data, ClassificationData) and isinstance(part, ClassificationData):
        # The values of a model have a column for every class, with rows or without.
        part = replace(part, classes=data.classes)
    return kept, part


def _without_loop(training: TrainingConfig) -> TrainingConfig:
    """Return a training whose path serves every step; the loop begins anew for each."""
    return replace(training, solver="auto") if training.solver == "gd" else training


def _up_to(stopped: StoppedPath, training: TrainingConfig) -> TrainingConfig:
    """Return the training that ends after the best step."""
    return replace(training, max_iter=stopped.best)

"""The candidates of one fold, fitted together and scored one by one."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from math import prod
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import clone

from sklearn_msk._array_api import Place, place_of, to_host
from sklearn_msk._compat import (
    _check_method_params,
    _safe_split,
    num_samples,
)
from sklearn_msk._estimators import BaseMSK
from sklearn_msk._estimators._base import problem_config
from sklearn_msk._estimators._data import check_data
from sklearn_msk._estimators._fitted import adopt
from sklearn_msk._estimators._parameters import stopping_rule, training_config
from sklearn_msk._operators import ArrayRows
from sklearn_msk._search._recorder import FittedSteps, fit_steps, last_step
from sklearn_msk._search._scoring import (
    Candidate,
    Record,
    ScoredPart,
    Scoring,
    failure_records,
    score_candidates,
)
from sklearn_msk._spectrum import prefers_mixed_precision
from sklearn_msk._training import (
    FitFailure,
    FittedModel,
    ProblemConfig,
    TrainingConfig,
    build_problem,
    decompose,
    solve_paths,
)


@dataclass(frozen=True, eq=False)
class Fold:
    """Rows to train on and to score, as arrays of the user's kind.

    Attributes
    ----------
    X, y
        Rows and targets of all folds.
    train, test : ndarray of int
    """

    X: Any
    y: Any
    train: np.ndarray
    test: np.ndarray

    def parts(self, estimator: Any) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
        """Return (X, y) to train on and (X, y) to score."""
        return (
            _safe_split(estimator, self.X, self.y, self.train),
            _safe_split(estimator, self.X, self.y, self.test, self.train),
        )


def fit_and_score_fold(
    estimator: Any,
    settings: Sequence[dict],
    fold: Fold,
    fit_params: dict,
    scoring: Scoring,
    n_parallel: int,
    callback_context: Any = None,
) -> list[Record]:
    """Fit the candidates that share a kernel on one fold, and score each of them.

    Parameters
    ----------
    estimator : MSKRegressor, MSKClassifier or Pipeline that ends in one
        With the parameters that all candidates share; its own object.
    settings : sequence of dict
        Parameters of the last step, for each candidate.
    fold : Fold
    fit_params : dict
    scoring : Scoring
    n_parallel : int
        Folds that are computed at the same time.
    callback_context : sklearn.callback.CallbackContext, default=None
        Of this fold.

    Returns
    -------
    list of dict
        For each candidate the record that scikit-learn's searches make their results
        of (`fit_error`, `test_scores`, `train_scores`, `n_test_samples`, `fit_time`,
        `score_time`), and its `error`, the exception that ended its fit or None.
    """
    started = time.time()
    (X_train, y_train), (X_test, y_test) = fold.parts(estimator)
    fit_params = _check_method_params(fold.X, params=fit_params, indices=fold.train)
    score_params = [
        _check_method_params(fold.X, params=scoring.params, indices=indices)
        for indices in (fold.test, fold.train)
    ]
    records: dict[int, Record] = {}
    spent_scoring = 0.0
    try:
        steps = fit_steps(estimator, X_train, y_train, fit_params)
    except Exception as error:
        if scoring.error_score == "raise":
            raise
        everything = [(number, FitFailure(error)) for number in range(len(settings))]
        records |= failure_records(everything, scoring)
    else:
        parts = [ScoredPart("test_scores", X_test, y_test, score_params[0])]
        if scoring.return_train_score:
            parts.append(ScoredPart("train_scores", X_train, y_train, score_params[1]))
        fitted = _fit_candidates(
            steps, settings, scoring.error_score, n_parallel, callback_context
        )
        for batch, failures in fitted:
            records |= failure_records(failures, scoring)
            started_scoring = time.time()
            records |= score_candidates(batch, steps, parts, scoring)
            spent_scoring += time.time() - started_scoring
    fit_time = (time.time() - started - spent_scoring) / len(settings)
    for record in records.values():
        record["fit_time"] = fit_time
        record["score_time"] = spent_scoring / len(settings)
        record["n_test_samples"] = num_samples(X_test)
    return [records[number] for number in range(len(settings))]


def _fit_candidates(
    steps: FittedSteps,
    settings: Sequence[dict],
    error_score: Any,
    n_parallel: int,
    callback_context: Any,
) -> Iterator[tuple[list[Candidate], list[tuple[int, FitFailure]]]]:
    """Yield fitted candidates, as many at a time as the working memory holds."""
    passed, others = steps.received
    last = last_step(steps.recorded).estimator
    models: dict[int, BaseMSK] = {}
    failures: list[tuple[int, FitFailure]] = []
    for number, setting in enumerate(settings):
        # A parameter that does not exist ends the search, whatever `error_score` is.
        model = clone(last).set_params(**clone(setting, safe=False))
        try:
            model._validate_params()
            training_config(model)
        except Exception as error:
            if error_score == "raise":
                raise
            failures.append((number, FitFailure(error)))
        else:
            models[number] = model
    # The others are for early stopping; `fit` says so where there is none.
    stopping = {
        n: model for n, model in models.items() if others or stopping_rule(model)
    }
    sharing = {n: model for n, model in models.items() if n not in stopping}
    found = chain(
        _fit_alone(stopping, passed, others, callback_context),
        _fit_together(sharing, passed, n_parallel, callback_context),
    )
    batch: list[Candidate] = []
    for number, result in found:
        if isinstance(result, FitFailure):
            if error_score == "raise":
                raise result.error
            failures.append((number, result))
            continue
        batch.append(Candidate(number, result))
        held = sum(8 * prod(candidate.model.dual_coef_.shape) for candidate in batch)
        if held >= get_config()["working_memory"] * 2**20:
            yield batch, failures
            batch, failures = [], []
    yield batch, failures


def _fit_alone(
    models: dict[int, BaseMSK], passed: tuple, others: dict, callback_context: Any
) -> Iterator[tuple[int, BaseMSK | FitFailure]]:
    """Yield candidates that share nothing, as each chooses its number of steps."""
    for number, model in models.items():
        try:
            with _callbacks(callback_context, model):
                model.fit(*passed, **others)
        except Exception as error:
            yield number, FitFailure(error)
        else:
            yield number, model


def _fit_together(
    models: dict[int, BaseMSK], passed: tuple, n_parallel: int, callback_context: Any
) -> Iterator[tuple[int, BaseMSK | FitFailure]]:
    """Yield candidates that share a kernel, a spectrum and their products."""
    numbers = list(models)
    if not numbers:
        return
    try:
        place = place_of(passed[0])
        data = check_data(models[numbers[0]], *map(to_host, passed))
        rows = data.rows
        config = problem_config(models[numbers[0]], n_parallel, place)
    except Exception as error:
        yield from ((number, FitFailure(error)) for number in numbers)
        return
    trainings = {number: training_config(models[number]) for number in numbers}
    for alike in _alike(trainings, config, rows):
        shared = [trainings[number] for number in alike]
        try:
            problem = build_problem(rows, config, shared)
            problem, spectrum = decompose(problem, shared, config)
        except Exception as error:
            yield from ((number, FitFailure(error)) for number in alike)
            continue
        for order, result in solve_paths(problem, spectrum, shared):
            number = alike[order]
            if isinstance(result, FittedModel):
                yield (
                    number,
                    _adopted(
                        models[number], result, data, passed, place, callback_context
                    ),
                )
            else:
                yield number, result


def _alike(
    trainings: dict[int, TrainingConfig], config: ProblemConfig, rows: Any
) -> list[list[int]]:
    """Return the numbers of the candidates that share a storage of the kernel.

    One candidate that needs exact products would take the mixed precision storage from
    all the others.
    """
    if config.landmarks is not None or not isinstance(rows, ArrayRows):
        return [list(trainings)]
    n = rows.X.shape[0]
    k = max(training.n_directions(n) for training in trainings.values())
    if not prefers_mixed_precision(n, k, config.eigen_solver):
        return [list(trainings)]
    tolerant = [i for i, training in trainings.items() if training.tolerates_float32]
    exact = [i for i in trainings if i not in tolerant]
    return [alike for alike in (tolerant, exact) if alike]


def _adopted(
    model: BaseMSK,
    result: FittedModel,
    data: Any,
    passed: tuple,
    place: Place | None,
    callback_context: Any,
) -> BaseMSK | FitFailure:
    """End the fit of a candidate, unless a callback or a warning raises an error."""
    try:
        with _callbacks(callback_context, model):
            return adopt(model, result, data, passed, place)
    except Exception as error:
        return FitFailure(error)


def _callbacks(context: Any, model: BaseMSK) -> Any:
    """Pass the callbacks of a search on to a candidate, within the block."""
    if context is None:
        return ExitStack()
    subcontext = context.subcontext(task_name="candidate")
    return subcontext.propagate_callback_context(model)

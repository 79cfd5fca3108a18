"""The choice of a model for a table: what was tried, on which rows, and what won."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sklearn_msk._estimators._candidates import (
    Judge,
    params_of,
    rank_by_scorer,
    report_failures,
    results_table,
    score_by_folds,
    score_candidates,
)
from sklearn_msk._estimators._chosen_model import components
from sklearn_msk._estimators._scaling import RobustScale
from sklearn_msk._estimators._table import Table, Targets
from sklearn_msk._selection import (
    ChoiceConfig,
    Finalist,
    JudgedModel,
    Progress,
    SearchRows,
    best_places,
    compare_finalists,
    compared_rows,
    fold_finalists,
    judge_candidates,
    metric_folds,
    near_rows,
    refine_quickly,
    screened_rows,
)
from sklearn_msk._threads import single_threaded_blas
from sklearn_msk._tuning import (
    FINALIST_MARGIN,
    FINALISTS,
    QUICK_METRIC_ROWS,
    QUICK_SCREENED_ROWS,
)
from sklearn_msk._validation import check_seed


@dataclass(frozen=True, eq=False)
class Choice:
    """What was chosen among the candidates, and on which rows.

    Attributes
    ----------
    scale : RobustScale
    targets : Targets
        Of all rows of positive weight.
    rows, screened, compared : SearchRows
        All of them, and those that candidates and finalists are judged on.
    compared_rows : ndarray of shape (n_compared,)
        Numbers of the rows of `compared`.
    compared_table : Table
        They, as they were given.
    folds : ndarray of shape (n_compared,)
        Folds of `compared`, in which metrics are learned anew.
    judged : list of JudgedModel
        The candidates.
    scores : ndarray of shape (n_candidates,)
    finalists : list of Finalist
        The best first.
    """

    scale: RobustScale
    targets: Targets
    rows: SearchRows
    screened: SearchRows
    compared: SearchRows
    compared_rows: np.ndarray
    compared_table: Table
    folds: np.ndarray
    judged: list[JudgedModel]
    scores: np.ndarray
    finalists: list[Finalist]


def choose(
    given: Table,
    judge: Judge,
    config: ChoiceConfig,
    random_state: Any,
    report: Progress,
    *,
    of_each: bool,
) -> Choice:
    """Screen the candidates, judge them, and compare the best on more rows.

    Parameters
    ----------
    given : Table
    judge : Judge
    config : ChoiceConfig
    random_state : int, RandomState instance or None
        Of the rows to judge on, and of folds.
    report : callable
        Takes the progress.
    of_each : bool
        Whether the finalists are the best of every kernel and structure of a metric.

    Returns
    -------
    Choice

    Raises
    ------
    ValueError
        If no candidate can be fitted, or judged.
    """
    table, scale, targets, rows = _standardized(given, judge)
    rng = check_seed(random_state)

    numbers = screened_rows(rows, rng)
    screened, screened_table = rows.part(numbers), table.part(numbers)
    folds = metric_folds(screened, rng)
    # Threads would wait more than work on matrices of a few hundred rows.
    with single_threaded_blas():
        judged = judge_candidates(
            screened, config, folds, report, prune=judge.scoring is None
        )
    report_failures(judged)
    scores = score_candidates(judged, judge, screened, screened_table, targets)
    if judge.splits is not None:
        grid = config.ridges(screened)
        judged, scores = score_by_folds(judged, judge, scores, grid, screened, given)

    numbers = compared_rows(len(rows.Z), rng)
    compared, compared_table = rows.part(numbers), table.part(numbers)
    places = best_places(scores, judged, of_each=of_each)[:FINALISTS]
    if of_each and judge.scoring is None:
        least = FINALIST_MARGIN * scores[places[0]]
        places = [place for place in places if scores[place] >= least]
    if judge.splits is not None:
        finalists = fold_finalists(judged, scores, places, compared)
    else:
        finalists = compare_finalists(
            judged,
            places,
            screened,
            compared,
            lambda model: config.final_ridges(model, screened),
        )
    if len(compared.Z) != len(screened.Z):
        folds = metric_folds(compared, rng)
        if judge.scoring is not None and judge.splits is None:
            finalists = rank_by_scorer(
                finalists, judge, compared, compared_table, folds, targets
            )
    return Choice(
        scale=scale,
        targets=targets,
        rows=rows,
        screened=screened,
        compared=compared,
        compared_rows=numbers,
        compared_table=compared_table,
        folds=folds,
        judged=judged,
        scores=scores * judge.score_unit(targets),
        finalists=finalists,
    )


def choose_quickly(
    given: Table,
    judge: Judge,
    config: ChoiceConfig,
    random_state: Any,
    report: Progress,
) -> Choice:
    """Choose on a few hundred rows that are neighbours, by plain leave-one-out errors.

    The parameters are those of `choose`; candidates are not judged by folds.
    """
    table, scale, targets, rows = _standardized(given, judge)
    rng = check_seed(random_state)
    screened = rows.part(near_rows(rows, QUICK_SCREENED_ROWS, rng))
    first_update = replace(config, max_updates=min(1, config.max_updates))
    with single_threaded_blas():
        judged = judge_candidates(
            screened, first_update, metric_folds(screened, rng), report, n_judged=0
        )
        report_failures(judged)
        numbers = compared_rows(len(rows.Z), rng, QUICK_METRIC_ROWS)
        finalist = refine_quickly(judged, rows, numbers, config, rng)
    errors = [np.nan if j.model is None else j.model.error for j in judged]
    return Choice(
        scale=scale,
        targets=targets,
        rows=rows,
        screened=screened,
        compared=rows.part(numbers),
        compared_rows=numbers,
        compared_table=table.part(numbers),
        folds=np.zeros(len(numbers), dtype=int),
        judged=judged,
        scores=-np.array(errors) * judge.score_unit(targets),
        finalists=[finalist],
    )


def _standardized(
    given: Table, judge: Judge
) -> tuple[Table, RobustScale, Targets, SearchRows]:
    """Rows of positive weight, their scales, and both in standardised units."""
    table = given.part(np.arange(len(given.X)))
    scale = RobustScale.of(table.X, standardize=judge.standardize)
    targets = judge.targets(table)
    rows = SearchRows.of(scale(table.X), targets.values, table.weights)
    return table, scale, targets, rows


def chosen_attributes(choice: Choice, alpha: float) -> dict[str, Any]:
    """Fitted attributes that tell what was chosen, and among what.

    `alpha` is the ridge of the final model, in the units of `KernelRidge`.
    """
    best, factor = choice.finalists[0], choice.scale.factor
    size = np.full(len(factor), np.inf)
    return {
        "alpha_": alpha,
        "best_index_": best.place,
        "best_params_": params_of(best.model, choice.rows),
        "best_score_": float(choice.scores[best.place]),
        "centre_": choice.scale.centre,
        "components_": components(best.model, choice.scale),
        "cv_results_": results_table(choice.judged, choice.scores, choice.screened),
        "kernel_": best.model.family.at(best.model.scale)[0],
        "scale_": np.divide(1.0, factor, where=factor > 0, out=size),
    }

"""Scores of the candidates of a choice, and the table that a user sees of them."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv

from sklearn_msk._estimators._chosen_model import as_pipeline, exact_regressor
from sklearn_msk._estimators._scaling import RobustScale
from sklearn_msk._estimators._table import Table, Targets
from sklearn_msk._estimators._warnings import warn_user
from sklearn_msk._selection import JudgedModel, RidgeModel, SearchRows, finish_choice

# Candidates that the folds of a splitter judge.
_FOLD_CANDIDATES = 5


@dataclass(frozen=True, eq=False)
class Judge:
    """How candidates are scored.

    Attributes
    ----------
    scoring : str, callable or None
        None is the negative mean squared error.
    splits : list of pairs of ndarray, or None
        Training and test rows of folds; None is leave-one-out.
    standardize : bool
    """

    scoring: Any
    splits: list[tuple[np.ndarray, np.ndarray]] | None
    standardize: bool

    @classmethod
    def of(cls, scoring: Any, cv: Any, standardize: bool, given: Table) -> "Judge":
        """Make the folds, and check the scorer, before the work begins."""
        if scoring is not None:
            check_scoring(_KnownPredictions(given.y), scoring=scoring)
        splits = None if cv is None else _folds(cv, given)
        return cls(scoring, splits, standardize)

    @property
    def is_relative(self) -> bool:
        """Whether the scores are relative to the variance of y."""
        return self.scoring is None and self.splits is None


def score_candidates(
    judged: list[JudgedModel],
    judge: Judge,
    rows: SearchRows,
    targets: Targets,
    given: Table,
) -> np.ndarray:
    """Score every candidate that was judged; NaN for the others.

    Mean squared leave-one-out errors are relative to the variance of y.

    Parameters
    ----------
    judged : list of JudgedModel
    judge : Judge
    rows : SearchRows
        Rows that the candidates were screened on.
    targets : Targets
    given : Table
        All rows, which the folds are of.

    Returns
    -------
    ndarray of shape (n_candidates,)
        Higher is better.

    Raises
    ------
    ValueError
        If no candidate can be judged, or a scorer needs more than predictions.
    """
    scores = np.full(len(judged), np.nan)
    best_first = sorted(
        (float(rows.mean_square(j.errors)), place)
        for place, j in enumerate(judged)
        if j.errors is not None
    )
    if judge.splits is not None:
        # Folds fit anew: only for those that leave-one-out ranks first.
        best_first = best_first[:_FOLD_CANDIDATES]
    for error, place in best_first:
        candidate = judged[place]
        if judge.splits is not None:
            assert candidate.model is not None
            scores[place] = _fold_score(candidate.model, judge, given)
        elif judge.scoring is None:
            scores[place] = -error
        else:
            assert candidate.errors is not None
            truth = targets.back(rows.y)
            found = targets.back(rows.y - candidate.errors)
            scores[place] = _array_score(judge.scoring, truth, found, rows.weights)
    if np.isnan(scores).all():
        raise ValueError(
            "No candidate can be judged: every leave-one-out error is NaN. Pass "
            "more rows."
        )
    return scores


def params_of(model: RidgeModel, rows: SearchRows) -> dict[str, Any]:
    """Return what a user is told of a candidate, fitted on these rows."""
    structure, power = model.choice
    learned = model.n_updates > 0
    return {
        "kernel": model.family.name,
        "metric": structure if learned else "none",
        "power": power if learned else 0.0,
        "n_updates": model.n_updates,
        "length_scale": model.scale,
        "alpha": model.ridge * rows.distinct.total_weight,
    }


def results_table(
    judged: list[JudgedModel], scores: np.ndarray, rows: SearchRows
) -> dict[str, Any]:
    """Table of the candidates, in the manner of scikit-learn's searches."""
    params = [
        {"kernel": j.name} if j.model is None else params_of(j.model, rows)
        for j in judged
    ]
    errors = [np.nan if j.model is None else np.sqrt(j.model.error) for j in judged]
    order = np.argsort(np.argsort(-np.where(np.isnan(scores), -np.inf, scores)))
    return {
        "params": params,
        "mean_test_score": scores,
        "rank_test_score": order + 1,
        "leave_one_out_error": np.array(errors),
        "fit_time": np.array([j.seconds for j in judged]),
        "failure": np.array([j.failure for j in judged], dtype=object),
    }


def report_failures(judged: list[JudgedModel]) -> None:
    """Warn of candidates that could not be fitted; raise where none could."""
    failed = [j for j in judged if j.failure]
    if not failed:
        return
    first = f"{failed[0].name!r} with {failed[0].failure}"
    if len(failed) == len(judged):
        raise ValueError(f"No kernel can be fitted, the first, {first}")
    warn_user(
        f"{len(failed)} of the kernels cannot be fitted and are passed over, the "
        f"first, {first}",
        FitFailedWarning,
    )


def _folds(cv: Any, given: Table) -> list[tuple[np.ndarray, np.ndarray]]:
    """Training and test rows of the folds of a splitter."""
    splitter = check_cv(cv, given.y, classifier=False)
    try:
        splits = list(splitter.split(given.X, given.y))
    except ValueError as error:
        if "groups" not in str(error):
            raise
        raise ValueError(
            f"cv={cv!r} needs groups. Pass its folds, as "
            "cv=list(GroupKFold().split(X, y, groups))."
        ) from error
    if not splits:
        raise ValueError(f"The 'cv' must have at least one fold. Got {cv!r}.")
    return [(np.asarray(train), np.asarray(test)) for train, test in splits]


def _array_score(
    scoring: Any, truth: np.ndarray, found: np.ndarray, weights: np.ndarray | None
) -> float:
    """Score an array of predictions, by a scorer that needs no more."""
    known = _KnownPredictions(found)
    scorer = check_scoring(known, scoring=scoring)
    try:
        rows = np.zeros((len(found), 1))
        return float(scorer(known, rows, truth, **_weight_option(weights)))
    except AttributeError as error:
        raise ValueError(
            f"The scorer {scoring!r} needs more than predictions, and "
            "leave-one-out gives no more. Pass cv, as cv=5."
        ) from error


def _fold_score(model: RidgeModel, judge: Judge, given: Table) -> float:
    """Mean score over the folds of a splitter, with the choices of a model held."""
    scores = []
    for train, test in judge.splits or ():
        table, held = given.part(train), given.part(test)
        scale = RobustScale.of(table.X, standardize=judge.standardize)
        targets = Targets.of(table.y, table.weights)
        rows = SearchRows.of(scale(table.X), targets.values, table.weights)
        learned = finish_choice(model, rows, -1)
        left_out = learned.left_out(rows)
        regressor = exact_regressor(learned, left_out, rows, targets)
        columns = {"n_features_in_": table.X.shape[1]}
        pipeline = as_pipeline(learned, scale, regressor, columns)
        scoring = judge.scoring or "neg_mean_squared_error"
        scorer = check_scoring(pipeline, scoring=scoring)
        options = _weight_option(held.weights)
        scores.append(float(scorer(pipeline, held.X, held.y, **options)))
    return float(np.mean(scores))


class _KnownPredictions(RegressorMixin, BaseEstimator):
    """Answers `predict` with predictions that are known, for scorers."""

    def __init__(self, predictions: np.ndarray) -> None:
        self.predictions = predictions

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn nothing."""
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the predictions."""
        return self.predictions


def _weight_option(weights: np.ndarray | None) -> dict[str, np.ndarray]:
    """Argument that a scorer needs where rows have weights."""
    return {} if weights is None else {"sample_weight": weights}

"""Scores of the candidates of a choice, and the table that a user sees of them."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from scipy.stats import rankdata
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.pipeline import Pipeline

from sklearn_msk._estimators._chosen_model import (
    as_pipeline,
    exact_estimator,
    mean_classifier,
)
from sklearn_msk._estimators._classes import class_signs, labels_of
from sklearn_msk._estimators._scaling import RobustScale
from sklearn_msk._estimators._table import Table, Targets
from sklearn_msk._estimators._warnings import warn_user
from sklearn_msk._selection import (
    Calibration,
    Finalist,
    JudgedModel,
    RidgeModel,
    SearchRows,
    best_places,
    calibrate,
    class_probabilities,
    cross_metric_errors,
    learn_again,
    metric_folds,
)
from sklearn_msk._tuning import COMPARED_ROWS, FINALISTS

# Candidates that the folds of a splitter judge.
_FOLD_CANDIDATES = 5

# Folds move along the grid of ridges in steps of its length over this number.
_FOLD_RIDGES = 10


@dataclass(frozen=True, eq=False)
class Judge:
    """How candidates are scored.

    Attributes
    ----------
    scoring : str, callable or None
        None is the negative mean squared error of the targets.
    splits : list of pairs of ndarray, or None
        Training and test rows of folds; None is leave-one-out.
    standardize : bool
    classes : ndarray of shape (n_classes,) or None
        Labels, of a classifier.
    """

    scoring: Any
    splits: list[tuple[np.ndarray, np.ndarray]] | None
    standardize: bool
    classes: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        scoring: Any,
        cv: Any,
        standardize: bool,
        given: Table,
        classes: np.ndarray | None = None,
        split_params: dict[str, Any] | None = None,
    ) -> "Judge":
        """Make the folds, and check the scorer, before the work begins."""
        judge = cls(scoring, None, standardize, classes)
        if scoring is not None:
            check_scoring(judge.known(np.empty(0)), scoring=scoring)
        if cv is None:
            return judge
        splits = _folds(cv, given, classes is not None, split_params or {})
        return cls(scoring, splits, standardize, classes)

    def score_unit(self, targets: Targets) -> float:
        """Return what scores relative to the variance of y are multiplied by.

        Those of several targets, of a variance each, stay relative.
        """
        several = self.classes is None and targets.values.ndim == 2
        if self.scoring is not None or self.splits is not None or several:
            return 1.0
        return targets.variance

    def targets(self, table: Table) -> Targets:
        """Targets of the rows of a table, in standardised units."""
        if self.classes is None:
            return Targets.of(table.y, table.weights)
        return Targets.of_labels(table.y, self.classes, table.weights)

    def known(self, values: np.ndarray) -> "_KnownPredictions | _KnownLogOdds":
        """Return an estimator that answers with predictions, or with log odds."""
        if self.classes is None:
            return _KnownPredictions(values)
        return _KnownLogOdds(values, self.classes)


def calibrated(
    values: np.ndarray, table: Table, rows: SearchRows, classes: np.ndarray
) -> Calibration:
    """Fit the calibration of the values of a classifier at rows left out."""
    # Equal rows count as often as weights say, whatever the unit of the weights.
    weights = rows.distinct.row_shares * len(rows.distinct.first)
    return calibrate(values, np.searchsorted(classes, table.y), weights)


def score_candidates(
    judged: list[JudgedModel],
    judge: Judge,
    rows: SearchRows,
    table: Table,
    targets: Targets,
) -> np.ndarray:
    """Score every candidate that was judged by its errors; NaN for the others.

    Mean squared leave-one-out errors are relative to the variance of y.

    Parameters
    ----------
    judged : list of JudgedModel
    judge : Judge
    rows : SearchRows
        Rows that the candidates were screened on.
    table : Table
        They, as they were given.
    targets : Targets
        Of all rows.

    Returns
    -------
    ndarray of shape (n_candidates,)
        Higher is better.

    Raises
    ------
    ValueError
        If no candidate can be judged, or a scorer needs more than predictions.
    """
    if not any(j.errors is not None for j in judged):
        raise ValueError(
            "No candidate has a metric that 'metrics' asks for: networks and kernel "
            f"objects have none. Got kernels {sorted({j.name for j in judged})}; add "
            "'none' to 'metrics', or 'rbf' to 'kernels'."
        )
    scores = np.full(len(judged), np.nan)
    for place, candidate in enumerate(judged):
        if candidate.errors is None:
            continue
        if judge.scoring is None or judge.splits is not None:
            scores[place] = -float(rows.mean_square(candidate.errors))
        else:
            values = targets.back(rows.y - candidate.errors)
            scores[place] = _array_score(judge, values, table, rows)
    if np.isnan(scores).all():
        raise ValueError(
            "No candidate can be judged: every leave-one-out error is NaN. Pass "
            "more rows."
        )
    return scores


def rank_by_scorer(
    finalists: list[Finalist],
    judge: Judge,
    rows: SearchRows,
    table: Table,
    folds: np.ndarray,
    targets: Targets,
) -> list[Finalist]:
    """Order finalists by a scorer of their values at rows that they have not seen."""
    ranked = []
    for finalist in finalists:
        errors = cross_metric_errors(finalist.model, rows, folds)
        score = _array_score(judge, targets.back(rows.y - errors), table, rows)
        ranked.append(replace(finalist, error=-score))
    return sorted(ranked, key=lambda finalist: finalist.error)


def score_by_folds(
    judged: list[JudgedModel],
    judge: Judge,
    scores: np.ndarray,
    ridges: np.ndarray,
    rows: SearchRows,
    given: Table,
) -> tuple[list[JudgedModel], np.ndarray]:
    """Judge the candidates of the best scores by the folds of a splitter.

    The folds choose the ridge of the first few too: it moves along the grid as long as
    their score rises.

    Parameters
    ----------
    judged : list of JudgedModel
    judge : Judge
    scores : ndarray of shape (n_candidates,)
        By leave-one-out errors.
    ridges : ndarray of shape (n_ridges,)
        The grid of ``alpha / W``.
    rows : SearchRows
        Rows that the candidates were screened on.
    given : Table
        All rows, which the folds are of.

    Returns
    -------
    judged : list of JudgedModel
        With the ridges that the folds choose.
    scores : ndarray of shape (n_candidates,)
        NaN for candidates that no fold has judged.

    Raises
    ------
    ValueError
        If every score is NaN.
    """
    judged, found = list(judged), np.full(len(judged), np.nan)
    models = {
        place: judged[place].model
        for place in best_places(scores, judged)[:_FOLD_CANDIDATES]
    }
    for place, model in models.items():
        assert model is not None
        found[place] = _fold_score(model, judge, given)
    for place in best_places(found, judged)[:FINALISTS]:
        model = models[place]
        assert model is not None
        model, found[place] = _climb(model, found[place], judge, ridges, given)
        error = float(rows.mean_square(model.left_out(rows).errors))
        model = replace(model, error=error)
        judged[place] = replace(judged[place], model=model)
    if np.isnan(found).all():
        raise ValueError(
            f"Every score of scoring={judge.scoring!r} is NaN in one of the folds of "
            "'cv'. A fold of one row or of one class gives NaN. Pass larger folds, or "
            "StratifiedKFold."
        )
    return judged, found


def params_of(model: RidgeModel, rows: SearchRows) -> dict[str, Any]:
    """Return what a user is told of a candidate, fitted on these rows."""
    structure, power = model.choice
    learned = model.n_updates > 0
    return {
        "kernel": model.family.name,
        "metric": structure if learned else "none",
        "power": power if learned else 0.0,
        "n_updates": model.n_updates,
        "length_scale": model.family.length_scale(model.scale),
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
    ranks = rankdata(-np.where(np.isnan(scores), -np.inf, scores), method="min")
    return {
        "params": params,
        "mean_test_score": scores,
        "rank_test_score": ranks.astype(int),
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
        f"{len(failed)} of the kernels cannot be fitted and are left out: the first, "
        f"{first}",
        FitFailedWarning,
    )


def _folds(
    cv: Any, given: Table, labelled: bool, split_params: dict[str, Any]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Training and test rows of the folds of a splitter."""
    splitter = check_cv(cv, given.y, classifier=labelled)
    try:
        splits = list(splitter.split(given.X, given.y, **split_params))
    except ValueError as error:
        if "groups" not in str(error):
            raise
        raise ValueError(
            f"cv={cv!r} needs groups. Pass its folds, as "
            "cv=list(GroupKFold().split(X, y, groups)), or enable metadata routing and "
            "pass groups to fit."
        ) from error
    if not splits:
        raise ValueError(f"The 'cv' must have at least one fold. Got {cv!r}.")
    # Numbers of rows, or masks.
    rows = np.arange(len(given.X))
    return [(rows[train], rows[test]) for train, test in splits]


def _array_score(
    judge: Judge, values: np.ndarray, table: Table, rows: SearchRows
) -> float:
    """Score values at rows left out, by a scorer that needs no more."""
    if judge.classes is not None:
        values = calibrated(values, table, rows, judge.classes).log_odds(values)
    known = judge.known(values)
    scorer = check_scoring(known, scoring=judge.scoring)
    try:
        return float(scorer(known, table.X, table.y, **table.metadata))
    except AttributeError as error:
        raise ValueError(
            f"The scorer {judge.scoring!r} needs more than predictions, and "
            "leave-one-out gives predictions only. Pass cv, as cv=5."
        ) from error


def _climb(
    model: RidgeModel, score: float, judge: Judge, ridges: np.ndarray, given: Table
) -> tuple[RidgeModel, float]:
    """Move the ridge along a grid, up or else down, as long as the score rises."""
    grid = np.sort(ridges)
    step = max(1, len(grid) // _FOLD_RIDGES)
    start = int(np.argmin(np.abs(np.log(grid / model.ridge))))
    for direction in (step, -step):
        place = start + direction
        while 0 <= place < len(grid):
            moved = model.with_ridge(float(grid[place]))
            found = _fold_score(moved, judge, given)
            if not found > score:
                break
            model, score, place = moved, found, place + direction
        if model.ridge > grid[start]:
            break
    return model, score


def _fold_score(model: RidgeModel, judge: Judge, given: Table) -> float:
    """Mean score over the folds of a splitter, with the choices of a model held."""
    scores = []
    for train, test in judge.splits or ():
        some = np.linspace(0, len(train) - 1, min(len(train), COMPARED_ROWS))
        table, held = given.part(train[some.astype(int)]), given.part(test)
        if not len(held.X):  # all of weight 0
            continue
        scale = RobustScale.of(table.X, standardize=judge.standardize)
        targets = judge.targets(table)
        rows = SearchRows.of(scale(table.X), targets.values, table.weights)
        learned = learn_again(model, rows)
        estimator = exact_estimator(learned, learned.left_out(rows), rows, targets)
        columns = {"n_features_in_": table.X.shape[1]}
        fitted = as_pipeline(learned, scale, estimator, columns)
        if judge.scoring is None:
            scores.append(-_mean_square(fitted, judge, held, targets))
            continue
        if judge.classes is not None:
            folds = metric_folds(rows, np.random.RandomState(0))
            errors = cross_metric_errors(learned, rows, folds)
            values = targets.back(rows.y - errors)
            calibration = calibrated(values, table, rows, judge.classes)
            fitted = mean_classifier([fitted], calibration, judge.classes)
        scorer = check_scoring(fitted, scoring=judge.scoring)
        scores.append(float(scorer(fitted, held.X, held.y, **held.metadata)))
    return float(np.mean(scores)) if scores else np.nan


def _mean_square(
    fitted: Pipeline, judge: Judge, held: Table, targets: Targets
) -> float:
    """Mean square of the errors at rows held out, of classes those of +1 and -1.

    Those of several targets are relative to their variances.
    """
    if judge.classes is None:
        errors = held.y - fitted.predict(held.X)
        errors = errors / targets.unit if errors.ndim == 2 else errors
    else:
        signs = class_signs(held.y, judge.classes)
        errors = signs - fitted.decision_function(held.X)
    squares = np.square(errors).reshape(len(errors), -1).mean(axis=1)
    return float(np.average(squares, weights=held.weights))


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


class _KnownLogOdds(ClassifierMixin, BaseEstimator):
    """Answers with log odds that are known, and what follows from them, for scorers."""

    def __init__(self, log_odds: np.ndarray, classes: np.ndarray) -> None:
        self.log_odds = log_odds
        self.classes = classes

    @property
    def classes_(self) -> np.ndarray:
        """Labels."""
        return self.classes

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn nothing."""
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the log odds."""
        return self.log_odds

    def predict(self, X: Any) -> np.ndarray:
        """Return the classes of the largest log odds."""
        return labels_of(self.log_odds, self.classes)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities."""
        return class_probabilities(self.log_odds)

"""How the candidates of one fold are scored: one kernel for all, then one by one."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from traceback import format_exception
from typing import Any

import numpy as np

from sklearn_msk._array_api import copied, namespace, rows_for
from sklearn_msk._compat import MultimetricScorer, _score
from sklearn_msk._estimators import BaseMSK
from sklearn_msk._estimators._kernel_mixin import check_queries
from sklearn_msk._estimators._known_values import known_values
from sklearn_msk._search._recorder import FittedSteps
from sklearn_msk._training import FitFailure, apply_kernel

# What scikit-learn's searches make their results of, and the `error` of a fit or None.
Record = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Scoring:
    """How the candidates of a search are scored.

    Attributes
    ----------
    scorer : callable
        What scikit-learn's searches score with.
    params : dict
        What the scorer is called with besides.
    error_score : "raise" or float
    return_train_score : bool
    """

    scorer: Any
    params: dict
    error_score: Any
    return_train_score: bool

    def failure(self) -> Any:
        """Score, or scores by name, of a candidate that could not be fitted."""
        if isinstance(self.scorer, MultimetricScorer):
            return {name: self.error_score for name in self.scorer._scorers}
        return self.error_score


@dataclass(frozen=True, eq=False)
class ScoredPart:
    """Rows to score on.

    Attributes
    ----------
    key : {"test_scores", "train_scores"}
        Place of the scores in a record.
    X, y
        Rows and targets, as the user has them.
    params : dict
        What the scorer is called with besides.
    """

    key: str
    X: Any
    y: Any
    params: dict


@dataclass(frozen=True, eq=False)
class Candidate:
    """A fitted estimator and its place among the candidates.

    Attributes
    ----------
    number : int
    model : MSKRegressor or MSKClassifier
    """

    number: int
    model: BaseMSK


def score_candidates(
    batch: list[Candidate],
    steps: FittedSteps,
    parts: Sequence[ScoredPart],
    scoring: Scoring,
) -> dict[int, Record]:
    """Score fitted candidates, with one kernel for the predictions of all of them.

    Parameters
    ----------
    batch : list of Candidate
    steps : FittedSteps
        Steps before the candidates.
    parts : sequence of ScoredPart
    scoring : Scoring

    Returns
    -------
    dict of int -> Record
        By the number of the candidate.
    """
    records: dict[int, Record] = {
        candidate.number: {"fit_error": None, "error": None} for candidate in batch
    }
    for part in parts:
        for candidate, known in zip(batch, _known(batch, steps, part.X), strict=True):
            estimator = steps.completed_by(candidate.model)
            with ExitStack() as stack:
                if known is not None:
                    stack.enter_context(known_values(candidate.model, *known))
                records[candidate.number][part.key] = _score(
                    estimator,
                    part.X,
                    part.y,
                    scoring.scorer,
                    part.params,
                    scoring.error_score,
                )
    return records


def _known(
    batch: list[Candidate], steps: FittedSteps, X: Any
) -> list[tuple[Any, np.ndarray] | None]:
    """Predict for all candidates at once; None where the rows are not legal.

    A scorer meets the error of such rows again, and it counts as that of the score.
    """
    if not batch:
        return []
    first = batch[0].model
    try:
        # A copy: a scorer may write to the rows of the fold.
        rows, _ = rows_for(first, steps.transform(X), first.dual_coef_, "predict")
        X = copied(check_queries(first, rows))
    except Exception:
        return [None] * len(batch)
    coefs = [candidate.model.dual_coef_ for candidate in batch]
    coef = namespace(first.dual_coef_).stack(coefs, axis=-1)
    values = apply_kernel(first.kernel_, X, first.X_fit_, coef, first.n_jobs)
    return [
        (X, values[..., place] + candidate.model.intercept_)
        for place, candidate in enumerate(batch)
    ]


def failure_records(
    failures: Sequence[tuple[int, FitFailure]], scoring: Scoring
) -> dict[int, Record]:
    """Return the records of candidates that could not be fitted.

    Parameters
    ----------
    failures : sequence of pairs (int, FitFailure)
    scoring : Scoring

    Returns
    -------
    dict of int -> Record
        By the number of the candidate.
    """
    records: dict[int, Record] = {}
    for number, failure in failures:
        record: Record = {
            "fit_error": "".join(format_exception(failure.error)),
            "error": f"{type(failure.error).__name__}: {failure.error}",
            "test_scores": scoring.failure(),
        }
        if scoring.return_train_score:
            record["train_scores"] = scoring.failure()
        records[number] = record
    return records

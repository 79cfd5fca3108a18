"""What the searches have in common: on each fold one kernel and one spectrum."""

import time
import warnings
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import clone, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import Tags, get_tags, indexable
from sklearn.utils.parallel import Parallel, delayed

from sklearn_msk._compat import BaseSearchCV, with_callbacks
from sklearn_msk._doc_links import DocLinkMixin
from sklearn_msk._estimators import BaseMSK
from sklearn_msk._estimators._useless import warn_of_gamma
from sklearn_msk._search._fold import Fold, fit_and_score_fold
from sklearn_msk._search._recorder import last_step
from sklearn_msk._search._scoring import Record, Scoring
from sklearn_msk._search._tasks import SearchTask

# Parameters that change neither the kernel matrix nor its eigenvectors.
_SHARING = {"k", "g", "alpha", "learning_rate", "max_iter", "dynamics"}


@dataclass(frozen=True, eq=False)
class _Group:
    """Candidates that share every parameter but those of the spine."""

    outer: dict
    settings: list[dict]
    numbers: list[int]


class BaseMSKSearchCV(DocLinkMixin, BaseSearchCV):
    """Search over MSK estimators that computes every kernel once.

    A subclass says which candidates there are.
    """

    # Not among the arguments here; what scikit-learn's own methods expect.
    pre_dispatch = "2*n_jobs"

    def __init__(
        self,
        estimator: Any,
        *,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        error_score: Any = np.nan,
        return_train_score: bool = False,
    ) -> None:
        self.estimator = estimator
        self.scoring = scoring
        self.n_jobs = n_jobs
        self.refit = refit
        self.cv = cv
        self.verbose = verbose
        self.error_score = error_score
        self.return_train_score = return_train_score

    @abstractmethod
    def _candidates(self) -> Iterable[dict]:
        """Parameters of every candidate."""

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags = get_tags(self.estimator).target_tags
        return tags

    @with_callbacks
    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Score every candidate, and fit the best one on all rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, or for ``kernel="precomputed"`` the kernel matrix.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets, or labels.
        **params : dict of str -> object
            As in `GridSearchCV`: ``sample_weight`` for `fit` (of a pipeline:
            ``mskregressor__sample_weight``), ``groups`` for the splitter; with
            early stopping also ``X_val``, ``y_val`` and ``sample_weight_val``, which
            then judge the steps on every fold. scikit-learn splits every array
            with as many rows as X, these too: give X_val another number of rows.

        Returns
        -------
        self : object
            The fitted search.

        Raises
        ------
        ValueError
            If there is no candidate, if none can be fitted, or if an argument is not
            legal.
        TypeError
            If the estimator does not end in an MSK estimator.
        """
        self._validate_params()
        scorer, refit_metric = self._get_scorers()
        X, y = indexable(X, y)
        routed = self._get_routed_params_for_fit(params)
        task = SearchTask(self, X, y, params.get("sample_weight"))
        splitter = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        # Before the splits, as scikit-learn does: both may draw from one generator.
        candidates = list(self._candidates())
        splits = list(splitter.split(X, y, **routed.splitter.split))
        started = time.perf_counter()
        scoring = Scoring(
            scorer, routed.scorer.score, self.error_score, self.return_train_score
        )
        folds = [Fold(X, y, train, test) for train, test in splits]
        records = self._evaluate(candidates, folds, routed.estimator.fit, scoring, task)
        results = self._format_results(candidates, len(splits), records)
        scores = records[0]["test_scores"]
        multimetric = isinstance(scores, dict)
        if callable(self.scoring) and multimetric:
            self._check_refit_for_multimetric(scores)
            refit_metric = self.refit
        self.n_splits_ = len(splits)
        self.multimetric_ = multimetric
        self.scorer_ = getattr(scorer, "_scorers", scorer)
        if self.refit or not self.multimetric_:
            self._choose(results, refit_metric)
        if self.refit:
            self._refit(X, y, routed.estimator.fit, task)
        self.cv_results_ = results
        self._report(len(candidates), time.perf_counter() - started)
        task.end()
        return self

    def _evaluate(
        self,
        candidates: Sequence[dict],
        folds: Sequence[Fold],
        fit_params: dict,
        scoring: Scoring,
        task: SearchTask,
    ) -> list[Record]:
        """Return the records of every candidate on every fold, fold after fold."""
        groups = _groups(self.estimator, candidates)
        estimators = [self._shared(group) for group in groups]
        jobs = [
            (e, g, fold)
            for e, g in zip(estimators, groups, strict=True)
            for fold in folds
        ]
        if not jobs:
            raise ValueError(
                "No fits were performed. Was the CV iterator empty? Were there no "
                "candidates?"
            )
        n_parallel = min(effective_n_jobs(self.n_jobs), len(jobs))
        parts = [task.begin_part("fold") for _ in jobs]
        found = Parallel(
            n_jobs=self.n_jobs, pre_dispatch=self.pre_dispatch, verbose=self.verbose
        )(
            delayed(fit_and_score_fold)(
                clone(estimator),
                group.settings,
                fold,
                fit_params,
                scoring,
                n_parallel,
                part,
            )
            for (estimator, group, fold), part in zip(jobs, parts, strict=True)
        )
        for part in parts:
            task.end_part(part)
        records: list[list[Record]] = [[] for _ in candidates]
        for (_, group, _), of_fold in zip(jobs, found, strict=True):
            for number, record in zip(group.numbers, of_fold, strict=True):
                records[number].append(record)
        _report_failures(candidates, records, scoring)
        return [record for of_candidate in records for record in of_candidate]

    def _shared(self, group: _Group) -> Any:
        """Return the estimator with the parameters that a group shares."""
        if self.verbose:
            n, shared = len(group.numbers), f"; {group.outer}" if group.outer else ""
            print(
                f"[{type(self).__name__}] {n} candidate{'s share' if n > 1 else ' has'}"
                f" a kernel on each fold{shared}"
            )
        _check_step_named(self.estimator, group.outer)
        outer = clone(group.outer, safe=False)
        estimator = clone(self.estimator).set_params(**outer)
        last = last_step(estimator)
        if not isinstance(last, BaseMSK):
            raise TypeError(
                f"The 'estimator' of {type(self).__name__} must be an MSKRegressor or "
                f"an MSKClassifier, or a Pipeline that ends in one. Got {last!r} "
                "instead; use a search of sklearn.model_selection."
            )
        warn_of_gamma(last)
        return estimator

    def _report(self, n_candidates: int, seconds: float) -> None:
        """Print how long the search took, and what it found."""
        if not self.verbose:
            return
        found = ""
        if hasattr(self, "best_score_"):
            found = f"; the best score is {self.best_score_:.4g}, {self.best_params_}"
        print(
            f"[{type(self).__name__}] {n_candidates} candidates on {self.n_splits_} "
            f"folds: {seconds:.1f} s{found}"
        )

    def _choose(self, results: dict, refit_metric: Any) -> None:
        """Set the attributes of the best candidate."""
        self.best_index_ = self._select_best_index(self.refit, refit_metric, results)
        if not callable(self.refit):
            self.best_score_ = results[f"mean_test_{refit_metric}"][self.best_index_]
        self.best_params_ = results["params"][self.best_index_]

    def _refit(self, X: Any, y: Any, fit_params: dict, task: SearchTask) -> None:
        """Fit the best candidate on all rows."""
        best = clone(self.best_params_, safe=False)
        self.best_estimator_ = clone(self.estimator).set_params(**best)
        with task.part("refit-with-best-params", self.best_estimator_):
            started = time.time()
            self.best_estimator_.fit(X, y, **fit_params)
            self.refit_time_ = time.time() - started
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_


def _groups(estimator: Any, candidates: Sequence[dict]) -> list[_Group]:
    """Collect the candidates that share a kernel."""
    groups: dict[tuple, _Group] = {}
    for number, candidate in enumerate(candidates):
        outer, setting = _split(estimator, candidate)
        identity = tuple((key, _identity(value)) for key, value in outer.items())
        group = groups.setdefault(identity, _Group(outer, [], []))
        group.settings.append(setting)
        group.numbers.append(number)
    return list(groups.values())


def _check_step_named(estimator: Any, outer: dict) -> None:
    """Raise a ValueError where a parameter is one of the last step of a pipeline."""
    if not isinstance(estimator, Pipeline):
        return
    legal, step = estimator.get_params(), estimator.steps[-1][0]
    for name in outer:
        if name not in legal and f"{step}__{name}" in legal:
            raise ValueError(
                f"Invalid parameter {name!r}: it is one of the step {step!r} of the "
                f"pipeline. Search {f'{step}__{name}'!r} instead."
            )


def _identity(value: Any) -> Any:
    """Return what is equal for values that are sure to mean the same."""
    # A distribution draws equal numbers as new objects. A list yields the same objects
    # again and again, whatever they are.
    if isinstance(value, str | int | float | np.generic):
        return type(value), repr(value)
    return id(value)


def _split(estimator: Any, candidate: dict) -> tuple[dict, dict]:
    """Split into outer parameters, and those of the last step that share a kernel."""
    prefix = f"{estimator.steps[-1][0]}__" if isinstance(estimator, Pipeline) else ""
    outer, setting = {}, {}
    for key, value in candidate.items():
        name = key.removeprefix(prefix)
        if key.startswith(prefix) and name.split("__")[0] in _SHARING:
            setting[name] = value
        else:
            outer[key] = value
    return outer, setting


def _report_failures(
    candidates: Sequence[dict], records: list[list[Record]], scoring: Scoring
) -> None:
    """Raise where every fit has failed; warn where some have."""
    of_fits = [
        (candidate, record)
        for candidate, of_candidate in zip(candidates, records, strict=True)
        for record in of_candidate
    ]
    failed = [(c, record) for c, record in of_fits if record["error"] is not None]
    if not failed:
        return
    candidate, record = failed[0]
    reason = f"the first, {candidate}, with {record['error']}"
    if len(failed) == len(of_fits):
        raise ValueError(
            f"All the {len(of_fits)} fits failed, {reason}\nSet error_score='raise' to "
            f"see where.\n{record['fit_error']}"
        )
    names = _score_names(of_fits)
    if names is not None:
        # Which scores a callable returns is known from those that did not fail.
        for _, record in failed:
            for key in ("test_scores", "train_scores"):
                if key in record and not isinstance(record[key], dict):
                    record[key] = dict.fromkeys(names, scoring.error_score)
    warnings.warn(
        f"{len(failed)} of {len(of_fits)} fits failed and score "
        f"{scoring.error_score}; {reason}",
        FitFailedWarning,
        stacklevel=4,
    )


def _score_names(of_fits: list[tuple[dict, Record]]) -> list[str] | None:
    """Names of the scores, None where there is one without a name."""
    for _, record in of_fits:
        if record["error"] is None and isinstance(record["test_scores"], dict):
            return list(record["test_scores"])
    return None

"""Grid search whose candidates share one kernel and one spectrum on each fold."""

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.base import clone, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV, ParameterGrid, check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import Tags, get_tags, indexable

from sklearn_msk._compat import with_callbacks
from sklearn_msk._doc_links import DocLinkMixin
from sklearn_msk._estimators import BaseMSK
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


class MSKGridSearchCV(DocLinkMixin, GridSearchCV):
    """Grid search for MSK estimators that computes every kernel once.

    It replaces `sklearn.model_selection.GridSearchCV`, with the same arguments, methods
    and attributes, and gives equal scores for every scorer. On each fold, candidates
    that differ only in ``k, g, g__*, alpha, learning_rate, max_iter, dynamics`` share
    one kernel matrix, one set of leading eigenpairs and one kernel of the predictions.
    Candidates with the same k and g share one path too. Every other parameter (of the
    kernel, or of an earlier step of a pipeline) is an outer loop.

    Parameters
    ----------
    estimator : MSKRegressor or MSKClassifier, or Pipeline that ends in one
        Cloned for every candidate. With ``early_stopping=True`` candidates share
        nothing, because each trains twice.
    param_grid : dict or list of dict
        As in `GridSearchCV`.
    scoring : str, callable, list, tuple or dict, default=None
        As in `GridSearchCV`. A scorer gets the whole fitted estimator (of a pipeline,
        all steps) and the raw rows of a fold. Candidates share the kernel of the
        predictions for these rows; predictions for other rows are computed when a
        scorer asks for them.
    n_jobs : int, default=None
        Number of folds that are computed at the same time. They share the memory limit.
    refit : bool, str or callable, default=True
        As in `GridSearchCV`.
    cv : int, cross-validation generator or an iterable, default=None
        As in `GridSearchCV`.
    verbose : int, default=0
        1 or more prints how many candidates share a kernel.
    error_score : "raise" or numeric, default=numpy.nan
        As in `GridSearchCV`.
    return_train_score : bool, default=False
        As in `GridSearchCV`.

    Attributes
    ----------
    cv_results_ : dict of ndarray
        As in `GridSearchCV`. The times are those of all candidates that share a kernel
        matrix, divided by their number.
    best_estimator_ : estimator
        Best candidate, fitted on all rows.
    best_score_ : float
        Mean score of the best candidate.
    best_params_ : dict
        Parameters of the best candidate.
    best_index_ : int
        Index of the best candidate in `cv_results_`.
    scorer_ : function or dict
        Scorer, or scorers by name.
    n_splits_ : int
        Number of folds.
    refit_time_ : float
        Seconds that the fit on all rows took.
    multimetric_ : bool
        Whether there are several scores.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if `best_estimator_` has them.

    See Also
    --------
    sklearn.model_selection.GridSearchCV : Computes every kernel for every candidate.

    Notes
    -----
    The eigenpairs for a smaller k are the first ones of the largest k. If they are
    exact (``eigen_solver="dense"``, or at most 300 rows in a fold), predictions agree
    with those of `GridSearchCV` up to `tol` of the estimator. Otherwise the eigenpairs
    move predictions of either search by at most 1e-2 standard deviations of y. In folds
    of 2000 rows and more, candidates that need exact products (``max_iter=numpy.inf``)
    have a kernel matrix and eigenpairs of their own.

    Examples
    --------
    >>> from sklearn.datasets import make_friedman1
    >>> from sklearn_msk import MSKGridSearchCV, MSKRegressor
    >>> X, y = make_friedman1(200, random_state=0)
    >>> grid = {"k": [5, 10, 20, 40], "max_iter": [3, 10, 30, 100, 300]}
    >>> search = MSKGridSearchCV(MSKRegressor("laplacian"), grid).fit(X, y)
    >>> search.best_params_
    {'k': 20, 'max_iter': 300}
    """

    # Not among the arguments here; what scikit-learn's own methods expect.
    pre_dispatch = "2*n_jobs"

    def __init__(
        self,
        estimator: Any,
        param_grid: Any,
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
        self.param_grid = param_grid
        self.scoring = scoring
        self.n_jobs = n_jobs
        self.refit = refit
        self.cv = cv
        self.verbose = verbose
        self.error_score = error_score
        self.return_train_score = return_train_score

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
            ``mskregressor__sample_weight``), ``groups`` for the splitter.

        Returns
        -------
        self : MSKGridSearchCV
            The fitted estimator.

        Raises
        ------
        ValueError
            If no candidate can be fitted, or if an argument is not legal.
        TypeError
            If the estimator does not end in an MSK estimator.
        """
        self._validate_params()
        scorer, refit_metric = self._get_scorers()
        X, y = indexable(X, y)
        routed = self._get_routed_params_for_fit(params)
        task = SearchTask(self, X, y, params.get("sample_weight"))
        splitter = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = list(splitter.split(X, y, **routed.splitter.split))
        scoring = Scoring(
            scorer, routed.scorer.score, self.error_score, self.return_train_score
        )
        candidates = list(ParameterGrid(self.param_grid))
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
        n_parallel = min(effective_n_jobs(self.n_jobs), len(jobs))
        parts = [task.begin_part("fold") for _ in jobs]
        found = Parallel(n_jobs=self.n_jobs, pre_dispatch=self.pre_dispatch)(
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
            shared = f"; {group.outer}" if group.outer else ""
            print(
                f"[MSKGridSearchCV] {len(group.numbers)} candidates share a kernel on "
                f"each fold{shared}"
            )
        outer = clone(group.outer, safe=False)
        estimator = clone(self.estimator).set_params(**outer)
        last = last_step(estimator)
        if not isinstance(last, BaseMSK):
            raise TypeError(
                "The 'estimator' of MSKGridSearchCV must be an MSKRegressor or an "
                f"MSKClassifier, or a Pipeline that ends in one. Got {last!r} instead; "
                "use sklearn.model_selection.GridSearchCV for it."
            )
        return estimator

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
        # A grid yields the same objects again and again, whatever they are.
        identity = tuple((key, id(value)) for key, value in outer.items())
        group = groups.setdefault(identity, _Group(outer, [], []))
        group.settings.append(setting)
        group.numbers.append(number)
    return list(groups.values())


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

"""Grid search whose candidates share one kernel and one spectrum a fold."""

import re
import time
import warnings

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV, ParameterGrid, check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags, indexable

from sklearn_msk._compat import accepts_weights, with_callbacks
from sklearn_msk._doc_links import DocLinkMixin
from sklearn_msk._estimators import BaseMSK
from sklearn_msk._search._candidates import FAILED, Candidates, CandidateScorer
from sklearn_msk._search._tasks import SearchTask

# Parameters that change neither the kernel matrix nor its eigenvectors.
_SHARING = {"k", "g", "alpha", "learning_rate", "max_iter", "dynamics"}


# Keys that scikit-learn makes of the names of `CandidateScorer`.
_SCORE = re.compile(
    r"split(?P<fold>\d+)_(?P<of>test|train)_(?P<place>\d+)_(?P<name>.*)", re.DOTALL
)


class MSKGridSearchCV(DocLinkMixin, GridSearchCV):
    """Grid search for MSK estimators that computes every kernel once.

    A drop-in replacement of `sklearn.model_selection.GridSearchCV`: the same
    arguments, methods, attributes and scores. On each fold, candidates that differ in
    ``k, g, g__*, alpha, learning_rate, max_iter, dynamics`` only share one kernel
    matrix, one set of leading eigenpairs and one product for all of their
    predictions; those that share a preconditioner, one path too. Every other parameter
    (of the kernel, or of a step before) is an outer loop.

    Parameters
    ----------
    estimator : MSKRegressor or MSKClassifier, or Pipeline that ends in one
        Cloned for every candidate. With ``early_stopping=True`` candidates share
        nothing, as each trains twice.
    param_grid : dict or list of dict
        As in `GridSearchCV`.
    scoring : str, callable, list, tuple or dict, default=None
        As in `GridSearchCV`. A scorer is called with a fitted estimator of this package
        and what the steps before it in a pipeline have made of X.
    n_jobs : int, default=None
        Number of folds that are computed at a time.
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
        As in `GridSearchCV`; the times are means over the folds, divided by the number
        of candidates that shared them.
    best_estimator_ : estimator
        Refitted on all rows.
    best_score_ : float
        Mean score of the best candidate.
    best_params_ : dict
        Its parameters.
    best_index_ : int
        Its place in `cv_results_`.
    scorer_ : function or dict
        What scored.
    n_splits_ : int
        Number of folds.
    refit_time_ : float
        Seconds that the last fit took.
    multimetric_ : bool
        Whether there are several scores.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where `best_estimator_` has them.

    See Also
    --------
    sklearn.model_selection.GridSearchCV : Computes every kernel for every candidate.

    Notes
    -----
    The pairs of a smaller k are the first of those of the largest. Up to 1500 rows they
    are exact, so that scores agree with those of `GridSearchCV` up to `tol` of the
    estimator; beyond, up to the tolerance of the eigensolver too, which is the smaller
    of 1e-5 and ``10 * tol``.

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
        estimator,
        param_grid,
        *,
        scoring=None,
        n_jobs=None,
        refit=True,
        cv=None,
        verbose=0,
        error_score=np.nan,
        return_train_score=False,
    ):
        self.estimator = estimator
        self.param_grid = param_grid
        self.scoring = scoring
        self.n_jobs = n_jobs
        self.refit = refit
        self.cv = cv
        self.verbose = verbose
        self.error_score = error_score
        self.return_train_score = return_train_score

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags = get_tags(self.estimator).target_tags
        return tags

    @with_callbacks
    def fit(self, X, y=None, **params):
        """Score every candidate, and refit the best.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, or for ``kernel="precomputed"`` the kernel matrix.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
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
        self.n_splits_ = len(splits)

        candidates = list(ParameterGrid(self.param_grid))
        outcomes = self._evaluate(candidates, X, y, params, scorer, splits, task)
        results = self._format_results(candidates, self.n_splits_, outcomes)
        scores = outcomes[0]["test_scores"]
        self.multimetric_ = isinstance(scores, dict)
        if callable(self.scoring) and self.multimetric_:
            self._check_refit_for_multimetric(scores)
            refit_metric = self.refit
        self.scorer_ = getattr(scorer, "_scorers", scorer)
        if self.refit or not self.multimetric_:
            self._choose(results, refit_metric)
        if self.refit:
            self._refit(X, y, routed.estimator.fit, task)
        self.cv_results_ = results
        task.close()
        return self

    def _evaluate(self, candidates, X, y, params, scorer, splits, task):
        """Outcomes of all candidates on all folds, in scikit-learn's order."""
        weighted = params.get("sample_weight") is not None
        scorer = CandidateScorer(
            scorer, weighted and accepts_weights(self), self.error_score
        )
        params = {key: value for key, value in params.items() if key != "groups"}
        outcomes = [None] * len(candidates)
        for outer, settings, numbers in self._groups(candidates):
            if self.verbose:
                print(
                    f"[MSKGridSearchCV] {len(numbers)} candidates share a kernel on "
                    f"each of {len(splits)} folds{f'; {outer}' if outer else ''}"
                )
            with warnings.catch_warnings():
                # Said once, of the scores of the whole search.
                warnings.filterwarnings("ignore", "One or more of the", UserWarning)
                search = self._plain_search(outer, settings, scorer, splits)
                with task.part("search", search):
                    scores = search.fit(X, y, **params).cv_results_
            shared = _outcomes(scores, len(numbers), splits)
            for i, outcome in zip(numbers, shared, strict=True):
                outcomes[i] = outcome
        outcomes = [outcome for of_candidate in outcomes for outcome in of_candidate]
        failed = [i for i, outcome in enumerate(outcomes) if outcome.pop("failed")]
        if failed:
            candidate, fold = divmod(failed[0], len(splits))
            candidate, splits = candidates[candidate], splits[fold : fold + 1]
            reason = self._reason(candidate, X, y, params, scorer, splits)
            self._report(len(failed), len(outcomes), candidate, reason)
        return outcomes

    def _plain_search(self, outer, settings, scorer, splits, error_score=None):
        """Search of one point, which fits and scores all the candidates that share."""
        return GridSearchCV(
            self._shared(outer, settings, error_score or self.error_score),
            {},
            cv=splits,
            scoring=scorer,
            n_jobs=self.n_jobs,
            refit=False,
            return_train_score=self.return_train_score,
            error_score=error_score or self.error_score,
        )

    def _reason(self, candidate, X, y, params, scorer, splits):
        """Return the error of a candidate that fails, from doing so again."""
        outer, setting = _split(self.estimator, candidate)
        scorer = CandidateScorer(scorer.scorer, scorer.accepts_weights, "raise")
        try:
            search = self._plain_search(outer, [setting], scorer, splits, "raise")
            search.fit(X, y, **params)
        except Exception as error:
            return error

    def _report(self, n_failed, n_fits, candidate, error):
        """Raise where every fit has failed; warn where some have."""
        reason = f"the first, {candidate}, with {type(error).__name__}: {error}"
        if n_failed == n_fits:
            raise ValueError(
                f"All the {n_fits} fits failed, {reason}\nSet error_score='raise' to "
                "see where."
            ) from error
        warnings.warn(
            f"{n_failed} of {n_fits} fits failed and score {self.error_score}; "
            f"{reason}",
            FitFailedWarning,
            stacklevel=4,
        )

    def _groups(self, candidates):
        """Candidates by what they do not share: (parameters, settings, numbers)."""
        groups = {}
        for i, candidate in enumerate(candidates):
            outer, setting = _split(self.estimator, candidate)
            # A grid yields the same objects again and again, whatever they are.
            identity = tuple((key, id(value)) for key, value in outer.items())
            _, settings, numbers = groups.setdefault(identity, (outer, [], []))
            settings.append(setting)
            numbers.append(i)
        return groups.values()

    def _shared(self, outer, settings, error_score):
        """Return the estimator with its last step replaced by all of its candidates."""
        estimator = clone(self.estimator).set_params(**clone(outer, safe=False))
        last = estimator[-1] if isinstance(estimator, Pipeline) else estimator
        if not isinstance(last, BaseMSK):
            raise TypeError(
                "The 'estimator' of MSKGridSearchCV must be an MSKRegressor or an "
                f"MSKClassifier, or a Pipeline that ends in one. Got {last!r} instead; "
                "use sklearn.model_selection.GridSearchCV for it."
            )
        last = Candidates(last, settings, error_score)
        if not isinstance(estimator, Pipeline):
            return last
        return estimator.set_params(**{estimator.steps[-1][0]: last})

    def _choose(self, results, refit_metric):
        self.best_index_ = self._select_best_index(self.refit, refit_metric, results)
        if not callable(self.refit):
            self.best_score_ = results[f"mean_test_{refit_metric}"][self.best_index_]
        self.best_params_ = results["params"][self.best_index_]

    def _refit(self, X, y, fit_params, task):
        best = clone(self.best_params_, safe=False)
        self.best_estimator_ = clone(self.estimator).set_params(**best)
        with task.part("refit-with-best-params", self.best_estimator_):
            started = time.time()
            self.best_estimator_.fit(X, y, **fit_params)
            self.refit_time_ = time.time() - started
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_


def _split(estimator, candidate):
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


def _outcomes(scores, n_sharing, splits):
    """Collect what scikit-learn makes its results of: by candidate, fold by fold."""
    outcomes = [
        [
            {
                "fit_time": scores["mean_fit_time"][0] / n_sharing,
                "score_time": scores["mean_score_time"][0] / n_sharing,
                "n_test_samples": len(test),
                "failed": scores[f"split{fold}_test_{place}_{FAILED}"][0] > 0,
            }
            for fold, (_, test) in enumerate(splits)
        ]
        for place in range(n_sharing)
    ]
    for key, (score,) in scores.items():
        match = _SCORE.fullmatch(key)
        if match and match["name"] != FAILED:
            outcome = outcomes[int(match["place"])][int(match["fold"])]
            name = f"{match['of']}_scores"
            if match["name"]:
                outcome.setdefault(name, {})[match["name"]] = score
            else:
                outcome[name] = score
    return outcomes

"""Randomized search whose candidates share one kernel and one spectrum on each fold."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.model_selection import ParameterSampler, RandomizedSearchCV

from sklearn_msk._estimators._names import explain_arguments
from sklearn_msk._search._base_search import BaseMSKSearchCV


class MSKRandomizedSearchCV(BaseMSKSearchCV, RandomizedSearchCV):
    """Randomized search for MSK estimators that computes every kernel once.

    The search replaces `sklearn.model_selection.RandomizedSearchCV`, with the same
    arguments, methods and attributes. Both draw the same candidates and give equal
    scores for every scorer. On each fold, candidates that differ only in ``k, g, g__*,
    alpha, learning_rate, max_iter, dynamics`` share one kernel matrix, one set of
    leading eigenpairs and one kernel of the predictions. Candidates with the same k and
    g share one path too, however many values of the others are drawn.

    Every other parameter (of the kernel, or of an earlier step of a pipeline) is an
    outer loop. Give such a parameter a short list of values. A continuous distribution,
    such as one of ``gamma`` or ``kernel__length_scale``, costs a kernel matrix and a
    decomposition for every candidate.

    Parameters
    ----------
    estimator : MSKRegressor or MSKClassifier, or Pipeline that ends in one
        Cloned for every candidate. Give `max_iter`, as a parameter or as a
        distribution: a candidate with early stopping shares nothing, because it chooses
        its own number of steps, and with ``max_iter=None`` it does so by default.
    param_distributions : dict or list of dict
        As in `RandomizedSearchCV`: a list of values, or a distribution with a method
        ``rvs``, for each parameter. Under ``dynamics="flow"``, `max_iter` is a time,
        and any real number > 0 is legal: ``scipy.stats.loguniform(1, 1e4)`` suits it.
    n_iter : int, default=10
        Number of candidates.
    scoring : str, callable, list, tuple or dict, default=None
        As in `RandomizedSearchCV`. A scorer gets the whole fitted estimator (of a
        pipeline, all steps) and the raw rows of a fold. Candidates share the kernel of
        the predictions for these rows; predictions for other rows are computed when a
        scorer asks for them.
    n_jobs : int, default=None
        Number of folds that are computed at the same time. They share the memory limit.
    refit : bool, str or callable, default=True
        As in `RandomizedSearchCV`.
    cv : int, cross-validation generator or an iterable, default=None
        As in `RandomizedSearchCV`.
    verbose : int, default=0
        1 or more prints how many candidates share a kernel.
    error_score : "raise" or numeric, default=numpy.nan
        As in `RandomizedSearchCV`.
    return_train_score : bool, default=False
        As in `RandomizedSearchCV`.
    random_state : int, RandomState instance or None, default=None
        Draws the candidates. An int draws the same ones in every fit.

    Attributes
    ----------
    cv_results_ : dict of ndarray
        As in `RandomizedSearchCV`. The times are those of all candidates that share a
        kernel matrix, divided by their number.
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
    MSKGridSearchCV : Tries every combination of the values of a grid.
    sklearn.model_selection.RandomizedSearchCV : Computes every kernel for every
        candidate.

    Notes
    -----
    The notes of `MSKGridSearchCV` say how exactly the scores of the two searches agree.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import make_friedman1
    >>> from sklearn_msk import MSKRandomizedSearchCV, MSKRegressor
    >>> X, y = make_friedman1(200, noise=1.0, random_state=0)
    >>> distributions = {"k": [5, 10, 20, 40], "max_iter": loguniform(1, 1e4)}
    >>> search = MSKRandomizedSearchCV(
    ...     MSKRegressor("laplacian"), distributions, n_iter=50, random_state=0
    ... )
    >>> search = search.fit(X, y)
    >>> print(search.best_params_["k"], round(search.best_params_["max_iter"], 1))
    5 15.5
    """

    @explain_arguments
    def __init__(
        self,
        estimator: Any,
        param_distributions: Any,
        *,
        n_iter: int = 10,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        error_score: Any = np.nan,
        return_train_score: bool = False,
        random_state: Any = None,
    ) -> None:
        super().__init__(
            estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.param_distributions = param_distributions
        self.n_iter = n_iter
        self.random_state = random_state

    def _candidates(self) -> Iterable[dict]:
        """So many draws, or every combination of lists where there are fewer."""
        return ParameterSampler(
            self.param_distributions, self.n_iter, random_state=self.random_state
        )

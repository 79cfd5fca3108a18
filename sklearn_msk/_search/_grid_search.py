"""Grid search whose candidates share one kernel and one spectrum on each fold."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.model_selection import GridSearchCV, ParameterGrid

from sklearn_msk._estimators._names import explain_arguments
from sklearn_msk._search._base_search import BaseMSKSearchCV


class MSKGridSearchCV(BaseMSKSearchCV, GridSearchCV):
    """Grid search for MSK estimators that computes every kernel once.

    The search replaces `sklearn.model_selection.GridSearchCV`, with the same arguments,
    methods and attributes, and gives equal scores for every scorer. On each fold,
    candidates that differ only in ``k, g, g__*, alpha, learning_rate, max_iter,
    dynamics`` share one kernel matrix, one set of leading eigenpairs and one kernel of
    the predictions. Candidates with the same k and g share one path too. Every other
    parameter (of the kernel, or of an earlier step of a pipeline) is an outer loop.

    Parameters
    ----------
    estimator : MSKRegressor or MSKClassifier, or Pipeline that ends in one
        Cloned for every candidate. Give `max_iter`, as a parameter or in the grid: a
        candidate with early stopping shares nothing, because it chooses its own number
        of steps, and with ``max_iter=None`` it does so by default.
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
    MSKRandomizedSearchCV : Draws candidates from distributions.
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

    @explain_arguments
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
        self.param_grid = param_grid

    def _candidates(self) -> Iterable[dict]:
        """Every combination of the values of a grid."""
        return ParameterGrid(self.param_grid)

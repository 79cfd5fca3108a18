"""Values of training rows by models that have not seen them."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import clone

from sklearn_msk._compat import _check_method_params

_FOLDS = 5


def has_left_out(fitted: Any) -> bool:
    """Whether an estimator knows its values at every row without the row."""
    return hasattr(fitted, "loo_prediction_") or hasattr(
        fitted, "loo_decision_function_"
    )


def predict_left_out(
    fitted: Any, X: np.ndarray, y: np.ndarray, params: dict[str, Any]
) -> np.ndarray:
    """Predict every training row without it, or without its fold.

    Parameters
    ----------
    fitted : regressor
        Trained on the rows. Its `loo_prediction_` is taken where it has one.
    X : ndarray of shape (n, n_features)
    y : ndarray of shape (n,) or (n, n_targets)
    params : dict
        What was passed to its `fit` beside X and y.

    Returns
    -------
    ndarray of the shape of y
    """
    if hasattr(fitted, "loo_prediction_"):
        return fitted.loo_prediction_.reshape(y.shape)
    found = values_by_folds(
        fitted, X, y, params, lambda model, rows: model.predict(rows)
    )
    return found.reshape(y.shape)


def values_by_folds(
    fitted: Any,
    X: np.ndarray,
    y: np.ndarray,
    params: dict[str, Any],
    values: Callable[[Any, np.ndarray], np.ndarray],
    strata: np.ndarray | None = None,
) -> np.ndarray:
    """Values of every row by a model that is fitted without a fifth of the rows.

    Folds are drawn at random, whatever the order of the rows.

    Parameters
    ----------
    fitted : estimator
        Clones of it are fitted.
    X, y, params
        As in `predict_left_out`.
    values : callable
        From a fitted estimator and rows to values.
    strata : ndarray of shape (n,), default=None
        Labels of which every fold has its share.

    Returns
    -------
    ndarray of shape (n,) or (n, n_values)

    Raises
    ------
    ValueError
        If the estimator cannot be fitted without a fold.
    """
    n = len(X)
    shuffled = np.random.RandomState(0).permutation(n)
    if strata is not None:
        shuffled = shuffled[np.argsort(strata[shuffled], kind="stable")]
    folds = [shuffled[first::_FOLDS] for first in range(min(_FOLDS, n))]
    parts = []
    for fold in folds:
        others = np.setdiff1d(np.arange(n), fold)
        some = _check_method_params(X, params, others)
        try:
            model = clone(fitted).fit(X[others], y[others], **some)
        except ValueError as error:
            raise ValueError(
                f"{type(fitted).__name__} has no leave-one-out values and is judged by "
                f"folds instead. The fit without one fold, on {len(others)} of {n} "
                f"rows, failed: {error}"
            ) from error
        parts.append(np.asarray(values(model, X[fold])))
    found = np.empty((n, *parts[0].shape[1:]))
    found[np.concatenate(folds)] = np.concatenate(parts)
    return found

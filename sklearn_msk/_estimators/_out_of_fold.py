"""Predictions of training rows by models that have not seen them."""

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import cross_val_predict

from sklearn_msk._selection import class_probabilities

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
        return fitted.loo_prediction_
    return cross_val_predict(clone(fitted), X, y, cv=_FOLDS, params=params)


def probabilities_left_out(
    fitted: Any, X: np.ndarray, y: np.ndarray, params: dict[str, Any]
) -> np.ndarray:
    """Probabilities of the classes of every training row without it, or its fold.

    The parameters are those of `predict_left_out`, of a classifier. Its
    `loo_decision_function_`, of log odds, is taken where it has one.

    Returns
    -------
    ndarray of shape (n, n_classes)
    """
    if hasattr(fitted, "loo_decision_function_"):
        return class_probabilities(fitted.loo_decision_function_)
    return cross_val_predict(
        clone(fitted), X, y, cv=_FOLDS, params=params, method="predict_proba"
    )

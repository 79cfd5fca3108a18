"""Chosen models whose training rows are held in float32, where predictions allow it."""

import copy
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from sklearn_msk._estimators._regressor_cv import MSKRegressorCV
from sklearn_msk._tuning import FLOAT32_CHECKED_ROWS, FLOAT32_TOLERANCE


def with_float32_rows(fitted: Any, X: np.ndarray, size: Any) -> Any:
    """Return a copy of a model with float32 rows, or the model where rounding matters.

    Rounded rows x + dx change a kernel function by at most ``|dx|`` times its slope,
    but coefficients may be large and of both signs. So the change is measured where
    it is largest, at training rows.

    Parameters
    ----------
    fitted : fitted regressor
        Another estimator than `MSKRegressorCV` is returned as it is.
    X : ndarray of shape (n, n_features)
        Its training rows.
    size : float or ndarray of shape (n_targets,)
        Root mean square of the targets.

    Returns
    -------
    regressor
        A new one, or `fitted` where a prediction moves by more than a part of `size`.
    """
    if not isinstance(fitted, MSKRegressorCV):
        return fitted
    *steps, (name, model) = fitted.best_estimator_.steps
    with np.errstate(over="ignore"):
        rows = model.X_fit_.astype(np.float32)
    short = copy.copy(fitted)
    short.best_estimator_ = Pipeline([*steps, (name, _with_rows(model, rows))])
    some = X[np.linspace(0, len(X) - 1, min(len(X), FLOAT32_CHECKED_ROWS)).astype(int)]
    if not np.isfinite(rows).all():
        return fitted
    change = np.abs(short.predict(some) - fitted.predict(some)).max(axis=0)
    return short if np.all(change <= FLOAT32_TOLERANCE * size) else fitted


def _with_rows(model: Any, rows: np.ndarray) -> Any:
    """Return a copy of a model with other training rows."""
    copied = copy.copy(model)
    copied.X_fit_ = rows
    return copied

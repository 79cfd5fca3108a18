"""Choosing the number of steps on rows that are held out."""

import warnings

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from sklearn_msk._compat import _safe_split
from sklearn_msk._validation import check_seed

# The score of one row would have no spread to compare with.
_FEWEST = 2


def score_path(estimator, X, y, weights):
    """Score every step of the path of a model that is trained without some rows.

    Parameters
    ----------
    estimator : MSKRegressor or MSKClassifier
        Whose parameters they are. Of a classifier's rows, every class gives its part.
    X : ndarray or csr_matrix of shape (n, n_features)
    y : ndarray of shape (n,) or (n, n_targets)
        Targets or labels.
    weights : ndarray of shape (n,) or None

    Returns
    -------
    iterations : ndarray of shape (n_iterations,)
        Steps of the path, increasing.
    scores : ndarray of shape (n_iterations,)

    Raises
    ------
    ValueError
        If there are too few rows to hold some out.
    """
    if weights is not None and not weights.all():
        # Rows of weight zero are as good as absent.
        kept = np.flatnonzero(weights)
        X, y = _safe_split(estimator, X, y, kept)
        weights = weights[kept]
    n = X.shape[0]
    n_held = max(_FEWEST, int(np.ceil(estimator.validation_fraction * n)))
    if n <= n_held:
        raise ValueError(
            f"early_stopping=True holds out {n_held} rows (validation_fraction="
            f"{estimator.validation_fraction}, at least {_FEWEST}), which leaves none "
            f"to train on. Got n_samples={n} instead."
        )
    train, held = train_test_split(
        np.arange(n),
        test_size=n_held,
        random_state=check_seed(estimator.random_state),
        stratify=y if _can_stratify(estimator, y, n_held) else None,
    )
    if is_classifier(estimator) and len(np.unique(y[train])) < 2:
        raise ValueError(
            f"early_stopping=True holds out {n_held} of the {n} rows, and those left "
            "to train on have one class only. Pass more rows, or early_stopping=False."
        )
    model = clone(estimator).set_params(
        early_stopping=False, store_trajectory=True, verbose=0
    )
    if model.solver == "gd":
        # The loop would begin anew for every step that is scored.
        model.set_params(solver="auto")
    _detach_callbacks(model)
    X_train, y_train = _safe_split(model, X, y, train)
    X_held, y_held = _safe_split(model, X, y, held, train)
    of_train, of_held = (
        (None, None) if weights is None else (weights[train], weights[held])
    )
    with warnings.catch_warnings():
        # The fit on all rows will say so.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X_train, y_train, sample_weight=of_train)
    scores = [
        model._score_values(y_held, values, of_held)
        for values in model._values_along(X_held, model.path_iterations_)
    ]
    return model.path_iterations_, np.array(scores)


def _can_stratify(estimator, y, n_held):
    """Whether every class has rows for both parts."""
    if not is_classifier(estimator):
        return False
    counts = np.unique(y, return_counts=True)[1]
    return counts.min() >= 2 and len(counts) <= min(n_held, len(y) - n_held)


def _detach_callbacks(model):
    """Keep the callbacks to the fit that the user sees."""
    vars(model).pop("_skl_callbacks", None)

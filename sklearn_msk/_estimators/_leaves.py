"""The models of the leaves of a partition: what is left to learn near each other."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_msk._estimators._float32_rows import with_float32_rows
from sklearn_msk._estimators._out_of_fold import predict_left_out
from sklearn_msk._selection import label_equal_rows
from sklearn_msk._threads import single_threaded_blas

# A leaf of fewer distinct rows is left to the global model.
FEWEST_LEAF_ROWS = 10


@dataclass(frozen=True, eq=False)
class LeafRows:
    """What a leaf is fitted to.

    One object, so that joblib's dask backend sends it along with its task. An array it
    would leave on one worker, and lose it with the worker.

    Attributes
    ----------
    X : ndarray of shape (n, n_features)
    residuals : ndarray of shape (n,) or (n, n_targets)
        At rows that the global model has not seen.
    params : dict
        What is passed to the `fit` of the leaf, of each row.
    """

    X: np.ndarray
    residuals: np.ndarray
    params: dict[str, Any]


@dataclass(frozen=True, eq=False)
class LeafModel:
    """What a leaf adds to the global model.

    Attributes
    ----------
    estimator : fitted regressor or None
        None adds nothing.
    shrinkage : float or ndarray of shape (n_targets,)
        In [0, 1]: what its predictions are multiplied by.
    error : float or ndarray of shape (n_targets,)
        Root mean square of what it leaves at rows that it has not seen.
    sizes : ndarray of shape (2, n) or (2, n, n_targets)
        Absolute values, sorted: of what it leaves at such rows, and of its targets.
        In float32, unless that overflows or vanishes.
    low, high : ndarray of shape (n_features,)
        Least and largest value of each feature.
    """

    estimator: Any
    shrinkage: Any
    error: Any
    sizes: np.ndarray
    low: np.ndarray
    high: np.ndarray


def fit_leaf(number: int, estimator: Any, rows: LeafRows) -> LeafModel:
    """Fit a leaf to what the global model leaves, and shrink it.

    Parameters
    ----------
    number : int
        Of the leaf, for errors.
    estimator : regressor
        Not fitted; it is the caller's to give away.
    rows : LeafRows

    Returns
    -------
    LeafModel

    Raises
    ------
    RuntimeError
        If the estimator fails; it names the leaf.
    """
    X, residuals, params = np.asarray(rows.X), rows.residuals, rows.params
    low, high = X.min(axis=0), X.max(axis=0)
    weights = params.get("sample_weight")
    if label_equal_rows(X).max() + 1 < FEWEST_LEAF_ROWS:
        none, size = np.zeros(residuals.shape[1:]), root_mean_square(residuals, weights)
        sizes = _sorted_sizes(residuals, residuals)
        return LeafModel(None, none, size, sizes, low, high)
    try:
        # Leaves run beside one another; threads would not change what one takes.
        with single_threaded_blas():
            fitted = estimator.fit(X, residuals, **params)
            predicted = predict_left_out(fitted, X, residuals, params)
    except Exception as error:
        raise RuntimeError(
            f"The model of leaf {number}, of {len(X)} rows, could not be fitted: "
            f"{type(error).__name__}: {error}"
        ) from error
    factor = shrinkage(residuals, predicted, weights)
    left = residuals - factor * predicted
    fitted = with_float32_rows(fitted, X, root_mean_square(residuals, weights))
    size, sizes = root_mean_square(left, weights), _sorted_sizes(left, residuals)
    return LeafModel(fitted, factor, size, sizes, low, high)


def _sorted_sizes(left: np.ndarray, residuals: np.ndarray) -> np.ndarray:
    """Absolute values of what a leaf leaves and of its targets, sorted."""
    sizes = np.sort(np.abs(np.stack([left, residuals])), axis=1)
    single, largest = np.finfo(np.float32), sizes[:, -1]
    fits = (single.tiny / single.eps < largest) & (largest < single.max)
    return sizes.astype(np.float32) if np.all(fits | (largest == 0)) else sizes


def shrinkage(
    residuals: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None
) -> Any:
    """Factor c in [0, 1] of least ``sum_i w_i (r_i - c p_i)^2``, of each target.

    Parameters
    ----------
    residuals : ndarray of shape (n,) or (n, n_targets)
        r.
    predicted : ndarray of the same shape
        p, by models without the row.
    weights : ndarray of shape (n,) or None

    Returns
    -------
    float or ndarray of shape (n_targets,)
        0 where p is 0.
    """
    w = np.ones(len(residuals)) if weights is None else weights
    # In units in which no square overflows or vanishes.
    unit = np.maximum(np.abs(residuals).max(axis=0), np.abs(predicted).max(axis=0))
    unit = np.where(unit > 0, unit, 1.0)
    residuals, predicted = residuals / unit, predicted / unit
    together = w @ (residuals * predicted)
    alone = w @ np.square(predicted)
    return np.clip(together / np.where(alone > 0, alone, np.inf), 0.0, 1.0)


def root_mean_square(values: np.ndarray, weights: np.ndarray | None) -> Any:
    """Root of the weighted mean square of each column, whatever its unit."""
    unit = np.abs(values).max(axis=0)
    unit = np.where(unit > 0, unit, 1.0)
    return unit * np.sqrt(np.average(np.square(values / unit), axis=0, weights=weights))

"""Prediction intervals from leave-one-out errors."""

import math

import numpy as np


def quantile_rank(n: int, level: float) -> int:
    """``r = ceil(level (n + 1))``, and not one more where rounding says so."""
    return max(1, math.ceil(level * (n + 1) - 1e-9))


def jackknife_plus(without: np.ndarray, errors: np.ndarray, level: float) -> np.ndarray:
    """Return the ends of jackknife+ intervals.

    The upper end is the r-th smallest ``f_{-i}(x) + |e_i|``, the lower end the
    ``(n + 1 - r)``-th smallest ``f_{-i}(x) - |e_i|``, ``r = ceil(level (n + 1))``. For
    exchangeable rows they hold y with a probability of at least ``2 level - 1``, in
    practice of about level (Barber, Candès, Ramdas, Tibshirani, Annals of Statistics
    49, 2021).

    Parameters
    ----------
    without : ndarray of shape (n_queries, n) or (n_queries, n, n_targets)
        ``f_{-i}(x)``.
    errors : ndarray of shape (n,) or (n, n_targets)
        ``e_i``, of any sign. NaN, where no model without the row exists, is an error
        without bound.
    level : float
        In (0, 1).

    Returns
    -------
    ndarray of shape (n_queries, 2) or (n_queries, n_targets, 2)
        Lower and upper ends; infinite where ``r > n``.
    """
    n, r = len(errors), quantile_rank(len(errors), level)
    shape = (len(without), *errors.shape[1:])
    if r > n:
        return _infinite(shape)
    sizes = np.abs(errors)
    lower, upper = without - sizes, without + sizes
    lower[np.isnan(lower)], upper[np.isnan(upper)] = -np.inf, np.inf
    lower.partition(n - r, axis=1)
    upper.partition(r - 1, axis=1)
    return np.stack([lower[:, n - r], upper[:, r - 1]], axis=-1)


def quantile_interval(
    predictions: np.ndarray, errors: np.ndarray, level: float
) -> np.ndarray:
    """Return ``f(x) -+ q``, q the r-th smallest ``|e_i|``, r as in `jackknife_plus`.

    Parameters
    ----------
    predictions : ndarray of shape (n_queries,) or (n_queries, n_targets)
        ``f(x)``.
    errors : ndarray of shape (n,) or (n, n_targets)
        ``e_i``, of any sign; NaN is an error without bound.
    level : float
        In (0, 1).

    Returns
    -------
    ndarray of shape (n_queries, 2) or (n_queries, n_targets, 2)
        Lower and upper ends; infinite where ``r > n``.
    """
    n, r = len(errors), quantile_rank(len(errors), level)
    if r > n:
        return _infinite(predictions.shape)
    sizes = np.abs(errors)
    sizes[np.isnan(sizes)] = np.inf
    q = np.partition(sizes, r - 1, axis=0)[r - 1]
    return np.stack([predictions - q, predictions + q], axis=-1)


def _infinite(shape: tuple[int, ...]) -> np.ndarray:
    """Intervals that hold every number."""
    return np.broadcast_to(np.array([-np.inf, np.inf]), (*shape, 2)).copy()

"""The kernel expansion ``sum_j a_j k(x_j, x)``, evaluated in blocks of rows."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from sklearn import get_config
from sklearn.utils import gen_batches

from sklearn_msk._array_api import (
    Array,
    Place,
    astype,
    is_foreign,
    namespace,
    put_like,
    to_host,
)
from sklearn_msk._batches import batches
from sklearn_msk._filters import SpectralFilter
from sklearn_msk._solvers import Path
from sklearn_msk._tuning import (
    KERNEL_BLOCK_ARRAYS,
    PREDICTION_BLOCK_ENTRIES,
    PREDICTION_MIN_ROWS,
)
from sklearn_msk.kernels._array_matrix import tile_side
from sklearn_msk.kernels._evaluation import evaluate_kernel, foreign_tiles


def apply_kernel(
    kernel: Any,
    X: Array,
    X_fit: Array | None,
    coef: Array,
    n_jobs: int | None,
) -> Array:
    """Evaluate ``k(X, X_fit) @ coef`` in blocks of rows that fit the working memory.

    Parameters
    ----------
    kernel : object returned by `resolve_kernel`
    X : array of shape (n_queries, n_features)
        Here, or where the coefficients are.
    X_fit : array of shape (n_samples, n_features) or None
        None for a precomputed kernel, where X is the kernel with the training rows.
    coef : array of shape (n_samples, ...)
    n_jobs : int or None

    Returns
    -------
    array of shape (n_queries, ...), float64
        Where the coefficients are.
    """
    if is_foreign(coef):
        return _apply_there(kernel, X, X_fit, coef, n_jobs)
    flat = coef.reshape(coef.shape[0], -1).astype(np.float64)
    out = np.empty((X.shape[0], flat.shape[1]))
    # A model in float64 keeps its precision for float32 queries, and the reverse.
    dtype = X.dtype if X_fit is None else np.promote_types(X.dtype, X_fit.dtype)
    X_fit = None if X_fit is None else X_fit.astype(dtype, copy=False)
    for rows in gen_batches(X.shape[0], _batch_size(coef.shape[0], n_jobs)):
        queries = X[rows].astype(dtype, copy=False)
        K = evaluate_kernel(kernel, queries, X_fit, n_jobs)
        out[rows] = K.astype(np.float64, copy=False) @ flat
    return out.reshape(X.shape[0], *coef.shape[1:])


def _apply_there(
    kernel: Any, X: Array, X_fit: Array | None, coef: Array, n_jobs: int | None
) -> Array:
    """Evaluate ``k(X, X_fit) @ coef`` where the coefficients are."""
    place = Place(coef[:0, ...])
    if place.engine is None:
        parts = (None if part is None else to_host(part) for part in (X, X_fit, coef))
        X, X_fit, coef = parts
        return place.put(apply_kernel(kernel, X, X_fit, coef, n_jobs))
    X = X if place.holds(X) else place.put(to_host(X))
    flat = place.xp.reshape(coef, (coef.shape[0], -1))
    if X_fit is None:
        values = astype(X, flat.dtype) @ flat
        return place.xp.reshape(values, (X.shape[0], *coef.shape[1:]))
    # A model in float64 keeps its precision for float32 queries.
    X = astype(X, X_fit.dtype)
    out = place.xp.empty(
        (X.shape[0], flat.shape[1]), dtype=flat.dtype, device=place.device
    )
    tile, side = foreign_tiles(kernel, X, X_fit), tile_side(coef)
    for rows in batches(X.shape[0], side):
        total = place.xp.zeros_like(out[rows, :])
        for columns in batches(coef.shape[0], side):
            total += astype(tile(rows, columns), flat.dtype) @ flat[columns, :]
        out[rows, :] = total
    return place.xp.reshape(out, (X.shape[0], *coef.shape[1:]))


def predict_rows(
    kernel: Any,
    X_fit: np.ndarray | None,
    coef: np.ndarray,
    intercept: float | np.ndarray,
    X: np.ndarray,
) -> np.ndarray:
    """Predict with a model that is given by its parts, in one thread."""
    return apply_kernel(kernel, X, X_fit, coef, None) + intercept


def values_along(
    kernel: Any,
    X: np.ndarray,
    X_fit: np.ndarray | None,
    intercept: float | np.ndarray,
    path: Path,
    filter_: SpectralFilter,
    iterations: np.ndarray,
    n_jobs: int | None,
) -> Iterator[np.ndarray]:
    """Yield the values of a model after each of several steps of its path.

    The coefficients of as many steps as the working memory holds share a kernel.

    Parameters
    ----------
    kernel, X, X_fit, n_jobs
        As in `apply_kernel`.
    intercept : float or ndarray of shape (n_targets,)
    path : Path
    filter_ : SpectralFilter
        Its `max_iter` is replaced by each of the iterations.
    iterations : ndarray of shape (n_iterations,)

    Yields
    ------
    ndarray of shape (n_queries,) or (n_queries, n_targets), float64
    """
    held = get_config()["working_memory"] * 2**20
    n_coef = math.prod(path.coef_at(replace(filter_, max_iter=iterations[0])).shape)
    for batch in gen_batches(len(iterations), max(1, int(held // (8 * n_coef)))):
        coefs = [path.coef_at(replace(filter_, max_iter=T)) for T in iterations[batch]]
        stacked = namespace(coefs[0]).stack(coefs, axis=-1)
        values = apply_kernel(kernel, X, X_fit, stacked, n_jobs)
        for step in range(values.shape[-1]):
            yield values[..., step] + put_like(intercept, values)


def _batch_size(n_columns: int, n_jobs: int | None) -> int:
    """Rows of a cross-kernel: a block, or what scikit-learn's working memory holds."""
    row_bytes = KERNEL_BLOCK_ARRAYS * 8 * n_columns
    rows = int(get_config()["working_memory"] * 2**20 // row_bytes)
    # Threads are started anew for each block.
    if effective_n_jobs(n_jobs) == 1:
        filled = -(-PREDICTION_BLOCK_ENTRIES // n_columns)
        rows = min(rows, max(PREDICTION_MIN_ROWS, filled))
    return max(1, rows)

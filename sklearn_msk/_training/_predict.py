"""The kernel expansion ``sum_j a_j k(x_j, x)``, evaluated in blocks of rows."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from sklearn import get_config
from sklearn.utils import gen_batches

from sklearn_msk._filters import SpectralFilter
from sklearn_msk._solvers import Path
from sklearn_msk._tuning import (
    KERNEL_BLOCK_ARRAYS,
    PREDICTION_BLOCK_ENTRIES,
    PREDICTION_MIN_ROWS,
)
from sklearn_msk.kernels._evaluation import evaluate_kernel


def apply_kernel(
    kernel: Any,
    X: np.ndarray,
    X_fit: np.ndarray | None,
    coef: np.ndarray,
    n_jobs: int | None,
) -> np.ndarray:
    """Evaluate ``k(X, X_fit) @ coef`` in blocks of rows that fit the working memory.

    Parameters
    ----------
    kernel : object returned by `resolve_kernel`
    X : ndarray of shape (n_queries, n_features)
    X_fit : ndarray of shape (n_samples, n_features) or None
        None for a precomputed kernel, where X is the kernel with the training rows.
    coef : ndarray of shape (n_samples, ...)
    n_jobs : int or None

    Returns
    -------
    ndarray of shape (n_queries, ...), float64
    """
    flat = coef.reshape(coef.shape[0], -1).astype(np.float64)
    out = np.empty((X.shape[0], flat.shape[1]))
    for rows in gen_batches(X.shape[0], _batch_size(coef.shape[0], n_jobs)):
        queries = X[rows]
        if X_fit is not None:
            # A model in float64 keeps its precision for float32 queries.
            queries = queries.astype(np.promote_types(X.dtype, X_fit.dtype), copy=False)
        K = evaluate_kernel(kernel, queries, X_fit, n_jobs)
        out[rows] = K.astype(np.float64, copy=False) @ flat
    return out.reshape(X.shape[0], *coef.shape[1:])


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
    n_coef = path.coef_at(replace(filter_, max_iter=iterations[0])).size
    for batch in gen_batches(len(iterations), max(1, int(held // (8 * n_coef)))):
        coefs = [path.coef_at(replace(filter_, max_iter=T)) for T in iterations[batch]]
        values = apply_kernel(kernel, X, X_fit, np.stack(coefs, axis=-1), n_jobs)
        for step in range(values.shape[-1]):
            yield values[..., step] + intercept


def _batch_size(n_columns: int, n_jobs: int | None) -> int:
    """Rows of a cross-kernel: a block, or what scikit-learn's working memory holds."""
    row_bytes = KERNEL_BLOCK_ARRAYS * 8 * n_columns
    rows = int(get_config()["working_memory"] * 2**20 // row_bytes)
    # Threads are started anew for each block.
    if effective_n_jobs(n_jobs) == 1:
        filled = -(-PREDICTION_BLOCK_ENTRIES // n_columns)
        rows = min(rows, max(PREDICTION_MIN_ROWS, filled))
    return max(1, rows)

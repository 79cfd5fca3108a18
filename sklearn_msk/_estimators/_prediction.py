"""The parts of a prediction that every estimator shares."""

import numpy as np
from joblib import effective_n_jobs
from sklearn import get_config
from sklearn.utils import gen_batches

from sklearn_msk.kernels._resolution import evaluate_kernel
from sklearn_msk.kernels._tiles import COMPILE_FROM

# Entries of a block. The memory of one serves the next, where that of a larger one is
# handed out anew, as zeros, every time; of a smaller one networks are not compiled.
_ENTRIES = COMPILE_FROM

# Rows of a block at the least, as the training rows are prepared for each.
_LEAST_ROWS = 500


def apply_kernel(kernel, X, X_fit, coef, n_jobs):
    """``k(X, X_fit) @ coef`` in blocks of rows that fit the working memory.

    Parameters
    ----------
    kernel : object returned by `resolve_kernel`
    X : ndarray of shape (n_queries, n_features)
    X_fit : ndarray of shape (n_samples, n_features) or None
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
            # A model in double precision keeps it for queries in single.
            queries = queries.astype(np.promote_types(X.dtype, X_fit.dtype), copy=False)
        K = evaluate_kernel(kernel, queries, X_fit, n_jobs)
        out[rows] = K.astype(np.float64, copy=False) @ flat
    return out.reshape(X.shape[0], *coef.shape[1:])


def predict_rows(kernel, X_fit, coef, intercept, X):
    """Predictions of a model that is given by its parts, in one thread.

    Parameters
    ----------
    kernel, X_fit, coef
        As in `apply_kernel`.
    intercept : float or ndarray of shape (n_targets,)
    X : ndarray of shape (n_queries, n_features)

    Returns
    -------
    ndarray of shape (n_queries,) or (n_queries, n_targets)
    """
    values = apply_kernel(kernel, X, X_fit, coef, None)
    return round_to(coef.dtype, values + intercept)


def round_to(dtype, array):
    """Round to the precision of the kernel matrix, where its range allows."""
    largest, limits = np.abs(array).max(initial=0.0), np.finfo(dtype)
    # Far below its smallest normal number nothing would be left of the digits.
    fits = largest == 0 or limits.tiny / limits.eps < largest < limits.max
    return array.astype(dtype, copy=False) if fits else array


def _batch_size(n_columns, n_jobs):
    """Rows of a cross-kernel: a block, or what scikit-learn's working memory holds.

    A kernel needs a few temporaries of the size of its block.
    """
    row_bytes = 4 * 8 * n_columns
    rows = int(get_config()["working_memory"] * 2**20 // row_bytes)
    # Threads are started anew for each block.
    if effective_n_jobs(n_jobs) == 1:
        rows = min(rows, max(_LEAST_ROWS, -(-_ENTRIES // n_columns)))
    return max(1, rows)

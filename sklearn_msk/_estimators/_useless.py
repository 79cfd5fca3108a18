"""Warnings of what is legal, and of no use without a sign of it."""

from typing import Any

import numpy as np
from scipy.sparse import issparse

from sklearn_msk._estimators._warnings import warn_user
from sklearn_msk._tuning import (
    DOMINANT_LENGTH,
    DOMINANT_SHARE,
    FEWEST_JUDGING_ROWS,
    SCALE_ROWS,
)
from sklearn_msk.kernels import NNGP, NTK
from sklearn_msk.kernels._resolution import gamma_names, is_network_name

# Kernels of distances, to which an offset of a column does not matter, and of products.
_OF_DISTANCES = ("laplacian", "rbf")
_OF_PRODUCTS = ("cosine", "linear", "poly", "polynomial", "sigmoid")


def warn_of_gamma(estimator: Any) -> None:
    """Warn where `gamma` is given for a kernel that has none."""
    names, kernel = gamma_names(), estimator.kernel
    if estimator.gamma is None or (isinstance(kernel, str) and kernel in names):
        return
    warn_user(
        f"The 'gamma' of {type(estimator).__name__} has no effect, because "
        f"kernel={kernel!r} has no gamma. Leave gamma out, or choose one of the "
        f"kernels {names}.",
        UserWarning,
    )


def warn_of_scale(estimator: Any, X: Any, names: np.ndarray | None) -> None:
    """Warn where the kernel hardly sees any column of the rows but one.

    That is where one column holds nearly all of the squared length of the rows, and
    this length is far from that of standardised features, for which kernels are made.

    Parameters
    ----------
    estimator : MSKRegressor, MSKClassifier or MSKKernel
    X : ndarray or csr_matrix of shape (n, n_features)
        Validated rows. Nothing is said of sparse ones.
    names : ndarray of shape (n_features,) or None
        Names of the columns.
    """
    squares = _mean_squares(estimator.kernel, X)
    if squares is None:
        return
    largest, total = int(np.argmax(squares)), squares.sum()
    dominates = np.sqrt(squares[largest]) > DOMINANT_LENGTH * np.sqrt(len(squares))
    if np.count_nonzero(squares) < 2 or not dominates:
        return
    if squares[largest] <= DOMINANT_SHARE * total:
        return
    column = largest if names is None else str(names[largest])
    warn_user(
        f"Column {column!r} of X holds more than {DOMINANT_SHARE:.0%} of the squared "
        f"length of the rows. So the other {len(squares) - 1} columns have almost no "
        f"effect on {type(estimator).__name__}. Scale the columns, as by "
        "make_pipeline(StandardScaler(), ...).",
        UserWarning,
    )


def warn_of_few_rows(estimator: Any, n_rows: int) -> None:
    """Warn where a handful of rows judge the steps of a path."""
    if n_rows >= FEWEST_JUDGING_ROWS:
        return
    warn_user(
        f"Early stopping of {type(estimator).__name__} chooses the number of steps by "
        f"{n_rows} rows only. Such a choice is hardly better than chance. Pass more "
        "rows, or early_stopping='loo' to judge by all rows, or max_iter and "
        "early_stopping=False.",
        UserWarning,
    )


def _mean_squares(kernel: Any, X: Any) -> np.ndarray | None:
    """Mean square of every column that varies, 0 of the others; None: not to be judged.

    For kernels of distances they are less the mean.
    """
    of_distances = isinstance(kernel, str) and kernel in _OF_DISTANCES
    of_products = isinstance(kernel, NTK | NNGP) or (
        isinstance(kernel, str) and (kernel in _OF_PRODUCTS or is_network_name(kernel))
    )
    if issparse(X) or not (of_distances or of_products):
        return None
    # From all over the rows, as they may be sorted.
    some = X[np.linspace(0, len(X) - 1, min(len(X), SCALE_ROWS)).astype(int)]
    rows = np.asarray(some, dtype=np.float64)
    varies = np.ptp(rows, axis=0) > 0
    if of_distances:
        rows = rows - rows.mean(axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.where(varies, np.mean(np.square(rows), axis=0), 0.0)
    return squares if np.isfinite(squares.sum()) else None

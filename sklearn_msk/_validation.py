"""Checks of what users pass, shared by several parts."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, issparse
from sklearn.utils import check_random_state

from sklearn_msk._batches import batches
from sklearn_msk._compat import _check_sample_weight
from sklearn_msk._row_hash import hash_rows, hash_sparse_rows
from sklearn_msk._tuning import (
    CHECKED_ROWS,
    FIRST_HASHED_COLUMNS,
    HASHED_ENTRIES,
    HASHED_ROWS,
    MAX_HASHED_COLUMNS,
    NEGATIVE_EIGENVALUE_RTOL,
)


def check_matrix_finite(
    K: np.ndarray,
    name: str,
    symmetric: bool = False,
    origin: tuple[int, int] = (0, 0),
    shape: tuple[int, int] | None = None,
) -> None:
    """Raise a ValueError that names the kernel where its matrix is not finite.

    Parameters
    ----------
    K : ndarray of shape (n_x, n_z)
    name : str
        How the message calls the kernel.
    symmetric : bool, default=False
        Whether K is symmetric: then its lower triangle alone is checked.
    origin : pair of int, default=(0, 0)
        Where K begins in the matrix that it is a tile of.
    shape : pair of int, default=None
        Shape of that matrix; None means that of K.
    """
    for rows in batches(K.shape[0], CHECKED_ROWS):
        finite = np.isfinite(K[rows, : rows.stop if symmetric else None])
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            place = f"row {origin[0] + rows.start + row}, column {origin[1] + column}"
            raise ValueError(
                f"The {name} is {K[rows][row, column]} in {place} of its {K.dtype} "
                f"matrix of shape {K.shape if shape is None else shape}; every "
                "entry must be finite. Scale the features (StandardScaler), pass "
                "float64, or check the kernel's parameters."
            )


def check_matrix_symmetric(K: np.ndarray, name: str) -> None:
    """Raise a ValueError where a square kernel matrix is not symmetric.

    Parameters
    ----------
    K : ndarray of shape (n, n)
    name : str
        How the message calls the kernel.
    """
    scale = max(np.abs(K[rows]).max() for rows in batches(K.shape[0], CHECKED_ROWS))
    tolerance = np.sqrt(np.finfo(K.dtype).eps) * scale
    for rows in batches(K.shape[0], CHECKED_ROWS):
        difference = np.abs(K[rows] - K[:, rows].T)
        if difference.max() > tolerance:
            row, column = np.unravel_index(difference.argmax(), difference.shape)
            i = rows.start + row
            raise ValueError(
                f"The {name} must be symmetric: its matrix of shape {K.shape} has "
                f"K[{i}, {column}] = {K[i, column]:.6g} but "
                f"K[{column}, {i}] = {K[column, i]:.6g}, which differ by "
                f"{difference.max():.1e} (legal for {K.dtype}: {tolerance:.1e}). If "
                "that is rounding, make it (K + K.T) / 2, or keep it in float32."
            )


def check_positive_semidefinite(smallest: float, largest: float, name: str) -> None:
    """Raise a ValueError where an eigenvalue is more negative than rounding explains.

    Parameters
    ----------
    smallest, largest : float
        Extreme eigenvalues, or Ritz values, of the same operator.
    name : str
        How the message calls the kernel.
    """
    if smallest < -NEGATIVE_EIGENVALUE_RTOL * abs(largest):
        raise ValueError(
            f"The {name} must be positive semi-definite, but its matrix divided by "
            f"the number of rows has an eigenvalue of {smallest:.3g} or less (legal: "
            f">= -1e-6 times the largest, which is {largest:.3g}). Gradient descent "
            "diverges along such a direction; choose another kernel, or other "
            "parameters of this kernel."
        )


def count_distinct_rows(
    X: np.ndarray | csr_matrix, weights: np.ndarray | None = None
) -> int:
    """Count the rows of a matrix that differ from each other in a number.

    Rows are told apart by 64-bit hashes: of n rows, two different ones are taken for
    equal with a probability of about ``n^2 / 2^65``. The rows are not copied; the
    temporaries take some 100 bytes a row.

    Parameters
    ----------
    X : ndarray or csr_matrix of shape (n, n_features)
    weights : ndarray of shape (n,), default=None
        Rows of weight 0 do not count.

    Returns
    -------
    int
    """
    kept = np.arange(X.shape[0]) if weights is None else np.flatnonzero(weights > 0)
    if issparse(X):
        n_rows = max(1, HASHED_ENTRIES * X.shape[0] // max(len(X.data), X.shape[0], 1))
        parts = [hash_sparse_rows(X[kept[b]]) for b in batches(len(kept), n_rows)]
        return len(np.unique(np.concatenate(parts))) if parts else 0
    # Rows whose hash is unique so far are counted and left out; further columns are
    # hashed for the others only.
    hashes, n_distinct = np.zeros(len(kept), np.uint64), 0
    start, width = 0, FIRST_HASHED_COLUMNS
    while len(kept) and start < X.shape[1]:
        for b in batches(len(kept), HASHED_ROWS):
            # A slice is not copied.
            rows = slice(kept[b][0], kept[b][-1] + 1)
            part = X[rows, start : start + width]
            if len(part) > b.stop - b.start:
                part = part[kept[b] - rows.start]
            hashes[b] = hash_rows(part, hashes[b])
        start, width = start + width, min(2 * width, MAX_HASHED_COLUMNS)
        _, group, sizes = np.unique(hashes, return_inverse=True, return_counts=True)
        n_distinct += int(np.count_nonzero(sizes == 1))
        repeated = sizes[group] > 1
        kept, hashes = kept[repeated], hashes[repeated]
    return n_distinct + len(np.unique(hashes))


def did_you_mean(name: object, names: Iterable[str]) -> str:
    """Ask for the nearest of some names, after a space; nothing where none is near.

    Parameters
    ----------
    name : object
        What was passed.
    names : iterable of str
        What is legal.

    Returns
    -------
    str
    """
    if not isinstance(name, str):
        return ""
    close = get_close_matches(name.lower(), list(names), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def check_not_bool(estimator: Any, *names: str) -> None:
    """Raise a ValueError where a count is a bool, which scikit-learn takes for an int.

    Parameters
    ----------
    estimator : estimator
    *names : str
        Parameters that are counts.
    """
    for name in names:
        value = getattr(estimator, name)
        if isinstance(value, bool | np.bool_):
            raise ValueError(
                f"The {name!r} parameter of {type(estimator).__name__} must be a "
                f"number. Got {value!r} instead."
            )


def check_seed(random_state: Any) -> np.random.RandomState:
    """Return a generator of random numbers; None is deterministic too.

    Parameters
    ----------
    random_state : int, RandomState instance or None

    Returns
    -------
    RandomState
    """
    return check_random_state(0 if random_state is None else random_state)


def check_weights(
    sample_weight: Any, X: np.ndarray | csr_matrix, *, allow_zero: bool = False
) -> np.ndarray | None:
    """Validate the weights of rows.

    Parameters
    ----------
    sample_weight : None, float or array-like of shape (n,)
    X : ndarray or csr_matrix of shape (n, n_features)
    allow_zero : bool, default=False
        Whether all of them may be zero, as those of a chunk among others.

    Returns
    -------
    ndarray of shape (n,), float64, or None

    Raises
    ------
    ValueError
        If they are negative, not finite, all zero, or not one for each row.
    """
    if sample_weight is None:
        return None
    some = np.asarray(sample_weight).any()
    if not (some or allow_zero):
        raise ValueError(
            "The 'sample_weight' must not be all zero: no row would be left. Got "
            f"{np.size(sample_weight)} zeros instead."
        )
    given = sample_weight
    if not some:
        given = np.ones(np.shape(sample_weight)) if np.ndim(sample_weight) else 1.0
    weights = some * _check_sample_weight(given, X, dtype=np.float64)
    if weights.min() < 0:
        raise ValueError(
            "The 'sample_weight' must be non-negative. Got a smallest value of "
            f"{weights.min():.6g} instead."
        )
    return weights


def check_coef_finite(coef: np.ndarray, A: Any, y: np.ndarray) -> None:
    """Raise a ValueError where the dual coefficients are too large for a float.

    Parameters
    ----------
    coef : ndarray of shape (n,) or (n, n_targets)
    A : operator
    y : ndarray of the shape of coef
    """
    if not np.isfinite(coef).all():
        raise ValueError(
            "The dual coefficients overflow: they are of the size of y divided by the "
            f"kernel, here {np.abs(y).max():.3g} (y without its mean) and "
            f"{A.scale * A.shape[0]:.3g}. Scale the features or y (StandardScaler, "
            "TransformedTargetRegressor)."
        )

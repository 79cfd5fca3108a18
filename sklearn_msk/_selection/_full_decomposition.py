"""The full decomposition of a kernel matrix that leave-one-out errors are taken from."""

from dataclasses import dataclass

import numpy as np

from sklearn_msk._linalg import full_eigh
from sklearn_msk._scaling import power_of_two
from sklearn_msk._selection._distinct_rows import DistinctRows


@dataclass(frozen=True, eq=False)
class FullDecomposition:
    """``A = s K s = V diag(lam) V^T`` over groups of equal rows, ``s^2`` their shares.

    Attributes
    ----------
    rows : DistinctRows
    eigenvalues : ndarray of shape (n_groups,)
        Of ``A / scale``, ascending, none below 0.
    eigenvectors : ndarray of shape (n_groups, n_groups)
        V, in columns.
    scale : float
        A power of two next to the largest entry of the diagonal of K.
    floor : float
        Eigenvalues of ``A / scale`` up to here are rounding.
    outside : ndarray of shape (n_outside, n_groups)
        ``K s V / scale`` at the rows that are in no group.
    """

    rows: DistinctRows
    eigenvalues: np.ndarray
    eigenvectors: np.ndarray
    scale: float
    floor: float
    outside: np.ndarray


def full_decomposition(K: np.ndarray, rows: DistinctRows) -> FullDecomposition:
    """Decompose ``s K s``; O(n^3) time, an array of the size of K beside K and V.

    Parameters
    ----------
    K : ndarray of shape (n, n), float32 or float64
        Kernel of all rows; not changed.
    rows : DistinctRows

    Returns
    -------
    FullDecomposition
    """
    A, scale = scaled_kernel(K, rows)
    eigenvalues, V = full_eigh(A)
    floor = rounding_floor(eigenvalues, K.dtype)
    outside = np.empty((0, len(V)))
    if len(rows.outside):
        k = K[np.ix_(rows.outside, rows.first)].astype(np.float64)
        outside = (k / scale * np.sqrt(rows.shares)) @ V
    eigenvalues = np.maximum(eigenvalues, 0.0)
    return FullDecomposition(rows, eigenvalues, V, scale, floor, outside)


def scaled_kernel(K: np.ndarray, rows: DistinctRows) -> tuple[np.ndarray, float]:
    """Return ``s K s / scale`` as a new array, F-ordered, and the scale."""
    s = np.sqrt(rows.shares)
    scale = float(power_of_two(float(np.abs(K.diagonal()).max(initial=0.0))))
    A = np.empty((len(s), len(s)))
    # K is symmetric: its rows are the columns of an F-ordered array.
    A[...] = K if len(s) == len(K) else K[np.ix_(rows.first, rows.first)]
    # One after the other: their product may underflow.
    A *= s / scale
    A *= s[:, None]
    return A.T, scale


def rounding_floor(eigenvalues: np.ndarray, dtype: np.dtype) -> float:
    """Size of the eigenvalues that rounding alone can make; 1 for K = 0."""
    eps = float(np.finfo(dtype).eps)
    size = max(len(eigenvalues), 16) * eps * float(np.abs(eigenvalues).max())
    # A negative eigenvalue is rounding, and shows the size of it.
    return max(size, -4.0 * float(eigenvalues.min())) or 1.0

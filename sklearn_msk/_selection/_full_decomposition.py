"""The full decomposition of a kernel matrix, for leave-one-out errors."""

from dataclasses import dataclass

import numpy as np

from sklearn_msk._linalg import full_eigh
from sklearn_msk._scaling import power_of_two
from sklearn_msk._selection._distinct_rows import DistinctRows

# Norm of the part of a unit vector in a null space up to which the part is rounding.
_NO_PART = 1e-12


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
    smallest : float
        The smallest eigenvalue of ``A / scale``, as it was computed.
    """

    rows: DistinctRows
    eigenvalues: np.ndarray
    eigenvectors: np.ndarray
    scale: float
    floor: float
    outside: np.ndarray
    smallest: float


def full_decomposition(K: np.ndarray, rows: DistinctRows) -> FullDecomposition:
    """Decompose ``s K s``; O(n^3) time and, K included, five arrays of its size.

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
    eigenvalues, V, floor = floored_eigh(A, K.dtype)
    outside = np.empty((0, len(V)))
    if len(rows.outside):
        k = K[np.ix_(rows.outside, rows.first)].astype(np.float64)
        outside = (k / scale * np.sqrt(rows.shares)) @ V
    smallest, eigenvalues = float(eigenvalues[0]), np.maximum(eigenvalues, 0.0)
    return FullDecomposition(rows, eigenvalues, V, scale, floor, outside, smallest)


def scaled_kernel(
    K: np.ndarray, rows: DistinctRows, *, overwrite_K: bool = False
) -> tuple[np.ndarray, float]:
    """Return ``s K s / scale``, F-ordered, and the scale.

    It is a new array, or with `overwrite_K` that of K, where it can be.
    """
    s = np.sqrt(rows.shares)
    scale = float(power_of_two(float(np.abs(K.diagonal()).max(initial=0.0))))
    A = K if len(s) == len(K) else K[np.ix_(rows.first, rows.first)]
    A = np.ascontiguousarray(A, dtype=np.float64)
    if np.may_share_memory(A, K) and not overwrite_K:
        A = A.copy()
    # K is symmetric: its rows are the columns of an F-ordered array.
    # One after the other: their product may underflow.
    A *= s / scale
    A *= s[:, None]
    return A.T, scale


def floored_eigh(
    A: np.ndarray, dtype: np.dtype
) -> tuple[np.ndarray, np.ndarray, float]:
    """Eigenvalues and eigenvectors of A, and the floor of the former.

    A is overwritten; `dtype` is the precision that its entries come from. A row that
    has no part in the null space has none to rounding either: over the floor, rounding
    would be large.
    """
    entry = float(np.abs(A.diagonal()).max())
    eigenvalues, V = full_eigh(A)
    floor = rounding_floor(len(A), float(np.abs(eigenvalues).max()), entry, dtype)
    # A negative eigenvalue is rounding, and shows the size of it.
    floor = max(floor, -4.0 * float(eigenvalues.min())) or 1.0
    null = V[:, : np.searchsorted(eigenvalues, floor, side="right")]
    null[np.einsum("ij,ij->i", null, null) < _NO_PART**2] = 0.0
    return eigenvalues, V, floor


def rounding_floor(n: int, largest: float, entry: float, dtype: np.dtype) -> float:
    """Size of the eigenvalues of a matrix that rounding alone can make.

    ``n eps`` of double precision for the arithmetic, and the norm of a random matrix of
    the size of the rounding of the entries, as in `KernelOperator.eigenvalue_error`.
    """
    arithmetic = max(n, 16) * float(np.finfo(np.float64).eps) * largest
    return max(arithmetic, 4.0 * float(np.finfo(dtype).eps) * entry * float(np.sqrt(n)))

"""64-bit hashes of the rows of a matrix: equal for rows of equal numbers."""

import numpy as np
from scipy.sparse import csr_matrix

_INCREMENT = np.uint64(0x9E3779B97F4A7C15)


def hash_rows(rows: np.ndarray, seed: int | np.ndarray) -> np.ndarray:
    """64 well-mixed bits of every row of an array (splitmix64, column by column).

    Numbers are taken in float64, and -0.0 as 0.0. Temporaries take some 8 bytes a row.

    Parameters
    ----------
    rows : ndarray of shape (n, n_columns)
    seed : int or ndarray of shape (n,), uint64
        An array is the hashes of the columns to the left.

    Returns
    -------
    ndarray of shape (n,), uint64
    """
    bits = np.full(len(rows), seed, dtype=np.uint64)
    for column in rows.T:
        # Adding zero turns -0.0 into 0.0, the same number in other bytes.
        numbers = column.astype(np.float64) + 0.0
        bits = _mix(bits ^ numbers.view(np.uint64))
    return bits


def hash_sparse_rows(rows: csr_matrix) -> np.ndarray:
    """64 well-mixed bits of every row of a sparse matrix, which is not changed.

    A row is the set of its non-zero entries, however they are stored: its hash is the
    sum of the hashes of the pairs (column, number), modulo 2^64.

    Parameters
    ----------
    rows : csr_matrix of shape (n, n_columns)

    Returns
    -------
    ndarray of shape (n,), uint64
    """
    rows = rows.copy()
    rows.sum_duplicates()
    rows.eliminate_zeros()
    columns = rows.indices.astype(np.uint64)
    numbers = rows.data.astype(np.float64).view(np.uint64)
    entries = np.append(_mix(_mix(columns) ^ numbers), np.uint64(0))
    # Sums over empty rows would be entries of the next row.
    sums = np.add.reduceat(entries, rows.indptr[:-1]) if rows.shape[0] else entries[:0]
    return np.where(np.diff(rows.indptr) > 0, sums, np.uint64(0))


def _mix(bits: np.ndarray) -> np.ndarray:
    """One step of splitmix64 (Steele, Lea, Flood, OOPSLA 2014)."""
    bits = bits + _INCREMENT
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))

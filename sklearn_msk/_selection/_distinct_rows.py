"""Rows that are equal, and rows of weight zero: what a model is left without."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, issparse

from sklearn_msk._batches import batches
from sklearn_msk._row_hash import hash_rows, hash_sparse_rows
from sklearn_msk._scaling import weight_shares
from sklearn_msk._tuning import SORTED_COLUMNS


@dataclass(frozen=True, eq=False)
class DistinctRows:
    """Rows of positive weight, in groups of rows that are equal.

    The weight of a group is the sum of the weights of its rows, so that an integer
    weight is the same as repetition. A model without a row is without its whole group.

    Attributes
    ----------
    first : ndarray of shape (n_groups,), int
        The first row of positive weight of every group, ascending.
    group : ndarray of shape (n,), int
        Group of every row; -1 for a row of weight 0 that equals no row of a group.
    row_shares : ndarray of shape (n,)
        ``w / sum(w)``.
    shares : ndarray of shape (n_groups,)
        Sums of `row_shares` over the groups.
    total_weight : float
        ``sum(w)``.
    """

    first: np.ndarray
    group: np.ndarray
    row_shares: np.ndarray
    shares: np.ndarray
    total_weight: float

    @property
    def outside(self) -> np.ndarray:
        """Rows that no model is made of."""
        return np.flatnonzero(self.group < 0)

    def average(self, values: np.ndarray) -> np.ndarray:
        """Weighted means over the groups, for values of shape (n, m)."""
        if np.count_nonzero(self.row_shares) == len(self.first):
            return values[self.first]
        used = np.flatnonzero(self.row_shares)
        group = self.group[used]
        parts = self.row_shares[used] / self.shares[group]
        means = np.zeros((len(self.first), values.shape[1]))
        np.add.at(means, group, parts[:, None] * values[used])
        return means


def label_equal_rows(X: np.ndarray | csr_matrix) -> np.ndarray:
    """Return a number for every row, the same for rows of equal numbers.

    Rows are told apart by 64-bit hashes, as in `count_distinct_rows`. The rows of a
    kernel matrix serve as well as those of X: equal rows have equal kernels.
    """
    hashes = hash_sparse_rows(X) if issparse(X) else hash_rows(X, 0)
    return np.unique(hashes, return_inverse=True)[1]


def number_rows(X: np.ndarray | csr_matrix) -> np.ndarray:
    """Count the distinct rows from 0, in the lexicographic order of their features.

    Neither the order of the rows, nor how often a row is there, nor the unit of a
    feature changes the number of a row. Sparse rows have the numbers of dense ones.

    Parameters
    ----------
    X : ndarray or csr_matrix of shape (n, n_features)

    Returns
    -------
    ndarray of shape (n,), int
        The same for rows that are equal.
    """
    stored, n_columns = None, X.shape[1]
    if issparse(X):
        stored = csr_matrix(X, copy=True)
        stored.sum_duplicates()
        stored.eliminate_zeros()
        n_columns = int(np.diff(stored.indptr).max(initial=0))
    # How many rows come before a row, and the rows that are not told apart yet.
    before, tied = np.zeros(X.shape[0], dtype=int), np.arange(X.shape[0])
    repeated = originals = copy_of = np.empty(0, dtype=int)
    for columns in batches(n_columns, SORTED_COLUMNS):
        if stored is None:
            keys = X[tied, columns]
        else:
            keys = _entry_keys(stored, tied, columns)
        order = np.lexsort((*keys.T[::-1], before[tied]))
        tied, keys = tied[order], keys[order]
        place = np.arange(len(tied))
        was_new = np.diff(before[tied], prepend=-1) > 0
        new = was_new.copy()
        new[1:] |= np.any(keys[1:] != keys[:-1], axis=1)
        place += before[tied] - np.maximum.accumulate(np.where(was_new, place, 0))
        before[tied] = np.maximum.accumulate(np.where(new, place, 0))
        tied = tied[~(new & np.append(new[1:], True))]
        if not len(tied):
            break
        if columns.start == 0:
            # Equal rows would be sorted by every column: the first stands for all.
            repeated, labels = tied, label_equal_rows(X[tied])
            _, first, copy_of = np.unique(
                labels, return_index=True, return_inverse=True
            )
            tied = originals = tied[first]
    before[repeated] = before[originals][copy_of]
    return np.unique(before, return_inverse=True)[1]


def _entry_keys(X: csr_matrix, rows: np.ndarray, entries: slice) -> np.ndarray:
    """Numbers of sparse rows that sort them as all their columns would.

    The stored entries of a row are in the order of their columns. Of two rows that
    agree up to some entry, the earlier column decides: a positive number there comes
    after the zero of the other row, a negative number before.
    """
    place = X.indptr[rows][:, None] + np.arange(entries.start, entries.stop)
    there = place < X.indptr[rows + 1][:, None]
    place = np.where(there, place, 0)
    numbers = np.where(there, X.data[place], 0.0)
    signed_columns = np.sign(numbers) * (X.shape[1] - X.indices[place])
    return np.stack([signed_columns, numbers], axis=2).reshape(len(rows), -1)


def distinct_rows(
    n: int, weights: np.ndarray | None = None, labels: np.ndarray | None = None
) -> DistinctRows:
    """Put rows into groups; `labels` of None means that no two rows are equal.

    Parameters
    ----------
    n : int
    weights : ndarray of shape (n,), default=None
        Non-negative, not all zero; None means ones.
    labels : ndarray of shape (n,), int, default=None
        As `label_equal_rows` returns.

    Returns
    -------
    DistinctRows
    """
    weights = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
    labels = np.arange(n) if labels is None else labels
    row_shares, total_weight = weight_shares(weights)
    # A weight that vanishes beside the others is a weight of 0.
    used = np.flatnonzero(row_shares)
    found, start = np.unique(labels[used], return_index=True)
    order = np.argsort(start)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    at = np.minimum(np.searchsorted(found, labels), len(found) - 1)
    group = np.where(found[at] == labels, place[at], -1)
    shares = np.bincount(group[used], row_shares[used], minlength=len(order))
    return DistinctRows(used[start[order]], group, row_shares, shares, total_weight)

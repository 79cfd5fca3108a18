"""Rows that are equal, and rows of weight zero: what a model is left without."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, issparse

from sklearn_msk._row_hash import hash_rows, hash_sparse_rows
from sklearn_msk._scaling import weight_shares


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

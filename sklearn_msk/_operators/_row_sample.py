"""Which rows become landmarks."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from sklearn_msk._batches import batches
from sklearn_msk._row_hash import hash_rows
from sklearn_msk._tuning import MIN_PROPOSED, PROPOSED_SHARE, SAMPLED_ROWS
from sklearn_msk.kernels._evaluation import evaluate_kernel, kernel_diagonal


@dataclass(frozen=True, eq=False)
class RowSample:
    """Uniform sample of distinct rows: those with the smallest hashes.

    It does not depend on the order of the rows, how often each is there or its weight,
    and the sample of a whole is that of the samples of its parts.

    Attributes
    ----------
    hashes : ndarray of shape (n_sampled,), uint64
        Ascending, distinct.
    rows : ndarray of shape (n_sampled, n_features), float64
    size : int
        Number of rows asked for; there are fewer where fewer are distinct.
    n_rows : int
        Number of rows of positive weight that were seen.
    """

    hashes: np.ndarray
    rows: np.ndarray
    size: int
    n_rows: int

    @classmethod
    def of(
        cls, X: np.ndarray, weights: np.ndarray | None, size: int, seed: int
    ) -> "RowSample":
        """Sample the rows of positive weight.

        Parameters
        ----------
        X : ndarray of shape (n, n_features)
        weights : ndarray of shape (n,) or None
        size : int
        seed : int
            Of the hash.

        Returns
        -------
        RowSample
        """
        n_features = X.shape[1]
        sample = cls(np.empty(0, np.uint64), np.empty((0, n_features)), size, 0)
        for batch in batches(len(X), SAMPLED_ROWS):
            rows = np.asarray(X[batch], dtype=np.float64)
            if weights is not None:
                rows = rows[weights[batch] > 0]
            sample = sample + cls(hash_rows(rows, seed), rows, size, len(rows))
        return sample

    def __add__(self, other: "RowSample") -> "RowSample":
        """Sample of the rows of both."""
        hashes = np.concatenate([self.hashes, other.hashes])
        hashes, first = np.unique(hashes, return_index=True)
        first = first[: self.size]
        mine = first < len(self.hashes)
        rows = np.empty((len(first), self.rows.shape[1]))
        rows[mine] = self.rows[first[mine]]
        rows[~mine] = other.rows[first[~mine] - len(self.hashes)]
        n_rows = self.n_rows + other.n_rows
        return RowSample(hashes[: self.size], rows, self.size, n_rows)


def randomly_pivoted_rows(
    kernel: Any,
    X: np.ndarray,
    size: int,
    rng: np.random.RandomState,
    n_jobs: int | None = None,
) -> np.ndarray:
    """Rows that a randomly pivoted Cholesky factorisation of ``k(X)`` takes as pivots.

    A pivot is drawn with a probability proportional to the diagonal of the remainder
    ``K - F F^T`` of the factor so far. Blocks of pivots are proposed at once; each is
    accepted with the ratio of its remainder after and before the pivots ahead of it in
    the block, which gives the same distribution as one pivot at a time. Costs
    ``n size^2`` operations and ``n size`` numbers.

    Parameters
    ----------
    kernel : object returned by `resolve_kernel`
    X : ndarray of shape (n, n_features)
    size : int
        Number of pivots, at most n.
    rng : RandomState
    n_jobs : int, default=None
        Threads that compute the kernel.

    Returns
    -------
    ndarray of shape (size,)
        Rows, distinct; where the kernel has a smaller rank, the first rows follow.

    References
    ----------
    E. Epperly, J. Tropp, R. Webber, *Embrace rejection: Kernel matrix approximation by
    accelerated randomly pivoted Cholesky*, arXiv:2410.03969.
    """
    remainder = kernel_diagonal(kernel, X).astype(np.float64)
    # Ten times the bound ``n eps`` of rounding.
    floor = 10.0 * len(X) * np.finfo(np.float64).eps * remainder.max(initial=0.0)
    factor = np.empty((len(X), size), order="F")
    pivots = np.empty(0, dtype=np.intp)
    block = max(MIN_PROPOSED, int(PROPOSED_SHARE * size))
    while len(pivots) < size and remainder.max() > floor:
        proposed = rng.choice(len(X), block, p=remainder / remainder.sum())
        done = factor[:, : len(pivots)]
        core = evaluate_kernel(kernel, X[proposed]) - done[proposed] @ done[proposed].T
        accepted = _accept(core, remainder[proposed], floor, rng)
        if not accepted:
            # What is left is rounding.
            break
        new = proposed[accepted][: size - len(pivots)]
        columns = evaluate_kernel(kernel, X, X[new], n_jobs) - done @ done[new].T
        root = cholesky(columns[new], lower=True)
        columns = solve_triangular(root, columns.T, lower=True).T
        factor[:, len(pivots) : len(pivots) + len(new)] = columns
        remainder = np.maximum(remainder - np.sum(columns**2, axis=1), 0.0)
        pivots = np.concatenate([pivots, new])
        remainder[pivots] = 0.0
    others = np.setdiff1d(np.arange(len(X)), pivots)
    return np.concatenate([pivots, others[: size - len(pivots)]])


def _accept(
    core: np.ndarray, before: np.ndarray, floor: float, rng: np.random.RandomState
) -> list[int]:
    """Proposals that stay, each with a probability of ``core[i, i] / before[i]``."""
    core, accepted = core.astype(np.float64), []
    for i, limit in enumerate(rng.uniform(size=len(core)) * before):
        if core[i, i] > max(limit, floor):
            accepted.append(i)
            column = core[:, i] / np.sqrt(core[i, i])
            core -= np.outer(column, column)
    return accepted

"""Half widths of prediction intervals, by the errors of the rows of each leaf."""

from collections.abc import Sequence

import numpy as np

from sklearn_msk._estimators._leaves import LeafModel
from sklearn_msk._selection import quantile_rank


def half_widths(leaves: Sequence[LeafModel], level: float) -> np.ndarray:
    """Half widths inside of each leaf, and where only the global model predicts.

    With n rows the width is the r-th smallest absolute error, ``r = ceil(level (n +
    1))``: of the rows of the leaf, or of all leaves if r > n; infinite if there are too
    few rows in all of them.

    Parameters
    ----------
    leaves : sequence of LeafModel
    level : float
        In (0, 1).

    Returns
    -------
    ndarray of shape (n_leaves, 2) or (n_leaves, 2, n_targets)
    """
    sizes = [leaf.sizes for leaf in leaves]
    if any(quantile_rank(one.shape[1], level) > one.shape[1] for one in sizes):
        together = _quantile(np.sort(np.concatenate(sizes, axis=1), axis=1), level)
    found = []
    for one in sizes:
        n = one.shape[1]
        enough = quantile_rank(n, level) <= n
        found.append(_quantile(one, level) if enough else together)
    return np.array(found)


def _quantile(sizes: np.ndarray, level: float) -> np.ndarray:
    """Return the r-th smallest of sorted sizes, along the second axis."""
    n = sizes.shape[1]
    rank = quantile_rank(n, level)
    if rank > n:
        return np.full((2, *sizes.shape[2:]), np.inf)
    return sizes[:, rank - 1].astype(np.float64)

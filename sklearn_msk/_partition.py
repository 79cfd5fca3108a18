"""A partition of rows into leaves that share the rows next to a split."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_array

from sklearn_msk._splits import LongestDirection, Splitter


@dataclass(frozen=True, eq=False)
class Partition:
    """Leaves of a binary tree, whose splits are half spaces ``u.z <= t``.

    A split at the half width h gives the right side a share ``s(((u.z - t) / h + 1) /
    2)`` of a row, ``s(x) = x^2 (3 - 2 x)`` on [0, 1], and the left side the rest. The
    share of a leaf is the product over the splits above. Shares have continuous
    gradients and sum to 1.

    Attributes
    ----------
    directions : ndarray of shape (n_splits, n_coordinates)
        Unit vectors u.
    thresholds : ndarray of shape (n_splits,)
        t.
    half_widths : ndarray of shape (n_splits,)
        h; 0 is a split without a band.
    children : ndarray of shape (n_splits, 2), int
        Left and right: the number of a split, or -1 less the number of a leaf.
    """

    directions: np.ndarray
    thresholds: np.ndarray
    half_widths: np.ndarray
    children: np.ndarray

    @property
    def n_leaves(self) -> int:
        """Number of leaves."""
        return len(self.thresholds) + 1

    def shares(self, Z: np.ndarray) -> csc_array:
        """Shares of the leaves in rows.

        Parameters
        ----------
        Z : ndarray of shape (n, n_coordinates)

        Returns
        -------
        csc_array of shape (n, n_leaves)
            Column i holds the rows of leaf i, those of its bands included.
        """
        return self._collect(Z, self.half_widths)

    def leaf_of(self, Z: np.ndarray) -> np.ndarray:
        """Return the number of the leaf on whose side of every split a row lies."""
        sides = self._collect(Z, np.zeros_like(self.half_widths)).tocsr()
        return sides.indices.astype(np.intp)

    def _collect(self, Z: np.ndarray, half_widths: np.ndarray) -> csc_array:
        """Walk all rows down the tree at once."""
        rows, leaves, weights = [], [], []
        root = 0 if len(self.thresholds) else -1
        waiting = [(root, np.arange(len(Z)), np.ones(len(Z)))]
        while waiting:
            place, some, weight = waiting.pop()
            if place < 0:
                rows.append(some)
                leaves.append(np.full(len(some), -1 - place))
                weights.append(weight)
                continue
            beyond = Z[some] @ self.directions[place] - self.thresholds[place]
            right = _smooth_step(beyond, half_widths[place])
            for child, share in zip(
                self.children[place], (1.0 - right, right), strict=True
            ):
                inside = share > 0
                waiting.append((child, some[inside], weight[inside] * share[inside]))
        entries = (
            np.concatenate(weights),
            (np.concatenate(rows), np.concatenate(leaves)),
        )
        return csc_array(entries, shape=(len(Z), self.n_leaves))


def grow_partition(
    Z: np.ndarray, leaf_size: float, overlap: float, splitter: Splitter | None = None
) -> Partition:
    """Split rows in two, and again.

    Parameters
    ----------
    Z : ndarray of shape (n, n_coordinates)
        Rows, or a sample of them.
    leaf_size : float
        Rows of a leaf, at the most. A leaf whose rows are all equal may have more.
    overlap : float
        Width of the band at a split, over the median width of the leaves beside it.
    splitter : Splitter, default=None
        None splits at the median along the leading principal direction.

    Returns
    -------
    Partition
    """
    split_rows = LongestDirection(Z) if splitter is None else splitter
    directions: list[np.ndarray] = []
    thresholds: list[float] = []
    half_widths: list[float] = []
    children: list[tuple[int, int]] = []
    leaves: list[np.ndarray] = []

    def grow(rows: np.ndarray) -> int:
        split = split_rows(rows) if len(rows) > leaf_size else None
        if split is None:
            leaves.append(rows)
            return -len(leaves)
        place, first = len(directions), len(leaves)
        directions.append(split.direction)
        thresholds.append(split.threshold)
        half_widths.append(0.0)
        children.append((0, 0))
        children[place] = grow(rows[split.left]), grow(rows[~split.left])
        widths = [_width(Z[leaf] @ split.direction) for leaf in leaves[first:]]
        half_widths[place] = 0.5 * overlap * float(np.median(widths))
        return place

    grow(np.arange(len(Z)))
    return Partition(
        np.array(directions).reshape(-1, Z.shape[1]),
        np.array(thresholds),
        np.array(half_widths),
        np.array(children, dtype=np.intp).reshape(-1, 2),
    )


def _smooth_step(x: np.ndarray, half_width: float) -> np.ndarray:
    """Rise from 0 to 1 between ``-half_width`` and ``half_width``."""
    if half_width == 0:
        return (x > 0).astype(np.float64)
    t = np.clip(0.5 * (x / half_width + 1.0), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def _width(x: np.ndarray) -> float:
    """Width of the uniform distribution that spreads as much."""
    return float(np.sqrt(12.0) * x.std())

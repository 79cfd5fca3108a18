"""The empirical integral operator, its kernel matrix computed when it is needed."""

from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from sklearn import get_config

from sklearn_msk._batches import batches
from sklearn_msk._operators._kernel_operator import KernelOperator, TileFunction
from sklearn_msk._threads import single_threaded_blas
from sklearn_msk._tuning import KERNEL_BLOCK_ARRAYS, MAX_TILE_THREADS
from sklearn_msk.kernels._evaluation import (
    evaluate_kernel,
    kernel_diagonal,
    kernel_tiles,
)


class BlockedOperator(KernelOperator):
    """A kernel operator that computes K tile by tile for every product.

    Only the tiles of one triangle are computed, each used twice,
    ``out_i += K_ij V_j`` and ``out_j += K_ij^T V_i``, in threads and within
    scikit-learn's ``working_memory``. Sums are in one order, so that `n_jobs` does not
    change them.

    Parameters
    ----------
    kernel : object returned by `resolve_kernel`
        Positive semi-definite.
    X : ndarray of shape (n, n_features)
    weights : ndarray of shape (n,), default=None
    n_distinct : int, default=None
        As in `KernelOperator`.
    n_jobs : int, default=None
        Threads.
    fits_dense : bool, default=True
        As in `KernelOperator`.
    """

    is_recomputed = True

    def __init__(
        self,
        kernel: Any,
        X: np.ndarray,
        weights: np.ndarray | None = None,
        n_distinct: int | None = None,
        n_jobs: int | None = None,
        *,
        fits_dense: bool = True,
    ) -> None:
        dtype = evaluate_kernel(kernel, X[:1], X[:1]).dtype
        diagonal = kernel_diagonal(kernel, X)
        super().__init__(diagonal, dtype, weights, n_distinct, fits_dense=fits_dense)
        self.kernel, self.X = kernel, X
        self.n_threads = min(effective_n_jobs(n_jobs), MAX_TILE_THREADS)

    def __matmul__(self, V: np.ndarray) -> np.ndarray:
        """Return ``A @ V`` in double precision."""
        return self._weighted(self._apply_kernel, V)

    def _apply_kernel(self, V: np.ndarray) -> np.ndarray:
        """Return ``K @ V``; tiles are computed in threads, and summed in order."""
        columns = V.reshape(len(V), -1)
        product = np.zeros(columns.shape)
        tiles = self._tiles()
        # `tiles` prepares the rows anew for every product: that is little work beside
        # the product, and keeping it would take as much memory as the rows.
        tile = self.tiles(np.float64)
        # BLAS threads would compete with the threads here. `n_jobs=1` holds BLAS at one
        # thread too: with more, the tiles would be rounded in another order.
        with single_threaded_blas():
            parts = Parallel(
                n_jobs=self.n_threads, require="sharedmem", return_as="generator"
            )(delayed(_apply_tile)(tile, *slices, columns) for slices in tiles)
            for (rows, others), (upper, lower) in zip(tiles, parts, strict=True):
                product[rows] += upper
                if lower is not None:
                    product[others] += lower
        return product.reshape(V.shape)

    def _tiles(self) -> list[tuple[slice, slice]]:
        """Pairs of slices that cover one triangle of K."""
        share = get_config()["working_memory"] * 2**20 / MAX_TILE_THREADS
        side = max(1, int(np.sqrt(share / (8 * KERNEL_BLOCK_ARRAYS))))
        slices = batches(self.shape[0], side)
        return [
            (slices[i], slices[j]) for i in range(len(slices)) for j in range(i + 1)
        ]

    def tiles(self, dtype: type) -> TileFunction:
        """Return a function from two slices to ``K[rows, columns]``, a new array.

        The slices are equal or disjoint; the array is of this dtype, or of float64.
        """
        return kernel_tiles(self.kernel, self.X, dtype)

    def columns(self, indices: np.ndarray) -> np.ndarray:
        """Return ``K[:, indices]`` for an array of numbers."""
        columns = evaluate_kernel(self.kernel, self.X, self.X[indices], self.n_threads)
        # White noise is on the diagonal only, and only of k(X).
        columns[indices, np.arange(len(indices))] = self.kernel_diagonal[indices]
        return columns

    def kernel_matrix(self) -> np.ndarray:
        """Return K, computed as a whole."""
        return evaluate_kernel(self.kernel, self.X, n_jobs=self.n_threads)


def _apply_tile(
    tile: TileFunction, rows: slice, others: slice, V: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """Both products of a tile; on the diagonal they are one."""
    entries = tile(rows, others)
    if rows == others:
        return entries @ V[rows], None
    return entries @ V[others], entries.T @ V[rows]

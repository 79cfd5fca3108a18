"""The empirical integral operator, its kernel matrix held in memory."""

import numpy as np
from scipy.linalg.blas import dsymv

from sklearn_msk._batches import batches
from sklearn_msk._operators._kernel_operator import KernelOperator, TileFunction
from sklearn_msk._tuning import DENSE_PANEL_ROWS


class DenseOperator(KernelOperator):
    """A kernel operator whose matrix is in memory.

    K is the symmetric matrix of its lower triangle, in every product and entry: the
    upper one, which may differ from it by rounding, is never read.

    Parameters
    ----------
    K : ndarray of shape (n, n), float32 or float64
        Symmetric positive semi-definite. It is neither copied nor written to.
    weights : ndarray of shape (n,), default=None
    n_distinct : int, default=None
    fits_dense : bool, default=True
        As in `KernelOperator`.
    compactable : bool, default=True
        Whether leading pairs may be looked for on a copy in mixed precision first.
    """

    def __init__(
        self,
        K: np.ndarray,
        weights: np.ndarray | None = None,
        n_distinct: int | None = None,
        *,
        fits_dense: bool = True,
        compactable: bool = True,
    ) -> None:
        super().__init__(
            np.diagonal(K), K.dtype, weights, n_distinct, fits_dense=fits_dense
        )
        self.K, self.compactable = K, compactable

    def __matmul__(self, V: np.ndarray) -> np.ndarray:
        """Return ``A @ V`` in double precision."""
        return self._weighted(self._apply_kernel, V)

    def _apply_kernel(self, V: np.ndarray) -> np.ndarray:
        """Return ``K @ V``, by BLAS for one vector where K is as BLAS takes it."""
        if V.size > len(V) or self.dtype != np.float64 or not self.K.flags.forc:
            return self._apply_panels(V)
        # The lower triangle of K is the upper one of its transpose.
        lower = not self.K.flags.c_contiguous
        product = dsymv(1.0, self.K if lower else self.K.T, V, lower=lower)
        return product.reshape(V.shape)

    def _apply_panels(self, V: np.ndarray) -> np.ndarray:
        """Return ``K @ V`` by panels of rows of the lower triangle, each used twice.

        Panels in float32 are converted: a product in single precision would lose the
        digits of V. All at once, the conversion would triple the memory.
        """
        product, n = np.zeros_like(V), self.shape[0]
        # One buffer: fresh memory for every panel would take as long as the product.
        buffer = np.empty(0 if self.dtype == np.float64 else DENSE_PANEL_ROWS * n)
        for rows in batches(n, DENSE_PANEL_ROWS):
            panel = self.K[rows, : rows.start]
            if buffer.size:
                converted = buffer[: panel.size].reshape(panel.shape)
                converted[...] = panel
                panel = converted
            product[rows] += panel @ V[: rows.start]
            product[: rows.start] += panel.T @ V[rows]
            product[rows] += self._square(rows) @ V[rows]
        return product

    def _square(self, rows: slice) -> np.ndarray:
        """Return ``K[rows, rows]`` as a new float64 array."""
        return _mirrored(self.K[rows, rows].astype(np.float64, order="C"))

    def tiles(self, dtype: type) -> TileFunction:
        """Return a function from two slices to ``K[rows, columns]``, new and float64.

        The slices are equal, or the columns are left of the rows. Of other dtypes than
        float64 no time is saved, and they may not hold the range of K.
        """
        return self._tile

    def _tile(self, rows: slice, columns: slice) -> np.ndarray:
        """Return ``K[rows, columns]`` on or below the diagonal."""
        if rows == columns:
            return self._square(rows)
        return np.array(self.K[rows, columns], np.float64, order="C")

    def columns(self, indices: np.ndarray) -> np.ndarray:
        """Return ``K[:, indices]`` for an array of numbers, as a new array."""
        below = np.arange(len(self.K))[:, None] >= indices
        return np.where(below, self.K[:, indices], self.K[indices].T)

    def kernel_matrix(self) -> np.ndarray:
        """Return K, which is not to be written to; it may differ from its transpose."""
        return self.K

    def dense(self) -> np.ndarray:
        """Return A as a new array of shape (n, n), float64, exactly symmetric.

        Raises
        ------
        ValueError
            If the memory limit does not allow it (`fits_dense`).
        """
        A = super().dense()
        for rows in batches(len(A), DENSE_PANEL_ROWS):
            A[: rows.start, rows] = A[rows, : rows.start].T
            A[rows, rows] = _mirrored(A[rows, rows])
        return A


def _mirrored(square: np.ndarray) -> np.ndarray:
    """Symmetric matrix of a lower triangle, as a new array."""
    return np.where(np.tri(len(square), dtype=bool), square, square.T)

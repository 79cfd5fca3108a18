"""The empirical integral operator, its kernel matrix held in memory."""

import numpy as np
from scipy.linalg.blas import dsymv
from sklearn.utils import gen_batches

from sklearn_msk._operators._kernel_operator import KernelOperator

_ROWS = 512


class DenseOperator(KernelOperator):
    """A kernel operator whose matrix is in memory.

    Parameters
    ----------
    K : ndarray of shape (n, n), float32 or float64
        Symmetric positive semi-definite. It is neither copied nor written to.
    weights : ndarray of shape (n,), default=None
    n_distinct : int, default=None
        As in `KernelOperator`.
    compactable : bool, default=True
        Whether leading pairs may be looked for on a compact copy first.
    """

    def __init__(self, K, weights=None, n_distinct=None, *, compactable=True):
        super().__init__(np.diagonal(K), K.dtype, weights, n_distinct)
        self.K, self.compactable = K, compactable
        # A product with one vector then reads half of the memory.
        self._one_triangle = K.dtype == np.float64 and K.flags.c_contiguous

    def __matmul__(self, V):
        """Return ``A @ V`` in double precision."""
        return self._weighted(self._apply_kernel, V)

    def _apply_kernel(self, V):
        if self._one_triangle and V.size == len(V):
            return dsymv(1.0, self.K.T, V).reshape(V.shape)
        if self.dtype == np.float64:
            # K is symmetric, and BLAS packs it with less work as the second factor.
            return (V.T @ self.K).T
        # Converted block by block: a product in single precision would lose the digits
        # of V, and a conversion at once would triple the memory.
        product = np.empty_like(V)
        for rows in gen_batches(self.shape[0], _ROWS):
            product[rows] = self.K[rows].astype(np.float64) @ V
        return product

    def tiles(self, dtype):
        """Return what takes two slices to ``K[rows, columns]``, a new float64 array.

        Nothing is left to compute that another dtype would make faster, and it may not
        hold the range of K.
        """
        return lambda rows, columns: np.array(self.K[rows, columns], float, order="C")

    def columns(self, indices):
        """Return ``K[:, indices]`` for an array of numbers."""
        return self.K[:, indices]

    def kernel_matrix(self):
        """Return K, which is not to be written to."""
        return self.K

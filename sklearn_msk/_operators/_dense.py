"""The empirical integral operator, its kernel matrix held in memory."""

import numpy as np
from scipy.linalg.blas import dsymv
from sklearn.utils import gen_batches

_ROWS = 512


class DenseOperator:
    """``A = D^(1/2) K D^(1/2)``, ``D = diag(w) / sum(w)``; ``K / n`` without weights.

    Parameters
    ----------
    K : ndarray of shape (n, n), float32 or float64
        Symmetric positive semi-definite. It is neither copied nor written to.
    weights : ndarray of shape (n,), default=None
        Non-negative, not all zero; None means ones.
    n_distinct : int, default=None
        How many rows of positive weight differ from each other; None means all.

    Attributes
    ----------
    roots : ndarray of shape (n,)
        Diagonal of ``D^(1/2)``.
    scale : float
        Largest diagonal entry of A, 1 for A = 0: divided by it, A neither over- nor
        underflows.
    total_weight : float
        ``sum(w)``, or n.
    n_distinct : int
    rank_floor : float
        Eigenvalues up to ``rank_floor`` times the largest do not count for the
        numerical rank.
    """

    def __init__(self, K, weights=None, n_distinct=None):
        n = K.shape[0]
        self.K = K
        self.total_weight = float(n if weights is None else weights.sum())
        self.roots = np.sqrt(
            np.full(n, 1.0 / n) if weights is None else weights / self.total_weight
        )
        self.scale = float(np.abs(self.diagonal()).max()) or 1.0
        self.n_distinct = n if n_distinct is None else n_distinct
        # A product with one vector then reads half of the memory.
        self._one_triangle = K.dtype == np.float64 and K.flags.c_contiguous
        self.rank_floor = self.n_distinct * float(np.finfo(K.dtype).eps)

    @property
    def shape(self):
        """Shape (n, n) of A."""
        return self.K.shape

    def diagonal(self):
        """Diagonal of A."""
        return self.roots**2 * np.diagonal(self.K).astype(np.float64)

    def noise(self, largest):
        """Size of the eigenvalues that rounding alone can make.

        Parameters
        ----------
        largest : float
            Largest eigenvalue of A.

        Returns
        -------
        float
            ``n eps`` of double precision for the arithmetic, and the norm of a
            random matrix of the size of the rounding of K's entries.
        """
        arithmetic = self.n_distinct * np.finfo(np.float64).eps * largest
        entries = 4.0 * float(np.finfo(self.K.dtype).eps) * self.scale
        return max(arithmetic, entries * np.sqrt(self.shape[0]))

    def __matmul__(self, V):
        """Return ``A @ V`` in double precision, whatever the precision of K.

        Parameters
        ----------
        V : ndarray of shape (n,) or (n, m), float64

        Returns
        -------
        ndarray of the shape of V, float64
        """
        roots = self.roots if V.ndim == 1 else self.roots[:, None]
        scaled = roots * V
        if self._one_triangle and V.size == len(V):
            product = dsymv(1.0, self.K.T, scaled).reshape(V.shape)
        elif self.K.dtype == np.float64:
            product = self.K @ scaled
        else:
            # Converted block by block: a product in single precision would lose
            # the digits of V, and a conversion at once would triple the memory.
            product = np.empty_like(scaled)
            for rows in gen_batches(self.shape[0], _ROWS):
                product[rows] = self.K[rows].astype(np.float64) @ scaled
        product *= roots
        return product

    def dense(self):
        """Return A as a new array of shape (n, n), float64."""
        A = self.roots[:, None] * self.K
        A *= self.roots
        return A

    def right_hand_side(self, y):
        """``b = D^(1/2) y`` for targets of shape (n,) or (n, n_targets)."""
        return (self.roots * y.T).T

    def dual_coef(self, c):
        """Coefficients ``a = D^(1/2) c`` of the kernel functions of the rows."""
        return (self.roots * c.T).T

"""The empirical integral operator of a kernel on weighted rows."""

from abc import ABC, abstractmethod

import numpy as np

from sklearn_msk._compat import full_eigh

# The rounding of the eigenvalues of a few rows is some eps, not their number of them.
_SMALLEST_ORDER = 16


class KernelOperator(ABC):
    """``A = D^(1/2) K D^(1/2)``, ``D = diag(w) / sum(w)``; ``K / n`` without weights.

    What a solver asks of an operator; a subclass says how K is held.

    Parameters
    ----------
    diagonal : ndarray of shape (n,)
        Diagonal of K.
    dtype : dtype
        Precision of the entries of K, float32 or float64.
    weights : ndarray of shape (n,), default=None
        Non-negative, not all zero; None means ones.
    n_distinct : int, default=None
        How many rows of positive weight differ from each other; None means all.

    Attributes
    ----------
    dtype : dtype
        Precision of K.
    roots : ndarray of shape (n,)
        Diagonal of ``D^(1/2)``.
    dual_basis : ndarray of shape (n,)
        What takes coordinates c to dual coefficients, ``a = D^(1/2) c``.
    scale : float
        Largest diagonal entry of A, 1 for A = 0: divided by it, A neither over- nor
        underflows.
    total_weight : float
        ``sum(w)``, or n.
    n_distinct : int
    rank_floor : float
        Eigenvalues up to ``rank_floor`` times the largest do not count for the
        numerical rank.
    is_diagonal : bool
        Whether A is a diagonal matrix, its entries descending.
    kernel_diagonal : ndarray of shape (n,)
        Diagonal of K.
    weights : ndarray of shape (n,) or None
    is_recomputed : bool
        Whether every product computes K again.
    rounding : float
        Norm of the error of ``A @ v / scale`` for a unit vector, where that is more
        than the rounding of double precision; 0.0 otherwise.
    """

    is_diagonal = False
    is_recomputed = False
    rounding = 0.0

    def __init__(self, diagonal, dtype, weights=None, n_distinct=None):
        n = len(diagonal)
        self.kernel_diagonal, self.weights = diagonal, weights
        self._precision = np.dtype(dtype).name
        self.total_weight = float(n if weights is None else weights.sum())
        self.roots = np.sqrt(
            np.full(n, 1.0 / n) if weights is None else weights / self.total_weight
        )
        self._diagonal = self.roots**2 * diagonal.astype(np.float64)
        self.scale = float(np.abs(self._diagonal).max()) or 1.0
        self.n_distinct = n if n_distinct is None else n_distinct
        self._order = max(self.n_distinct, _SMALLEST_ORDER)
        self.rank_floor = self._order * float(np.finfo(self.dtype).eps)

    @property
    def dtype(self):
        """Precision of the entries of K."""
        # By name in the object, as files of models do not take a dtype for granted.
        return np.dtype(self._precision)

    @property
    def shape(self):
        """Shape (n, n) of A."""
        return (len(self.roots), len(self.roots))

    @property
    def dual_basis(self):
        """Diagonal of ``D^(1/2)``."""
        return self.roots

    def diagonal(self):
        """Diagonal of A."""
        return self._diagonal

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
        arithmetic = self._order * np.finfo(np.float64).eps * largest
        entries = 4.0 * float(np.finfo(self.dtype).eps) * self.scale
        return max(arithmetic, entries * np.sqrt(self.shape[0]))

    @abstractmethod
    def __matmul__(self, V):
        """Return ``A @ V`` in double precision, whatever the precision of K.

        Parameters
        ----------
        V : ndarray of shape (n,) or (n, m), float64

        Returns
        -------
        ndarray of the shape of V, float64
        """

    def _weighted(self, apply_kernel, V):
        """Return ``A @ V`` by a function that returns ``K @ V`` as a new array."""
        roots = self.roots if V.ndim == 1 else self.roots[:, None]
        product = apply_kernel(roots * V)
        product *= roots
        return product

    @abstractmethod
    def kernel_matrix(self):
        """Return K, which is not to be written to."""

    def dense(self):
        """Return A as a new array of shape (n, n), float64."""
        A = self.roots[:, None] * self.kernel_matrix()
        A *= self.roots
        return A

    def decomposition(self):
        """Eigenvalues of ``A / scale``, ascending, and its eigenvectors as columns."""
        matrix = self.dense()
        matrix /= self.scale
        return full_eigh(matrix)

    def right_hand_side(self, y):
        """``b = D^(1/2) y`` for targets of shape (n,) or (n, n_targets)."""
        return (self.roots * y.T).T

"""The empirical integral operator of a kernel on weighted rows."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from sklearn_msk._array_api import Array
from sklearn_msk._linalg import full_eigh
from sklearn_msk._memory import VARIABLE, memory_limit
from sklearn_msk._scaling import weight_shares

# At least 16 eps: n eps is too optimistic for very small n.
_SMALLEST_ORDER = 16

# Roundings in an entry of K.
_ENTRY_ROUNDINGS = 16

# Takes two slices, equal or disjoint, to ``K[rows, columns]``, a new array.
TileFunction = Callable[[slice, slice], np.ndarray]


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
    fits_dense : bool, default=True
        Whether the memory limit allows an array of shape (n, n) in float64.

    Attributes
    ----------
    dtype : dtype
        Precision of K.
    sqrt_weights : ndarray of shape (n,)
        Diagonal of ``D^(1/2)``.
    coef_map : ndarray of shape (n,)
        Takes coordinates c to dual coefficients, ``a = D^(1/2) c``: the diagonal.
    scale : float
        Largest diagonal entry of A, 1 for A = 0: divided by it, A neither over- nor
        underflows.
    total_weight : float
        ``sum(w)``, or n; ``inf`` where the sum is too large for a float.
    n_distinct : int
    rank_rtol : float
        Eigenvalues up to ``rank_rtol`` times the largest do not count for the
        numerical rank.
    fits_dense : bool
    is_diagonal : bool
        Whether A is a diagonal matrix, its entries descending.
    kernel_diagonal : ndarray of shape (n,)
        Diagonal of K.
    weights : ndarray of shape (n,) or None
    is_recomputed : bool
        Whether every product computes K again.
    product_error : float
        Norm of the error of ``A @ v / scale`` for a unit vector, where that is more
        than the rounding of double precision; 0.0 otherwise.
    """

    is_diagonal = False
    is_recomputed = False
    product_error = 0.0

    def __init__(
        self,
        diagonal: np.ndarray,
        dtype: np.dtype,
        weights: np.ndarray | None = None,
        n_distinct: int | None = None,
        *,
        fits_dense: bool = True,
    ) -> None:
        n = len(diagonal)
        self.kernel_diagonal, self.weights = diagonal, weights
        self.fits_dense = fits_dense
        self._precision = np.dtype(dtype).name
        shares, self.total_weight = np.full(n, 1.0 / n), float(n)
        if weights is not None:
            shares, self.total_weight = weight_shares(weights)
        self.sqrt_weights = np.sqrt(shares)
        self._diagonal = self.sqrt_weights**2 * diagonal.astype(np.float64)
        self.scale = float(np.abs(self._diagonal).max()) or 1.0
        self.n_distinct = n if n_distinct is None else n_distinct
        self._order = max(self.n_distinct, _SMALLEST_ORDER)
        # Entries that are rounded by a few eps each move no eigenvalue by more than so
        # many eps of the largest; sums of n products are in double precision.
        self.rank_rtol = max(
            self._order * float(np.finfo(np.float64).eps),
            _ENTRY_ROUNDINGS * float(np.finfo(self.dtype).eps),
        )

    @property
    def dtype(self) -> np.dtype:
        """Precision of the entries of K."""
        # By name in the object, as files of models do not take a dtype for granted.
        return np.dtype(self._precision)

    @property
    def shape(self) -> tuple[int, int]:
        """Shape (n, n) of A."""
        return (len(self.sqrt_weights), len(self.sqrt_weights))

    @property
    def coef_map(self) -> Array:
        """Diagonal of ``D^(1/2)``."""
        return self.sqrt_weights

    def diagonal(self) -> np.ndarray:
        """Diagonal of A."""
        return self._diagonal

    def eigenvalue_error(self, largest: float) -> float:
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
        arithmetic = self._order * float(np.finfo(np.float64).eps) * largest
        # Independent entries of size e have a norm of about 2 sqrt(n) e.
        entries = 4.0 * float(np.finfo(self.dtype).eps) * self.scale
        return float(max(arithmetic, entries * np.sqrt(self.shape[0])))

    @abstractmethod
    def __matmul__(self, V: Array) -> Array:
        """Return ``A @ V`` in double precision, whatever the precision of K.

        Parameters
        ----------
        V : array of shape (n,) or (n, m), float64
            Where the operator is.

        Returns
        -------
        array of the shape of V, float64
        """

    def _weighted(
        self, apply_kernel: Callable[[np.ndarray], np.ndarray], V: np.ndarray
    ) -> np.ndarray:
        """Return ``A @ V`` by a function that returns ``K @ V`` as a new array."""
        roots = self.sqrt_weights if V.ndim == 1 else self.sqrt_weights[:, None]
        product = apply_kernel(roots * V)
        product *= roots
        return product

    def put(self, vectors: np.ndarray) -> Array:
        """Return vectors of NumPy where the operator is: as they are."""
        return vectors

    @abstractmethod
    def kernel_matrix(self) -> Array:
        """Return K, which is not to be written to."""

    def dense(self) -> Array:
        """Return A as a new array of shape (n, n), float64.

        Raises
        ------
        ValueError
            If the memory limit does not allow it (`fits_dense`).
        """
        self._check_fits_dense()
        A = self.sqrt_weights[:, None] * self.kernel_matrix()
        A *= self.sqrt_weights
        return A

    def decomposition(self) -> tuple[np.ndarray, Array]:
        """Eigenvalues of ``A / scale``, ascending, and its eigenvectors as columns.

        Raises
        ------
        ValueError
            If the memory limit does not allow it (`fits_dense`).
        """
        matrix = self.dense()
        matrix /= self.scale
        return full_eigh(matrix)

    def rhs(self, y: Array) -> Array:
        """``b = D^(1/2) y`` for targets of shape (n,) or (n, n_targets)."""
        return (self.sqrt_weights * y.T).T

    def _check_fits_dense(self) -> None:
        """Raise a ValueError where the memory limit does not allow A as an array."""
        n = self.shape[0]
        if not self.fits_dense:
            raise ValueError(
                f"A full decomposition of n_samples={n} rows takes a matrix of "
                f"{8 * n**2 / 2**30:.3g} GiB and copies of it, more than the memory "
                f"limit of {memory_limit() / 2**30:.3g} GiB, which fits that run at "
                "the same time share. Use an iterative eigen_solver ('auto', "
                "'randomized') with a smaller k (at most a quarter of the rows) and "
                "solver='lanczos'; or landmarks, which need no such matrix; or raise "
                f"the limit (environment variable {VARIABLE})."
            )

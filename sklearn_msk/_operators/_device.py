"""The empirical integral operator on the device of the rows."""

from typing import Any

import numpy as np

from sklearn_msk._array_api import (
    Array,
    Place,
    astype,
    namespace,
    put_like,
    scale_rows,
    to_host,
)
from sklearn_msk._batches import batches
from sklearn_msk._linalg import full_eigh
from sklearn_msk._operators._kernel_operator import KernelOperator
from sklearn_msk.kernels._array_matrix import tile_side
from sklearn_msk.kernels._evaluation import (
    evaluate_kernel,
    foreign_tiles,
    kernel_diagonal,
)


class DeviceOperator(KernelOperator):
    """A kernel operator whose matrix and products are where the rows are.

    K is held there, in the precision of the rows, or computed tile by tile for every
    product, one triangle of it. Entries are converted tile by tile to the widest float
    type of the device before they are multiplied: sums are as exact as for NumPy.

    Parameters
    ----------
    kernel : object returned by `resolve_kernel`
        Positive semi-definite.
    X : array of shape (n, n_features)
        The kernel matrix itself for a precomputed kernel.
    weights : ndarray of shape (n,), default=None
    n_distinct : int, default=None
        As in `KernelOperator`.
    held : bool, default=True
        Whether K is held.
    fits_dense : bool, default=True
        Whether the device may hold further matrices of this size, in float64.
    """

    def __init__(
        self,
        kernel: Any,
        X: Array,
        weights: np.ndarray | None = None,
        n_distinct: int | None = None,
        *,
        held: bool = True,
        fits_dense: bool = True,
    ) -> None:
        diagonal = kernel_diagonal(kernel, X)
        dtype = to_host(X[:0, ...]).dtype
        super().__init__(diagonal, dtype, weights, n_distinct, fits_dense=fits_dense)
        self.kernel, self.X = kernel, X
        self.is_recomputed = not held
        self.K = evaluate_kernel(kernel, X) if held else None
        place = Place(X[:0, ...])
        self.working_dtype = place.dtype
        self._roots = place.put(self.sqrt_weights)

    @property
    def coef_map(self) -> Array:
        """Diagonal of ``D^(1/2)``."""
        return self._roots

    def put(self, vectors: np.ndarray) -> Array:
        """Return vectors of NumPy where the operator is."""
        return put_like(vectors, self._roots)

    def rhs(self, y: Array) -> Array:
        """``b = D^(1/2) y`` for targets of shape (n,) or (n, n_targets)."""
        return scale_rows(self._roots, y)

    def __matmul__(self, V: Array) -> Array:
        """Return ``A @ V`` in the widest precision of the device."""
        return scale_rows(self._roots, self._apply_kernel(scale_rows(self._roots, V)))

    def _apply_kernel(self, V: Array) -> Array:
        """Return ``K @ V``, by tiles where K is not held or narrower than V."""
        if self.K is not None and self.K.dtype == V.dtype:
            return self.K @ V
        columns = V if V.ndim == 2 else V[:, None]
        product = namespace(V).zeros_like(columns)
        side = tile_side(V)
        if self.K is not None:
            # A held panel is converted while it is multiplied.
            for rows in batches(self.shape[0], max(1, side**2 // self.shape[0])):
                product[rows, :] = astype(self.K[rows, :], V.dtype) @ columns
        else:
            self._add_tiles(product, columns, side)
        return product if V.ndim == 2 else product[:, 0]

    def _add_tiles(self, product: Array, V: Array, side: int) -> None:
        """Add ``K @ V`` to a product, from tiles of one triangle, each used twice."""
        tiles = [
            (rows, others)
            for rows in batches(self.shape[0], side)
            for others in batches(rows.stop, side)
        ]
        tile = foreign_tiles(self.kernel, self.X, dtype=V.dtype, check=False)
        for rows, others in tiles:
            K = tile(rows, others)
            product[rows, :] += K @ V[others, :]
            if others != rows:
                product[others, :] += K.T @ V[rows, :]
        if not namespace(V).all(namespace(V).isfinite(product)):
            # An entry is infinite: the tile that has it raises the error.
            checked = foreign_tiles(self.kernel, self.X)
            for rows, others in tiles:
                checked(rows, others)

    def kernel_matrix(self) -> Array:
        """Return K, which is not to be written to."""
        return evaluate_kernel(self.kernel, self.X) if self.K is None else self.K

    def dense(self) -> Array:
        """Return A as a new array of shape (n, n), in the widest precision.

        Raises
        ------
        ValueError
            If the memory limit does not allow it (`fits_dense`).
        """
        self._check_fits_dense()
        K = astype(self.kernel_matrix(), self.working_dtype)
        return self._roots[:, None] * K * self._roots[None, :]

    def decomposition(self) -> tuple[np.ndarray, Array]:
        """Eigenvalues of ``A / scale``, ascending, and its eigenvectors as columns.

        Raises
        ------
        ValueError
            If the memory limit does not allow it (`fits_dense`).
        """
        return full_eigh(self.dense() / self.scale)

"""Kernels whose eigenfunctions are known."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from sklearn.gaussian_process.kernels import Kernel
from sklearn.utils import check_array


class MercerKernel(Kernel):
    """Kernel given by its eigenfunctions: ``k(x, z) = sum_i lam_i phi_i(x) phi_i(z)``.

    Parameters
    ----------
    eigenfunctions : callable
        From rows, an array of shape (n_samples, n_features), to the values of the
        eigenfunctions, an array of shape (n_samples, n_functions): `FourierBasis`,
        `SphericalHarmonics` or your own.
    eigenvalues : array-like of shape (n_functions,)
        Eigenvalues, >= 0 and finite, in any order.

    See Also
    --------
    sklearn_msk.MSKKernel : Maps the eigenvalues of a kernel whose eigenfunctions are
        not known.

    Examples
    --------
    >>> from sklearn_msk.kernels import FourierBasis, MercerKernel
    >>> basis = FourierBasis(2)
    >>> kernel = MercerKernel(basis, 1.0 / (1.0 + basis.degrees) ** 2)
    >>> kernel([[1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]).round(3)
    array([[1.722, 0.778]])
    """

    def __init__(
        self, eigenfunctions: Callable[[np.ndarray], np.ndarray], eigenvalues: ArrayLike
    ) -> None:
        self.eigenfunctions = eigenfunctions
        self.eigenvalues = eigenvalues

    def __call__(
        self, X: ArrayLike, Y: ArrayLike | None = None, eval_gradient: bool = False
    ) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Kernel matrix.

        Parameters
        ----------
        X : array-like of shape (n_samples_X, n_features)
            Rows.
        Y : array-like of shape (n_samples_Y, n_features), default=None
            None means X, and the result is then exactly symmetric.
        eval_gradient : bool, default=False
            Whether to return the gradient too; it is empty, as nothing is optimised.

        Returns
        -------
        K : ndarray of shape (n_samples_X, n_samples_Y)
            The kernel matrix.
        K_gradient : ndarray of shape (n_samples_X, n_samples_X, 0)
            Only with ``eval_gradient=True``.

        Raises
        ------
        ValueError
            If eigenvalues and eigenfunctions do not match or are out of their range.
        """
        phi = self._functions(X)
        roots = np.sqrt(self._values(phi.shape[1]))
        phi = phi * roots
        K = phi @ (phi if Y is None else self._functions(Y) * roots).T
        if not eval_gradient:
            return K
        if Y is not None:
            raise ValueError("The gradient can be evaluated only where Y is None.")
        return K, np.empty((*K.shape, 0))

    def diag(self, X: ArrayLike) -> np.ndarray:
        """Diagonal of ``k(X, X)`` in O(n_samples).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            The diagonal.
        """
        phi = self._functions(X)
        return phi**2 @ self._values(phi.shape[1])

    def is_stationary(self) -> bool:
        """Return False: the eigenfunctions may depend on where the rows are."""
        return False

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, MercerKernel)
            and type(self) is type(other)
            and bool(self.eigenfunctions == other.eigenfunctions)
            and np.array_equal(self.eigenvalues, other.eigenvalues)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        count = np.size(self.eigenvalues)
        return f"MercerKernel({self.eigenfunctions!r}, {count} eigenvalues)"

    def _functions(self, X: ArrayLike) -> np.ndarray:
        """Values of the eigenfunctions, checked."""
        rows: np.ndarray = check_array(X, dtype=np.float64, estimator="MercerKernel")
        phi = np.asarray(self.eigenfunctions(rows), dtype=np.float64)
        if phi.ndim != 2 or phi.shape[0] != rows.shape[0]:
            raise ValueError(
                "The 'eigenfunctions' of MercerKernel must return an array of shape "
                f"(n_samples, n_functions) with n_samples = {rows.shape[0]}. Got shape "
                f"{phi.shape} instead."
            )
        return phi

    def _values(self, n_functions: int) -> np.ndarray:
        """Eigenvalues as an array, checked."""
        values = np.asarray(self.eigenvalues, dtype=np.float64)
        if values.shape != (n_functions,):
            raise ValueError(
                "The 'eigenvalues' of MercerKernel must have shape (n_functions,) = "
                f"({n_functions},). Got shape {values.shape} instead."
            )
        if not np.all(np.isfinite(values) & (values >= 0)):
            raise ValueError(
                "The 'eigenvalues' of MercerKernel must be finite and >= 0. Got a "
                f"smallest value of {values.min():.6g} instead."
            )
        return values

"""The leading eigenpairs of an operator, to a stated residual."""

from dataclasses import dataclass, replace

import numpy as np

from sklearn_msk._array_api import Array, Movable
from sklearn_msk._linalg import Status


@dataclass(frozen=True, eq=False)
class Spectrum(Movable):
    """Leading eigenpairs of the empirical integral operator A (K/n without weights).

    Attributes
    ----------
    eigenvalues : ndarray of shape (k,)
        Descending; all above the numerical rank.
    eigenvectors : array of shape (n, k)
        Orthonormal columns, the largest entry of each positive.
    residual_norms : ndarray of shape (k,)
        ``|A v_i - lam_i v_i|``, in the units of the eigenvalues.
    method : {"dense", "arpack", "lobpcg", "randomized"}
        Eigensolver that found them.
    next_eigenvalue : float
        Upper bound of the first eigenvalue left out, 0 where none is.
    next_ritz_value : float
        The first eigenvalue left out itself, as well as it is known.
    smallest : float
        Smallest eigenvalue that was seen; a Ritz value unless the method is "dense".
    floor : float
        Eigenvalues up to here do not count for the numerical rank.
    status : Status
        INEXACT_PRODUCTS where the products of A were not exact enough for the pairs.
    """

    eigenvalues: np.ndarray
    eigenvectors: Array
    residual_norms: np.ndarray
    method: str
    next_eigenvalue: float
    next_ritz_value: float
    smallest: float
    floor: float
    status: Status = Status.CONVERGED

    def truncated(self, k: int) -> "Spectrum":
        """Return the first k pairs, or all where there are not more."""
        if k >= len(self.eigenvalues):
            return self
        return replace(
            self,
            eigenvalues=self.eigenvalues[:k],
            eigenvectors=_first_columns(self.eigenvectors, k),
            residual_norms=self.residual_norms[:k],
            next_eigenvalue=float(self.eigenvalues[k] + self.residual_norms[k]),
            next_ritz_value=float(self.eigenvalues[k]),
        )

    @property
    def largest(self) -> float:
        """Largest eigenvalue of A, whether or not it is among the pairs."""
        return float(max(self.eigenvalues.max(initial=0.0), self.next_eigenvalue))


def _first_columns(vectors: Array, k: int) -> Array:
    """Return the first k columns, of NumPy in one piece."""
    columns = vectors[:, :k]
    return np.ascontiguousarray(columns) if isinstance(columns, np.ndarray) else columns

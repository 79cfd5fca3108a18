"""The preconditioner S, which re-scales the leading directions."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sklearn_msk._array_api import Array, Movable, put_like, scale_rows
from sklearn_msk._spectrum import Spectrum
from sklearn_msk.spectral_maps._evaluation import modified_eigenvalues


@dataclass(frozen=True, eq=False)
class Preconditioner(Movable):
    """``S = I - sum_i (1 - g(lam_i) / lam_i) v_i v_i^T`` and its powers.

    Every power has the same form, ``S^p = I + V diag((g/lam)^p - 1) V^T``. It knows the
    operator and the map, and nothing of y.

    Attributes
    ----------
    spectrum : Spectrum
        The pairs ``lam_i, v_i``.
    modified_eigenvalues : ndarray of shape (k,)
        ``g(lam_i) > 0``.
    """

    spectrum: Spectrum
    modified_eigenvalues: np.ndarray

    @cached_property
    def ratios(self) -> np.ndarray:
        """``g(lam_i) / lam_i``, the eigenvalues of S that are not 1."""
        return self.modified_eigenvalues / self.spectrum.eigenvalues

    def power(self, exponent: float, X: Array) -> Array:
        """``S^exponent @ X`` for X of shape (n,) or (n, m)."""
        if not self.ratios.size:
            return X
        V = self.spectrum.eigenvectors
        factors = put_like(self.ratios**exponent - 1.0, V)
        return X + V @ scale_rows(factors, V.T @ X)

    @cached_property
    def spectral_radius_bound(self) -> float:
        """Upper bound of the largest eigenvalue of ``M = S^(1/2) A S^(1/2)``.

        In the basis of the pairs and their complement, ``M = [[diag(g), E^T], [E, B]]``
        with ``|B|`` the next eigenvalue of A and the columns of E bounded by the
        residuals times ``sqrt(g / lam)``; so ``|M| <= max(g, |B|) + |E|``.
        """
        residuals = self.spectrum.residual_norms * np.sqrt(self.ratios)
        largest = self.modified_eigenvalues.max(initial=self.spectrum.next_eigenvalue)
        # `hypot`, as the squares of a norm would overflow for kernels of 1e160.
        return float(largest + np.hypot.reduce(residuals))

    @property
    def spectral_radius(self) -> float:
        """Estimate ``max(g, lam_next)`` of the largest eigenvalue of M.

        It is exact for exact pairs. For Ritz pairs the error is O(residual^2), smaller
        than the distance of `spectral_radius_bound`.
        """
        return float(
            self.modified_eigenvalues.max(initial=self.spectrum.next_ritz_value)
        )

    def lipschitz(self, ridge: float) -> float:
        """Lipschitz constant ``mu_max + ridge`` of the gradient.

        `learning_rate` is divided by it. 1.0 for the zero operator.
        """
        return (self.spectral_radius + ridge) or 1.0

    def max_stable_step(self, ridge: float) -> float:
        """Step up to which descent does not diverge, whatever the pairs miss."""
        bound = self.spectral_radius_bound + ridge
        return 2.0 / bound if bound > 0.0 else np.inf


def precondition(
    spectrum: Spectrum,
    g: Callable[[np.ndarray], np.ndarray],
    *,
    allow_zero: bool = False,
) -> Preconditioner:
    """Give the leading directions the rates that a spectral map has for them.

    Parameters
    ----------
    spectrum : Spectrum
    g : callable
    allow_zero : bool, default=False
        Whether ``g(lam) = 0`` is legal.

    Returns
    -------
    Preconditioner

    Raises
    ------
    ValueError
        If g returns what it must not.
    """
    rates = modified_eigenvalues(g, spectrum.eigenvalues, allow_zero=allow_zero)
    return Preconditioner(spectrum, rates)

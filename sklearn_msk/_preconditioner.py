"""The preconditioner S, which re-scales the leading directions."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sklearn_msk._spectrum import Spectrum


@dataclass(frozen=True, eq=False)
class Preconditioner:
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
    def ratios(self):
        """``g(lam_i) / lam_i``, the eigenvalues of S that are not 1."""
        return self.modified_eigenvalues / self.spectrum.eigenvalues

    def power(self, exponent, X):
        """``S^exponent @ X`` for X of shape (n,) or (n, m)."""
        if not self.ratios.size:
            return X
        V = self.spectrum.eigenvectors
        coordinates = V.T @ X
        return X + V @ (((self.ratios**exponent - 1.0) * coordinates.T).T)

    @cached_property
    def largest_rate(self):
        """Upper bound of the largest eigenvalue of ``M = S^(1/2) A S^(1/2)``.

        In the basis of the pairs and their complement, ``M = [[diag(g), E^T], [E, B]]``
        with ``|B|`` the next eigenvalue of A and the columns of E bounded by the
        residuals times ``sqrt(g / lam)``; so ``|M| <= max(g, |B|) + |E|``. Where the
        pairs come from a Krylov basis, that says more; see `Coupling.largest_rate`.
        """
        residuals = self.spectrum.residual_norms * np.sqrt(self.ratios)
        largest = self.modified_eigenvalues.max(initial=self.spectrum.next_eigenvalue)
        # `hypot`, as the squares of a norm would overflow for kernels of 1e160.
        bound = float(largest + np.hypot.reduce(residuals))
        if self.spectrum.coupling is None:
            return bound
        return min(
            bound, self.spectrum.coupling.largest_rate(self.modified_eigenvalues)
        )

    @property
    def estimated_rate(self):
        """Largest rate as the pairs have it, ``max(g, lam)`` with the next eigenvalue.

        For exact pairs that is the largest eigenvalue of M. Those of a Krylov basis
        have it to second order in their residuals and better, which is nearer to it
        than any bound can say.
        """
        return float(
            self.modified_eigenvalues.max(initial=self.spectrum.next_ritz_value)
        )

    def step_unit(self, ridge):
        """``mu_max + ridge``, which steps are taken in fractions of the inverse of.

        Without any rate there is nothing to take fractions of, and it is 1.
        """
        return (self.estimated_rate + ridge) or 1.0

    def stable_step(self, ridge):
        """Step up to which descent does not diverge, whatever the pairs miss."""
        bound = self.largest_rate + ridge
        return 2.0 / bound if bound > 0.0 else np.inf


def steepness(g, eigenvalues, following):
    """How fast S changes from the directions that g re-scales to the others.

    The largest ``|g(lam) / lam - 1| lam_next / (lam - lam_next)`` of the eigenvalues
    given, `lam_next` being the first beyond. Pairs that mix with directions beyond them
    by ``r / (lam - lam_next)``, r their residual, move S by so many times ``r /
    lam_next``. It is at most 1 for `Flatten` at its own level, and without bound for
    maps that jump at the cut.

    Parameters
    ----------
    g : callable
        From eigenvalues to rates.
    eigenvalues : ndarray of shape (k,)
        Positive, descending.
    following : float
        At most the last of them.

    Returns
    -------
    float
    """
    if following <= 0.0 or not eigenvalues.size:
        return 0.0
    changes = np.abs(g(eigenvalues) / eigenvalues - 1.0)
    gaps = eigenvalues / following - 1.0
    with np.errstate(divide="ignore"):
        slopes = np.divide(changes, gaps, where=changes > 0.0, out=np.zeros_like(gaps))
    return float(slopes.max())

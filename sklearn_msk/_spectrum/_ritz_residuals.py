"""Residuals of the Ritz vectors of a Krylov basis, and the bound that they give."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

# Ritz pairs count as found down to the first whose residual is more than this share of
# its value. Fewer pairs have smaller residuals, more of them leave less beyond.
_FOUND_SHARES = (0.03, 0.1)

# Accuracy of a bound, relative to the largest rate.
_RESOLUTION = 1e-9


@dataclass(frozen=True, eq=False)
class RitzResiduals:
    """All Ritz values of a Krylov basis, and the residuals of its Ritz vectors.

    With the Ritz vectors Y and the block P that would come next, ``A Y = scale (Y
    diag(values) + P matrix)``.

    Attributes
    ----------
    values : ndarray of shape (m,)
        Descending.
    matrix : ndarray of shape (width, m)
        Its columns are the residuals, in the coordinates of P.
    product_error : float
        Norm of what the error of products adds to them.
    scale : float
        Unit of all three.
    """

    values: np.ndarray
    matrix: np.ndarray
    product_error: float
    scale: float

    def spectral_radius_bound(self, rates: np.ndarray) -> float:
        """Upper bound of the largest eigenvalue of ``M = S^(1/2) A S^(1/2)``.

        For f Ritz pairs, the k of S first, ``M = [[D, E^T], [E, B]]`` in their basis
        and its complement. D has the rates g and the other Ritz values; E is `matrix`,
        its first columns times ``sqrt(g / values)``; and B is that of A. Where the f
        pairs are those of A and none is missed, ``|B|`` is at most ``b``, the next
        Ritz value and its residual, and ``lam > max(D, b)`` is a bound where

            ``E (lam - D)^(-1) E^T <= (lam - b) I``,

        by Schur's complement. The least of several f is taken. It exceeds the largest
        of D by some ``|E|^2 / (lam - b)``, where ``max(D, b) + |E|`` is a bound too.

        `rates` are ``g(lam_i)`` of the first k pairs.
        """
        k, rates = len(rates), rates / self.scale
        ratios = rates / self.values[:k]
        D = np.concatenate([rates, self.values[k:]])
        E = self.matrix.copy()
        E[:, :k] *= np.sqrt(ratios)
        bound = min(self._bound(D[:f], E[:, :f]) for f in self._counts(k))
        return self.scale * (bound + self.product_error * ratios.max(initial=1.0))

    def _counts(self, k: int) -> set[int]:
        """How many Ritz pairs, k at least, may count as found."""
        residuals = np.linalg.norm(self.matrix[:, k:], axis=0)
        counts = {k}
        for share in _FOUND_SHARES:
            unknown = residuals > share * np.maximum(self.values[k:], 0.0)
            counts.add(k + int(unknown.argmax()) if unknown.any() else k)
        return counts

    def _bound(self, D: np.ndarray, E: np.ndarray) -> float:
        """Return the bound that some Ritz pairs give."""
        f = len(D)
        beyond = float(self.values[f] + np.linalg.norm(self.matrix[:, f]))
        least = max(D.max(initial=beyond), beyond)
        # Relative to the rates themselves nothing over- or underflows.
        D, E, beyond = D / least, E / least, beyond / least
        coupling = float(np.linalg.norm(E, 2)) if f else 0.0

        def excess(step: float) -> float:
            gram = (E / (1.0 + step - D)) @ E.T
            return np.linalg.eigvalsh(gram)[-1] - (1.0 + step - beyond)

        if coupling <= _RESOLUTION or excess(_RESOLUTION) <= 0.0:
            return least * (1.0 + _RESOLUTION)
        step = brentq(excess, _RESOLUTION, coupling, xtol=_RESOLUTION, rtol=1e-2)
        # `beyond` is an estimate itself.
        return least * (1.0 + 2.0 * step)

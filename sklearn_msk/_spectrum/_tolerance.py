"""How small the residuals of leading pairs have to be."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Tolerance:
    """Bound on `worst_residual`, tighter for steeper maps.

    Attributes
    ----------
    strict : float
        For any map of the eigenvalues.
    loose : float, default=0.0
        For maps of steepness 1 and less. In between it is ``loose / steepness``.
    steepness : callable, default=None
        ``steepness(values)`` of the maps that the pairs are for, `values` the
        eigenvalues, descending, the first one left out included. None is that of any.
    """

    strict: float
    loose: float = 0.0
    steepness: Callable | None = None

    def scaled(self, scale):
        """Return the same for values in units of `scale`."""
        if self.steepness is None:
            return self
        steepness = self.steepness
        return replace(self, steepness=lambda values: steepness(values * scale))

    def of(self, values, error):
        """Tolerance for pairs whose `worst_residual` is `error`.

        Parameters
        ----------
        values : ndarray of shape (m,)
            Their Ritz values, descending. Until `error` is below `loose` they are not
            known well enough to be shown to a map.
        error : float

        Returns
        -------
        float
        """
        if self.steepness is None or self.loose <= self.strict:
            return self.strict
        if error > self.loose:
            return self.loose
        steepness = max(self.steepness(values), 1.0)
        return float(np.clip(self.loose / steepness, self.strict, self.loose))

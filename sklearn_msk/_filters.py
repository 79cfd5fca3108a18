"""Spectral filters: what each eigen-direction has gained after a time of training."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SpectralFilter:
    """The filter ``p_T`` of gradient flow, of descent, or of their limit.

    Attributes
    ----------
    dynamics : {"flow", "descent"}
        The continuous limit at time ``eta T``, or T discrete steps.
    max_iter : float
        T > 0; inf is the limit. Any real number under flow, a whole number under
        descent.
    learning_rate : float
        eta, absolute: a step on A.
    ridge : float
        ``alpha / n``, in units of the eigenvalues of A.
    """

    dynamics: str
    max_iter: float
    learning_rate: float
    ridge: float = 0.0

    def __call__(self, eigenvalues: np.ndarray, *, floor: float) -> np.ndarray:
        """Coefficient that each mode has gained, per unit of its right-hand side.

        With ``x`` the eigenvalue of the mode, ``d = x + ridge`` and ``z = eta d``::

            p_T(x) = (1 - exp(-T z)) / d       flow
            p_T(x) = (1 - (1 - z)^T) / d       descent
            p_inf(x) = 1 / d

        Parameters
        ----------
        eigenvalues : ndarray of shape (m,)
            Of ``M = S^(1/2) A S^(1/2)``.
        floor : float
            Modes with ``d <= floor`` are rounding; they gain nothing, at any T.

        Returns
        -------
        ndarray of shape (m,)
        """
        damping = np.maximum(eigenvalues, 0.0) + self.ridge
        kept = damping > floor
        gain = np.zeros_like(damping)
        gain[kept] = self._progress(self.learning_rate * damping[kept]) / damping[kept]
        return gain

    def _progress(self, z: np.ndarray) -> np.ndarray:
        """``1 - exp(-T z)`` or ``1 - (1 - z)^T``, without cancellation."""
        if np.isinf(self.max_iter):
            return np.ones_like(z)
        if self.dynamics == "flow":
            return -np.expm1(-self.max_iter * z)
        # log1p serves small z; from 1/2 on the power itself is far from 1.
        small = z < 0.5
        n_steps = int(self.max_iter)
        progress = 1.0 - (1.0 - z) ** n_steps
        progress[small] = -np.expm1(n_steps * np.log1p(-z[small]))
        return progress


def longest(filters: Iterable[SpectralFilter]) -> SpectralFilter:
    """Return the filter of most steps; of those, the one of the largest step."""
    return max(filters, key=lambda f: (f.max_iter, f.learning_rate, -f.ridge))


def extremes(filters: Iterable[SpectralFilter]) -> list[SpectralFilter]:
    """Return the filters that a path has to be checked for, to hold for all of them.

    A Krylov space that serves the longest and the shortest time, at the least and at
    the largest ridge, serves what is between.
    """
    filters = list(filters)
    chosen: dict[SpectralFilter, None] = {}
    for dynamics in sorted({f.dynamics for f in filters}):
        alike = [f for f in filters if f.dynamics == dynamics]
        for pick in (min, max):
            time = pick(_time(f) for f in alike)
            at_time = [f for f in alike if _time(f) == time]
            chosen[min(at_time, key=_ridge)] = None
            chosen[max(at_time, key=_ridge)] = None
    return list(chosen)


def _time(f: SpectralFilter) -> float:
    """Time ``eta T`` of the flow."""
    return f.max_iter * f.learning_rate


def _ridge(f: SpectralFilter) -> float:
    """Ridge of a filter."""
    return f.ridge

"""How accurate leading pairs have to be for the maps that re-scale them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from sklearn_msk._tuning import (
    LOOSE_PAIR_TOL,
    MAX_LOOSE_PAIR_TOL,
    MAX_STRICT_PAIR_TOL,
    STRICT_PAIR_TOL,
)

SpectralMap = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class PairAccuracy:
    """Bound on `worst_residual`, tighter for maps that jump at the cut.

    Attributes
    ----------
    strict : float
        Bound for any map.
    loose : float, default=0.0
        Bound for maps with a `relative_jump` of 1 and less; ``loose / jump`` in
        between.
    maps : tuple of pairs (callable, int), default=()
        Maps g from eigenvalues to rates, which may raise a ValueError, each with the
        number k of eigenvalues that it re-scales. Without maps, `strict` holds.
    """

    strict: float
    loose: float = 0.0
    maps: tuple[tuple[SpectralMap, int], ...] = ()

    @classmethod
    def for_residual(cls, strict: float) -> Self:
        """Accuracy that serves any map: residuals below a bound."""
        return cls(strict)

    @classmethod
    def for_maps(
        cls,
        tol: float,
        maps: tuple[tuple[SpectralMap, int], ...],
        *,
        slack: float = 1.0,
    ) -> Self:
        """Accuracy that serves some maps and moves predictions by at most 1e-2 sd(y).

        Parameters
        ----------
        tol : float
            Bound on the error of the fitted values, relative to y.
        maps : tuple of pairs (callable, int)
        slack : float, default=1.0
            Distance, at most 1, of the learning rate from 2, where descent diverges:
            errors of the largest rate are magnified by ``1 / slack``.

        Returns
        -------
        PairAccuracy
        """
        strict = min(STRICT_PAIR_TOL * tol, MAX_STRICT_PAIR_TOL)
        loose = min(LOOSE_PAIR_TOL * math.sqrt(tol), MAX_LOOSE_PAIR_TOL)
        return cls(strict, loose * math.sqrt(slack), maps)

    def tolerance_for(
        self, values: np.ndarray, error: float, rank_rtol: float
    ) -> float:
        """Bound for pairs whose `worst_residual` is `error`.

        Parameters
        ----------
        values : ndarray of shape (m,)
            Ritz values, descending, the first one left out included. Maps see them
            once `error` is below `loose`.
        error : float
        rank_rtol : float
            Maps do not see values up to this share of the largest.

        Returns
        -------
        float
        """
        if not self.maps or self.loose <= self.strict:
            return self.strict
        if error > self.loose:
            return self.loose
        values = values[values > rank_rtol * values[0]]
        jump = max(_jump(g, k, values) for g, k in self.maps)
        return float(np.clip(self.loose / max(jump, 1.0), self.strict, self.loose))


def _jump(g: SpectralMap, k: int, values: np.ndarray) -> float:
    """`relative_jump` of a map at the first k of some values."""
    k = min(k, len(values))
    following = float(values[k]) if k < len(values) else 0.0
    return relative_jump(g, values[:k], following)


def relative_jump(g: SpectralMap, eigenvalues: np.ndarray, following: float) -> float:
    """How fast S changes from the directions that g re-scales to the others.

    The largest ``|g(lam) / lam - 1| lam_next / (lam - lam_next)`` of the eigenvalues
    given, descending, `lam_next` being the first beyond. Pairs of residual r mix with
    directions beyond them by ``r / (lam - lam_next)``, which moves S by so many times
    ``r / lam_next``. It is at most 1 for `Flatten` at its own level, and unbounded for
    maps that jump at the cut.
    """
    if following <= 0.0 or not eigenvalues.size:
        return 0.0
    changes = np.abs(g(eigenvalues) / eigenvalues - 1.0)
    gaps = eigenvalues / following - 1.0
    with np.errstate(divide="ignore"):
        slopes = np.divide(changes, gaps, where=changes > 0.0, out=np.zeros_like(gaps))
    return float(slopes.max())

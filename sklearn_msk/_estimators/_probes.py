"""Leaves that tell how well a whole partition will do."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sklearn_msk._estimators._leaves import LeafModel
from sklearn_msk._tuning import PROBE_FLOOR


@dataclass(frozen=True, eq=False)
class Probes:
    """Leaves drawn with probabilities that grow with the errors of linear models.

    The sum of squares over all leaves, ``sum_l E_l``, is estimated without bias by
    ``(sum_l P_l) mean_j E_l(j) / P_l(j)`` over leaves l(j) that are drawn with
    probabilities proportional to P_l (Hansen and Hurwitz 1943). P_l is the error of a
    linear model on a sample of the rows of the leaf, and a little for its rows: the few
    leaves that hold most of the error are drawn, and the ratios vary little.

    Attributes
    ----------
    drawn : ndarray of shape (n_draws,), int
        Numbers of leaves, ascending; a leaf may be there several times.
    sizes : ndarray of shape (n_leaves,)
        P_l.
    weights : ndarray of shape (n_leaves,)
        Sum of the weights of the rows of the sample in each leaf.
    """

    drawn: np.ndarray
    sizes: np.ndarray
    weights: np.ndarray

    @classmethod
    def draw(
        cls, linear_errors: np.ndarray, weights: np.ndarray, n: int, start: float
    ) -> "Probes":
        """Draw leaves at equal steps of the cumulative sizes; `start` is in [0, 1)."""
        # So that a leaf in which a linear model has no error may be drawn.
        total = linear_errors.sum()
        floor = PROBE_FLOOR * total if total > 0 else 1.0
        sizes = linear_errors + floor * weights / weights.sum()
        places = (np.arange(n) + start) / n * sizes.sum()
        drawn = np.searchsorted(np.cumsum(sizes), places, side="right")
        return cls(np.minimum(drawn, np.flatnonzero(sizes)[-1]), sizes, weights)

    @property
    def leaves(self) -> np.ndarray:
        """Numbers of the leaves to fit, each once."""
        return np.unique(self.drawn)

    def total_error(self, fitted: Mapping[int, LeafModel], unit: np.ndarray) -> float:
        """Estimate the sum of squares that all leaves leave, of targets in a unit."""
        errors = np.array(
            [
                self.weights[leaf] * np.square(fitted[leaf].error / unit).sum()
                for leaf in self.drawn
            ]
        )
        return float(self.sizes.sum() * np.mean(errors / self.sizes[self.drawn]))

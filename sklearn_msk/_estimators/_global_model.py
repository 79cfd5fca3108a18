"""The model of all rows that the leaves of a partition correct."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

# From a fitted estimator and rows to values, one or more for each row.
Values = Callable[[Any, np.ndarray], np.ndarray]

# 1 less the leverage from which on a row makes a bump.
_BUMP = 0.5


@dataclass(frozen=True, eq=False)
class GlobalModel:
    """A model, and what it says of its training rows without them.

    Attributes
    ----------
    estimator : fitted estimator
    values : callable
        From the estimator and rows to values.
    seen : ndarray of shape (n_seen,), int
        Numbers of its training rows, ascending.
    left_out : ndarray of shape (n_seen,) or (n_seen, n_targets)
        Their values by models that have not seen them.
    exact : bool
        Whether these are the models without one row each, and not without a fold.
    """

    estimator: Any
    values: Values
    seen: np.ndarray
    left_out: np.ndarray
    exact: bool

    def residuals(
        self, X: np.ndarray, targets: np.ndarray, numbers: np.ndarray
    ) -> np.ndarray:
        """Targets less the values of a model that has not seen them.

        A model that has seen a row of leverage h leaves ``1 - h`` times as much there.
        Beyond h = 1/2, as at a landmark far from other rows, the model has a bump at
        the row. The leaf must not add the bump again: what the model itself leaves is
        taken there.

        Parameters
        ----------
        X : ndarray of shape (n, n_features)
        targets : ndarray of shape (n,) or (n, n_targets)
        numbers : ndarray of shape (n,), int
            Numbers of these rows among all rows, ascending.

        Returns
        -------
        ndarray of the shape of `targets`
        """
        found = self.values(self.estimator, X).reshape(targets.shape).copy()
        _, rows, places = np.intersect1d(
            numbers, self.seen, assume_unique=True, return_indices=True
        )
        residuals = targets - found
        unseen = targets[rows] - self.left_out[places]
        if self.exact:
            bump = np.abs(residuals[rows]) < _BUMP * np.abs(unseen)
            unseen = np.where(bump, residuals[rows], unseen)
        residuals[rows] = unseen
        return residuals


def draw_rows(n: int, size: int, rng: np.random.RandomState) -> np.ndarray:
    """Draw numbers of rows, ascending; all of them where there are no more."""
    return np.arange(n) if n <= size else np.sort(rng.permutation(n)[:size])

"""The model of all rows that the leaves of a partition correct."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

# From a fitted estimator and rows to values, one or more for each row.
Values = Callable[[Any, np.ndarray], np.ndarray]


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
    """

    estimator: Any
    values: Values
    seen: np.ndarray
    left_out: np.ndarray

    def residuals(self, X: np.ndarray, targets: np.ndarray, start: int) -> np.ndarray:
        """Targets less the values of a model that has not seen them.

        Parameters
        ----------
        X : ndarray of shape (n, n_features)
        targets : ndarray of shape (n,) or (n, n_targets)
        start : int
            Number of the first of these rows among all rows.

        Returns
        -------
        ndarray of the shape of `targets`
        """
        found = self.values(self.estimator, X).reshape(targets.shape).copy()
        first, last = np.searchsorted(self.seen, [start, start + len(X)])
        found[self.seen[first:last] - start] = self.left_out[first:last]
        return targets - found


def draw_rows(n: int, size: int, rng: np.random.RandomState) -> np.ndarray:
    """Draw numbers of rows, ascending; all of them where there are no more."""
    return np.arange(n) if n <= size else np.sort(rng.permutation(n)[:size])

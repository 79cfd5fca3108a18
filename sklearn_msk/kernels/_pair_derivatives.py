"""The gradient of a kernel between every pair of rows, as a sum of structured terms.

No array of shape (n_x, n_z, n_features) is made: a term holds matrices of shape
(n_x, n_z), which the product rule multiplies, and sums over z are products with them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np

from sklearn_msk._batches import batches

# Entries of a part of a matrix of signs, which stay in cache from one feature to the
# next.
_SIGN_ENTRIES = 65_536

# Central differences of fourth order at this share of the spread of a feature: the
# truncation is of the order of its fourth power, the rounding of eps over it.
_STEP = 1e-4
_STENCIL = ((1, 8.0 / 12.0), (-1, -8.0 / 12.0), (2, -1.0 / 12.0), (-2, 1.0 / 12.0))


class Term(Protocol):
    """A part of ``grad_x k(x_i, z_j)`` for every i and j."""

    def times(self, factor: np.ndarray | float) -> Self:
        """Return the term whose part of every pair is multiplied by a factor."""

    def contract(self, coef: np.ndarray) -> np.ndarray:
        """Sum over j with each column of `coef`: (n_x, n_features, n_targets)."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Kernel between some rows x and all rows z, and its gradient in x.

    Attributes
    ----------
    value : ndarray of shape (n_x, n_z)
    terms : tuple of Term
        Their sum is the gradient.
    """

    value: np.ndarray
    terms: tuple[Term, ...]


@dataclass(frozen=True, eq=False)
class PlaneTerm:
    """``scale * (own[i, j] x_i + other[i, j] z_j)``: in the plane of the two rows.

    Attributes
    ----------
    scale : float or ndarray of shape (n_features,)
    own, other : ndarray of shape (n_x, n_z)
        None for `own` stands for ``-other``, a multiple of ``z_j - x_i``.
    x : ndarray of shape (n_x, n_features)
    z : ndarray of shape (n_z, n_features)
    """

    scale: float | np.ndarray
    own: np.ndarray | None
    other: np.ndarray
    x: np.ndarray
    z: np.ndarray

    def times(self, factor: np.ndarray | float) -> "PlaneTerm":
        """Multiply both matrices."""
        own = None if self.own is None else self.own * factor
        return replace(self, own=own, other=self.other * factor)

    def contract(self, coef: np.ndarray) -> np.ndarray:
        """``x (own a) + other (a z)``, one product of a matrix for each target."""
        out = np.empty((*self.x.shape, coef.shape[1]))
        own = -(self.other @ coef) if self.own is None else self.own @ coef
        for target, column in enumerate(coef.T):
            sums = self.other @ (column[:, None] * self.z)
            out[..., target] = self.scale * (sums + own[:, [target]] * self.x)
        return out


@dataclass(frozen=True, eq=False)
class SignTerm:
    """``weight[i, j] sign(x_i - z_j)``, feature by feature: of the city block.

    Attributes
    ----------
    weight : ndarray of shape (n_x, n_z)
    x : ndarray of shape (n_x, n_features)
    z : ndarray of shape (n_z, n_features)
    """

    weight: np.ndarray
    x: np.ndarray
    z: np.ndarray

    def times(self, factor: np.ndarray | float) -> "SignTerm":
        """Multiply the weights."""
        return replace(self, weight=self.weight * factor)

    def contract(self, coef: np.ndarray) -> np.ndarray:
        """Sum over the rows below x less those above it, for every feature."""
        out = np.empty((*self.x.shape, coef.shape[1]))
        columns = np.ascontiguousarray(self.z.T)
        for rows in batches(len(self.x), max(1, _SIGN_ENTRIES // len(self.z))):
            weight = self.weight[rows]
            signs = np.empty_like(weight)
            for feature, z in enumerate(columns):
                x = self.x[rows, feature, None]
                # Comparisons take a third of the time of `np.sign`.
                above, below = (x > z).view(np.int8), (x < z).view(np.int8)
                np.subtract(above, below, out=signs)
                signs *= weight
                out[rows, feature] = signs @ coef
        return out


@dataclass(frozen=True, eq=False)
class DifferenceTerm:
    """Central differences of a kernel that is known by its values alone.

    ``(8 (k(h) - k(-h)) - (k(2h) - k(-2h))) / 12h`` for every feature.

    Attributes
    ----------
    evaluate : callable
        Matrix ``k(x, z)`` of shape (n_x, n_z), for rows x.
    x : ndarray of shape (n_x, n_features)
    steps : ndarray of shape (n_features,)
        The h of every feature.
    weight : ndarray of shape (n_x, n_z) or float
    """

    evaluate: Callable[[np.ndarray], np.ndarray]
    x: np.ndarray
    steps: np.ndarray
    weight: np.ndarray | float = 1.0

    def times(self, factor: np.ndarray | float) -> "DifferenceTerm":
        """Multiply the weights."""
        return replace(self, weight=self.weight * factor)

    def contract(self, coef: np.ndarray) -> np.ndarray:
        """Difference the kernel feature by feature, and sum."""
        out = np.zeros((*self.x.shape, coef.shape[1]))
        for feature, h in enumerate(self.steps):
            for count, share in _STENCIL:
                moved = self.x.copy()
                moved[:, feature] += count * h
                # What was added, in floating point.
                step = (moved[:, feature] - self.x[:, feature])[:, None] / count
                values = self.weight * self.evaluate(moved)
                out[:, feature] += share / step * (values @ coef)
        return out


def difference_steps(X: np.ndarray) -> np.ndarray:
    """Step of every feature: a share of its spread, above the rounding of its size."""
    spread, size = X.std(axis=0), np.abs(X).max(axis=0)
    steps = _STEP * np.maximum(spread, np.sqrt(np.finfo(float).eps) * size)
    return np.where(steps > 0, steps, _STEP)

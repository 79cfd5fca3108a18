"""The path that training takes, as one immutable object."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Self

import numpy as np

from sklearn_msk._array_api import (
    Array,
    Movable,
    column_norms,
    namespace,
    put_like,
    scale_rows,
    to_host,
)
from sklearn_msk._filters import SpectralFilter
from sklearn_msk._linalg import Status
from sklearn_msk._operators import Operator


@dataclass(frozen=True, eq=False)
class Path(Movable, ABC):
    """Coefficients of the model after any time of training.

    Attributes
    ----------
    filter : SpectralFilter
        What it was computed for; `coef` may ask for less.
    coef_map : array of shape (n,) or (n_landmarks, n)
        What takes coordinates to dual coefficients: the diagonal of ``D^(1/2)``, or a
        matrix; see the operator.
    total_weight : float
        ``sum(w)``, or n.
    n_products : int
        Products of the kernel matrix with a vector that it took.
    error_estimate : float
        Estimated ``|K (a - a_T)| / |y|`` for `filter`, the worst target.
    rounding_error : float
        What rounding alone adds to it; large where S or K is too ill-conditioned.
    eigenvalue_floor : float
        Eigenvalues of M up to here are rounding.
    target_scale : float or ndarray of shape (n_targets,), default=1.0
        What y was divided by before.
    status : Status, default=CONVERGED
        INEXACT_PRODUCTS where the products of A are not exact enough for the
        tolerance.
    """

    filter: SpectralFilter
    coef_map: Array
    total_weight: float
    n_products: int
    error_estimate: float
    rounding_error: float
    eigenvalue_floor: float
    target_scale: float | np.ndarray = field(default=1.0, kw_only=True)
    status: Status = field(default=Status.CONVERGED, kw_only=True)

    def coef(
        self,
        max_iter: float | None = None,
        learning_rate: float | None = None,
        alpha: float | None = None,
    ) -> np.ndarray:
        """Dual coefficients.

        Parameters
        ----------
        max_iter : int, float or inf, default=None
            Time T > 0 under flow, a whole number of steps from 1 under descent, at most
            that of `filter`, which is what None means.
        learning_rate : float, default=None
            Absolute step on K/n, > 0, as `MSKRegressor.learning_rate_`; None is that
            of `filter`.
        alpha : float, default=None
            Ridge, >= 0, in the units of `KernelRidge`; None is that of `filter`.

        Returns
        -------
        ndarray of shape (n,) or (n, n_targets), float64

        Raises
        ------
        ValueError
            If one of them is out of its range.
        """
        last = self.filter.max_iter
        steps = self.filter.dynamics == "descent"
        legal_times = (
            f"that is whole and from 1 to {last}" if steps else (f"> 0 and <= {last}")
        )
        for name, value, legal, holds in (
            ("max_iter", max_iter, legal_times, self._covers),
            ("learning_rate", learning_rate, "> 0", lambda v: 0 < v < math.inf),
            ("alpha", alpha, ">= 0", lambda v: 0 <= v < math.inf),
        ):
            if value is not None and not (isinstance(value, Real) and holds(value)):
                raise ValueError(
                    f"The {name!r} of a trajectory must be a number {legal}. "
                    f"Got {value!r} instead."
                )
        given = self.filter
        if max_iter is not None:
            given = replace(given, max_iter=max_iter)
        if learning_rate is not None:
            given = replace(given, learning_rate=learning_rate)
        if alpha is not None:
            given = replace(given, ridge=alpha / self.total_weight)
        return self.coef_at(given)

    def _covers(self, max_iter: float) -> bool:
        """Whether the path reaches a time, and has a step there."""
        reached = 0 < max_iter <= self.filter.max_iter
        if self.filter.dynamics == "flow" or math.isinf(max_iter):
            return reached
        return reached and float(max_iter).is_integer()

    def coef_at(self, filter: SpectralFilter) -> Array:
        """Dual coefficients for a filter that the path was computed for, or less.

        Parameters
        ----------
        filter : SpectralFilter

        Returns
        -------
        ndarray of shape (n,) or (n, n_targets), float64
        """
        coordinates = self._coordinates(filter)
        coordinates = coordinates * put_like(to_host(self.target_scale), coordinates)
        if self.coef_map.ndim == 2:
            return self.coef_map @ coordinates
        return scale_rows(self.coef_map, coordinates)

    @abstractmethod
    def _coordinates(self, filter: SpectralFilter) -> Array:
        """Coordinates ``c`` for a filter, in the shape of the targets."""

    @abstractmethod
    def n_dropped(self, ridge: float) -> int:
        """Count the modes that are no more than rounding, for the worst target."""


@dataclass(frozen=True, eq=False)
class Modes:
    """Directions that evolve each on its own.

    Attributes
    ----------
    eigenvalues : ndarray of shape (m,)
        Eigenvalues, or Ritz values, of ``M = S^(1/2) A S^(1/2)``.
    vectors : array of shape (n, m) or None
        ``S^(1/2)`` times its eigenvectors, or Ritz vectors; None is the identity.
    weights : ndarray of shape (m,) or (m, n_targets)
        Coordinates of ``S^(1/2) b``.
    """

    eigenvalues: np.ndarray
    vectors: Array | None
    weights: np.ndarray

    def coordinates(self, filter: SpectralFilter, floor: float) -> Array:
        """``U p_T(x) u``, U the vectors and u the weights."""
        gain = filter(to_host(self.eigenvalues), floor=floor)
        gained = scale_rows(gain, to_host(self.weights))
        if self.vectors is None:
            return put_like(gained, self.weights)
        return self.vectors @ put_like(gained, self.vectors)


@dataclass(frozen=True, eq=False)
class ModalPath(Path):
    """A path whose modes evolve each on its own: ``c = U p_T(x) u``.

    Attributes
    ----------
    modes : tuple of Modes
        One for every target, or one for the target or targets that share it.
    """

    modes: tuple[Modes, ...]

    def _coordinates(self, filter: SpectralFilter) -> Array:
        columns = [m.coordinates(filter, self.eigenvalue_floor) for m in self.modes]
        if len(columns) == 1:
            return columns[0]
        return namespace(columns[0]).concat(columns, axis=1)

    def n_dropped(self, ridge: float) -> int:
        """Count the modes that are no more than rounding, for the worst target."""
        floor = self.eigenvalue_floor
        return max(
            int(np.sum(to_host(m.eigenvalues) + ridge <= floor)) for m in self.modes
        )

    def verified(self, A: Operator, y: Array, fitted: Array) -> Self:
        """Return the same path with its `rounding_error`, at the cost of a product.

        `fitted` is ``A c`` as the solver has it, in the shape of y, to be compared with
        the product. The error counts what A itself is off by: along the path an error
        of A adds up to its product with ``sum_t S r_t``, which is c, or less where
        modes decay.
        """
        size = column_norms(A.rhs(y))
        coordinates = self._coordinates(self.filter)
        difference = column_norms(A @ coordinates - fitted)
        difference = difference + A.product_error * column_norms(A.scale * coordinates)
        error = np.max(difference / np.where(size > 0, size, 1.0))
        products = self.n_products + size.size
        return replace(self, n_products=products, rounding_error=float(error))

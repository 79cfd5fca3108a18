"""The path that training takes, as one immutable object."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from numbers import Real

import numpy as np

from sklearn_msk._dynamics._schedule import Schedule


@dataclass(frozen=True, eq=False)
class Trajectory(ABC):
    """Coefficients of the model after any number of steps.

    Attributes
    ----------
    schedule : Schedule
        What it was computed for; `coef` may ask for less.
    dual_basis : ndarray of shape (n,) or (n_landmarks, n)
        What takes coordinates to dual coefficients: the diagonal of ``D^(1/2)``, or a
        matrix; see the operator.
    total_weight : float
        ``sum(w)``, or n.
    n_products : int
        Products of the kernel matrix with a vector that it took.
    error_estimate : float
        Estimated ``|K (a - a_T)| / |y|`` for `schedule`, the worst target.
    rounding_error : float
        What rounding alone adds to it; large where S or K is too ill-conditioned.
    target_scale : float or ndarray of shape (n_targets,), default=1.0
        What y was divided by before.
    """

    schedule: Schedule
    dual_basis: np.ndarray
    total_weight: float
    n_products: int
    error_estimate: float
    rounding_error: float
    target_scale: float | np.ndarray = field(default=1.0, kw_only=True)

    def coef(self, max_iter=None, learning_rate=None, alpha=None):
        """Dual coefficients.

        Parameters
        ----------
        max_iter : int or inf, default=None
            Number of steps T, from 1 to that of `schedule`, which is what None means.
        learning_rate : float, default=None
            Absolute step on K/n, > 0, as `MSKRegressor.learning_rate_`; None is that
            of `schedule`.
        alpha : float, default=None
            Ridge, >= 0, in the units of `KernelRidge`; None is that of `schedule`.

        Returns
        -------
        ndarray of shape (n,) or (n, n_targets), float64

        Raises
        ------
        ValueError
            If one of them is out of its range.
        """
        last = self.schedule.max_iter
        for name, value, legal, holds in (
            ("max_iter", max_iter, f"from 1 to {last}", lambda v: 1 <= v <= last),
            ("learning_rate", learning_rate, "> 0", lambda v: 0 < v < np.inf),
            ("alpha", alpha, ">= 0", lambda v: 0 <= v < np.inf),
        ):
            if value is not None and not (isinstance(value, Real) and holds(value)):
                raise ValueError(
                    f"The {name!r} of a trajectory must be a number {legal}. "
                    f"Got {value!r} instead."
                )
        changed = {
            "max_iter": max_iter,
            "learning_rate": learning_rate,
            "ridge": None if alpha is None else alpha / self.total_weight,
        }
        changed = {name: value for name, value in changed.items() if value is not None}
        return self.dual_coef(replace(self.schedule, **changed))

    def dual_coef(self, schedule):
        """Dual coefficients for a schedule that the path was computed for, or less.

        Parameters
        ----------
        schedule : Schedule

        Returns
        -------
        ndarray of shape (n,) or (n, n_targets), float64
        """
        coordinates = self._coordinates(schedule) * self.target_scale
        if self.dual_basis.ndim == 2:
            return self.dual_basis @ coordinates
        return (self.dual_basis * coordinates.T).T

    @abstractmethod
    def _coordinates(self, schedule):
        """Coordinates ``c`` for a schedule, in the shape of the targets."""


@dataclass(frozen=True, eq=False)
class ModalTrajectory(Trajectory):
    """A trajectory whose modes evolve each on its own: ``c = U p_T(x) u``.

    Attributes
    ----------
    modes : tuple of Modes
        One for every target.
    noise : float
        Rates up to here are rounding.
    """

    modes: tuple
    noise: float
    single_target: bool

    def _coordinates(self, schedule):
        columns = [
            part.vectors @ (schedule.gain(part.rates, self.noise) * part.weights)
            for part in self.modes
        ]
        return columns[0] if self.single_target else np.column_stack(columns)

    def verified(self, A, y, fitted):
        """Return the same path with its `rounding_error`, at the cost of a product.

        It counts what A itself is off by. Along the path an error of A adds up to its
        product with ``sum_t S r_t``, which is c, or less where modes decay.

        Parameters
        ----------
        A : operator
        y : ndarray of shape (n,) or (n, n_targets)
        fitted : ndarray of the shape of y
            ``A c`` as the solver has it, to be compared with the product.
        """
        size = np.linalg.norm(A.right_hand_side(y), axis=0)
        coordinates = self._coordinates(self.schedule)
        difference = np.linalg.norm(A @ coordinates - fitted, axis=0)
        difference += A.rounding * np.linalg.norm(A.scale * coordinates, axis=0)
        error = np.max(difference / np.where(size > 0, size, 1.0))
        products = self.n_products + len(self.modes)
        return replace(self, n_products=products, rounding_error=float(error))

    def n_dropped(self, ridge):
        """Count the modes that are no more than rounding, for the worst target."""
        return max(int(np.sum(m.rates + ridge <= self.noise)) for m in self.modes)


@dataclass(frozen=True, eq=False)
class Modes:
    """Directions that evolve each on its own, for one target.

    Attributes
    ----------
    rates : ndarray of shape (m,)
        Eigenvalues, or Ritz values, of ``M = S^(1/2) A S^(1/2)``.
    vectors : ndarray of shape (n, m)
        ``S^(1/2)`` times its eigenvectors, or Ritz vectors.
    weights : ndarray of shape (m,)
        Coordinates of ``S^(1/2) b``.
    """

    rates: np.ndarray
    vectors: np.ndarray
    weights: np.ndarray

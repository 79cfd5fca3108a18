"""Trajectory by the literal loop, the reference for the other solvers."""

from dataclasses import dataclass

import numpy as np

from sklearn_msk._dynamics._schedule import longest
from sklearn_msk._dynamics._trajectory import Trajectory


def gd_trajectories(A, y, requests, tol, monitor=None):
    """Preconditioned gradient descent, a product a step.

    Parameters as in `trajectories`; tol is not needed.
    """
    return [_gd_trajectory(A, y, S, longest(schedules)) for S, schedules in requests]


def _gd_trajectory(A, y, S, schedule):
    return LoopTrajectory(
        schedule=schedule,
        dual_basis=A.dual_basis,
        total_weight=A.total_weight,
        n_products=int(schedule.max_iter) * (1 if y.ndim == 1 else y.shape[1]),
        error_estimate=0.0,
        rounding_error=0.0,
        A=A,
        S=S,
        b=A.right_hand_side(y),
    )


@dataclass(frozen=True, eq=False)
class LoopTrajectory(Trajectory):
    """``c <- (1 - eta ridge) c - eta S (A c - b)`` from ``c = 0``, run when asked for.

    Attributes
    ----------
    A : operator
    S : Preconditioner
    b : ndarray of shape (n,) or (n, n_targets)
    """

    A: object
    S: object
    b: np.ndarray

    def _coordinates(self, schedule):
        eta = schedule.learning_rate
        c = np.zeros_like(self.b)
        for _ in range(int(schedule.max_iter)):
            gradient = self.S.power(1.0, self.A @ c - self.b)
            c = (1.0 - eta * schedule.ridge) * c - eta * gradient
        return c

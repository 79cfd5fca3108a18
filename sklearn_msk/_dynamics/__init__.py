"""The path that training takes, and the solvers that find it."""

from sklearn_msk._dynamics._schedule import Schedule
from sklearn_msk._dynamics._solve import (
    choose_solver,
    smallest_tol,
    trajectories,
    trajectory,
)
from sklearn_msk._dynamics._trajectory import Trajectory

__all__ = [
    "Schedule",
    "Trajectory",
    "choose_solver",
    "smallest_tol",
    "trajectories",
    "trajectory",
]

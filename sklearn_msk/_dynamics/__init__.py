"""The path that training takes, and the solvers that find it."""

from sklearn_msk._dynamics._schedule import Schedule
from sklearn_msk._dynamics._solve import smallest_tol, trajectory
from sklearn_msk._dynamics._trajectory import Trajectory

__all__ = ["Schedule", "Trajectory", "smallest_tol", "trajectory"]

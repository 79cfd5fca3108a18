"""The path that training takes, and the solvers that find it."""

from sklearn_msk._solvers._path import Path
from sklearn_msk._solvers._solve import choose_solver, smallest_tol, solve

__all__ = ["Path", "choose_solver", "smallest_tol", "solve"]

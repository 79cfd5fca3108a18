"""What a user asks of a training: frozen values, one for each part of the spine."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_msk._array_api import Place
from sklearn_msk._tuning import DEFAULT_K, FLOAT32_MIN_TOL, ROWS_PER_DIRECTION


@dataclass(frozen=True, eq=False)
class TrainingConfig:
    """Which spectrum training follows, how far, and how exactly.

    None of these parameters changes the kernel matrix or its eigenvectors, so that
    many configurations share one problem and one spectrum.

    Attributes
    ----------
    g : callable
        Spectral map, from k eigenvalues to rates.
    k : int or None
        Number of leading directions; None is a twentieth of the distinct rows, 1 at
        the least and 50 at the most.
    alpha : float
        Ridge in the units of `KernelRidge`.
    learning_rate : float
        Step in units of ``1 / (mu_max + alpha / n)``.
    max_iter : float
        Number of steps T, or time under "flow"; inf is the limit.
    dynamics : {"flow", "descent"}
    solver : {"auto", "lanczos", "eigh", "gd"}
    tol : float
        Bound on the relative error of the fitted values.
    """

    g: Callable[[np.ndarray], np.ndarray]
    k: int | None
    alpha: float
    learning_rate: float
    max_iter: float
    dynamics: str
    solver: str
    tol: float

    def n_directions(self, n_distinct: int) -> int:
        """Return the number of leading directions for so many distinct rows."""
        if self.k is None:
            return max(1, min(DEFAULT_K, n_distinct // ROWS_PER_DIRECTION))
        return self.k

    @property
    def tolerates_float32(self) -> bool:
        """Whether float32 products with the kernel matrix are exact enough."""
        krylov = self.solver in ("auto", "lanczos")
        return krylov and self.max_iter < np.inf and self.tol >= FLOAT32_MIN_TOL

    @property
    def tolerates_float32_sums(self) -> bool:
        """Whether sums over landmarks in mixed precision are exact enough.

        The limit without ridge needs every direction, however small.
        """
        limited = self.max_iter < np.inf or self.alpha > 0
        return limited and self.tol >= FLOAT32_MIN_TOL


@dataclass(frozen=True, eq=False)
class LandmarkConfig:
    """Which rows become landmarks.

    Attributes
    ----------
    requested : int or array-like of shape (n_landmarks, n_features)
    selection : {"uniform", "rpcholesky"}
        How a number of landmarks is drawn.
    random_state : int, RandomState instance or None
    """

    requested: Any
    selection: str
    random_state: Any


@dataclass(frozen=True, eq=False)
class ProblemConfig:
    """What turns rows and targets into an operator and a right-hand side.

    Attributes
    ----------
    kernel : object returned by `resolve_kernel`
    fit_intercept : bool
    landmarks : LandmarkConfig or None
        None is the exact model.
    memory : None, str or object with the interface of `joblib.Memory`
        Store of eigenpairs and of passes over the rows.
    eigen_solver : str
    random_state : int, RandomState instance or None
        Start vectors of the eigensolver.
    n_jobs : int or None
        Threads that compute the kernel.
    memory_limit : float
        Bytes that the kernel matrix and its copies may take.
    place : Place, default=None
        Device that kernels and products are computed on; None is NumPy.
    """

    kernel: Any
    fit_intercept: bool
    landmarks: LandmarkConfig | None
    memory: Any
    eigen_solver: str
    random_state: Any
    n_jobs: int | None
    memory_limit: float
    place: Place | None = None

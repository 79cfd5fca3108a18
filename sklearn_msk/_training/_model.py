"""What training leaves: a model, or why there is none."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from sklearn_msk._array_api import Array, put_like, to_host
from sklearn_msk._filters import SpectralFilter
from sklearn_msk._preconditioner import Preconditioner
from sklearn_msk._solvers import Path, smallest_tol
from sklearn_msk._training._iterations import path_iterations
from sklearn_msk._training._predict import apply_kernel
from sklearn_msk._training._problem import Problem
from sklearn_msk._tuning import MIN_WARNED_ROUNDING
from sklearn_msk._validation import check_coef_finite


@dataclass(frozen=True, eq=False)
class FitFailure:
    """Why a configuration has no model.

    Attributes
    ----------
    error : Exception
    """

    error: Exception


@dataclass(frozen=True, eq=False)
class FittedModel:
    """A kernel expansion, and the path that led to it.

    Attributes
    ----------
    problem : Problem
    preconditioner : Preconditioner
    path : Path
        It serves every time up to that of `filter`.
    filter : SpectralFilter
        Of the model.
    coef : array of shape (n,) or (n, n_targets), float64
        Dual coefficients.
    tol : float
        Relative error of the fitted values that was asked for.
    max_learning_rate : float
        Absolute step at which descent begins to diverge.
    """

    problem: Problem
    preconditioner: Preconditioner
    path: Path
    filter: SpectralFilter
    coef: Array
    tol: float
    max_learning_rate: float

    @property
    def iterations(self) -> np.ndarray:
        """Steps of the path to look at."""
        return path_iterations(self.filter, self.preconditioner.spectrum)

    @property
    def stored_path(self) -> Path:
        """The path up to the end of the model."""
        return replace(self.path, filter=self.filter)

    def stopped_at(self, max_iter: float) -> "FittedModel":
        """Return the model after fewer steps."""
        filter_ = replace(self.filter, max_iter=max_iter)
        coef = dual_coef(self.problem, self.path, filter_)
        return replace(self, filter=filter_, coef=coef)

    def predict(
        self, X: Array, coef: Array | None = None, n_jobs: int | None = None
    ) -> Array:
        """Values at rows, for these coefficients or several sets along a last axis."""
        coef = self.coef if coef is None else coef
        problem = self.problem
        values = apply_kernel(problem.kernel, X, problem.X_fit, coef, n_jobs)
        shift = np.asarray(problem.intercept)
        extra = values.ndim - self.coef.ndim
        return values + put_like(shift.reshape(shift.shape + (1,) * extra), values)

    def warnings(self) -> Iterator[str]:
        """Yield what the user has to be told of the path, with what to do about it."""
        A, S, path, filter_ = (
            self.problem.operator,
            self.preconditioner,
            self.path,
            self.filter,
        )
        tol = max(self.tol, smallest_tol(A))
        if path.error_estimate > tol:
            yield (
                f"The solver stopped after {path.n_products} products at a relative "
                f"error of {path.error_estimate:.1e} in the fitted values, above "
                f"tol={tol:.1e}. Use solver='eigh' (a full decomposition of the "
                f"{A.shape[0]} rows), a smaller max_iter, a larger k or alpha, or a "
                "larger tol."
            )
        floor = A.eigenvalue_error(S.spectrum.largest)
        lost = np.count_nonzero(S.modified_eigenvalues + filter_.ridge <= floor)
        if lost:
            yield (
                f"g gives {lost} of the {len(S.ratios)} leading directions rates of "
                f"{S.modified_eigenvalues.min():.1e} and more, which rounding hides "
                f"(up to {floor:.1e}): these directions are not learned, in any "
                "number of steps. Use a smaller k, a map closer to the identity, or "
                "alpha > 0."
            )
        repeated = A.shape[0] - A.n_distinct
        interpolates = math.isinf(filter_.max_iter) and filter_.ridge == 0
        dropped = path.n_dropped(filter_.ridge) if interpolates else 0
        if S.spectral_radius_bound > 0 and dropped > repeated:
            floor = path.eigenvalue_floor / S.spectrum.largest
            yield (
                "The kernel matrix is too ill-conditioned for the limit without ridge: "
                f"at least {dropped - repeated} of its {A.n_distinct} eigenvalues are "
                f"below {floor:.1e} of the largest, less than the rounding error, and "
                "their directions were left out. Set alpha > 0 or a finite max_iter"
                f"{', or pass float64' * (A.dtype == np.float32)}."
            )
        elif path.rounding_error > max(tol, MIN_WARNED_ROUNDING):
            yield (
                "The preconditioned problem is too ill-conditioned: rounding alone "
                f"moves the fitted values by {path.rounding_error:.1e} relative to y. "
                f"The rates that g gives are between {S.ratios.min(initial=1.0):.1e} "
                f"and {S.ratios.max(initial=1.0):.1e} times the eigenvalues; use a "
                "smaller k, a map closer to the identity, alpha > 0 or fewer steps."
            )


def dual_coef(problem: Problem, path: Path, filter_: SpectralFilter) -> Array:
    """Dual coefficients of a path, checked: an overflow is a ValueError."""
    with np.errstate(over="ignore", invalid="ignore"):
        coef = path.coef_at(filter_)
    check_coef_finite(to_host(coef), problem.operator, to_host(problem.targets))
    return coef

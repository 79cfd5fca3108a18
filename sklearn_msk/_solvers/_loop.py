"""Path by the literal loop, the reference for the other solvers."""

from dataclasses import dataclass

from sklearn_msk._array_api import Array, namespace
from sklearn_msk._filters import SpectralFilter, longest
from sklearn_msk._operators import Operator
from sklearn_msk._preconditioner import Preconditioner
from sklearn_msk._solvers._path import Path
from sklearn_msk._solvers._requests import Monitor, Request


def loop_paths(
    A: Operator,
    y: Array,
    requests: list[Request],
    tol: float,
    monitor: Monitor = None,
) -> list["LoopPath"]:
    """Preconditioned gradient descent, a product a step."""
    return [_loop_path(A, y, S, longest(filters)) for S, filters in requests]


def _loop_path(
    A: Operator, y: Array, S: Preconditioner, filter: SpectralFilter
) -> "LoopPath":
    """Path that runs the loop when it is asked for coefficients."""
    return LoopPath(
        filter=filter,
        coef_map=A.coef_map,
        total_weight=A.total_weight,
        n_products=int(filter.max_iter) * (1 if y.ndim == 1 else y.shape[1]),
        error_estimate=0.0,
        rounding_error=0.0,
        eigenvalue_floor=A.eigenvalue_error(S.spectrum.largest),
        A=A,
        S=S,
        b=A.rhs(y),
    )


@dataclass(frozen=True, eq=False)
class LoopPath(Path):
    """``c <- (1 - eta ridge) c - eta S (A c - b)`` from ``c = 0``, run when asked for.

    It holds the operator: the kernel matrix, or the kernel and the training rows, are
    part of a file that it is saved to.

    Attributes
    ----------
    A : operator
    S : Preconditioner
    b : array of shape (n,) or (n, n_targets)
    """

    A: Operator
    S: Preconditioner
    b: Array

    def _coordinates(self, filter: SpectralFilter) -> Array:
        eta = filter.learning_rate
        c = namespace(self.b).zeros_like(self.b)
        for _ in range(int(filter.max_iter)):
            gradient = self.S.power(1.0, self.A @ c - self.b)
            c = (1.0 - eta * filter.ridge) * c - eta * gradient
        return c

    def n_dropped(self, ridge: float) -> int:
        """Return 0: the loop leaves no mode out."""
        return 0

"""Kernels that are not `sklearn.gaussian_process.kernels.Kernel` objects, as callables.

Each is called as ``kernel(X, Y=None)`` and returns a matrix, as those objects do.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.metrics.pairwise import pairwise_kernels


@dataclass(frozen=True)
class PairwiseKernel:
    """A kernel of `sklearn.metrics.pairwise` by its name.

    Attributes
    ----------
    metric : str
        Name for `sklearn.metrics.pairwise.pairwise_kernels`.
    params : dict
        Its keyword arguments.
    """

    metric: str
    params: dict[str, Any] = field(default_factory=dict)

    def __call__(self, X: np.ndarray, Y: np.ndarray | None = None) -> np.ndarray:
        """Kernel matrix of shape (n_samples_X, n_samples_Y)."""
        return pairwise_kernels(X, Y, metric=self.metric, **self.params)


@dataclass(frozen=True, eq=False)
class CallableKernel:
    """A user's function of two matrices.

    Attributes
    ----------
    function : callable
        ``function(X, Y, **params)`` returns an array of shape (n_X, n_Y).
    params : dict
        Its keyword arguments.
    """

    function: Callable[..., Any]
    params: dict[str, Any] = field(default_factory=dict)

    def __call__(self, X: np.ndarray, Y: np.ndarray | None = None) -> np.ndarray:
        """Kernel matrix of shape (n_samples_X, n_samples_Y).

        Raises
        ------
        TypeError
            If the function does not take two matrices and the params.
        ValueError
            If the function returns another shape, or takes two rows.
        """
        Y = X if Y is None else Y
        expected = (X.shape[0], Y.shape[0])
        try:
            result = self.function(X, Y, **self.params)
            K = np.asarray(result)
        # What a function of two rows raises on matrices; all else is the user's.
        except (TypeError, ValueError, IndexError) as error:
            self._check_arguments(X, Y, error)
            if self._takes_rows(X, Y):
                message = f"{self._rows_message()} It raised: {error}"
                raise ValueError(message) from error
            raise
        if K.dtype.kind not in "fiub":
            raise ValueError(
                "A callable 'kernel' must return an array of real numbers. Got "
                f"{type(result).__name__} of dtype {K.dtype} instead."
            )
        if K.shape == expected:
            return K
        if K.ndim < 2 and self._takes_rows(X, Y):
            raise ValueError(self._rows_message())
        raise ValueError(
            "A callable 'kernel' must return an array of shape (n_samples_X, "
            f"n_samples_Y) = {expected} for X of shape {X.shape} and Y of shape "
            f"{Y.shape}. Got an array of shape {K.shape} instead."
        )

    def __eq__(self, other: object) -> bool:
        """Whether function and params are the same, arrays entry by entry."""
        return (
            isinstance(other, CallableKernel)
            and bool(self.function == other.function)
            and self.params.keys() == other.params.keys()
            and all(
                value is other.params[name] or np.array_equal(value, other.params[name])
                for name, value in self.params.items()
            )
        )

    __hash__ = None  # type: ignore[assignment]

    def _check_arguments(self, X: np.ndarray, Y: np.ndarray, error: Exception) -> None:
        """Raise a TypeError where the function does not take these arguments."""
        try:
            signature = inspect.signature(self.function)
        except (TypeError, ValueError):
            # Some functions of C have none.
            return
        try:
            signature.bind(X, Y, **self.params)
        except TypeError as mismatch:
            keys = f" with the 'kernel_params' {sorted(self.params)}"
            raise TypeError(
                "The 'kernel' parameter must be a callable k(X, Y) of two matrices, "
                "which returns an array of shape (n_samples_X, n_samples_Y). Got a "
                f"function of the arguments {signature}{keys if self.params else ''}: "
                f"{mismatch}."
            ) from error

    def _takes_rows(self, X: np.ndarray, Y: np.ndarray) -> bool:
        """Whether the function returns one number for two rows."""
        try:
            return np.asarray(self.function(X[0], Y[0], **self.params)).size == 1
        except Exception:
            return False

    def _rows_message(self) -> str:
        """Message for a function of two rows: what to pass in its stead."""
        return (
            "A callable 'kernel' is called once with two matrices, k(X, Y) -> "
            "(n_samples_X, n_samples_Y), but this one compares two rows. Pass "
            "`lambda X, Y: pairwise_kernels(X, Y, metric=function)` with "
            "sklearn.metrics.pairwise.pairwise_kernels instead (slower)."
        )


@dataclass(frozen=True)
class PrecomputedKernel:
    """Stands for ``kernel="precomputed"``: what is passed as X is the kernel matrix."""

    def __call__(self, X: np.ndarray, Y: np.ndarray | None = None) -> np.ndarray:
        """Return X itself."""
        return X

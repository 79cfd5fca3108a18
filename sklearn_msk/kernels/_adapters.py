"""Kernels that are not `sklearn.gaussian_process.kernels.Kernel` objects, as callables.

Each is called as ``kernel(X, Y=None)`` and returns a matrix, as those objects do.
"""

from dataclasses import dataclass, field

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
    params: dict = field(default_factory=dict)

    def __call__(self, X, Y=None):
        """Kernel matrix of shape (n_samples_X, n_samples_Y)."""
        return pairwise_kernels(X, Y, metric=self.metric, **self.params)


@dataclass(frozen=True)
class CallableKernel:
    """A user's function of two matrices.

    Attributes
    ----------
    function : callable
        ``function(X, Y, **params)`` returns an array of shape (n_X, n_Y).
    params : dict
        Its keyword arguments.
    """

    function: object
    params: dict = field(default_factory=dict)

    def __call__(self, X, Y=None):
        """Kernel matrix of shape (n_samples_X, n_samples_Y).

        Raises
        ------
        ValueError
            If the function returns another shape, or takes two rows.
        """
        Y = X if Y is None else Y
        expected = (X.shape[0], Y.shape[0])
        try:
            K = np.asarray(self.function(X, Y, **self.params))
        except Exception as error:
            if self._takes_rows(X, Y):
                raise ValueError(self._rows_message()) from error
            raise
        if K.dtype.kind not in "fiub":
            raise ValueError(
                "A callable 'kernel' must return an array of real numbers. Got "
                f"{type(self.function(X, Y, **self.params)).__name__} of dtype "
                f"{K.dtype} instead."
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

    def _takes_rows(self, X, Y):
        try:
            return np.asarray(self.function(X[0], Y[0], **self.params)).size == 1
        except Exception:
            return False

    def _rows_message(self):
        return (
            "A callable 'kernel' is called once with two matrices, k(X, Y) -> "
            "(n_samples_X, n_samples_Y), but this one compares two rows. Pass "
            "`lambda X, Y: pairwise_kernels(X, Y, metric=function)` with "
            "sklearn.metrics.pairwise.pairwise_kernels instead (slower)."
        )


@dataclass(frozen=True)
class PrecomputedKernel:
    """Stands for ``kernel="precomputed"``: what is passed as X is the kernel matrix."""

    def __call__(self, X, Y=None):
        """Return X itself."""
        return X

"""The parameters that say which kernel, shared by the estimators."""

import math
from numbers import Integral, Real

import numpy as np
from sklearn.utils.validation import validate_data

from sklearn_msk._compat import HasMethods, Interval, StrOptions
from sklearn_msk.kernels._resolution import resolve_kernel

# Kernels of scikit-learn that multiply sparse rows.
_SPARSE_KERNELS = {
    "cosine",
    "laplacian",
    "linear",
    "poly",
    "polynomial",
    "rbf",
    "sigmoid",
}


class KernelMixin:
    """Kernel, map and eigensolver parameters: their ranges, tags and meaning."""

    _parameter_constraints: dict = {
        "kernel": [str, callable],
        "g": [str, callable],
        "k": [Interval(Integral, 0, None, closed="left")],
        "gamma": [Interval(Real, 0, math.inf, closed="left"), None],
        "degree": [Interval(Real, 0, math.inf, closed="left")],
        "coef0": [Interval(Real, -math.inf, math.inf, closed="neither")],
        "kernel_params": [dict, None],
        "eigen_solver": [
            StrOptions({"auto", "dense", "arpack", "lobpcg", "randomized"})
        ],
        "memory": [str, HasMethods(["cache"]), None],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = self.kernel == "precomputed"
        tags.input_tags.sparse = bool(self._accepted_sparse())
        tags.input_tags.positive_only = self.kernel in ("chi2", "additive_chi2")
        return tags

    def _resolve_kernel(self):
        return resolve_kernel(
            self.kernel,
            gamma=self.gamma,
            degree=self.degree,
            coef0=self.coef0,
            kernel_params=self.kernel_params,
        )

    def _accepted_sparse(self):
        """Sparse format that the kernel takes, or False."""
        takes = isinstance(self.kernel, str) and self.kernel in _SPARSE_KERNELS
        # Landmarks are dense, and so are the features on them.
        return "csr" if takes and getattr(self, "landmarks", None) is None else False

    def _check_queries(self, X):
        return validate_data(
            self,
            X,
            accept_sparse=self._accepted_sparse(),
            dtype=[np.float64, np.float32],
            reset=False,
        )

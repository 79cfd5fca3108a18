"""The parameters that say which kernel, shared by the estimators."""

import math
from numbers import Integral, Real
from typing import Any

from sklearn.utils import Tags
from sklearn.utils.validation import validate_data

from sklearn_msk._array_api import MovableEstimator, float_types
from sklearn_msk._compat import HasMethods, Interval, StrOptions
from sklearn_msk._estimators._numbers import numbers_expected
from sklearn_msk._estimators._sparse_rows import accepted_sparse, check_dense
from sklearn_msk._memory import memory_limit
from sklearn_msk._training import ProblemConfig
from sklearn_msk.kernels._resolution import resolve_kernel


class KernelMixin(MovableEstimator):
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

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.pairwise = self.kernel == "precomputed"  # type: ignore
        tags.input_tags.sparse = bool(accepted_sparse(self))
        tags.input_tags.positive_only = self.kernel in (  # type: ignore[attr-defined]
            "chi2",
            "additive_chi2",
        )
        return tags


def kernel_of(estimator: Any) -> Any:
    """Resolve the kernel parameters of an estimator to one kernel."""
    return resolve_kernel(
        estimator.kernel,
        gamma=estimator.gamma,
        degree=estimator.degree,
        coef0=estimator.coef0,
        kernel_params=estimator.kernel_params,
    )


def kernel_config(estimator: Any, n_parallel: int = 1) -> ProblemConfig:
    """Read the parameters of a kernel and of its eigenpairs from an estimator.

    Parameters
    ----------
    estimator : MSKRegressor, MSKClassifier or MSKKernel
    n_parallel : int, default=1
        Problems that are in memory at the same time, and share its limit.

    Returns
    -------
    ProblemConfig
        Without intercept and landmarks, which `MSKKernel` has none of.
    """
    return ProblemConfig(
        kernel=kernel_of(estimator),
        fit_intercept=False,
        landmarks=None,
        memory=estimator.memory,
        eigen_solver=estimator.eigen_solver,
        random_state=estimator.random_state,
        n_jobs=estimator.n_jobs,
        memory_limit=memory_limit(n_parallel),
    )


def check_queries(estimator: Any, X: Any) -> Any:
    """Validate rows to predict for."""
    check_dense(estimator, X)
    with numbers_expected(estimator, X):
        return validate_data(
            estimator,
            X,
            accept_sparse=accepted_sparse(estimator),
            dtype=float_types(X),
            reset=False,
        )

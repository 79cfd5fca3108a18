"""scikit-learn's own checks, over one change of the defaults at a time."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_estimator,
    check_estimators_nan_inf,
    check_param_validation,
    parametrize_with_checks,
)

from sklearn_msk import MSKRegressor
from sklearn_msk.kernels import NTK
from sklearn_msk.spectral_maps import Power

DESCENT = {"dynamics": "descent"}
CONFIGURATIONS = [
    {},
    {"kernel": "nngp_erf"},
    {"kernel": "rbf"},
    {"kernel": NTK(depth=3, activation="gelu")},
    {"kernel": "precomputed"},
    {"g": "lift"},
    {"g": Power(exponent=0.5)},
    {"g": np.sqrt},
    {"k": 0},
    {"alpha": 0.1},
    {"solver": "eigh"},
    {"solver": "lanczos", "eigen_solver": "arpack"},
    {"solver": "lanczos", "eigen_solver": "lobpcg"},
    {"eigen_solver": "randomized"},
    {"solver": "gd", **DESCENT},
    {"learning_rate": 1.9, **DESCENT},
    {"learning_rate": 10.0},
    {"max_iter": np.inf},
    {"max_iter": np.inf, "alpha": 0.1},
    {"fit_intercept": False},
    {"store_trajectory": True},
]

_INDEFINITE = "hands over an indefinite matrix as a kernel and wants it fitted"


def expected_failures(estimator):
    """Checks that a kernel matrix has to fail."""
    if estimator.kernel != "precomputed":
        return {}
    names = ("check_positive_only_tag_during_fit", "check_estimators_dtypes")
    return dict.fromkeys(names, _INDEFINITE)


@parametrize_with_checks(
    [MSKRegressor(**configuration) for configuration in CONFIGURATIONS],
    expected_failed_checks=expected_failures,
)
def test_sklearn_compatible(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "check",
    [
        check_dataframe_column_names_consistency,
        check_estimators_nan_inf,
        check_param_validation,
    ],
)
def test_checks_that_are_left_out(check):
    check("MSKRegressor", MSKRegressor())


def test_no_check_is_skipped():
    """Without pandas or SCIPY_ARRAY_API some are, silently."""
    results = check_estimator(MSKRegressor(), on_skip=None)
    assert len(results) >= 50
    assert {result["status"] for result in results} == {"passed"}

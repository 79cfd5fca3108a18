"""scikit-learn's own checks, over one change of the defaults at a time."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_estimator,
    check_estimators_nan_inf,
    check_global_output_transform_pandas,
    check_param_validation,
    check_set_output_transform,
    check_set_output_transform_pandas,
    check_transformer_get_feature_names_out,
    check_transformer_get_feature_names_out_pandas,
    parametrize_with_checks,
)

from sklearn_msk import (
    MSKClassifier,
    MSKClassifierCV,
    MSKGridSearchCV,
    MSKKernel,
    MSKRandomizedSearchCV,
    MSKRegressor,
    MSKRegressorCV,
    PartitionedClassifier,
    PartitionedRegressor,
)
from sklearn_msk.kernels import NTK
from sklearn_msk.spectral_maps import Power

DESCENT = {"dynamics": "descent"}
CONFIGURATIONS = [
    {},
    {"k": 50, "max_iter": 100},
    {"early_stopping": True},
    {"early_stopping": "loo"},
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

_INDEFINITE = {
    "check_positive_only_tag_during_fit": (
        "subtracts its mean from a kernel matrix, which makes it indefinite"
    ),
    "check_estimators_dtypes": (
        "truncates a kernel matrix to integers, which makes it indefinite"
    ),
}


def expected_failures(estimator):
    """Checks that a kernel matrix has to fail."""
    return _INDEFINITE if estimator.kernel == "precomputed" else {}


KERNEL_CONFIGURATIONS = [
    {},
    {"kernel": "nngp_erf"},
    {"kernel": "rbf", "gamma": 0.5},
    {"kernel": "precomputed"},
    {"g": "lift"},
    {"g": Power(exponent=0.5), "k": 3},
    {"k": 0},
    {"eigen_solver": "arpack"},
    {"eigen_solver": "randomized", "random_state": 3},
]


# Their few rows leave fewer than five to judge.
@pytest.mark.filterwarnings("ignore:Early stopping of .* chooses")
@parametrize_with_checks(
    [MSKRegressor(**configuration) for configuration in CONFIGURATIONS]
    + [MSKKernel(**configuration) for configuration in KERNEL_CONFIGURATIONS],
    expected_failed_checks=expected_failures,
)
def test_sklearn_compatible(estimator, check):
    check(estimator)


CLASSIFIER_CONFIGURATIONS = [
    {},
    {"max_iter": 100},
    {"kernel": "rbf", "class_weight": "balanced"},
    {"dynamics": "descent", "solver": "gd"},
    {"max_iter": np.inf, "alpha": 0.1},
    {"early_stopping": True},
]


# Their few rows leave fewer than five to judge.
@pytest.mark.filterwarnings("ignore:Early stopping of .* chooses")
@parametrize_with_checks(
    [MSKClassifier(**configuration) for configuration in CLASSIFIER_CONFIGURATIONS],
)
def test_classifier_is_sklearn_compatible(estimator, check):
    check(estimator)


_WEIGHTS = "check_sample_weight_equivalence_on_dense_data"


def expected_failures_of_landmarks(estimator):
    """Checks whose rows are too few."""
    if estimator.landmarks == 10:
        return {_WEIGHTS: "has 9 rows of positive weight"}
    return {}


# No more landmarks than rows of positive weight: some checks of classifiers have 5.
@parametrize_with_checks(
    [MSKRegressor(landmarks=10), MSKClassifier(landmarks=5)],
    expected_failed_checks=expected_failures_of_landmarks,
)
def test_landmarks_are_sklearn_compatible(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [
        MSKRegressorCV(),
        MSKRegressorCV(["rbf"], metrics=["none"]),
        MSKClassifierCV(),
        MSKClassifierCV(["rbf"], metrics=["diagonal"], class_weight="balanced"),
    ]
)
def test_chosen_models_are_sklearn_compatible(estimator, check):
    check(estimator)


# Leaves of few rows, so that the rows of the checks are split.
@parametrize_with_checks(
    [
        PartitionedRegressor(),
        PartitionedRegressor(leaf_size=15, split="principal", overlap=0.0),
        PartitionedRegressor(leaf_size=15),
        PartitionedClassifier(),
        PartitionedClassifier(leaf_size=15),
    ]
)
def test_partitions_are_sklearn_compatible(estimator, check):
    check(estimator)


_FOLDS = "check_sample_weight_equivalence_on_"


@parametrize_with_checks(
    [MSKRegressorCV(effort="quick")],
    expected_failed_checks=lambda _: {
        f"{_FOLDS}{kind}_data": "sets cv, which a quick choice does not know"
        for kind in ("dense", "sparse")
    },
)
def test_quick_choices_are_sklearn_compatible(estimator, check):
    check(estimator)


_GRID = {"k": [1, 2]}


@parametrize_with_checks(
    [
        MSKGridSearchCV(estimator, _GRID, cv=2, error_score="raise")
        for estimator in (MSKRegressor(), MSKClassifier())
    ]
    + [
        MSKRandomizedSearchCV(
            estimator, _GRID, n_iter=2, cv=2, random_state=0, error_score="raise"
        )
        for estimator in (MSKRegressor(), MSKClassifier())
    ]
)
# scikit-learn's `type_of_target` casts the NaN that one of its checks has as a label.
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")
def test_search_is_sklearn_compatible(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "check",
    [
        check_dataframe_column_names_consistency,
        check_estimators_nan_inf,
        check_param_validation,
    ],
)
@pytest.mark.parametrize(
    "estimator",
    [MSKRegressor(), MSKClassifier(), MSKKernel(), MSKRegressorCV(), MSKClassifierCV()],
)
def test_checks_that_are_left_out(check, estimator):
    check(type(estimator).__name__, estimator)


@pytest.mark.parametrize(
    "check",
    [
        check_set_output_transform,
        check_set_output_transform_pandas,
        check_global_output_transform_pandas,
        check_transformer_get_feature_names_out,
        check_transformer_get_feature_names_out_pandas,
    ],
)
@pytest.mark.filterwarnings("ignore:X (does not have valid|has) feature names")
def test_transformer_checks_that_are_left_out(check):
    check("MSKKernel", MSKKernel())


@pytest.mark.parametrize(
    "estimator",
    [MSKRegressor(), MSKClassifier(), MSKKernel(), MSKRegressorCV(), MSKClassifierCV()],
)
def test_no_check_is_skipped(estimator):
    """Without pandas or SCIPY_ARRAY_API some are, silently."""
    results = check_estimator(estimator, on_skip=None)
    assert len(results) >= 45
    # Those of libraries of arrays that are not installed, and of devices.
    skipped = {r["check_name"] for r in results if r["status"] == "skipped"}
    assert all(name.startswith("check_array_api") for name in skipped)
    statuses = [r["status"] for r in results if r["check_name"] not in skipped]
    assert set(statuses) == {"passed"}

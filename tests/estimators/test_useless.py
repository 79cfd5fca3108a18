"""Warnings of what is legal and of no use, and where there is none."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import make_friedman1
from sklearn.gaussian_process.kernels import RBF
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_msk import MSKClassifier, MSKGridSearchCV, MSKKernel, MSKRegressor
from sklearn_msk.kernels import NTK

X, y = make_friedman1(60, n_features=5, random_state=0)
LABELS = (y > np.median(y)).astype(int)
UNSCALED = X * [1.0, 1.0, 1000.0, 1.0, 1.0]


def silent(model, *rows, **params):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return model.fit(*rows, **params)


@pytest.mark.parametrize(
    "kernel", ["ntk_relu", "linear", "cosine", NTK(), RBF(), lambda X, Y: X @ Y.T]
)
@pytest.mark.parametrize("kind", [MSKRegressor, MSKClassifier, MSKKernel])
def test_gamma_of_a_kernel_that_has_none(kind, kernel):
    with pytest.warns(UserWarning) as caught:
        kind(kernel, gamma=0.3).fit(X, LABELS)
    (message,) = (str(warning.message) for warning in caught)
    assert message.startswith(f"The 'gamma' of {kind.__name__} has no effect")
    assert "'rbf'" in message
    assert caught[0].filename == __file__


@pytest.mark.parametrize("kernel", ["rbf", "laplacian", "poly", "chi2"])
def test_gamma_of_a_kernel_that_has_it(kernel):
    silent(MSKRegressor(kernel, gamma=0.3), X, y)
    silent(MSKRegressor(kernel), X, y)


def test_gamma_in_a_search_and_a_stream():
    with pytest.warns(UserWarning, match="'gamma' of MSKRegressor has no effect"):
        MSKGridSearchCV(MSKRegressor(max_iter=5), {"gamma": [0.1, 1]}).fit(X, y)
    with pytest.warns(UserWarning, match="'gamma' of MSKRegressor has no effect"):
        MSKRegressor(landmarks=5, gamma=0.1).partial_fit(X, y)


@pytest.mark.parametrize(
    "kernel", ["ntk_relu", "nngp_erf", "laplacian", "rbf", "cosine", NTK()]
)
def test_one_column_that_hides_the_others(kernel):
    model = MSKRegressor(kernel)
    with pytest.warns(UserWarning, match="Column 2 of X .* the other 4 columns"):
        model.fit(UNSCALED, y)
    with pytest.warns(UserWarning, match="Column 'c' of X .* MSKKernel"):
        MSKKernel(kernel).fit(pd.DataFrame(UNSCALED, columns=list("abcde")))
    silent(make_pipeline(StandardScaler(), model), UNSCALED, y)


def test_columns_in_a_stream_are_looked_at_once():
    model = MSKRegressor(landmarks=5)
    with pytest.warns(UserWarning, match="Column 2 of X"):
        model.partial_fit(UNSCALED, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.partial_fit(UNSCALED, y)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_nothing_is_said_of_one_scale(scale):
    for rows in (scale * X, scale * X[:, :1], np.full((60, 3), scale)):
        silent(MSKRegressor("laplacian"), rows, y)


@pytest.mark.parametrize(
    "rows",
    [
        X * [1.0, 1.0, 30.0, 1.0, 1.0],  # a feature of another unit, still seen
        X * [1e-3, 1e-3, 5.0, 1e-3, 1e-3],  # first components, or a learned metric
        np.c_[1000 * X[:, :1], np.ones((60, 3))],  # the others say nothing
        csr_matrix(UNSCALED),
    ],
)
def test_nothing_is_said_of_rows_that_may_be_meant(rows):
    silent(MSKRegressor("rbf"), rows, y)


@pytest.mark.parametrize("kernel", [RBF(np.ones(5)), lambda X, Y: np.exp(-X @ Y.T)])
def test_nothing_is_said_of_kernels_with_scales_of_their_own(kernel):
    rows = UNSCALED if isinstance(kernel, RBF) else 0 * UNSCALED
    silent(MSKRegressor(kernel), rows, y)


def test_an_offset_counts_where_the_kernel_sees_it():
    years = X + [0.0, 2000.0, 0.0, 0.0, 0.0]
    with pytest.warns(UserWarning, match="Column 1 of X"):
        MSKRegressor().fit(years, y)
    silent(MSKRegressor("rbf"), years, y)


@pytest.mark.parametrize("stopping", [True, "loo"])
def test_few_rows_that_judge(stopping):
    model = MSKRegressor(early_stopping=stopping)
    expected = r"MSKRegressor chooses the number of steps by [24] rows only"
    with pytest.warns(UserWarning, match=expected):
        model.fit(X[:4], y[:4])
    silent(model, X, y)
    silent(MSKRegressor(), X[:4], y[:4])
    silent(MSKRegressor(max_iter=20), X[:4], y[:4])


def test_few_rows_of_x_val():
    with pytest.warns(UserWarning, match="MSKClassifier .* by 3 rows only"):
        MSKClassifier().fit(X, LABELS, X_val=X[:3], y_val=LABELS[:3])
    silent(MSKClassifier(), X, LABELS, X_val=X[:5], y_val=LABELS[:5])


def test_nothing_is_said_of_landmarks_by_default():
    silent(MSKRegressor(landmarks=5), X[:25], y[:25])

"""Models whose pairs and paths come from products in mixed precision."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.gaussian_process.kernels import RBF, Matern
from sklearn.model_selection import GridSearchCV

from sklearn_msk import MSKGridSearchCV, MSKRegressor
from sklearn_msk._linalg import Status
from sklearn_msk._operators import (
    BlockedOperator,
    DenseOperator,
    MixedPrecisionOperator,
    _storage,
    mixed_precision,
)
from sklearn_msk._solvers import solve
from sklearn_msk._spectrum import _leading
from sklearn_msk._training import _decompose, _problem, _solve_paths
from sklearn_msk.kernels import NTK


def make(source, n_pairs, n_threads=1, **thresholds):
    """Several panels, the last one not full, for the few rows of a test."""
    return mixed_precision(source, n_pairs, n_threads, tile_side=40, **thresholds)


@pytest.fixture
def used(monkeypatch):
    """Matrices of any size, and the products that pairs were computed from."""
    made = []

    def recorded(*args):
        made.append(make(*args))
        return made[-1]

    monkeypatch.setattr(_leading, "_MIXED_MIN_ROWS", 0)
    monkeypatch.setattr(_leading, "_MIXED_MIN_PAIRS", 0)
    monkeypatch.setattr(_leading, "mixed_precision", recorded)
    monkeypatch.setattr(_storage, "mixed_precision", recorded)
    return made


@pytest.fixture
def tile_dtypes(monkeypatch):
    """Precisions that tiles were asked for, of one source after the other."""
    asked, tiles = [], BlockedOperator.tiles

    def recorded(source, dtype):
        asked.append(np.dtype(dtype))
        return tiles(source, dtype)

    monkeypatch.setattr(BlockedOperator, "tiles", recorded)
    return asked


@pytest.mark.parametrize("phase", ["pairs", "path"])
def test_a_fit_computes_a_rough_kernel_again_before_it_holds_it(
    phase, used, tile_dtypes, monkeypatch
):
    X = np.random.RandomState(0).standard_normal((300, 10))
    y = X[:, 0] + np.sin(3 * X[:, 1])
    held, exact_products = [], _problem.more_exact

    def recorded(A, **settings):
        held.append(exact_products(A, **settings))
        return held[-1]

    monkeypatch.setattr(_problem, "more_exact", recorded)
    module, name = {
        "pairs": (_decompose, "leading_spectrum"),
        "path": (_solve_paths, "solve"),
    }[phase]
    find = getattr(module, name)

    def pretended(A, *args, **options):
        found = find(A, *args, **options)
        if getattr(A, "remainder_dtype", None) != np.float32:
            return found
        if phase == "pairs":
            return replace(found, status=Status.INEXACT_PRODUCTS)
        return [replace(path, status=Status.INEXACT_PRODUCTS) for path in found]

    monkeypatch.setattr(module, name, pretended)
    settings = {"k": 5, "eigen_solver": "randomized"}
    model = MSKRegressor(Matern(nu=0.5), **settings).fit(X, y)
    assert [A.remainder_dtype for A in held] == [np.float64]
    assert tile_dtypes[-2:] == [np.float32, np.float64]
    exact = MSKRegressor(Matern(nu=0.5), k=5, eigen_solver="dense", tol=1e-9).fit(X, y)
    np.testing.assert_allclose(model.predict(X), exact.predict(X), atol=1e-3)


def test_predictions_are_those_of_exact_pairs(used, data):
    X = np.random.RandomState(0).standard_normal((300, 3))
    y = np.sin(3 * X[:, 0]) + X[:, 1]
    for max_iter in (1, 30, 1000):
        exact, single = (
            MSKRegressor(k=20, max_iter=max_iter, tol=1e-6, eigen_solver=solver)
            .fit(X, y)
            .predict(X)
            for solver in ("dense", "randomized")
        )
        np.testing.assert_allclose(single, exact, atol=1e-4 * y.std())
    assert used


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kernel", ["ntk_relu", "laplacian", Matern(nu=0.5)])
@pytest.mark.parametrize("dynamics", ["flow", "descent"])
def test_models_are_those_of_the_matrix(used, data, kernel, dtype, dynamics):
    X, Y, weights = data
    model = MSKRegressor(kernel, k=10, dynamics=dynamics, eigen_solver="randomized")
    compact = clone(model).fit(X.astype(dtype), Y, weights).predict(X)
    assert [type(A.source) for A in used] == [BlockedOperator]
    exact = clone(model).set_params(eigen_solver="dense").fit(X, Y, weights)
    np.testing.assert_allclose(compact, exact.predict(X), atol=2e-4 * Y.std())


@pytest.mark.parametrize(
    "params",
    [
        {"tol": 1e-6},
        {"max_iter": np.inf, "alpha": 0.1},
        {"solver": "eigh"},
        {"solver": "gd", "dynamics": "descent"},
        {"eigen_solver": "arpack"},
        {"kernel": lambda X, Y: NTK()(X, Y)},
    ],
)
def test_the_matrix_is_held_where_its_digits_are_needed(used, data, params):
    params = {"k": 10, "eigen_solver": "randomized"} | params
    MSKRegressor(**params).fit(*data[:2])
    assert all(isinstance(A.source, DenseOperator) for A in used)


def test_pairs_that_single_precision_loses_are_found_in_double(used, monkeypatch):
    """Eigenvalues of a wide rbf fall below what single precision leaves of others."""

    def recorded(*args):
        used.append(make(*args, min_rank=5))
        return used[-1]

    monkeypatch.setattr(_storage, "mixed_precision", recorded)
    X = np.random.RandomState(0).uniform(size=(300, 2))
    y = np.sin(5 * X[:, 0]) + X[:, 1]
    model = MSKRegressor(RBF(1.0), k=20, eigen_solver="randomized").fit(X, y)
    assert [type(A.source) for A in used] == [BlockedOperator]
    assert model.spectrum_.method == "randomized"
    exact = MSKRegressor(RBF(1.0), k=20, eigen_solver="dense").fit(X, y)
    np.testing.assert_allclose(model.predict(X), exact.predict(X), atol=1e-2 * y.std())


def test_paths_that_single_precision_loses_are_followed_in_double(used, monkeypatch):
    """The longer the path, the smaller the eigenvalues that it sees."""
    X = np.random.RandomState(0).standard_normal((300, 5))
    Y = np.random.RandomState(1).standard_normal((300, 2))
    followed = []

    def recorded(A, *args, **options):
        followed.append(isinstance(A, MixedPrecisionOperator))
        return solve(A, *args, **options)

    monkeypatch.setattr(_solve_paths, "solve", recorded)
    for max_iter, compact in ((10, [True]), (10**9, [True, False])):
        followed.clear()
        model = MSKRegressor(
            "rbf", k=10, max_iter=max_iter, eigen_solver="randomized"
        ).fit(X, Y)
        assert followed == compact
        exact = clone(model).set_params(eigen_solver="dense", tol=1e-9).fit(X, Y)
        np.testing.assert_allclose(model.predict(X), exact.predict(X), atol=1e-4)


def test_little_memory_is_enough(used, data, monkeypatch):
    n = len(data[0])
    monkeypatch.setenv("SKLEARN_MSK_MEMORY_LIMIT", str(3 * n**2))
    MSKRegressor(k=10, eigen_solver="randomized").fit(*data[:2])
    assert [type(A.source) for A in used] == [BlockedOperator]


def test_a_search_finds_the_scores_of_single_fits(used, data):
    X, y = data[0], data[1][:, 0]
    grid = {"k": [5, 10], "max_iter": [10, 100]}
    model = MSKRegressor(eigen_solver="randomized")
    shared = MSKGridSearchCV(model, grid, cv=3).fit(X, y)
    single = GridSearchCV(model, grid, cv=3).fit(X, y)
    # Folds hold what a single fit holds.
    assert {type(A.source) for A in used} == {BlockedOperator}
    assert len(used) == 3 + 1 + 4 * 3 + 1
    np.testing.assert_allclose(
        shared.cv_results_["mean_test_score"],
        single.cv_results_["mean_test_score"],
        atol=1e-4,
    )

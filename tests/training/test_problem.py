"""The problem of a fit: how its kernel is held, and fits that hold no matrix."""

import numpy as np
import pytest
from sklearn.base import clone

from sklearn_msk import MSKKernel, MSKRegressor
from sklearn_msk._operators import BlockedOperator, DenseOperator
from sklearn_msk._solvers import solve
from sklearn_msk._training import _solve_paths
from sklearn_msk.kernels import NTK

VARIABLE = "SKLEARN_MSK_MEMORY_LIMIT"


@pytest.fixture
def little_memory(monkeypatch):
    monkeypatch.setenv(VARIABLE, "1000")


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize(
    "params",
    [
        {"eigen_solver": "randomized"},
        {"solver": "lanczos", "max_iter": np.inf, "alpha": 0.1},
        {"solver": "gd", "dynamics": "descent"},
        {"eigen_solver": "arpack", "k": 5, "max_iter": 1000},
        {"eigen_solver": "randomized", "k": 5},
        {"eigen_solver": "lobpcg", "k": 1, "kernel": "laplacian"},
        {"kernel": lambda X, Y: NTK()(X, Y)},
    ],
)
def test_blocked_fits_equal_dense_ones(params, data, monkeypatch):
    X, Y, weights = data
    solved = []

    def recorded(A, *args, **options):
        solved.append(A)
        return solve(A, *args, **options)

    monkeypatch.setattr(_solve_paths, "solve", recorded)
    params = {"k": 5, "eigen_solver": "randomized"} | params
    blocked = MSKRegressor(tol=1e-10, **params).fit(X, Y, weights)
    monkeypatch.delenv(VARIABLE)
    dense = MSKRegressor(tol=1e-10, **params).fit(X, Y, weights)
    assert [type(A) for A in solved] == [BlockedOperator, DenseOperator]
    np.testing.assert_allclose(blocked.predict(X), dense.predict(X), atol=1e-7)


@pytest.mark.usefixtures("little_memory")
def test_verbose_says_that_the_matrix_is_not_held(data, capsys):
    MSKRegressor(k=5, eigen_solver="randomized", verbose=1).fit(data[0], data[1])
    assert "computed block by block" in capsys.readouterr().out


@pytest.mark.usefixtures("little_memory")
def test_function_that_is_not_symmetric(data):
    def lopsided(X, Y):
        return X @ Y.T + X[:, :1]

    with pytest.raises(ValueError, match=r"'lopsided' must be symmetric.* has K\["):
        MSKRegressor(lopsided).fit(data[0], data[1])


@pytest.mark.usefixtures("little_memory")
def test_kernel_transformer_needs_no_matrix_to_fit(data, monkeypatch):
    X = data[0]
    model = MSKKernel(k=5, eigen_solver="randomized")
    blocked = clone(model).fit(X)
    K = clone(model).fit_transform(X)
    monkeypatch.delenv(VARIABLE)
    np.testing.assert_allclose(
        blocked.transform(X),
        clone(model).fit(X).transform(X),
        atol=1e-12,
    )
    np.testing.assert_allclose(K, clone(model).fit_transform(X), atol=1e-12)


@pytest.mark.usefixtures("little_memory")
def test_spectrum_cache_without_a_matrix(data, tmp_path):
    for kernel in ("ntk_relu", lambda X, Y: NTK()(X, Y)):
        scores = [
            MSKRegressor(kernel, k=5, eigen_solver="randomized", memory=memory)
            .fit(*data[:2])
            .score(*data[:2])
            for memory in (str(tmp_path), str(tmp_path), None)
        ]
        np.testing.assert_allclose(scores, scores[0], rtol=1e-12)


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize(
    "params",
    [
        {"eigen_solver": "dense"},
        {"k": 5, "eigen_solver": "randomized", "solver": "eigh"},
    ],
)
def test_full_decompositions_need_the_matrix(params):
    """Where it does not fit, the error says so; no attempt is made to allocate it."""
    X = np.random.RandomState(0).standard_normal((310, 2))
    message = r"n_samples=310.*GiB.*landmarks.*MEMORY_LIMIT"
    with pytest.raises(ValueError, match=message):
        MSKRegressor(**params).fit(X, X[:, 0])

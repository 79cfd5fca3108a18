"""The problem of a fit: how its kernel is held, and fits that hold no matrix."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics.pairwise import laplacian_kernel

from sklearn_msk import MSKKernel, MSKRegressor
from sklearn_msk._estimators._base import problem_config
from sklearn_msk._estimators._parameters import training_config
from sklearn_msk._operators import (
    ArrayRows,
    BlockedOperator,
    DenseOperator,
    MixedPrecisionOperator,
)
from sklearn_msk._training import build_problem
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
def test_blocked_fits_equal_dense_ones(params, data, monkeypatch, capsys):
    X, Y, weights = data
    # Memory says by which rows the steps are chosen; here they are given.
    params = {"k": 5, "eigen_solver": "randomized", "max_iter": 100} | params
    blocked = MSKRegressor(tol=1e-10, verbose=1, **params).fit(X, Y, weights)
    assert "computed block by block" in capsys.readouterr().out
    monkeypatch.delenv(VARIABLE)
    dense = MSKRegressor(tol=1e-10, verbose=1, **params).fit(X, Y, weights)
    assert "computed block by block" not in capsys.readouterr().out
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
    model = MSKKernel(g="flatten", k=5, eigen_solver="randomized")
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


def large_problem(models, n=2000, **changes):
    """Problem that some models share, of rows that mixed precision is for."""
    X = np.random.RandomState(0).standard_normal((n, 3))
    trainings = [training_config(model) for model in models]
    config = replace(problem_config(models[0]), **changes)
    return build_problem(ArrayRows.of(X, X[:, 0], None), config, trainings)


SERVED = {"k": 10, "eigen_solver": "randomized"}


@pytest.mark.parametrize("params", [{}, {"k": 9}, {"eigen_solver": "auto"}])
def test_large_kernels_are_held_in_mixed_precision(params):
    A = large_problem([MSKRegressor("laplacian", **SERVED | params)]).operator
    assert type(A) is MixedPrecisionOperator
    assert type(A.source) is BlockedOperator


@pytest.mark.parametrize(
    "params",
    [
        {"tol": 1e-6},
        {"max_iter": np.inf, "alpha": 0.1},
        {"solver": "eigh"},
        {"solver": "gd", "dynamics": "descent"},
        {"eigen_solver": "arpack"},
        {"kernel": lambda X, Y: laplacian_kernel(X, Y)},
        {"k": 8},
    ],
)
def test_the_matrix_is_held_where_its_digits_are_needed(params):
    """Or where few pairs make up for nothing; one such training decides for all."""
    served = {"kernel": "laplacian"} | SERVED
    model = MSKRegressor(**served | params)
    assert type(large_problem([model]).operator) is DenseOperator
    if not {"k", "kernel", "eigen_solver"} & set(params):
        both = [MSKRegressor(**served), model]
        assert type(large_problem(both).operator) is DenseOperator


def test_few_rows_are_held_as_a_matrix():
    A = large_problem([MSKRegressor("laplacian", **SERVED)], n=1999).operator
    assert type(A) is DenseOperator


@pytest.mark.parametrize(
    ("bytes_an_entry", "kind"), [(2.1, MixedPrecisionOperator), (1.9, BlockedOperator)]
)
def test_little_memory_is_enough(bytes_an_entry, kind):
    limit = bytes_an_entry * 2000**2
    model = MSKRegressor("laplacian", **SERVED)
    A = large_problem([model], memory_limit=limit).operator
    assert type(A) is kind

"""Pairs that `memory` keeps."""

import numpy as np
import pytest
from problems import CountedMemory, assert_same_results
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_msk import MSKKernel, MSKRegressor


@pytest.fixture(scope="module")
def data():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((60, 3))
    y = np.sin(3.0 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.1 * rng.standard_normal(60)
    return X, y


def test_memory_serves_fewer_pairs_from_more(data, tmp_path):
    anew, memory = CountedMemory(), CountedMemory(tmp_path)
    grid = {"k": [9, 2, 5], "max_iter": [5, 50], "g": ["flatten", "lift"]}
    estimator = MSKRegressor("rbf", memory=anew)
    GridSearchCV(estimator, grid, cv=3, refit=False).fit(*data)
    assert len(anew.calls) == 36
    plain = GridSearchCV(MSKRegressor("rbf"), grid, cv=3, refit=False).fit(*data)
    estimator = MSKRegressor("rbf", memory=memory)
    cached = GridSearchCV(estimator, grid, cv=3, refit=False).fit(*data)
    assert memory.calls == [9, 9, 9]
    assert_same_results(cached, plain, atol=1e-9)

    # More pairs are computed once more, and then serve; other data never do.
    X, y = data
    for k, computed in ((9, [9]), (12, [12]), (3, []), (12, [])):
        memory.calls.clear()
        model = MSKRegressor("rbf", k=k, max_iter=100, memory=memory).fit(X, y)
        assert model.k_ == k and memory.calls == computed
    for other in (
        MSKRegressor("rbf", k=3, gamma=0.2),
        MSKRegressor("laplacian", k=3),
        MSKRegressor(lambda X, Z: X @ Z.T + 1.0, k=2),
        MSKRegressor(lambda X, Z: (X @ Z.T + 1.0) ** 2, k=2),
    ):
        memory.calls.clear()
        other.set_params(max_iter=100)
        expected = clone(other).fit(X, y).predict(X)
        other.set_params(memory=memory).fit(X, y)
        assert len(memory.calls) == 1
        np.testing.assert_array_equal(other.predict(X), expected)


def test_memory_of_kernel_and_of_a_rank_deficient_one(data, tmp_path):
    memory = CountedMemory(tmp_path)
    X, y = data
    MSKKernel("rbf", k=5, memory=memory).fit(X)
    MSKKernel("rbf", k=4, memory=memory).fit(X)
    assert memory.calls == [5]
    memory.calls.clear()
    for k in (10, 20):
        model = MSKRegressor("linear", k=k, max_iter=100, memory=memory).fit(X, y)
        assert model.k_ == 3
    assert memory.calls == [10]

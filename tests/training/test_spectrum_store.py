"""Pairs that `memory` keeps."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_msk import MSKKernel, MSKRegressor
from sklearn_msk._training import _decompose


@pytest.fixture(scope="module")
def data():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((60, 3))
    y = np.sin(3.0 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.1 * rng.standard_normal(60)
    return X, y


def _assert_same_results(ours, theirs, atol=1e-6):
    ours, theirs = ours.cv_results_, theirs.cv_results_
    assert set(ours) == set(theirs)
    assert ours["params"] == theirs["params"]
    for key, values in theirs.items():
        if key.startswith("param_"):
            assert list(ours[key]) == list(values)
        elif key != "params" and "time" not in key and not key.startswith("rank"):
            np.testing.assert_allclose(ours[key], values, atol=atol, err_msg=key)
        elif "time" in key:
            assert np.all(ours[key] >= 0)


def _count_decompositions(monkeypatch):
    calls, original = [], _decompose.leading_spectrum

    def counted(A, k, **options):
        calls.append(k)
        return original(A, k, **options)

    monkeypatch.setattr(_decompose, "leading_spectrum", counted)
    return calls


def test_memory_serves_fewer_pairs_from_more(data, monkeypatch, tmp_path):
    calls = _count_decompositions(monkeypatch)
    grid = {"k": [9, 2, 5], "max_iter": [5, 50], "g": ["flatten", "lift"]}
    plain = GridSearchCV(MSKRegressor("rbf"), grid, cv=3, refit=False).fit(*data)
    assert len(calls) == 36
    calls.clear()
    estimator = MSKRegressor("rbf", memory=str(tmp_path))
    cached = GridSearchCV(estimator, grid, cv=3, refit=False).fit(*data)
    assert calls == [9, 9, 9]
    _assert_same_results(cached, plain, atol=1e-9)

    # More pairs are computed once more, and then serve; other data never do.
    X, y = data
    for k, computed in ((9, [9]), (12, [12]), (3, []), (12, [])):
        calls.clear()
        model = MSKRegressor("rbf", k=k, memory=str(tmp_path)).fit(X, y)
        assert model.k_ == k and calls == computed
    for other in (
        MSKRegressor("rbf", k=3, gamma=0.2),
        MSKRegressor("laplacian", k=3),
        MSKRegressor(lambda X, Z: X @ Z.T + 1.0, k=2),
        MSKRegressor(lambda X, Z: (X @ Z.T + 1.0) ** 2, k=2),
    ):
        calls.clear()
        expected = clone(other).fit(X, y).predict(X)
        other.set_params(memory=str(tmp_path)).fit(X, y)
        assert len(calls) == 2
        np.testing.assert_array_equal(other.predict(X), expected)


def test_memory_of_kernel_and_of_a_rank_deficient_one(data, monkeypatch, tmp_path):
    calls = _count_decompositions(monkeypatch)
    X, y = data
    MSKKernel("rbf", k=5, memory=str(tmp_path)).fit(X)
    MSKKernel("rbf", k=4, memory=str(tmp_path)).fit(X)
    assert calls == [5]
    calls.clear()
    for k in (10, 20):
        model = MSKRegressor("linear", k=k, memory=str(tmp_path)).fit(X, y)
        assert model.k_ == 3
    assert calls == [10]

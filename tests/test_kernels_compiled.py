"""Compiled tiles against those of NumPy, and when they are used.

Their accuracy is tested in test_kernels_angles and test_kernels_recursion.
"""

import sys

import numpy as np
import pytest

from sklearn_msk import MSKRegressor
from sklearn_msk.kernels import NNGP, NTK, _infinite_width
from sklearn_msk.kernels._tiles import COMPILE_FROM, Tiles, compiled_tiles

ROWS = np.random.RandomState(0).standard_normal((420, 5))
# equal, opposite, parallel and zero rows
ROWS[[5, 250]], ROWS[7], ROWS[8], ROWS[9] = ROWS[3], -ROWS[3], 3.0 * ROWS[3], 0.0


@pytest.fixture
def chosen(monkeypatch):
    """Classes that evaluate tiles, as they are chosen."""
    classes, choose = [], NTK._choose_tiles

    def recorded(kernel, n_entries):
        classes.append(choose(kernel, n_entries))
        return classes[-1]

    monkeypatch.setattr(_infinite_width._InfiniteWidthKernel, "_choose_tiles", recorded)
    return classes


@pytest.mark.parametrize("variances", [(2.0, 0.1), (2.0, 0.0), (0.7, 1.5), (0.0, 0.3)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("depth", [1, 2, 4])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "abs"])
@pytest.mark.parametrize("network", [NNGP, NTK])
def test_same_entries(network, activation, depth, dtype, variances, monkeypatch):
    pytest.importorskip("numba")
    kernel, rows = network(depth, activation, *variances), ROWS.astype(dtype)
    others = rows[100:] + dtype(0.2)
    expected = [kernel(rows), kernel(rows, others)]
    monkeypatch.setattr(_infinite_width, "COMPILE_FROM", 0)
    own = np.sqrt(kernel.diag(rows))
    scales = np.outer(own, own), np.outer(own, np.sqrt(kernel.diag(others)))
    tolerance = 8.0 * np.finfo(dtype).eps
    for K, reference, scale in zip(
        (kernel(rows), kernel(rows, others)), expected, scales, strict=True
    ):
        assert K.dtype == dtype
        assert np.all(np.abs(K - reference) <= tolerance * scale)


@pytest.mark.parametrize("depth", [1, 4])
def test_equal_rows_of_many_features(depth, engine):
    """The product of rows of unit length is off by some 30 eps there."""
    row = 0.5 + np.random.RandomState(0).uniform(size=100_000)
    X = np.stack([row, row.copy(), -row])
    kernel = NTK(depth, bias_variance=0.0)
    K = kernel(X, X[:2])
    own = kernel.diag(X)[0]
    np.testing.assert_allclose(K[:2], own, rtol=8 * np.finfo(float).eps)
    np.testing.assert_allclose(K[2], kernel(X[2:], -X[2:]).item(), rtol=1e-14)


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (8, 8), (37, 100), (200, 96)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_transposed_copy(dtype, shape):
    pytest.importorskip("numba")
    n, m = shape
    tile = np.random.RandomState(0).standard_normal(shape).astype(dtype)
    K = np.zeros((m + 5, n + 9), dtype)
    compiled_tiles().copy_transposed(tile, K[2 : m + 2, 3 : n + 3])
    assert np.array_equal(K[2 : m + 2, 3 : n + 3], tile.T)
    K[2 : m + 2, 3 : n + 3] = 0.0
    assert not K.any()


def test_used_for_large_matrices_of_piecewise_linear_activations(chosen):
    pytest.importorskip("numba")
    n_rows = 1 + COMPILE_FROM // (3 * 2 * len(ROWS))
    others = np.zeros((n_rows, 5))
    NTK(3)(np.vstack([ROWS, ROWS]), others)
    NTK(3)(ROWS, others)
    NTK(3, activation="erf")(np.vstack([ROWS, ROWS]), others)
    assert chosen == [compiled_tiles(), Tiles, Tiles]
    assert chosen[0] is not None


def test_numpy_where_numba_is_not_installed(chosen, monkeypatch):
    monkeypatch.setattr(_infinite_width, "COMPILE_FROM", 0)
    monkeypatch.setitem(sys.modules, "sklearn_msk.kernels._compiled", None)
    assert compiled_tiles() is None
    MSKRegressor(k=5).fit(ROWS, ROWS[:, 0])
    assert set(chosen) == {Tiles}


def test_overflow_is_infinite_and_silent(engine):
    rows = np.array([[1.0, 2.0], [3e30, 1e30]], dtype=np.float32)
    K = NTK(bias_variance=1e39)(rows)
    assert np.isinf(K).any()


def test_threads_and_repeated_calls_change_no_bit(engine):
    kernel = NTK(2)
    K = kernel(ROWS)
    for n_jobs in (1, 2):
        assert np.array_equal(kernel(ROWS, n_jobs=n_jobs), K)

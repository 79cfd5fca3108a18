"""The engines of networks against each other, and when they are used.

Their accuracy is tested in test_angles and test_network.
"""

import sys
from itertools import combinations

import numpy as np
import pytest

from kernels.test_angles import GAPS, OPPOSITE
from sklearn_msk import MSKRegressor
from sklearn_msk.kernels import NNGP, NTK, _network_base, _network_matrix
from sklearn_msk.kernels._network_inplace import InplaceEvaluator
from sklearn_msk.kernels._network_matrix import (
    COMPILE_FROM,
    RecursionEvaluator,
    numba_evaluator,
)

ROWS = np.random.RandomState(0).standard_normal((420, 5))
# equal, opposite, parallel and zero rows
ROWS[[5, 250]], ROWS[7], ROWS[8], ROWS[9] = ROWS[3], -ROWS[3], 3.0 * ROWS[3], 0.0


@pytest.fixture
def chosen(monkeypatch):
    """Classes that evaluate tiles, as they are chosen."""
    classes, choose = [], _network_base.choose_evaluator

    def recorded(network, n_entries):
        classes.append(choose(network, n_entries))
        return classes[-1]

    monkeypatch.setattr(_network_base, "choose_evaluator", recorded)
    return classes


@pytest.mark.parametrize("variances", [(2.0, 0.1), (2.0, 0.0), (0.7, 1.5), (0.0, 0.3)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("depth", [1, 2, 4])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "abs"])
@pytest.mark.parametrize("network", [NNGP, NTK])
def test_same_entries(network, activation, depth, dtype, variances):
    """Both fast engines and the recursion, which takes angles from arcsin."""
    kernel, rows = network(depth, activation, *variances), ROWS.astype(dtype)
    others = rows[100:] + dtype(0.2)
    own = np.sqrt(kernel.diag(rows))
    scales = np.outer(own, own), np.outer(own, np.sqrt(kernel.diag(others)))
    tolerance = 8.0 * np.finfo(dtype).eps
    engines = [RecursionEvaluator, InplaceEvaluator, numba_evaluator()]
    matrices = [
        [kernel._matrix(rows, Y, None, engine=engine) for Y in (None, others)]
        for engine in engines
        if engine is not None
    ]
    for (first, K), (second, expected) in combinations(enumerate(matrices), 2):
        for entries, reference, scale in zip(K, expected, scales, strict=True):
            assert entries.dtype == dtype
            error = np.max(np.abs(entries - reference) - tolerance * scale)
            assert error <= 0, (engines[first], engines[second])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("setting", GAPS)
@pytest.mark.parametrize("network", [NNGP, NTK])
def test_small_angles_of_the_recursion(network, setting, dtype):
    """As `test_angles` has it of the two fast engines."""
    kernel = network(depth=setting[0], bias_variance=setting[1])
    for sign, table in ((1.0, GAPS), (-1.0, OPPOSITE)):
        angles, nngp, ntk = np.array(table[setting]).T
        others = sign * np.column_stack([np.cos(angles), np.sin(angles)])
        rows = np.array([[1.0, 0.0]], dtype)
        K = kernel._matrix(rows, others.astype(dtype), None, engine=RecursionEvaluator)
        own = float(kernel.diag(rows.astype(float))[0])
        result = own - K[0].astype(float) if table is GAPS else K[0]
        error = np.abs(result - (nngp if network is NNGP else ntk))
        assert np.max(error) <= 8.0 * np.finfo(dtype).eps * own


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


def test_used_for_large_matrices_of_piecewise_linear_activations(chosen):
    pytest.importorskip("numba")
    n_rows = 1 + COMPILE_FROM // (3 * 2 * len(ROWS))
    others = np.zeros((n_rows, 5))
    NTK(3)(np.vstack([ROWS, ROWS]), others)
    NTK(3)(ROWS, others)
    NTK(3, activation="erf")(np.vstack([ROWS, ROWS]), others)
    assert chosen == [numba_evaluator(), InplaceEvaluator, RecursionEvaluator]
    assert chosen[0] is not None


def test_numpy_where_numba_is_not_installed(chosen, monkeypatch):
    monkeypatch.setattr(_network_matrix, "COMPILE_FROM", 0)
    monkeypatch.setitem(sys.modules, "sklearn_msk.kernels._network_numba", None)
    assert numba_evaluator() is None
    MSKRegressor(k=5).fit(ROWS, ROWS[:, 0])
    assert set(chosen) == {InplaceEvaluator}


def test_overflow_is_infinite_and_silent(engine):
    rows = np.array([[1.0, 2.0], [3e30, 1e30]], dtype=np.float32)
    K = NTK(bias_variance=1e39)(rows)
    assert np.isinf(K).any()


def test_threads_and_repeated_calls_change_no_bit(engine):
    kernel = NTK(2)
    K = kernel(ROWS)
    for n_jobs in (1, 2):
        assert np.array_equal(kernel(ROWS, n_jobs=n_jobs), K)

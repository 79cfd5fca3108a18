"""The engines of networks against each other, and when they are used.

Their accuracy is tested in test_angles and test_network.
"""

import sys
from itertools import combinations

import numpy as np
import pytest

from kernels.test_angles import GAPS, OPPOSITE
from sklearn_msk.kernels import NNGP, NTK
from sklearn_msk.kernels._network_inplace import InplaceEvaluator
from sklearn_msk.kernels._network_matrix import (
    COMPILE_FROM,
    RecursionEvaluator,
    choose_evaluator,
    numba_evaluator,
)

ROWS = np.random.RandomState(0).standard_normal((420, 5))
# equal, opposite, parallel and zero rows
ROWS[[5, 250]], ROWS[7], ROWS[8], ROWS[9] = ROWS[3], -ROWS[3], 3.0 * ROWS[3], 0.0


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


def is_evaluated_by(engine, kernel, rows, others):
    """Whether every bit is that of an engine: their rounding differs."""
    K = kernel._matrix(rows, others, None, engine=engine)
    return np.array_equal(kernel(rows, others), K)


# Layers times entries are just above, and half of, what code is compiled for.
OTHERS = np.random.RandomState(1).standard_normal((1 + COMPILE_FROM // (6 * 420), 5))
LARGE, SMALL = np.vstack([ROWS, ROWS]), ROWS


def test_used_for_large_matrices_of_piecewise_linear_activations():
    pytest.importorskip("numba")
    compiled = numba_evaluator()
    for rows, right, wrong in (
        (LARGE, compiled, InplaceEvaluator),
        (SMALL, InplaceEvaluator, compiled),
    ):
        assert is_evaluated_by(right, NTK(3), rows, OTHERS)
        assert not is_evaluated_by(wrong, NTK(3), rows, OTHERS)
        assert choose_evaluator(NTK(3), len(rows) * len(OTHERS)) is right
    smooth = NTK(3, activation="erf")
    assert choose_evaluator(smooth, len(LARGE) * len(OTHERS)) is RecursionEvaluator


def test_numpy_where_numba_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn_msk.kernels._network_numba", None)
    assert numba_evaluator() is None
    assert choose_evaluator(NTK(), 10**12) is InplaceEvaluator
    assert is_evaluated_by(InplaceEvaluator, NTK(3), LARGE, OTHERS)


def test_overflow_is_infinite_and_silent(engine):
    rows = np.array([[1.0, 2.0], [3e30, 1e30]], dtype=np.float32)
    K = NTK(bias_variance=1e39)(rows)
    assert np.isinf(K).any()


def test_threads_and_repeated_calls_change_no_bit(engine):
    kernel = NTK(2)
    K = kernel(ROWS)
    for n_jobs in (1, 2):
        assert np.array_equal(kernel(ROWS, n_jobs=n_jobs), K)

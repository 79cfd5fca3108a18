"""Kernel matrices of any kernel: blocks, tiles, and entries that are no numbers."""

import re

import joblib
import numpy as np
import pytest
from quadrature import ACTIVATIONS
from sklearn.gaussian_process.kernels import (
    RBF,
    ConstantKernel,
    DotProduct,
    Matern,
    WhiteKernel,
)

from sklearn_msk._operators import (
    BlockedOperator,
)
from sklearn_msk.kernels import NNGP, NTK
from sklearn_msk.kernels._adapters import CallableKernel, PairwiseKernel
from sklearn_msk.kernels._evaluation import evaluate_kernel, kernel_tiles
from sklearn_msk.kernels._resolution import (
    resolve_kernel,
)

NETWORKS = {"ntk": NTK, "nngp": NNGP}


# positive, as the chi-squared kernels want them
X = np.abs(np.random.RandomState(0).normal(size=(7, 3)))


Y = X[:4] + 0.1


def _evaluate(kernel, *rows, n_jobs=None, **params):
    rows = rows or (X, Y)
    return evaluate_kernel(resolve_kernel(kernel, **params), *rows, n_jobs=n_jobs)


def _raises(*parts):
    """Expect a ValueError whose message holds these parts in this order."""
    return pytest.raises(ValueError, match=".*".join(map(re.escape, parts)))


class TestNotFinite:
    @pytest.mark.parametrize(
        ("kernel", "scale", "name", "value"),
        [
            (NTK(), 1e200, "kernel NTK(depth=1, activation='relu'", "inf"),
            (NNGP(1, "gelu"), 1e160, "kernel NNGP(depth=1, activation='gelu'", "inf"),
            # Names stand for normalised kernels: inf over inf.
            ("ntk_relu", 1e200, "kernel NTK(depth=1, activation='relu'", "nan"),
            ("nngp_gelu", 1e160, "kernel NNGP(depth=1, activation='gelu'", "nan"),
            ("poly", 1e200, "kernel 'poly'", "inf"),
            (DotProduct(), 1e200, "kernel DotProduct(sigma_0=1)", "inf"),
        ],
        ids=str,
    )
    def test_overflow_names_the_kernel(self, kernel, scale, name, value):
        # Some warn on their way, those of scikit-learn among them.
        with np.errstate(all="ignore"), _raises(name, f"is {value} in row 0, column 0"):
            _evaluate(kernel, scale * X)

    @pytest.mark.parametrize("activation", ACTIVATIONS)
    @pytest.mark.parametrize("prefix", NETWORKS)
    def test_overflow_of_a_network_is_an_error_or_none(self, prefix, activation):
        # A bounded activation may stay finite; no NaN may come through.
        for dtype, scale in ((np.float64, 1e200), (np.float32, 1e30)):
            rows = (scale * X).astype(dtype)
            try:
                with np.errstate(all="ignore"):
                    K = _evaluate(f"{prefix}_{activation}", rows)
            except ValueError as error:
                assert f"activation='{activation}'" in str(error)
            else:
                assert np.isfinite(K).all()

    def test_a_callable_is_named_with_the_entry(self):
        def spoilt(X, Y):
            K = X @ Y.T
            K[5, 2] = np.nan
            return K

        with _raises("callable kernel 'spoilt' is nan in row 5, column 2", "(7, 4)"):
            _evaluate(spoilt)

    def test_a_precomputed_matrix_is_checked_beyond_its_first_rows(self):
        K = np.ones((600, 2))
        K[590, 1] = -np.inf
        with _raises("precomputed kernel is -inf in row 590, column 1"):
            _evaluate("precomputed", K)


class TestBlocks:
    """Kernels that are not ours, beyond the rows of one block."""

    KERNELS = [
        Matern(nu=0.5),
        ConstantKernel(2.0) * RBF() + WhiteKernel(0.3),
        DotProduct() ** 2,
        "rbf",
        "laplacian",
        "poly",
        "chi2",
    ]

    @pytest.fixture
    def rows(self):
        rows = np.random.RandomState(0).uniform(size=(777, 4))
        rows[700] = rows[3]
        return rows

    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    @pytest.mark.parametrize("kernel", KERNELS, ids=str)
    def test_blocks_make_the_whole_matrix(self, kernel, dtype, rows):
        rows = rows.astype(dtype)
        resolved = resolve_kernel(kernel)
        tolerance = 1e-12 if dtype == np.float64 else 1e-5
        K = evaluate_kernel(resolved, rows)
        whole = resolved(rows)
        assert K.dtype == whole.dtype
        np.testing.assert_array_equal(K, K.T)
        np.testing.assert_allclose(K, whole, rtol=tolerance, atol=tolerance)
        cross = evaluate_kernel(resolved, rows, rows[:50])
        expected = resolved(rows, rows[:50])
        np.testing.assert_allclose(cross, expected, rtol=tolerance, atol=tolerance)

    @pytest.mark.parametrize("kernel", KERNELS, ids=str)
    def test_threads_change_no_bit(self, kernel, rows):
        resolved = resolve_kernel(kernel)
        one, two = (evaluate_kernel(resolved, rows, n_jobs=n) for n in (1, 2))
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("kernel", [NTK(), PairwiseKernel("rbf")])
def test_tiles_are_written_where_they_are_read(kernel):
    """Whatever backend the user has chosen for joblib: processes would fill copies."""
    X = np.random.RandomState(0).standard_normal((600, 3))
    expected = evaluate_kernel(kernel, X)
    for backend in ("loky", "threading"):
        with joblib.parallel_config(backend=backend, n_jobs=2):
            K = evaluate_kernel(kernel, X)
            product = BlockedOperator(kernel, X) @ np.ones(600)
        np.testing.assert_allclose(K, expected, rtol=1e-12)
        np.testing.assert_allclose(product, expected.mean(axis=1))


def test_blocks_of_cross_kernels_are_the_kernel():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(603, 4)), rng.normal(size=(37, 4))
    kernel = RBF(1.3) + Matern(0.7, nu=0.5)
    np.testing.assert_allclose(evaluate_kernel(kernel, X, Y), kernel(X, Y), rtol=1e-12)
    np.testing.assert_allclose(evaluate_kernel(kernel, X), kernel(X), rtol=1e-12)


def test_an_entry_that_is_not_finite_is_told():
    def kernel(X, Y=None):
        K = NTK()(X, Y)
        K[(X[:, :1] > 1e3) & (X[:, :1] < (X if Y is None else Y)[:, 0])] = np.inf
        return K

    X = np.random.RandomState(0).standard_normal((100, 2))
    X[70, 0], X[30, 0] = 1e4, 1e5
    tile = kernel_tiles(CallableKernel(kernel), X)
    tile(slice(0, 40), slice(40, 80))
    with pytest.raises(ValueError, match=r"row 70, column 30 of .* \(100, 100\)"):
        tile(slice(40, 80), slice(0, 40))

"""Kernels on arrays of other libraries give what they give on NumPy's."""

import numpy as np
import pytest
from sklearn.gaussian_process.kernels import (
    RBF,
    DotProduct,
    Matern,
    RationalQuadratic,
    WhiteKernel,
)

from sklearn_msk._array_api import is_foreign
from sklearn_msk.kernels import NNGP, NTK
from sklearn_msk.kernels._activations import ACTIVATIONS
from sklearn_msk.kernels._array_matrix import matrix_of_tiles
from sklearn_msk.kernels._array_tiles import array_tiles
from sklearn_msk.kernels._evaluation import evaluate_kernel
from sklearn_msk.kernels._resolution import resolve_kernel

KERNELS = [
    *(f"{kind}_{activation}" for kind in ("ntk", "nngp") for activation in ACTIVATIONS),
    NTK(),
    NTK(depth=3, bias_variance=0.0),
    NNGP(depth=2, activation="erf"),
    *("rbf", "laplacian", "linear", "poly", "cosine", "sigmoid"),
    RBF([0.5, 1.0, 2.0, 1.0]),
    *(Matern(nu=nu) for nu in (0.5, 1.5, 2.5, np.inf)),
    RationalQuadratic(alpha=0.7),
    DotProduct(),
    2.0 * RBF() + WhiteKernel(0.1),
    NTK() * RBF() ** 2,
]


@pytest.fixture
def rows():
    """Rows: equal, opposite, close and zero ones among them."""
    X = np.random.default_rng(0).standard_normal((40, 4))
    X[5], X[6], X[7], X[8] = X[4], -X[4], X[4] + 1e-7, 0.0
    return X


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_matrices_are_those_of_numpy(library, rows, kernel, dtype):
    if dtype != library.widest and library.widest == np.float32:
        dtype = np.float32
    kernel, X = resolve_kernel(kernel), rows.astype(dtype)
    others = np.vstack([X[:9], X[20:] + dtype(0.5)])
    for Y in (None, others):
        double = [None if part is None else part.astype(float) for part in (X, Y)]
        exact = evaluate_kernel(kernel, *double)
        placed = [None if part is None else library.put(part) for part in (X, Y)]
        found = evaluate_kernel(kernel, *placed)
        assert is_foreign(found)
        error = np.abs(library.back(found) - exact).max() / np.abs(exact).max()
        assert error <= (1e-13 if dtype == np.float64 else 3e-6)


@pytest.mark.parametrize("kernel", ["ntk_relu", "rbf"])
def test_tiles_make_the_matrix(library, rows, kernel, monkeypatch):
    monkeypatch.setattr("sklearn_msk.kernels._array_matrix.tile_side", lambda like: 7)
    kernel, X = resolve_kernel(kernel), library.put(rows)
    whole = evaluate_kernel(kernel, library.back(X))
    tiles = array_tiles(kernel, X, None, X.dtype)
    found = library.back(matrix_of_tiles(tiles, whole.shape, X, symmetric=True))
    assert np.array_equal(found, found.T)
    assert np.abs(found - whole).max() <= 1e-6
    assert np.array_equal(found.diagonal(), whole.diagonal())


def test_kernel_objects_answer_where_the_rows_are(library, rows):
    X = library.put(rows)
    K = NTK(depth=2)(X)
    assert is_foreign(K) and K.shape == (40, 40)
    assert np.abs(library.back(K) - NTK(depth=2)(library.back(X))).max() <= 1e-5


def test_a_callable_gets_arrays_of_the_library(library, rows):
    kinds = []

    def linear(X, Y):
        kinds.append(type(X))
        return X @ Y.T

    X = library.put(rows)
    K = evaluate_kernel(resolve_kernel(linear), X)
    assert np.abs(library.back(K) - rows @ rows.T).max() <= 1e-5
    assert kinds


def test_a_kernel_that_a_library_cannot_evaluate_is_refused(library, rows):
    X, kernel = library.put(np.abs(rows)), resolve_kernel("chi2")
    if type(X).__module__.startswith("torch") or library.widest == np.float32:
        pytest.skip("NumPy evaluates the kernel there")
    with pytest.raises(ValueError, match=r"'chi2' .* NumPy arrays only\. Got .*RBF"):
        evaluate_kernel(kernel, X)


def test_an_entry_that_overflows_has_its_place_named(library, rows):
    X = library.put(rows * 1e15)
    with pytest.raises(ValueError, match=r"'poly' is inf in row \d+, column \d+ of"):
        evaluate_kernel(resolve_kernel("poly", degree=30), X)

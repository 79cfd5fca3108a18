"""The operator of a kernel matrix in memory."""

import numpy as np
import pytest
from problems import kernel_matrix

from sklearn_msk import MSKRegressor
from sklearn_msk._operators import (
    DenseOperator,
    mixed_precision,
)
from sklearn_msk._validation import check_matrix_symmetric


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", ["C", "F", "strided"])
@pytest.mark.parametrize("m", [1, 2, 6, 7, 20])
def test_rounding_that_is_not_symmetric(dtype, layout, m):
    """Products, columns and tiles are those of the lower triangle."""
    n, rng = 300, np.random.RandomState(0)
    K = kernel_matrix(n, dtype=dtype)
    noise = 0.3 * np.sqrt(np.finfo(dtype).eps) * np.abs(K).max()
    K += noise * rng.uniform(-1, 1, (n, n)).astype(dtype)
    check_matrix_symmetric(K, "kernel")
    lower = np.tril(K).astype(float)
    matrix = lower + np.tril(lower, -1).T
    assert np.abs(matrix - K).max() > 0.3 * noise
    A = DenseOperator(held(K, layout))
    V = rng.standard_normal((n, m))
    exact = matrix @ V / n
    atol = 1e-15 * n * np.abs(exact).max()
    np.testing.assert_allclose(A @ V, exact, atol=atol)
    np.testing.assert_allclose(A @ V[:, 0], exact[:, 0], atol=atol)
    np.testing.assert_allclose(A @ V[:, :1], exact[:, :1], atol=atol)
    np.testing.assert_allclose(A.dense(), matrix / n, rtol=1e-15)
    np.testing.assert_array_equal(A.columns(np.arange(0, n, 7)), matrix[:, ::7])
    tile, rows = A.tiles(float), slice(100, 150)
    np.testing.assert_array_equal(tile(rows, rows), matrix[rows, rows])
    mixed = mixed_precision(A, 20, tile_side=70)
    error = np.linalg.norm((mixed @ V - exact) / mixed.scale, axis=0)
    assert np.all(error <= 4 * mixed.product_error * np.linalg.norm(V, axis=0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernel_matrix_is_not_copied_or_written_to(dtype):
    K = kernel_matrix(dtype=dtype)
    K.flags.writeable = False
    A = DenseOperator(K)
    assert A.K is K
    A @ np.ones(60)
    A.dense()[:] = 0.0


def test_noise_bounds_the_eigenvalues_that_rounding_makes():
    """Of a matrix of rank 3 in either precision, no other eigenvalue exceeds it."""
    X = np.random.RandomState(0).standard_normal((300, 3))
    for dtype in (np.float32, np.float64):
        A = DenseOperator((X @ X.T).astype(dtype))
        eigenvalues = np.linalg.eigvalsh(A.dense())[::-1]
        noise = A.eigenvalue_error(eigenvalues[0])
        assert np.abs(eigenvalues[3:]).max() < noise < 1e-3 * eigenvalues[2]


def test_zero_matrix():
    A = DenseOperator(np.zeros((5, 5)))
    assert A.scale == 1.0


def held(K, layout):
    """The same matrix in another layout in memory."""
    if layout == "C":
        return K
    if layout == "F":
        return np.asfortranarray(K)
    return np.repeat(K, 2, axis=1)[:, ::2]


@pytest.mark.parametrize("layout", ["C", "F", "strided"])
def test_products_of_every_memory_layout(layout, data):
    """One vector reads one triangle where it can; the result is the same."""
    K = kernel_matrix()
    A = DenseOperator(held(K, layout))
    for V in (data[1], data[1][:, :1], data[1][:, 0]):
        assert (A @ V).shape == V.shape
        np.testing.assert_allclose(A @ V, K @ V / 60, atol=1e-14)


def test_the_rank_of_a_float32_matrix_is_not_that_of_its_order():
    """Entries that are rounded to float32 move eigenvalues by a few eps, not n eps."""
    X = np.random.default_rng(0).uniform(size=(1200, 3))
    exact = MSKRegressor("laplacian", k=120, max_iter=10).fit(X, X[:, 0])
    rounded = MSKRegressor("laplacian", k=120, max_iter=10).fit(
        X.astype(np.float32), X[:, 0]
    )
    assert exact.k_ == rounded.k_ == 120
    # Rounding alone has no rank.
    flat = MSKRegressor("linear", k=20, max_iter=10).fit(X.astype(np.float32), X[:, 0])
    assert flat.k_ == 3

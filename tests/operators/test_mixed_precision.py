"""The operator in mixed precision: its products, and the rounding that it measures."""

import numpy as np
import pytest
from problems import RecordedTiles, in_small_panels, kernel_matrix
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel

from sklearn_msk._operators import (
    BlockedOperator,
    DenseOperator,
)
from sklearn_msk.kernels import NTK


def error_of(A, V, image):
    """Largest error of the images of unit vectors, in units of the scale of A."""
    exact = A.dense() @ V
    return np.linalg.norm(image - exact, axis=0).max() / A.scale


@pytest.mark.parametrize("n", [1, 39, 40, 41, 230])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("held", [False, True])
def test_products_equal_those_of_the_matrix(n, dtype, weighted, held):
    rng = np.random.RandomState(1)
    X, weights = rng.standard_normal((n, 3)).astype(dtype), None
    if weighted:
        weights = rng.uniform(0.5, 2.0, n)
        weights[1::7] = 0.0
    source = BlockedOperator(NTK(), X, weights)
    if held:
        source = DenseOperator(NTK()(X), weights)
    A = in_small_panels(source, 10)
    assert A.dtype == dtype
    matrix = source.dense()
    assert 0.0 <= A.product_error < 1e-7 * np.linalg.norm(matrix / A.scale, 2)
    bound = 3.0 * A.product_error + 1e-14 * np.linalg.norm(matrix / A.scale, 2)
    for shape in ((n, 16), (n, 1), (n,)):
        V = rng.standard_normal(shape)
        V /= np.linalg.norm(V, axis=0)
        assert (A @ V).shape == shape
        assert error_of(source, V, A @ V) <= bound


def test_the_matrix_is_that_of_the_source():
    source = DenseOperator(kernel_matrix(50))
    np.testing.assert_array_equal(in_small_panels(source, 5).dense(), source.dense())


def test_white_noise_is_on_the_diagonal():
    X = np.random.RandomState(0).standard_normal((100, 3))
    kernel = NTK() + WhiteKernel(0.3)
    A = in_small_panels(BlockedOperator(kernel, X), 5)
    np.testing.assert_allclose(A @ np.eye(100), kernel(X) / 100, atol=1e-7)


def test_the_factor_keeps_the_rounding_from_the_leading_directions():
    A = DenseOperator(kernel_matrix(400))
    unfactored = in_small_panels(A, 0, min_rank=0)
    assert unfactored.factor.shape[1] == 0
    assert in_small_panels(A, 10).product_error < 0.05 * unfactored.product_error


def test_the_rounding_is_measured_where_it_is_largest():
    """Along the leading directions a product sums up entries of one sign."""
    A = DenseOperator(kernel_matrix(400))
    leading = np.linalg.eigh(A.dense())[1][:, :-60:-1]
    compact = in_small_panels(A, 64)
    assert error_of(A, leading, compact @ leading) <= 4.0 * compact.product_error


def test_a_sample_of_entries_tells_the_rounding():
    A = DenseOperator(kernel_matrix(400))
    ratio = (
        in_small_panels(A, 64).product_error
        / in_small_panels(A, 64, n_probed=400).product_error
    )
    assert ratio != 1.0
    assert 0.7 < ratio < 1.4


@pytest.mark.parametrize("size", [1e-240, 1e-150, 1e150, 1e240])
@pytest.mark.parametrize("of", ["kernel", "vectors"])
def test_any_size(size, of):
    K = kernel_matrix(120)
    V = np.eye(120)[:, :16]
    expected = size * (in_small_panels(DenseOperator(K), 5) @ V)
    large = in_small_panels(DenseOperator(size * K if of == "kernel" else K), 5)
    image = large @ (size * V if of == "vectors" else V)
    np.testing.assert_allclose(image, expected, atol=1e-7 * size)


def test_no_entry_is_denormal():
    """Entries of a narrow kernel reach down to any size."""
    X = np.random.RandomState(0).standard_normal((300, 10))
    panels = in_small_panels(DenseOperator(RBF(0.33)(X)), 5).remainder.panels
    entries = np.concatenate([np.abs(panel).ravel() for panel in panels])
    assert np.any(entries == 0.0)
    assert np.any((entries > 0.0) & (entries < 1e-30))
    assert not np.any((entries > 0.0) & (entries < np.finfo(np.float32).tiny))


ROUGH = [Matern(nu=0.5), Matern(0.5, nu=1.5), RBF(0.5), Matern(0.3, nu=2.5)]


@pytest.mark.parametrize("kernel", ROUGH)
@pytest.mark.parametrize("weighted", [False, True])
def test_rough_kernels_in_single_precision(kernel, weighted):
    rng = np.random.RandomState(0)
    X = rng.standard_normal((300, 10))
    weights = rng.uniform(0.0, 2.0, 300) if weighted else None
    source = RecordedTiles(kernel, X, weights)
    A = in_small_panels(source, 8)
    assert source.asked == [np.float32]
    assert A.remainder_dtype == np.float32
    matrix, eps = source.dense(), np.finfo(np.float32).eps
    norm = np.linalg.norm(matrix / A.scale, 2)
    assert A.product_error < eps * norm
    V = np.linalg.qr(rng.standard_normal((300, 30)))[0]
    leading = np.linalg.eigh(matrix)[1][:, -30:]
    for vectors in (V, leading):
        error = error_of(source, vectors, A @ vectors)
        assert error <= 4.0 * A.product_error
        assert error < 2.0 * eps * norm


def test_smooth_kernels_in_double_precision():
    X = np.random.RandomState(0).standard_normal((300, 3))
    source = RecordedTiles(RBF(3.0), X)
    A = in_small_panels(source, 8)
    assert A.product_error < 1e-6
    assert A.with_float64_remainder() is None
    assert source.asked == [np.float64]


def test_many_pairs_in_double_precision():
    X = np.random.RandomState(0).standard_normal((300, 10))
    source = RecordedTiles(Matern(nu=0.5), X)
    in_small_panels(source, 10)
    assert source.asked == [np.float64]


@pytest.mark.parametrize("kernel", [Matern(10.0, nu=0.5), NTK(3, "abs")])
def test_other_kernels_have_nothing_to_refine(kernel):
    X = np.random.RandomState(0).standard_normal((300, 60))
    A = in_small_panels(BlockedOperator(kernel, X), 8)
    assert A.remainder_dtype == np.float64
    assert A.with_float64_remainder() is None


@pytest.mark.parametrize("weighted", [False, True])
def test_a_rough_kernel_is_computed_again_in_double_precision(weighted):
    rng = np.random.RandomState(0)
    X = rng.standard_normal((300, 10))
    weights = rng.uniform(0.5, 2.0, 300) if weighted else None
    source = RecordedTiles(Matern(0.7, nu=1.5), X, weights)
    A = in_small_panels(source, 8)
    matrix = source.dense()
    before = np.linalg.norm(A @ np.eye(300) - matrix)
    image = A @ np.eye(300)
    refined = A.with_float64_remainder()
    assert refined.remainder_dtype == np.float64
    assert refined.with_float64_remainder() is None
    assert source.asked == [np.float32, np.float64]
    np.testing.assert_array_equal(A @ np.eye(300), image)
    assert np.linalg.norm(refined @ np.eye(300) - matrix) < 0.5 * before
    A = refined
    leading = np.linalg.eigh(matrix)[1][:, -30:]
    assert error_of(source, leading, A @ leading) <= 4.0 * A.product_error


def test_no_factor_of_a_rough_kernel_is_denormal():
    """Nor the products of two of them in single precision."""
    X = np.random.RandomState(0).standard_normal((300, 10))
    factor = in_small_panels(BlockedOperator(RBF(0.33), X), 5).factor
    entries = np.abs(factor)
    assert np.any((entries > 0.0) & (entries < 1e-12))
    assert np.min(entries[entries > 0.0]) ** 2 > np.finfo(np.float32).tiny
    np.testing.assert_array_equal(factor.astype(np.float32), factor)


@pytest.mark.parametrize("size", [1e-240, 1e-30, 1e30, 1e240])
@pytest.mark.parametrize("weighted", [False, True])
def test_rough_kernels_of_any_size(size, weighted):
    X = np.random.RandomState(0).standard_normal((200, 10))
    weights = np.linspace(0.0, 1e-3, 200) if weighted else None
    expected = in_small_panels(BlockedOperator(RBF(), X, weights), 5)
    assert expected.remainder_dtype == np.float32
    for source in (
        BlockedOperator(ConstantKernel(size) * RBF(), X, weights),
        DenseOperator(size * RBF()(X), weights),
    ):
        image = in_small_panels(source, 5) @ np.eye(200) / size
        np.testing.assert_allclose(image, expected @ np.eye(200), atol=1e-8)


@pytest.mark.parametrize("size", [1e-21, 1e-10, 1.0, 1e15])
def test_float32_kernels_of_any_size(size):
    """Their numbers may be denormal, and become larger than single precision has."""
    X = size * np.random.RandomState(0).standard_normal((300, 40))
    kernel = NTK(3, "abs", bias_variance=0.0)
    source = BlockedOperator(kernel, X.astype(np.float32))
    A = in_small_panels(source, 5)
    assert A.product_error < 1e-4
    matrix = source.dense() / A.scale
    np.testing.assert_allclose(A @ np.eye(300) / A.scale, matrix, atol=1e-6)


def test_a_matrix_of_low_rank_is_its_factor():
    X = np.random.RandomState(0).standard_normal((150, 5))
    for K in (X @ X.T, np.zeros((150, 150)), np.diag(np.arange(150.0) // 149)):
        A = in_small_panels(DenseOperator(K), 5)
        assert A.product_error < 1e-13 * max(np.trace(K / (150 * A.scale)), 1.0)


@pytest.mark.parametrize("width", [1, 16])
def test_threads_change_nothing(width):
    X = np.random.RandomState(0).standard_normal((230, 4))
    V = np.random.RandomState(1).standard_normal((230, width))
    images = [
        in_small_panels(BlockedOperator(NTK(), X), 5, n_threads) @ V
        for n_threads in (1, 2, 8)
    ]
    np.testing.assert_array_equal(images[0], images[1])
    np.testing.assert_array_equal(images[0], images[2])

"""Products in single precision, and the pairs that are computed from them."""

import itertools

import numpy as np
import pytest
from problems import kernel_matrix
from sklearn.gaussian_process.kernels import RBF, Matern

from sklearn_msk import MSKRegressor
from sklearn_msk._operators import (
    DenseOperator,
    SinglePrecisionProducts,
    _single_precision,
)
from sklearn_msk._spectrum import _eigen_solvers, leading_spectrum
from sklearn_msk.kernels import NTK


@pytest.fixture
def small_tiles(monkeypatch):
    """Several panels, the last one not full, for the few rows of a test."""
    monkeypatch.setattr(_single_precision, "_SIDE", 40)


@pytest.fixture
def used(monkeypatch, small_tiles):
    """Matrices of any size, and the products that pairs were computed from."""
    made = []

    def recorded(*args):
        made.append(SinglePrecisionProducts(*args))
        return made[-1]

    monkeypatch.setattr(_eigen_solvers, "_ROWS_SINGLE", 0)
    monkeypatch.setattr(_eigen_solvers, "_PAIRS_SINGLE", 0)
    monkeypatch.setattr(_eigen_solvers, "SinglePrecisionProducts", recorded)
    return made


def products(A, rank=64, n_threads=1):
    return SinglePrecisionProducts(A, rank, np.random.RandomState(0), n_threads)


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("n", [1, 39, 40, 41, 230])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
def test_products_equal_those_of_the_matrix(n, dtype, weighted):
    rng = np.random.RandomState(1)
    weights = None
    if weighted:
        weights = rng.uniform(0.5, 2.0, n)
        weights[1::7] = 0.0
    A = DenseOperator(kernel_matrix(n, dtype=dtype), weights)
    V = rng.standard_normal((n, 16)) / np.sqrt(n)
    matrix = A.dense() / A.scale
    with products(A) as single:
        assert 0.0 <= single.rounding < 1e-7 * np.linalg.norm(matrix, 2)
        errors = np.linalg.norm(single @ V - matrix @ V, axis=0)
    assert errors.max() <= 3.0 * single.rounding + 1e-14 * np.linalg.norm(matrix, 2)


@pytest.mark.usefixtures("small_tiles")
def test_the_factor_keeps_the_rounding_from_the_leading_directions():
    A = DenseOperator(kernel_matrix(400))
    with products(A, 0) as plain, products(A, 64) as factored:
        assert factored.rounding < 0.05 * plain.rounding


@pytest.mark.usefixtures("small_tiles")
def test_the_rounding_is_measured_where_it_is_largest():
    """Along the leading directions a product sums up entries of one sign."""
    A = DenseOperator(kernel_matrix(400))
    leading = np.linalg.eigh(A.dense())[1][:, :-60:-1]
    with products(A) as single:
        errors = np.linalg.norm(single @ leading - A @ leading / A.scale, axis=0)
    assert errors.max() <= 4.0 * single.rounding


@pytest.mark.usefixtures("small_tiles")
def test_a_sample_of_entries_tells_the_rounding(monkeypatch):
    A = DenseOperator(kernel_matrix(400))
    with products(A) as exact:
        monkeypatch.setattr(_single_precision, "_PROBED_ROWS", 100)
        with products(A) as sampled:
            ratio = sampled.rounding / exact.rounding
    assert ratio != 1.0
    assert 0.7 < ratio < 1.4


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("size", [1e-150, 1e150])
def test_kernels_of_any_size(size):
    K = kernel_matrix(120)
    V = np.eye(120)[:, :16]
    with products(DenseOperator(K)) as one, products(DenseOperator(size * K)) as other:
        np.testing.assert_allclose(other @ V, one @ V, atol=1e-6)


@pytest.mark.usefixtures("small_tiles")
def test_no_entry_is_denormal():
    """Entries of a narrow kernel reach down to any size."""
    X = np.random.RandomState(0).standard_normal((300, 10))
    with products(DenseOperator(RBF(0.33)(X))) as single:
        entries = np.abs(single._tiles)
    assert np.any(entries == 0.0)
    assert np.any((entries > 0.0) & (entries < 1e-30))
    assert not np.any((entries > 0.0) & (entries < np.finfo(np.float32).tiny))


@pytest.mark.usefixtures("small_tiles")
def test_a_matrix_of_low_rank_is_its_factor():
    X = np.random.RandomState(0).standard_normal((150, 5))
    for K in (X @ X.T, np.zeros((150, 150)), np.diag(np.arange(150.0) // 149)):
        A = DenseOperator(K)
        with products(A) as single:
            assert single.rounding < 1e-13 * max(np.trace(K / A.scale), 1.0)


@pytest.mark.usefixtures("small_tiles")
def test_threads_change_nothing():
    A = DenseOperator(kernel_matrix(230))
    V = np.random.RandomState(0).standard_normal((230, 16))
    images = []
    for n_threads in (1, 2, 8):
        with products(A, n_threads=n_threads) as single:
            images.append(single @ V)
    np.testing.assert_array_equal(images[0], images[1])
    np.testing.assert_array_equal(images[0], images[2])


@pytest.mark.parametrize("k", [1, 10, 50])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kernel", [NTK(), NTK(3, "erf"), Matern(nu=0.5), RBF(0.3)])
def test_pairs_are_those_of_the_full_decomposition(kernel, dtype, k, used):
    X = np.random.RandomState(0).uniform(size=(400, 3))
    A = DenseOperator(kernel(X).astype(dtype))
    expected = np.linalg.eigvalsh(A.dense())[::-1]
    spectrum = leading_spectrum(A, k, "randomized")
    assert len(used) == 1
    assert spectrum.method == "randomized"
    found = len(spectrum.eigenvalues)
    assert found == k or expected[found] < 2 * spectrum.floor
    values, V = spectrum.eigenvalues, spectrum.eigenvectors
    np.testing.assert_allclose(values, expected[:found], rtol=1e-6)
    np.testing.assert_allclose(V.T @ V, np.eye(found), atol=1e-12)
    residuals = np.linalg.norm(A.dense() @ V - V * values, axis=0)
    # What is reported holds for the rounding of single precision as measured.
    assert np.all(residuals <= 4.0 * spectrum.residual_norms)
    smallest = expected[k] if found == k else expected[found - 1]
    assert np.all(residuals <= 2e-5 * np.sqrt(values * smallest))


def test_double_precision_where_single_is_not_enough(used):
    """Eigenvalues of a wide rbf fall below what single precision leaves of others."""
    X = np.random.RandomState(0).uniform(size=(300, 2))
    A = DenseOperator(RBF(1.0)(X))
    spectrum = leading_spectrum(A, 30, "randomized")
    expected = np.linalg.eigvalsh(A.dense())[::-1][:30]
    kept = expected > 1e-12 * expected[0]
    assert len(used) == 1
    np.testing.assert_allclose(
        spectrum.eigenvalues[kept[: len(spectrum.eigenvalues)]],
        expected[kept],
        rtol=1e-3,
    )


def test_single_precision_is_not_tried_for_tight_tolerances(used):
    A = DenseOperator(kernel_matrix(300))
    spectrum = leading_spectrum(A, 20, "randomized", tol=1e-9)
    assert not used
    bound = 1e-9 * np.sqrt(spectrum.eigenvalues * spectrum.next_eigenvalue)
    assert np.all(spectrum.residual_norms <= bound + 1e-13 * spectrum.largest)


@pytest.mark.parametrize("k", [10, 30, 56, 100])
def test_every_copy_of_an_eigenvalue(k, used):
    X = np.array(list(itertools.product([-1.0, 1.0], repeat=9)))
    A = DenseOperator(NTK(depth=2)(X))
    expected = np.linalg.eigvalsh(A.dense())[::-1][:k]
    spectrum = leading_spectrum(A, k, "randomized")
    np.testing.assert_allclose(spectrum.eigenvalues, expected, rtol=1e-6)


def test_predictions_are_those_of_exact_pairs(used, data):
    X = np.random.RandomState(0).standard_normal((300, 3))
    y = np.sin(3 * X[:, 0]) + X[:, 1]
    for max_iter in (1, 30, 1000):
        exact, single = (
            MSKRegressor(k=20, max_iter=max_iter, tol=1e-6, eigen_solver=solver)
            .fit(X, y)
            .predict(X)
            for solver in ("dense", "randomized")
        )
        np.testing.assert_allclose(single, exact, atol=1e-4 * y.std())
    assert used


def test_a_matrix_that_is_not_positive_is_told(used):
    K = kernel_matrix(200)
    v = np.linalg.qr(np.random.RandomState(3).standard_normal((200, 1)))[0]
    A = DenseOperator(K - 30.0 * v @ v.T)
    spectrum = leading_spectrum(A, 5, "randomized")
    assert spectrum.smallest < -1e-3 * spectrum.largest


def test_deterministic(used):
    A = DenseOperator(kernel_matrix(300))
    first, second = (leading_spectrum(A, 20, "randomized") for _ in range(2))
    np.testing.assert_array_equal(first.eigenvectors, second.eigenvectors)
    assert len(used) == 2

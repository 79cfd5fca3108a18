"""Leading pairs from products in mixed precision."""

import itertools

import numpy as np
import pytest
from problems import kernel_matrix
from sklearn.gaussian_process.kernels import RBF, Matern

from sklearn_msk._operators import (
    DenseOperator,
    _storage,
    mixed_precision,
)
from sklearn_msk._spectrum import PairAccuracy, _leading, leading_spectrum
from sklearn_msk.kernels import NTK


def make(source, n_pairs, n_threads=1, **thresholds):
    """Several panels, the last one not full, for the few rows of a test."""
    return mixed_precision(source, n_pairs, n_threads, tile_side=40, **thresholds)


@pytest.fixture
def used(monkeypatch):
    """Matrices of any size, and the products that pairs were computed from."""
    made = []

    def recorded(*args):
        made.append(make(*args))
        return made[-1]

    monkeypatch.setattr(_leading, "_MIXED_MIN_ROWS", 0)
    monkeypatch.setattr(_leading, "_MIXED_MIN_PAIRS", 0)
    monkeypatch.setattr(_leading, "mixed_precision", recorded)
    monkeypatch.setattr(_storage, "mixed_precision", recorded)
    return made


@pytest.mark.parametrize("k", [1, 10, 50])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kernel", [NTK(), NTK(3, "erf"), Matern(nu=0.5), RBF(0.3)])
def test_pairs_are_those_of_the_full_decomposition(kernel, dtype, k, used):
    X = np.random.RandomState(0).uniform(size=(400, 3))
    A = DenseOperator(kernel(X).astype(dtype))
    expected = np.linalg.eigvalsh(A.dense())[::-1]
    spectrum = leading_spectrum(A, k, eigen_solver="randomized")
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
    spectrum = leading_spectrum(A, 30, eigen_solver="randomized")
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
    spectrum = leading_spectrum(
        A, 20, eigen_solver="randomized", accuracy=PairAccuracy.for_residual(1e-9)
    )
    assert not used
    bound = 1e-9 * np.sqrt(spectrum.eigenvalues * spectrum.next_eigenvalue)
    assert np.all(spectrum.residual_norms <= bound + 1e-13 * spectrum.largest)


@pytest.mark.parametrize("k", [10, 30, 56, 100])
def test_every_copy_of_an_eigenvalue(k, used):
    X = np.array(list(itertools.product([-1.0, 1.0], repeat=9)))
    A = DenseOperator(NTK(depth=2)(X))
    expected = np.linalg.eigvalsh(A.dense())[::-1][:k]
    spectrum = leading_spectrum(A, k, eigen_solver="randomized")
    np.testing.assert_allclose(spectrum.eigenvalues, expected, rtol=1e-6)


def test_a_matrix_that_is_not_positive_is_told(used):
    K = kernel_matrix(200)
    v = np.linalg.qr(np.random.RandomState(3).standard_normal((200, 1)))[0]
    A = DenseOperator(K - 30.0 * v @ v.T)
    spectrum = leading_spectrum(A, 5, eigen_solver="randomized")
    assert spectrum.smallest < -1e-3 * spectrum.largest


def test_deterministic(used):
    A = DenseOperator(kernel_matrix(300))
    first, second = (
        leading_spectrum(A, 20, eigen_solver="randomized") for _ in range(2)
    )
    np.testing.assert_array_equal(first.eigenvectors, second.eigenvectors)
    assert len(used) == 2

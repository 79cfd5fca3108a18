"""Leading pairs from products in mixed precision."""

import itertools

import numpy as np
import pytest
from problems import CountedProducts, in_small_panels, kernel_matrix
from sklearn.gaussian_process.kernels import RBF, Matern

from sklearn_msk._linalg import Status
from sklearn_msk._operators import DenseOperator
from sklearn_msk._spectrum import PairAccuracy, leading_spectrum
from sklearn_msk.kernels import NTK


def mixed_spectrum(A, k):
    """Pairs of the products in mixed precision of a matrix of any size."""
    return leading_spectrum(in_small_panels(A, k + 1), k, eigen_solver="randomized")


@pytest.mark.parametrize("k", [1, 10, 50])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kernel", [NTK(), NTK(3, "erf"), Matern(nu=0.5), RBF(0.3)])
def test_pairs_are_those_of_the_full_decomposition(kernel, dtype, k):
    X = np.random.RandomState(0).uniform(size=(400, 3))
    A = DenseOperator(kernel(X).astype(dtype))
    expected = np.linalg.eigvalsh(A.dense())[::-1]
    spectrum = mixed_spectrum(A, k)
    assert spectrum.status is Status.CONVERGED
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


@pytest.mark.parametrize("k", [10, 30, 56, 100])
def test_every_copy_of_an_eigenvalue(k):
    X = np.array(list(itertools.product([-1.0, 1.0], repeat=9)))
    A = DenseOperator(NTK(depth=2)(X))
    expected = np.linalg.eigvalsh(A.dense())[::-1][:k]
    spectrum = mixed_spectrum(A, k)
    np.testing.assert_allclose(spectrum.eigenvalues, expected, rtol=1e-6)


def test_a_matrix_that_is_not_positive_is_told():
    K = kernel_matrix(200)
    v = np.linalg.qr(np.random.RandomState(3).standard_normal((200, 1)))[0]
    spectrum = mixed_spectrum(DenseOperator(K - 30.0 * v @ v.T), 5)
    assert spectrum.smallest < -1e-3 * spectrum.largest


def test_deterministic():
    A = DenseOperator(kernel_matrix(300))
    first, second = (mixed_spectrum(A, 20) for _ in range(2))
    np.testing.assert_array_equal(first.eigenvectors, second.eigenvectors)


@pytest.fixture(scope="module")
def circle():
    """Kernel matrix of 2000 rows on the circle, and its eigenvalues by a transform."""
    angles = 2 * np.pi * np.arange(2000) / 2000
    K = NTK()(np.column_stack([np.cos(angles), np.sin(angles)]))
    return K, np.sort(np.fft.fft(K[0]).real)[::-1] / 2000


@pytest.mark.parametrize(
    ("n", "k", "tol", "compactable", "mixed"),
    [
        (2000, 9, 1e-5, True, True),
        (2000, 40, 1e-5, True, True),
        (1999, 9, 1e-5, True, False),
        (2000, 8, 1e-5, True, False),
        (2000, 9, 1e-9, True, False),
        (2000, 9, 1e-5, False, False),
    ],
)
def test_large_matrices_are_multiplied_in_mixed_precision(
    n, k, tol, compactable, mixed, circle
):
    """From 2000 rows and ten pairs on; not for tight tolerances."""
    K, eigenvalues = circle
    A = CountedProducts(K[:n, :n], compactable=compactable)
    accuracy = PairAccuracy.for_residual(tol)
    spectrum = leading_spectrum(A, k, eigen_solver="randomized", accuracy=accuracy)
    assert (A.n_columns == 0) == mixed
    if n == 2000:
        np.testing.assert_allclose(spectrum.eigenvalues, eigenvalues[:k], rtol=1e-6)
    bound = tol * np.sqrt(spectrum.eigenvalues * spectrum.next_eigenvalue)
    assert np.all(spectrum.residual_norms <= bound + 1e-13 * spectrum.largest)


def test_double_precision_where_single_is_not_enough():
    """Eigenvalues of a wide rbf fall below what single precision leaves of others."""
    X = np.random.RandomState(0).uniform(size=(2000, 2))
    A = CountedProducts(RBF(1.0)(X))
    assert mixed_spectrum(A, 30).status is Status.INEXACT_PRODUCTS
    assert A.n_columns == 0
    spectrum = leading_spectrum(A, 30, eigen_solver="randomized")
    assert spectrum.status is Status.CONVERGED
    assert A.n_columns > 0
    expected = np.linalg.eigvalsh(A.dense())[::-1][:30]
    kept = expected > 1e-12 * expected[0]
    np.testing.assert_allclose(
        spectrum.eigenvalues[kept[: len(spectrum.eigenvalues)]],
        expected[kept],
        rtol=1e-3,
    )

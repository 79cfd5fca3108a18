"""The operator against the matrix it stands for."""

import numpy as np
import pytest
from problems import kernel_matrix

from sklearn_msk._operators import DenseOperator


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
def test_operator_equals_its_matrix(dtype, weighted, data):
    weights = data[2] if weighted else None
    K = kernel_matrix(dtype=dtype)
    w = np.ones(60) if weights is None else weights
    D = np.diag(w / w.sum())
    matrix = np.sqrt(D) @ K.astype(float) @ np.sqrt(D)
    A = DenseOperator(K, weights)
    assert A.shape == (60, 60)
    np.testing.assert_allclose(A.dense(), matrix, atol=1e-15)
    np.testing.assert_allclose(A.diagonal(), np.diag(matrix), rtol=1e-15)
    np.testing.assert_allclose(A.scale, np.diag(matrix).max(), rtol=1e-15)
    np.testing.assert_allclose(A @ data[1], matrix @ data[1], atol=1e-14)
    np.testing.assert_allclose(A @ data[1][:, 0], matrix @ data[1][:, 0], atol=1e-14)
    np.testing.assert_allclose(A.right_hand_side(data[1]), np.sqrt(D) @ data[1])
    np.testing.assert_allclose(A.total_weight, w.sum())


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
        noise = A.noise(eigenvalues[0])
        assert np.abs(eigenvalues[3:]).max() < noise < 1e-3 * eigenvalues[2]


def test_zero_matrix():
    A = DenseOperator(np.zeros((5, 5)))
    assert A.scale == 1.0


@pytest.mark.parametrize("layout", ["C", "F", "strided"])
def test_products_of_every_memory_layout(layout, data):
    """One vector reads one triangle where it can; the result is the same."""
    K = kernel_matrix()
    held = {
        "C": K,
        "F": np.asfortranarray(K),
        "strided": np.repeat(K, 2, axis=1)[:, ::2],
    }
    A = DenseOperator(held[layout])
    for V in (data[1], data[1][:, :1], data[1][:, 0]):
        assert (A @ V).shape == V.shape
        np.testing.assert_allclose(A @ V, K @ V / 60, atol=1e-14)

"""Every operator against the matrix it stands for."""

import numpy as np
import pytest
from problems import kernel_matrix
from sklearn import config_context
from sklearn.gaussian_process.kernels import WhiteKernel
from sklearn.metrics.pairwise import laplacian_kernel

from sklearn_msk._operators import (
    BlockedOperator,
    DenseOperator,
    LandmarkBasis,
    LandmarkOperator,
    LandmarkSums,
)
from sklearn_msk.kernels import NTK
from sklearn_msk.kernels._adapters import PairwiseKernel


def dense_operator(X, weights):
    return DenseOperator(NTK()(X), weights)


def blocked_operator(X, weights):
    return BlockedOperator(NTK(), X, weights)


def noisy_operator(X, weights):
    """White noise is on the diagonal of k(X), not between the rows of two blocks."""
    return BlockedOperator(NTK() + WhiteKernel(0.3), X, weights)


def pairwise_operator(X, weights):
    return BlockedOperator(PairwiseKernel("laplacian"), X, weights)


def landmark_operator(X, weights):
    basis = LandmarkBasis.of(NTK(), X[:20])
    return LandmarkOperator(basis, LandmarkSums.over(basis, X, X, weights))


def kernel_of(operator, X):
    """Kernel matrix behind an operator on all rows."""
    if operator is noisy_operator:
        return NTK()(X) + 0.3 * np.eye(len(X))
    if operator is pairwise_operator:
        return laplacian_kernel(X)
    return NTK()(X)


ON_ROWS = [dense_operator, blocked_operator, noisy_operator, pairwise_operator]


@pytest.fixture(params=[1024, 0.05], ids=["one tile", "many tiles"])
def working_memory(request):
    with config_context(working_memory=request.param):
        yield


@pytest.mark.usefixtures("working_memory")
@pytest.mark.parametrize("operator", ON_ROWS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
def test_operator_equals_its_matrix(operator, dtype, weighted, data):
    X, Y = data[0].astype(dtype), data[1]
    w = data[2] if weighted else np.ones(60)
    root = np.diag(np.sqrt(w / w.sum()))
    A = operator(X, data[2] if weighted else None)
    K = kernel_of(operator, X)
    matrix = root @ K.astype(float) @ root
    atol = 10 * np.finfo(K.dtype).eps * np.diag(matrix).max()
    assert A.shape == (60, 60)
    assert A.dtype == K.dtype
    np.testing.assert_allclose(A.dense(), matrix, atol=atol)
    np.testing.assert_allclose(A.diagonal(), np.diag(matrix), atol=atol)
    np.testing.assert_allclose(A.scale, np.diag(matrix).max(), rtol=1e-6)
    np.testing.assert_allclose(A @ Y, matrix @ Y, atol=30 * atol)
    np.testing.assert_allclose(A @ Y[:, 0], matrix @ Y[:, 0], atol=30 * atol)
    np.testing.assert_allclose(A.right_hand_side(Y), root @ Y)
    np.testing.assert_allclose(A.dual_basis, np.diag(root))
    np.testing.assert_allclose(A.total_weight, w.sum())


@pytest.mark.parametrize("operator", [*ON_ROWS, landmark_operator])
def test_decomposition_is_of_the_scaled_operator(operator, data):
    A = operator(data[0], data[2])
    values, vectors = A.decomposition()
    assert np.all(np.diff(values) >= 0)
    np.testing.assert_allclose(
        A.scale * (vectors * values) @ vectors.T, A.dense(), atol=1e-13
    )


def test_threads_change_no_bit(data):
    with config_context(working_memory=0.05):
        products = [
            BlockedOperator(NTK(), data[0], n_jobs=n_jobs) @ data[1]
            for n_jobs in (1, 2, 5)
        ]
    for product in products[1:]:
        np.testing.assert_array_equal(product, products[0])


@pytest.mark.parametrize("weighted", [False, True])
def test_landmark_operator_is_that_of_all_rows(weighted, data):
    """On the rows it is ``D^(1/2) K_nL K_LL^(-1) K_Ln D^(1/2)``, in its eigenbasis."""
    X, Y, weights = data
    w = weights if weighted else np.ones(60)
    basis = LandmarkBasis.of(NTK(), X[:20])
    sums = LandmarkSums.over(basis, X, Y, weights if weighted else None)
    A = LandmarkOperator(basis, sums)
    root = np.sqrt(w / w.sum())[:, None]
    cross = root * NTK()(X, X[:20])
    matrix = cross @ np.linalg.solve(NTK()(X[:20]), cross.T)
    np.testing.assert_allclose(
        A.eigenvalues, np.linalg.eigvalsh(matrix)[:-21:-1], rtol=1e-9
    )
    np.testing.assert_allclose(A @ np.eye(20), np.diag(A.eigenvalues))
    # Coordinates c stand for the values root * K_nL (dual basis c) = Q lam c.
    Q = cross @ A.dual_basis / A.eigenvalues
    np.testing.assert_allclose(Q.T @ Q, np.eye(20), atol=1e-10)
    mean = np.average(Y, axis=0, weights=w)
    np.testing.assert_allclose(
        A.targets(sums, mean), Q.T @ (root * (Y - mean)), atol=1e-10
    )


def test_landmarks_that_depend_on_others_are_left_out(data):
    """Repeated and nearly equal landmarks, which a plain factorisation fails on."""
    X, Y, _ = data
    kernel = PairwiseKernel("rbf", {"gamma": 1.0})
    nearly = X[:20] + 1e-9 * np.random.RandomState(0).standard_normal((20, 3))
    few = LandmarkBasis.of(kernel, X[:20])
    many = LandmarkBasis.of(kernel, np.vstack([X[:20], X[:20], nearly]))
    assert (few.rank, many.rank) == (20, 20)
    assert many.dual_coef(np.ones((20, 1))).shape == (60, 1)
    spectra = [
        LandmarkOperator(basis, LandmarkSums.over(basis, X, Y)).eigenvalues
        for basis in (few, many)
    ]
    np.testing.assert_allclose(*spectra, rtol=1e-6)


def test_sums_over_parts_add_up(data):
    X, Y, weights = data
    basis = LandmarkBasis.of(NTK(), X[:10])
    whole = LandmarkSums.over(basis, X, Y, weights)
    parts = LandmarkSums.over(basis, X[:7], Y[:7], weights[:7]) + LandmarkSums.over(
        basis, X[7:], Y[7:], weights[7:]
    )
    for name in ("gram", "moments", "target_sums", "total_weight", "n_rows"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name))
    phi = np.linalg.solve(basis.factor, NTK()(X, X[:10][basis.pivots]).T)
    np.testing.assert_allclose(
        np.tril(whole.gram), np.tril((phi * weights) @ phi.T), atol=1e-11
    )


def test_kernel_that_is_zero():
    basis = LandmarkBasis.of(PairwiseKernel("linear"), np.zeros((3, 2)))
    assert basis.rank == 0
    X, Y = np.ones((5, 2)), np.ones((5, 1))
    A = LandmarkOperator(basis, LandmarkSums.over(basis, X, Y))
    assert A.dual_basis.shape == (3, 1)
    assert not A.diagonal().any()


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


@pytest.mark.parametrize("working_memory", [1, 64, 1024])
def test_tiles_of_all_threads_fit_in_the_working_memory(working_memory):
    """Eight threads, each with a tile and three temporaries of its size."""
    A = BlockedOperator(PairwiseKernel("linear"), np.ones((5000, 1)))
    with config_context(working_memory=working_memory):
        tiles = A._tiles()
    sizes = [(a.stop - a.start) * (b.stop - b.start) for a, b in tiles]
    assert 8 * 4 * 8 * max(sizes) <= working_memory * 2**20
    covered = sum(
        size * (1 if a == b else 2) for size, (a, b) in zip(sizes, tiles, strict=True)
    )
    assert covered == 5000**2

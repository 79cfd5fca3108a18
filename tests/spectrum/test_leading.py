"""Every eigensolver against the full decomposition."""

import itertools

import numpy as np
import pytest
from every_operator import EVERY_OPERATOR
from problems import kernel_matrix
from sklearn.gaussian_process.kernels import RBF

from sklearn_msk._operators import DenseOperator
from sklearn_msk._spectrum import PairAccuracy, leading_spectrum
from sklearn_msk._tuning import DENSE_MAX
from sklearn_msk.kernels import NTK

EIGEN_SOLVERS = ["dense", "arpack", "lobpcg", "randomized"]


def circle_matrix(n=240):
    """Rows on the circle: every eigenvalue but the first comes twice."""
    angles = 2 * np.pi * np.arange(n) / n
    X = np.column_stack([np.cos(angles), np.sin(angles)])
    return kernel_of(X)


def kernel_of(X):
    return NTK(bias_variance=0.3)(X)


def duplicated_matrix():
    X = np.random.RandomState(0).standard_normal((80, 3))
    return kernel_of(np.vstack([X, X, X]))


MATRICES = {
    "random": lambda: kernel_matrix(240),
    "clustered": lambda: kernel_matrix(240) + 0.3 * np.eye(240),
    "repeated": circle_matrix,
    "duplicates": duplicated_matrix,
    "smooth": lambda: RBF(2.0)(np.random.RandomState(0).uniform(size=(240, 2))),
}


@pytest.mark.parametrize("eigen_solver", EIGEN_SOLVERS)
@pytest.mark.parametrize("k", [0, 1, 7, 30])
@pytest.mark.parametrize("matrix", MATRICES)
def test_pairs_are_those_of_the_full_decomposition(matrix, k, eigen_solver):
    A = DenseOperator(MATRICES[matrix]())
    expected = np.linalg.eigvalsh(A.dense())[::-1]
    spectrum = leading_spectrum(A, k, eigen_solver=eigen_solver)
    found = len(spectrum.eigenvalues)
    assert found == k or expected[found] < 2 * spectrum.floor
    rounding = 1e-13 * expected[0]
    np.testing.assert_allclose(
        spectrum.eigenvalues, expected[:found], rtol=1e-6, atol=rounding
    )
    V = spectrum.eigenvectors
    np.testing.assert_allclose(V.T @ V, np.eye(found), atol=1e-12)
    residuals = np.linalg.norm(A.dense() @ V - V * spectrum.eigenvalues, axis=0)
    np.testing.assert_allclose(spectrum.residual_norms, residuals, atol=rounding)
    bound = 1e-4 * np.sqrt(expected[:found] * max(expected[k], spectrum.floor))
    assert np.all(residuals <= bound + rounding)
    if found == k:
        assert spectrum.next_eigenvalue >= expected[k] * (1 - 1e-9)
        assert spectrum.next_eigenvalue <= expected[k] * (1 + 1e-3) + rounding


@pytest.mark.parametrize("eigen_solver", EIGEN_SOLVERS)
@pytest.mark.parametrize("operator", EVERY_OPERATOR)
def test_every_eigen_solver_on_every_operator(operator, eigen_solver, data):
    A = operator(data[0], data[2])
    spectrum = leading_spectrum(A, 5, eigen_solver=eigen_solver)
    expected = np.linalg.eigvalsh(A.dense())[:-6:-1]
    np.testing.assert_allclose(spectrum.eigenvalues, expected, rtol=1e-6)
    V = spectrum.eigenvectors
    residuals = np.linalg.norm(A.dense() @ V - V * expected, axis=0)
    assert np.all(residuals <= 1e-4 * np.sqrt(expected * spectrum.next_eigenvalue))


def test_every_pair_and_more(data):
    A = DenseOperator(kernel_matrix(30))
    for eigen_solver in EIGEN_SOLVERS:
        for k in (29, 30, 100):
            spectrum = leading_spectrum(A, k, eigen_solver=eigen_solver)
            assert len(spectrum.eigenvalues) == min(k, 30)
            np.testing.assert_allclose(
                spectrum.eigenvalues.sum() + spectrum.next_eigenvalue,
                np.trace(A.dense()),
                rtol=1e-4,
            )


@pytest.mark.parametrize("eigen_solver", EIGEN_SOLVERS)
def test_numerical_rank(eigen_solver):
    """Of a kernel of rank 5 only five pairs are used, in either precision."""
    X = np.random.RandomState(0).standard_normal((200, 5))
    for dtype in (np.float64, np.float32):
        spectrum = leading_spectrum(
            DenseOperator((X @ X.T).astype(dtype)), 20, eigen_solver=eigen_solver
        )
        assert len(spectrum.eigenvalues) == 5
        assert 0 <= spectrum.next_eigenvalue <= spectrum.floor * 10


@pytest.mark.parametrize("eigen_solver", EIGEN_SOLVERS)
@pytest.mark.parametrize("n", [1, 2, 5, 12, 25])
def test_few_rows_of_low_rank(n, eigen_solver):
    x = np.random.RandomState(0).standard_normal(n)
    A = DenseOperator(np.outer(x, x))
    for k in (0, 1, n - 1, n, n + 5):
        spectrum = leading_spectrum(A, k, eigen_solver=eigen_solver)
        assert len(spectrum.eigenvalues) == min(k, 1)
        np.testing.assert_allclose(spectrum.largest, x @ x / n)


def test_rank_floor_is_the_documented_one():
    K = np.diag(np.array([1.0, 1e-3, 1e-13, 1e-15, 0.0]))
    assert (
        len(leading_spectrum(DenseOperator(K), 5, eigen_solver="dense").eigenvalues)
        == 3
    )
    K32 = np.diag(np.array([1.0, 1e-3, 1e-7, 0.0], dtype=np.float32))
    assert (
        len(leading_spectrum(DenseOperator(K32), 4, eigen_solver="dense").eigenvalues)
        == 2
    )
    negative = np.diag(np.array([1.0, 1e-3, 3e-8, -1e-8]))
    assert (
        len(
            leading_spectrum(
                DenseOperator(negative), 4, eigen_solver="dense"
            ).eigenvalues
        )
        == 2
    )


def test_distinct_rows_set_the_rank_floor():
    K = np.diag(np.array([1.0, 5e-15]))
    assert (
        len(leading_spectrum(DenseOperator(K), 2, eigen_solver="dense").eigenvalues)
        == 2
    )
    weightless = np.zeros((40, 40))
    weightless[:2, :2] = K
    few = DenseOperator(weightless, n_distinct=2)
    assert len(leading_spectrum(few, 2, eigen_solver="dense").eigenvalues) == 2
    many = DenseOperator(weightless)
    assert len(leading_spectrum(many, 2, eigen_solver="dense").eigenvalues) == 1


@pytest.mark.parametrize("eigen_solver", EIGEN_SOLVERS)
def test_deterministic_with_fixed_signs(eigen_solver):
    A = DenseOperator(kernel_matrix(200))
    first, second = (
        leading_spectrum(A, 9, eigen_solver=eigen_solver) for _ in range(2)
    )
    np.testing.assert_array_equal(first.eigenvectors, second.eigenvectors)
    V = first.eigenvectors
    assert np.all(V[np.abs(V).argmax(axis=0), np.arange(9)] > 0)
    other = leading_spectrum(
        A, 9, eigen_solver=eigen_solver, random_state=7
    ).eigenvectors
    np.testing.assert_allclose(np.abs(np.sum(V * other, axis=0)), 1.0, atol=1e-5)


@pytest.mark.parametrize("eigen_solver", EIGEN_SOLVERS)
def test_negative_eigenvalue_is_seen(eigen_solver):
    K = kernel_matrix(200)
    v = np.linalg.qr(np.random.RandomState(3).standard_normal((200, 1)))[0]
    A = DenseOperator(K - 30.0 * v @ v.T)
    spectrum = leading_spectrum(A, 5, eigen_solver=eigen_solver)
    assert spectrum.smallest < -1e-3 * spectrum.largest


@pytest.mark.parametrize("eigen_solver", EIGEN_SOLVERS)
def test_tighter_tolerance(eigen_solver):
    A = DenseOperator(kernel_matrix(400))
    spectrum = leading_spectrum(
        A, 20, eigen_solver=eigen_solver, accuracy=PairAccuracy.for_residual(1e-9)
    )
    last = spectrum.next_eigenvalue
    bound = 1e-9 * np.sqrt(spectrum.eigenvalues * last) + 1e-13 * spectrum.largest
    assert np.all(spectrum.residual_norms <= bound)


@pytest.mark.parametrize("k", [4, 10, 30, 56, 60, 100])
def test_more_copies_of_an_eigenvalue_than_a_block_has_columns(k):
    """A full factorial design repeats eigenvalues 1, 10, 45, 120, ... times."""
    X = np.array(list(itertools.product([-1.0, 1.0], repeat=10)))
    A = DenseOperator(NTK(depth=2)(X))
    expected = np.linalg.eigvalsh(A.dense())[::-1][:k]
    spectrum = leading_spectrum(A, k, eigen_solver="randomized")
    np.testing.assert_allclose(spectrum.eigenvalues, expected, rtol=1e-9)


def test_auto_chooses_by_size():
    assert leading_spectrum(DenseOperator(np.eye(30)), 3).method == "dense"
    n = DENSE_MAX + 1
    K = np.diag(np.geomspace(1.0, 1e-6, n))
    assert leading_spectrum(DenseOperator(K), 3).method == "randomized"
    assert leading_spectrum(DenseOperator(K), n // 3).method == "dense"


@pytest.mark.parametrize("eigen_solver", EIGEN_SOLVERS)
def test_zero_operator(eigen_solver):
    spectrum = leading_spectrum(
        DenseOperator(np.zeros((100, 100))), 3, eigen_solver=eigen_solver
    )
    assert len(spectrum.eigenvalues) == 0
    assert spectrum.largest == 0.0


def test_rows_that_repeat_add_no_direction():
    """Rounding alone makes eigenvalues above n eps where n distinct rows are one."""
    weights = np.array([0.0, 2, 1, 0, 1, 2, 1])
    for n_distinct, K in ((1, np.full((7, 7), 0.1)), (1, np.full((7, 7), 1 / 3))):
        A = DenseOperator(K, weights, n_distinct)
        assert len(leading_spectrum(A, 5).eigenvalues) == 1

"""Every solver against the recurrence, the matrix exponential and the others."""

import numpy as np
import pytest
from every_operator import EVERY_OPERATOR, kernel_of, landmark_operator
from problems import (
    dense,
    dense_preconditioner,
    kernel_matrix,
    preconditioner,
    recurrence,
    rough_preconditioner,
)
from scipy.linalg import expm

from sklearn_msk._filters import SpectralFilter
from sklearn_msk._solvers import solve
from sklearn_msk.kernels import NTK

SOLVERS = ["lanczos", "eigh"]


MAPS = {
    "flatten": lambda lam: np.minimum(lam, lam.min(initial=np.inf)),
    "power": lambda lam: lam[0] * (lam / lam[0]) ** 0.5,
    "identity": lambda lam: lam,
}


def path_of(A, y, S, filter_, solver="auto", tol=1e-4):
    """Path of one preconditioner and one filter."""
    return solve(A, y, [(S, [filter_])], solver=solver, tol=tol)[0]


def fitted_error(K, a, reference, y):
    """``|K (a - reference)| / |y|``, the error that tol bounds, worst target."""
    difference = K @ (a - reference)
    return np.max(np.linalg.norm(difference, axis=0) / np.linalg.norm(y, axis=0))


def largest_rate(A, S):
    """Largest eigenvalue of ``M = S^(1/2) A S^(1/2)``, from the matrices."""
    return np.linalg.eigvals(dense_preconditioner(S) @ A.dense()).real.max()


@pytest.mark.parametrize("T", [1, 2, 10, 100, 1000])
@pytest.mark.parametrize("alpha", [0.0, 0.7])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("g", MAPS)
def test_solvers_equal_the_recurrence(T, alpha, weighted, g, data):
    _, Y, weights = data
    weights = weights if weighted else None
    K = kernel_matrix()
    A = dense(K, weights)
    S = preconditioner(A, 12, MAPS[g])
    eta = 1.3 / (largest_rate(A, S) + alpha / A.total_weight)
    expected = recurrence(K, Y, dense_preconditioner(S), eta, T, alpha, weights)
    filter_ = SpectralFilter("descent", T, eta, alpha / A.total_weight)

    loop = path_of(A, Y, S, filter_, "gd").coef()
    np.testing.assert_allclose(loop, expected, rtol=1e-10, atol=1e-12)
    for solver in SOLVERS:
        path = path_of(A, Y, S, filter_, solver, tol=1e-11)
        assert fitted_error(K, path.coef(), expected, Y) < 1e-8
        assert path.error_estimate <= 1e-11


@pytest.mark.parametrize("operator", EVERY_OPERATOR)
@pytest.mark.parametrize("solver", [*SOLVERS, "gd"])
def test_every_solver_on_every_operator(solver, operator, data):
    """``c <- c - eta S (A c - b)`` with the matrix of the operator, written out."""
    X, _, weights = data
    A = operator(X, weights)
    y = np.random.RandomState(0).standard_normal((A.shape[0], 2))
    S = preconditioner(A, 9, MAPS["flatten"])
    eta, matrix, b = 1.0 / largest_rate(A, S), A.dense(), A.rhs(y)
    P, c = dense_preconditioner(S), np.zeros_like(y)
    for _ in range(50):
        c -= eta * P @ (matrix @ c - b)
    expected = A.coef_map @ c if A.coef_map.ndim == 2 else (A.coef_map * c.T).T
    path = path_of(A, y, S, SpectralFilter("descent", 50, eta), solver, tol=1e-9)
    K = NTK()(X[:20]) if operator is landmark_operator else kernel_of(operator, X)
    # 0 but for operators in mixed precision, which measure it.
    assert A.product_error < 1e-7
    rounding = 10.0 * A.product_error
    assert fitted_error(K, path.coef(), expected, y) < 1e-10 + rounding


@pytest.mark.parametrize("T", [1, 10, 100, 1000])
@pytest.mark.parametrize("alpha", [0.0, 0.7])
def test_solvers_agree_for_a_rough_preconditioner(T, alpha, data):
    _, Y, _ = data
    K = kernel_matrix()
    A = dense(K)
    S = rough_preconditioner(A, 12)
    eta = 1.5 / (largest_rate(A, S) + alpha / 60)
    expected = recurrence(K, Y, dense_preconditioner(S), eta, T, alpha)
    filter_ = SpectralFilter("descent", T, eta, alpha / 60)
    for solver in [*SOLVERS, "gd"]:
        path = path_of(A, Y, S, filter_, solver, tol=1e-11)
        assert fitted_error(K, path.coef(), expected, Y) < 1e-8


@pytest.mark.parametrize("rough", [False, True])
@pytest.mark.parametrize("solver", [*SOLVERS, "gd"])
def test_residual_law(solver, rough, data):
    """``r_t = (I - eta A S)^t r_0``, at every t of one trajectory."""
    y = data[1][:, 0]
    K = kernel_matrix()
    A = dense(K)
    S = rough_preconditioner(A, 9) if rough else preconditioner(A, 9, MAPS["flatten"])
    eta = 1.0 / largest_rate(A, S)
    step = np.eye(60) - eta * A.dense() @ dense_preconditioner(S)
    path = path_of(A, y, S, SpectralFilter("descent", 50, eta), solver, tol=1e-11)
    for t in (1, 3, 20, 50):
        expected = np.linalg.matrix_power(step, t) @ y
        np.testing.assert_allclose(y - K @ path.coef(max_iter=t), expected, atol=1e-8)


@pytest.mark.parametrize("rough", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 0.7])
@pytest.mark.parametrize("solver", SOLVERS)
def test_flow_equals_the_matrix_exponential(solver, alpha, rough, data):
    """``a(t)`` solves ``a' = -alpha/n a - S (K a - y) / n``, extended by a one."""
    y = data[1][:, 0]
    K = kernel_matrix()
    A = dense(K)
    S = rough_preconditioner(A, 9) if rough else preconditioner(A, 9, MAPS["flatten"])
    eta = 1.0 / largest_rate(A, S)
    P = dense_preconditioner(S)
    generator = np.zeros((61, 61))
    generator[:60, :60] = -(P @ K + alpha * np.eye(60)) / 60
    generator[:60, 60] = P @ y / 60
    for T in (1, 10, 200):
        expected = expm(T * eta * generator)[:60, 60]
        filter_ = SpectralFilter("flow", T, eta, alpha / 60)
        path = path_of(A, y, S, filter_, solver, tol=1e-11)
        assert fitted_error(K, path.coef(), expected, y) < 1e-8


@pytest.mark.parametrize("rough", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
def test_limit(solver, rough, data):
    """``K^-1 y`` without ridge and ``(K + alpha S^-1)^-1 y`` with it."""
    Y = data[1]
    K = kernel_matrix()
    A = dense(K)
    S = rough_preconditioner(A, 9) if rough else preconditioner(A, 9, MAPS["flatten"])
    P = dense_preconditioner(S)
    for alpha in (0.0, 0.01, 3.0):
        expected = np.linalg.solve(K + alpha * np.linalg.inv(P), Y)
        path = path_of(A, Y, S, SpectralFilter("flow", np.inf, 1.0, alpha / 60), solver,
                          tol=1e-11)  # fmt: skip
        assert fitted_error(K, path.coef(), expected, Y) < 1e-8


def test_rounding_never_grows():
    """Components in the null space of K stay where they are, whatever T."""
    rng = np.random.RandomState(0)
    X = rng.standard_normal((50, 4))
    K = X @ X.T
    A = dense(K)
    y = rng.standard_normal(50)
    S = preconditioner(A, 3, MAPS["flatten"])
    fitted = X @ np.linalg.lstsq(X, y, rcond=None)[0]
    for solver in SOLVERS:
        for T in (10**4, 10**9, 10**15, np.inf):
            filter_ = SpectralFilter("flow", T, 1.0 / S.spectral_radius_bound)
            a = path_of(A, y, S, filter_, solver, tol=1e-10).coef()
            np.testing.assert_allclose(K @ a, fitted, atol=1e-7)
            assert np.linalg.norm(a) < 10 * np.linalg.norm(np.linalg.pinv(K) @ y)


@pytest.mark.parametrize("scale", [1e-240, 1e-120, 1e120, 1e240])
@pytest.mark.parametrize("solver", [*SOLVERS, "gd"])
def test_scale_of_the_kernel_does_not_matter(solver, scale, data):
    y = data[1][:, 0]
    K = kernel_matrix()
    expected = scaled = None
    for factor in (1.0, scale):
        A = dense(factor * K)
        S = preconditioner(A, 9, MAPS["flatten"])
        filter_ = SpectralFilter("descent", 30, 1.0 / S.spectral_radius_bound)
        a = path_of(A, y, S, filter_, solver, tol=1e-10).coef()
        expected, scaled = scaled, factor * K @ a
    np.testing.assert_allclose(scaled, expected, atol=1e-8)


def test_float32_kernel_loses_only_its_own_digits(data):
    """Given the entries of a float32 matrix, the path is that of double precision."""
    y = data[1][:, 0]
    K = kernel_matrix(dtype=np.float32)
    coefs = []
    for matrix in (K, K.astype(np.float64)):
        A = dense(matrix)
        S = preconditioner(A, 9, MAPS["flatten"])
        filter_ = SpectralFilter("flow", 1000, 1.0 / S.spectral_radius_bound)
        coefs.append(path_of(A, y, S, filter_, "lanczos", tol=1e-10).coef())
    np.testing.assert_allclose(coefs[0], coefs[1], rtol=1e-5, atol=1e-7)

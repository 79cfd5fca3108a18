"""Kernels of known eigenfunctions, and gradients for Gaussian processes."""

import numpy as np
import pytest
from scipy.integrate import dblquad
from sklearn.base import clone
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import WhiteKernel
from sklearn.kernel_ridge import KernelRidge

from sklearn_msk.kernels import (
    NNGP,
    NTK,
    FourierBasis,
    MercerKernel,
    SphericalHarmonics,
)


def circle(n):
    angles = 2 * np.pi * np.arange(n) / n
    return np.column_stack([np.cos(angles), np.sin(angles)])


def test_fourier_basis_is_orthonormal():
    phi = FourierBasis(7)(circle(64))
    np.testing.assert_allclose(phi.T @ phi / 64, np.eye(15), atol=1e-13)
    degrees = FourierBasis(7).degrees
    assert degrees.shape == (15,)
    spectrum = np.abs(np.fft.rfft(phi, axis=0))
    np.testing.assert_array_equal(spectrum[:32].argmax(axis=0), degrees)


def test_spherical_harmonics_are_orthonormal():
    def at(polar, azimuth):
        point = [np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth)]
        return SphericalHarmonics(2)([[*point, np.cos(polar)]])[0]

    for i, j in [(0, 0), (1, 1), (4, 4), (8, 8), (0, 6), (1, 3), (4, 5), (5, 7)]:
        integral, _ = dblquad(
            lambda azimuth, polar, i=i, j=j: (
                at(polar, azimuth)[i] * at(polar, azimuth)[j] * np.sin(polar)
            ),
            0,
            np.pi,
            0,
            2 * np.pi,
            epsabs=1e-6,
        )
        assert integral / (4 * np.pi) == pytest.approx(float(i == j), abs=1e-6)


def test_spherical_harmonics_obey_the_addition_theorem():
    """``sum_m Y_lm(x) Y_lm(z) = (2l + 1) P_l(x.z)``, so rotations change nothing."""
    rng = np.random.RandomState(0)
    X = rng.standard_normal((20, 3))
    X /= np.linalg.norm(X, axis=1)[:, None]
    basis = SphericalHarmonics(6)
    phi = basis(X)
    for degree in range(7):
        part = phi[:, basis.degrees == degree]
        legendre = np.polynomial.Legendre.basis(degree)(X @ X.T)
        np.testing.assert_allclose(
            part @ part.T, (2 * degree + 1) * legendre, atol=1e-11
        )


def test_mercer_kernel_has_the_eigenvalues_it_is_given():
    basis = FourierBasis(5)
    eigenvalues = 1.0 / (1.0 + basis.degrees) ** 2
    kernel = MercerKernel(basis, eigenvalues)
    X = circle(40)
    values = np.linalg.eigvalsh(kernel(X) / 40)[::-1]
    np.testing.assert_allclose(values[:11], eigenvalues, atol=1e-13)
    np.testing.assert_allclose(values[11:], 0.0, atol=1e-13)
    np.testing.assert_allclose(kernel.diag(X), np.diag(kernel(X)))
    np.testing.assert_allclose(kernel(X, X.copy()), kernel(X), atol=1e-14)


def test_mercer_kernel_in_scikit_learn():
    basis = FourierBasis(5)
    kernel = MercerKernel(basis, 1.0 / (1.0 + basis.degrees) ** 2)
    assert clone(kernel) == kernel
    assert kernel != MercerKernel(basis, np.ones(11))
    X = circle(40)
    model = KernelRidge(kernel=kernel, alpha=1e-6).fit(X, X[:, 0] * X[:, 1])
    assert model.score(X, X[:, 0] * X[:, 1]) > 0.999
    process = GaussianProcessRegressor(kernel, alpha=0.1)
    assert process.fit(X, X[:, 0]).score(X, X[:, 0]) > 0.9
    assert repr(kernel) == "MercerKernel(FourierBasis(n_frequencies=5), 11 eigenvalues)"


@pytest.mark.parametrize(
    ("eigenfunctions", "eigenvalues", "message"),
    [
        (
            FourierBasis(2),
            np.ones(4),
            r"shape \(n_functions,\) = \(5,\). Got .* \(4,\)",
        ),
        (FourierBasis(2), [1, 1, 1, 1, -1], r"finite and >= 0. Got .* -1"),
        (FourierBasis(2), [1, 1, 1, 1, np.inf], r"finite and >= 0"),
        (lambda X: X[:, 0], np.ones(2), r"\(n_samples, n_functions\) .* Got shape"),
        (SphericalHarmonics(2), np.ones(9), r"rows of 3 coordinates.* \(4, 2\)"),
    ],
)
def test_mercer_kernel_errors(eigenfunctions, eigenvalues, message):
    with pytest.raises(ValueError, match=message):
        MercerKernel(eigenfunctions, eigenvalues)(np.ones((4, 2)))


# Gradients


@pytest.mark.parametrize("cls", [NTK, NNGP])
@pytest.mark.parametrize("activation", ["relu", "abs", "erf", "cos", "gelu"])
@pytest.mark.parametrize("depth", [1, 3])
def test_gradients_against_finite_differences(cls, activation, depth):
    X = np.random.RandomState(0).standard_normal((12, 3))
    kernel = cls(depth, activation, weight_variance=1.5, bias_variance=0.3)
    K, gradient = kernel(X, eval_gradient=True)
    np.testing.assert_array_equal(K, kernel(X))
    assert gradient.shape == (12, 12, 2)
    for i in range(2):
        h = np.zeros(2)
        h[i] = 1e-5
        up, down = (kernel.clone_with_theta(kernel.theta + s * h) for s in (1, -1))
        np.testing.assert_allclose(
            gradient[..., i], (up(X) - down(X)) / 2e-5, rtol=1e-6, atol=1e-8
        )


def test_gradient_of_a_kernel_that_is_known():
    """Without bias the NTK of depth 1 grows as the square of the weight variance."""
    X = np.random.RandomState(0).standard_normal((12, 3))
    kernel = NTK(bias_variance=0.0)
    assert kernel.n_dims == 1
    K, gradient = kernel(X, eval_gradient=True)
    np.testing.assert_allclose(gradient[..., 0], 2.0 * K, rtol=1e-9, atol=1e-10)


def test_fixed_variances_have_no_gradient():
    X = np.random.RandomState(0).standard_normal((5, 3))
    one = NTK(weight_variance_bounds="fixed")
    assert one(X, eval_gradient=True)[1].shape == (5, 5, 1)
    none = NTK(weight_variance_bounds="fixed", bias_variance=0.0)
    assert none(X, eval_gradient=True)[1].shape == (5, 5, 0)
    with pytest.raises(ValueError, match="only where Y is None"):
        one(X, X, eval_gradient=True)


@pytest.mark.parametrize("kernel", [NTK(), NNGP(2, "erf"), NTK(bias_variance=0.0)])
def test_gaussian_process_raises_the_marginal_likelihood(kernel):
    rng = np.random.RandomState(0)
    X = rng.standard_normal((60, 2))
    y = np.sin(2 * X[:, 0]) + 0.1 * rng.standard_normal(60)
    noisy = kernel + WhiteKernel(0.01, noise_level_bounds="fixed")
    fixed = GaussianProcessRegressor(noisy, optimizer=None).fit(X, y)
    process = GaussianProcessRegressor(
        noisy, n_restarts_optimizer=1, random_state=0
    ).fit(X, y)
    assert process.log_marginal_likelihood_value_ > (
        fixed.log_marginal_likelihood_value_ + 0.5
    )
    lower, upper = np.exp(process.kernel_.bounds).T
    theta = np.exp(process.kernel_.theta)
    assert np.all((lower <= theta) & (theta <= upper))


def test_there_is_no_gradient_as_nothing_is_optimised():
    basis = FourierBasis(3)
    kernel = MercerKernel(basis, np.ones(7))
    X = np.random.default_rng(0).normal(size=(5, 2))
    K, gradient = kernel(X, eval_gradient=True)
    np.testing.assert_array_equal(K, kernel(X))
    assert gradient.shape == (5, 5, 0)
    with pytest.raises(ValueError, match=r"^The gradient .* only where Y is None"):
        kernel(X, X[:2], eval_gradient=True)


def test_eigenvalues_may_be_zero_and_whole():
    basis = FourierBasis(1)
    X = np.random.default_rng(0).normal(size=(5, 2))
    kernel = MercerKernel(basis, [2, 0, 0])
    np.testing.assert_allclose(kernel(X, X[:3]), 2 * np.ones((5, 3)))

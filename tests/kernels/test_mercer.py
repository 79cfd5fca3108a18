"""Kernels of known eigenfunctions."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.kernel_ridge import KernelRidge

from sklearn_msk.kernels import (
    FourierBasis,
    MercerKernel,
    SphericalHarmonics,
)


def circle(n):
    angles = 2 * np.pi * np.arange(n) / n
    return np.column_stack([np.cos(angles), np.sin(angles)])


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

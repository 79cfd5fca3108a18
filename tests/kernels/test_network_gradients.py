"""Gradients of network kernels, as Gaussian processes take them."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import WhiteKernel

from sklearn_msk.kernels import (
    NNGP,
    NTK,
)

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

"""Dual activations against quadrature, seen through kernels of one hidden layer."""

from functools import cache

import numpy as np
import pytest
from quadrature import ACTIVATIONS, expectations

from sklearn_msk.kernels import NNGP, NTK

LENGTHS = np.array([1e-3, 0.3, 2.0, 1e2])
CORRELATIONS = [-1.0, -0.999, -0.3, 0.0, 0.3, 0.999, 1.0]


def _rows(correlation):
    """Rows whose first pre-activations have the lengths and correlations wanted.

    Two features and a weight variance of 1 divide squared lengths by 2.
    """
    across = np.sqrt((1.0 - correlation) * (1.0 + correlation))
    return np.sqrt(2.0) * np.outer(LENGTHS, [correlation, across])


def _kernel(network, activation):
    return network(activation=activation, weight_variance=1.0, bias_variance=0.0)


@cache
def _own(activation):
    """Both expectations of every length with itself."""
    own = expectations(activation, LENGTHS, LENGTHS, 1.0)
    return [moment.diagonal() for moment in own]


def _scale(activation):
    """Sizes of both expectations between two lengths, by Cauchy and Schwarz."""
    return [np.sqrt(np.outer(moment, moment)) for moment in _own(activation)]


@pytest.mark.parametrize("correlation", CORRELATIONS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_dual_activation_is_the_gaussian_expectation(activation, correlation):
    rows, others = _rows(1.0), _rows(correlation)
    product, slope = expectations(activation, LENGTHS, LENGTHS, correlation)

    scale, slope_scale = _scale(activation)
    nngp = _kernel(NNGP, activation)(rows, others)
    assert np.max(np.abs(nngp - product) / scale) < 1e-10

    # NTK - NNGP is the covariance that enters the layer times E[phi' phi'].
    entering = correlation * np.outer(LENGTHS, LENGTHS)
    ntk = _kernel(NTK, activation)(rows, others)
    scale += np.outer(LENGTHS, LENGTHS) * slope_scale
    assert np.max(np.abs(ntk - (product + entering * slope)) / scale) < 1e-10


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_dual_derivative_alone(activation):
    # Where covariances are large enough, the difference of the kernels shows it.
    for correlation in (-0.999, -0.3, 0.01, 0.3, 0.999, 1.0):
        rows, others = _rows(1.0)[1:3], _rows(correlation)[1:3]
        lengths = LENGTHS[1:3]
        slope = expectations(activation, lengths, lengths, correlation)[1]
        entering = correlation * np.outer(lengths, lengths)
        tangent = _kernel(NTK, activation)(rows, others)
        tangent -= _kernel(NNGP, activation)(rows, others)
        np.testing.assert_allclose(tangent / entering, slope, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_diagonal_is_the_gaussian_expectation(activation):
    product, slope = _own(activation)
    rows = _rows(0.6)
    np.testing.assert_allclose(
        _kernel(NNGP, activation).diag(rows), product, rtol=1e-10
    )
    np.testing.assert_allclose(
        _kernel(NTK, activation).diag(rows), product + LENGTHS**2 * slope, rtol=1e-10
    )

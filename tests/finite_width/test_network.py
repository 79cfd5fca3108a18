"""A finite network: its derivatives, by finite differences."""

import numpy as np
import pytest

from sklearn_msk.finite_width import WideNetwork
from sklearn_msk.kernels._activations import ACTIVATIONS


def draw(activation="erf", sizes=(3, 7, 5, 2), seed=0):
    return WideNetwork.random(sizes, activation, 1.7, 0.3, np.random.RandomState(seed))


def flat(network):
    return np.concatenate([p.ravel() for p in network.weights + network.biases])


def with_parameters(network, flat_parameters):
    parts, start = [], 0
    for p in network.weights + network.biases:
        parts.append(flat_parameters[start : start + p.size].reshape(p.shape))
        start += p.size
    count = len(network.weights)
    return WideNetwork(
        tuple(parts[:count]),
        tuple(parts[count:]),
        network.activation,
        network.weight_variance,
        network.bias_variance,
    )


def jacobian(network, X, h=1e-6):
    """Derivatives by central differences, of shape (rows, outputs, parameters)."""
    centre = flat(network)
    columns = []
    for i in range(len(centre)):
        move = np.zeros_like(centre)
        move[i] = h
        ahead = with_parameters(network, centre + move)(X)
        behind = with_parameters(network, centre - move)(X)
        columns.append((ahead - behind) / (2 * h))
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_derivatives_against_finite_differences(activation):
    network = draw(activation)
    rng = np.random.default_rng(1)
    X, Y, c = rng.normal(size=(4, 3)), rng.normal(size=(6, 3)), rng.normal(size=(4, 2))
    J_x, J_y = jacobian(network, X), jacobian(network, Y)
    gradient = network.pullback(*network.forward(X)[1:], c)
    np.testing.assert_allclose(
        flat(gradient), np.einsum("np,npq->q", c, J_x), rtol=1e-6, atol=1e-7
    )
    expected = np.einsum("noq,moq->nm", J_x, J_y) / 2
    np.testing.assert_allclose(
        network.empirical_ntk(X, Y), expected, rtol=1e-6, atol=1e-7
    )

"""NNGP and NTK against random finite networks, in the NTK parameterisation."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from quadrature import ACTIVATIONS

from sklearn_msk.kernels import NNGP, NTK

WEIGHT_VARIANCE, BIAS_VARIANCE = 1.8, 0.3
ROWS = np.array(
    [[1.0, 0.5, -0.3], [0.2, -0.8, 1.1], [-0.9, -0.6, 0.1], [2.0, 0.4, 1.0]]
)
LOWER = np.tril_indices(len(ROWS))
WIDTH = 128
# Allowed distance from the infinite width, in standard errors of the mean.
N_ERRORS = 4.5
# Far beyond, another kernel than the one expected.
N_ERRORS_OTHER = 10.0


def _draw(generator, widths):
    """Standard normal weights and biases, a pair for each layer."""
    return [
        (generator.standard_normal((m, n)), generator.standard_normal(m))
        for n, m in pairwise(widths)
    ]


def _forward(layers, function):
    """Pre-activations of every layer for all rows; the last are the outputs."""
    signal, preactivations = ROWS, []
    for weights, biases in layers:
        scaled = np.sqrt(WEIGHT_VARIANCE / weights.shape[1]) * signal @ weights.T
        preactivations.append(scaled + np.sqrt(BIAS_VARIANCE) * biases)
        signal = function(preactivations[-1])
    return preactivations


def _jacobian(layers, activation):
    """Derivatives of the only output for all weights and biases, a row per row."""
    function, derivative = ACTIVATIONS[activation]
    preactivations = _forward(layers, function)
    back, blocks = np.ones((len(ROWS), 1)), []
    for layer in reversed(range(len(layers))):
        weights, _ = layers[layer]
        scale = np.sqrt(WEIGHT_VARIANCE / weights.shape[1])
        signal = function(preactivations[layer - 1]) if layer else ROWS
        by_weights = scale * back[:, :, None] * signal[:, None, :]
        blocks += [by_weights.reshape(len(ROWS), -1), np.sqrt(BIAS_VARIANCE) * back]
        if layer:
            back = scale * back @ weights * derivative(preactivations[layer - 1])
    return np.hstack(blocks)


def _output_covariance(generator, depth, activation):
    """Second moments of many outputs of one network."""
    layers = _draw(generator, [ROWS.shape[1], *[WIDTH] * depth, 64])
    outputs = _forward(layers, ACTIVATIONS[activation][0])[-1]
    return outputs @ outputs.T / outputs.shape[1]


def _tangent_kernel(generator, depth, activation):
    """Inner products of the Jacobian of one network with one output."""
    layers = _draw(generator, [ROWS.shape[1], *[WIDTH] * depth, 1])
    jacobian = _jacobian(layers, activation)
    return jacobian @ jacobian.T


# What one finite network shows of each kernel, and how many networks to average.
EMPIRICAL = {NNGP: (_output_covariance, 400), NTK: (_tangent_kernel, 150)}


@cache
def _estimate(network, depth, activation):
    """Mean over networks of the empirical kernel, and its standard error."""
    empirical, n_networks = EMPIRICAL[network]
    generator = np.random.default_rng([depth, *activation.encode()])
    draws = np.array(
        [empirical(generator, depth, activation)[LOWER] for _ in range(n_networks)]
    )
    return draws.mean(axis=0), draws.std(axis=0, ddof=1) / np.sqrt(n_networks)


def _distance(network, depth, activation, expected):
    """Largest distance from an infinite-width kernel, in standard errors."""
    mean, error = _estimate(network, depth, activation)
    K = network(depth, expected, WEIGHT_VARIANCE, BIAS_VARIANCE)(ROWS)[LOWER]
    return np.max(np.abs(mean - K) / error)


@pytest.mark.parametrize("network", EMPIRICAL)
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_wide_networks_have_the_kernel_on_average(network, depth, activation):
    assert _distance(network, depth, activation, activation) < N_ERRORS


@pytest.mark.parametrize("network", EMPIRICAL)
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_kernel_of_another_activation_is_far(network, depth, activation):
    # leaky relu is a relu to 1 %, below what these networks resolve
    twins = {"relu", "leaky_relu"}
    twins = twins if activation in twins else {activation}
    for other in set(ACTIVATIONS) - twins:
        assert _distance(network, depth, activation, other) > N_ERRORS_OTHER


@pytest.mark.parametrize("network", EMPIRICAL)
def test_the_estimates_are_good_to_a_few_percent(network):
    # else agreement within standard errors would say nothing
    mean, error = _estimate(network, 2, "relu")
    own = mean[LOWER[0] == LOWER[1]]
    assert np.max(error) < 0.03 * np.max(own)


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_jacobian_is_that_of_the_network(depth, activation):
    generator = np.random.default_rng(0)
    layers = _draw(generator, [ROWS.shape[1], *[5] * depth, 1])
    direction = _draw(generator, [ROWS.shape[1], *[5] * depth, 1])

    def outputs(step):
        moved = [
            (weights + step * by_weights, biases + step * by_biases)
            for (weights, biases), (by_weights, by_biases) in zip(
                layers, direction, strict=True
            )
        ]
        return _forward(moved, ACTIVATIONS[activation][0])[-1][:, 0]

    slope = (outputs(1e-5) - outputs(-1e-5)) / 2e-5
    flat = np.concatenate([part.ravel() for layer in direction[::-1] for part in layer])
    np.testing.assert_allclose(
        _jacobian(layers, activation) @ flat, slope, rtol=1e-6, atol=1e-7
    )

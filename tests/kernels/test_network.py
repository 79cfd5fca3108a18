"""NNGP and NTK of several layers: by quadrature, and as `neural-tangents` has them."""

import json
from pathlib import Path

import numpy as np
import pytest
from quadrature import ACTIVATIONS, expectations

from sklearn_msk.kernels import NNGP, NTK

pytestmark = pytest.mark.usefixtures("engine")

TABLE = json.loads(
    (Path(__file__).parents[1] / "data" / "neural_tangents.json").read_text()
)
# The zero row sees only the biases, and phi(0).
ROWS = np.array([[1.2, -0.4, 0.7], [0.3, 0.9, -0.2], [0.0, 0.0, 0.0]])


def _expectation_matrices(activation, sigma):
    """``E[phi phi]`` and ``E[phi' phi']`` for Gaussians of covariance `sigma`."""
    lengths = np.sqrt(sigma.diagonal())
    product, slope = np.empty_like(sigma), np.empty_like(sigma)
    for i, j in zip(*np.tril_indices(len(sigma)), strict=True):
        size = lengths[i] * lengths[j]
        # exactly 1 on the diagonal; of no consequence where a length is 0
        correlation = 1.0 if i == j else sigma[i, j] / size if size > 0 else 0.0
        pair = expectations(activation, lengths[[i]], lengths[[j]], correlation)
        for matrix, value in zip((product, slope), pair, strict=True):
            matrix[i, j] = matrix[j, i] = value[0, 0]
    return product, slope


def _layers(activation, weight_variance, bias_variance, depth):
    """Yield (NNGP, NTK) after each hidden layer, as the design writes them."""
    sigma = weight_variance * ROWS @ ROWS.T / ROWS.shape[1] + bias_variance
    theta = sigma
    for _ in range(depth):
        product, slope = _expectation_matrices(activation, sigma)
        sigma = weight_variance * product + bias_variance
        theta = sigma + weight_variance * theta * slope
        yield sigma, theta


def _assert_close(K, reference, tolerance):
    """Errors against the size of each entry, ``sqrt(k(x, x) k(z, z))``."""
    own = reference.diagonal()
    assert np.all(np.abs(K - reference) <= tolerance * np.sqrt(np.outer(own, own)))


@pytest.mark.parametrize("variances", [(2.0, 0.1), (1.7, 0.0), (0.6, 1.3)])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_layers_follow_the_recursion(activation, variances):
    layers = _layers(activation, *variances, depth=4)
    for depth, (sigma, theta) in enumerate(layers, start=1):
        _assert_close(NNGP(depth, activation, *variances)(ROWS), sigma, 1e-10)
        _assert_close(NTK(depth, activation, *variances)(ROWS), theta, 1e-10)


@pytest.mark.parametrize("network", [NNGP, NTK])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_without_weights_only_the_last_bias_is_left(network, activation):
    kernel = network(3, activation, weight_variance=0.0, bias_variance=0.7)
    np.testing.assert_allclose(kernel(ROWS), 0.7, rtol=1e-14)
    np.testing.assert_allclose(kernel.diag(ROWS), 0.7, rtol=1e-14)


def _table_name(entry):
    variances = f"{entry['weight_variance']}-{entry['bias_variance']}"
    return f"{entry['activation']}-{entry['depth']}-{variances}"


@pytest.mark.parametrize("entry", TABLE["kernels"], ids=_table_name)
def test_kernels_are_those_of_neural_tangents(entry):
    rows = np.array(TABLE["rows"])
    lower = np.tril_indices(len(rows))
    names = ("depth", "activation", "weight_variance", "bias_variance")
    params = {name: entry[name] for name in names}
    for network, stored in ((NNGP, entry["nngp"]), (NTK, entry["ntk"])):
        K = network(**params)(rows)[lower]
        np.testing.assert_allclose(K, stored, rtol=1e-6, atol=1e-14)


def test_table_covers_every_activation_and_depth():
    made = {(entry["activation"], entry["depth"]) for entry in TABLE["kernels"]}
    assert made == {(name, depth) for name in ACTIVATIONS for depth in (1, 2, 3)}

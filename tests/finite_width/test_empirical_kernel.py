"""The kernel of a finite network tends to that of the infinite one."""

import numpy as np
import pytest

from sklearn_msk.finite_width import WideNetwork
from sklearn_msk.kernels import NTK
from sklearn_msk.kernels._activations import ACTIVATIONS


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("depth", [1, 2])
def test_empirical_kernel_tends_to_the_infinite_one(activation, depth):
    X = np.random.default_rng(2).normal(size=(6, 3))
    kernel = NTK(depth, activation, weight_variance=1.3, bias_variance=0.2)(X)
    errors = []
    for width in (64, 2048):
        drawn = [
            WideNetwork.random(
                [3, *[width] * depth, 1], activation, 1.3, 0.2, np.random.RandomState(s)
            ).empirical_ntk(X)
            for s in range(4)
        ]
        errors.append(np.mean([np.linalg.norm(K - kernel) for K in drawn]))
    # Fluctuations fall like width^(-1/2), here by 5.7.
    assert errors[1] < 0.06 * np.linalg.norm(kernel)
    assert errors[1] < errors[0] / 3

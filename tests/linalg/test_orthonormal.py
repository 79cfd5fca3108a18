"""Orthonormal columns of any block."""

import numpy as np
import pytest

from sklearn_msk._linalg import orthonormalise


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e100])
@pytest.mark.parametrize("independent", ["all", "graded", "hardly", "not"])
def test_blocks_are_orthonormal(independent, size):
    """By Cholesky factors where that is safe, by reflections elsewhere."""
    block = np.random.RandomState(0).standard_normal((300, 8))
    if independent == "graded":
        block *= np.logspace(0, -12, 8)
    elif independent == "hardly":
        block[:, 5] = block[:, 2] + 1e-9 * block[:, 5]
    elif independent == "not":
        block[:, 5], block[:, 6] = block[:, 2], 0.0
    block *= size
    Q, factor = orthonormalise(block)
    np.testing.assert_allclose(Q.T @ Q, np.eye(8), atol=1e-14)
    np.testing.assert_allclose(Q @ factor, block, atol=1e-14 * np.abs(block).max())
    np.testing.assert_array_equal(factor, np.triu(factor))

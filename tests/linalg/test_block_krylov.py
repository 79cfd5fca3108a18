"""Block Krylov iteration: restarts, and copies of an eigenvalue."""

import numpy as np
from problems import kernel_matrix

from sklearn_msk._linalg import Status, block_krylov


def test_restart_of_the_block_krylov_basis():
    """A basis too small for one sweep is replaced by its Ritz vectors and goes on."""
    K = kernel_matrix(300) / 300
    rng = np.random.RandomState(0)
    products = []

    def apply(V):
        products.append(V.shape[1])
        return K @ V

    pairs = block_krylov(
        apply,
        12,
        lambda width: rng.standard_normal((300, width)),
        width=5,
        max_columns=24,
        strict=1e-4,
    )
    assert pairs.status is Status.CONVERGED
    values, vectors, residuals = pairs.values, pairs.vectors, pairs.residuals
    assert sum(products) > 24
    found = np.linalg.norm(K @ vectors - vectors * values, axis=0)
    np.testing.assert_allclose(residuals, found, atol=1e-13)
    expected = np.linalg.eigvalsh(K)[::-1][:12]
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(12), atol=1e-12)


def test_copies_are_found_in_a_basis_that_restarts():
    eigenvalues = np.append(np.full(40, 3.0), np.geomspace(1.0, 1e-6, 960))
    rng = np.random.RandomState(0)

    def pairs(max_columns):
        return block_krylov(
            lambda V: eigenvalues[:, None] * V,
            45,
            lambda width: rng.standard_normal((1000, width)),
            width=4,
            max_columns=max_columns,
            strict=1e-6,
        )

    for max_columns in (240, 1000):
        found = pairs(max_columns)
        assert found.status is Status.CONVERGED
        values, vectors = found.values, found.vectors
        np.testing.assert_allclose(values, eigenvalues[:45], rtol=1e-9)
        np.testing.assert_allclose(vectors.T @ vectors, np.eye(45), atol=1e-12)
    assert pairs(990).status is Status.BREAKDOWN

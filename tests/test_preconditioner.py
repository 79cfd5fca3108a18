"""S, its powers and its stable step against their definition."""

import numpy as np
import pytest
from problems import dense, dense_preconditioner, kernel_matrix, preconditioner

from sklearn_msk._operators import DenseOperator
from sklearn_msk._preconditioner import Preconditioner
from sklearn_msk._spectrum import PairAccuracy, leading_spectrum
from sklearn_msk.spectral_maps import Flatten


@pytest.mark.parametrize("k", [0, 1, 10, 60])
def test_powers(k, data):
    A = dense(kernel_matrix())
    S = preconditioner(A, k, lambda lam: lam**0.5)
    P = dense_preconditioner(S)
    identity = np.eye(60)
    np.testing.assert_allclose(S.power(1.0, identity), P, atol=1e-12)
    np.testing.assert_allclose(S.power(-1.0, P), identity, atol=1e-10)
    np.testing.assert_allclose(S.power(0.5, S.power(0.5, identity)), P, atol=1e-12)
    vector = data[1][:, 0]
    np.testing.assert_allclose(S.power(0.5, vector), S.power(0.5, identity) @ vector)


def test_modified_spectrum():
    """``A S`` has the eigenvalues ``g(lam_i)`` for i <= k and ``lam_i`` beyond."""
    A = dense(kernel_matrix())
    values, vectors = np.linalg.eigh(A.dense())
    S = preconditioner(A, 8, lambda lam: 0.3 + 0.1 * lam)
    product = A.dense() @ dense_preconditioner(S)
    expected = values[::-1].copy()
    expected[:8] = 0.3 + 0.1 * expected[:8]
    actual = np.diag(vectors.T @ product @ vectors)[::-1]
    np.testing.assert_allclose(actual, expected, atol=1e-12)


@pytest.mark.parametrize("eigen_solver", ["dense", "randomized", "arpack", "lobpcg"])
@pytest.mark.parametrize("k", [0, 5, 40])
def test_largest_rate_is_a_tight_upper_bound(eigen_solver, k):
    A = dense(kernel_matrix(300))
    for g in (lambda lam: np.full_like(lam, lam.min(initial=1)), np.sqrt):
        spectrum = leading_spectrum(A, k, eigen_solver=eigen_solver)
        S = Preconditioner(spectrum, g(spectrum.eigenvalues))
        root = S.power(0.5, np.eye(300))
        rate = np.linalg.eigvalsh(root @ A.dense() @ root)[-1]
        assert rate * (1 - 1e-12) <= S.spectral_radius_bound <= rate * (1 + 1e-3)


def test_stable_step():
    A = DenseOperator(kernel_matrix(300))
    spectrum = leading_spectrum(
        A, 10, eigen_solver="randomized", accuracy=PairAccuracy.for_residual(1e-1)
    )
    S = Preconditioner(spectrum, Flatten()(spectrum.eigenvalues))
    root = S.power(0.5, np.eye(300))
    rate = np.linalg.eigvalsh(root @ A.dense() @ root)[-1]
    assert S.max_stable_step(0.1) * (rate + 0.1) <= 2.0
    nothing = Preconditioner(
        leading_spectrum(DenseOperator(np.zeros((3, 3))), 0), np.empty(0)
    )
    assert nothing.max_stable_step(0.0) == np.inf

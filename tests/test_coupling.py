"""The bound of the largest rate, against the matrix that it bounds."""

import numpy as np
import pytest
from problems import kernel_matrix
from sklearn.gaussian_process.kernels import RBF, Matern

from sklearn_msk._operators import DenseOperator
from sklearn_msk._preconditioner import Preconditioner
from sklearn_msk._spectrum import PairAccuracy, leading_spectrum
from sklearn_msk.kernels import NTK
from sklearn_msk.spectral_maps import Flatten, Identity, Lift, Power

X = np.random.RandomState(0).standard_normal((400, 5))
KERNELS = [NTK(), NTK(3, "erf"), Matern(nu=0.5), RBF(1.5)]


def largest_rate(A, S):
    """Largest eigenvalue of ``S^(1/2) A S^(1/2)``, from the matrix."""
    half = S.power(0.5, S.power(0.5, A.dense()).T)
    return np.linalg.eigvalsh(half)[-1]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("k", [1, 5, 20])
@pytest.mark.parametrize("kept", [1.0, 0.5])
@pytest.mark.parametrize("g", [Flatten(), Power(0.5), Lift(), Identity()])
@pytest.mark.parametrize("tol", [1e-1, 1e-2, 1e-3, 1e-5])
def test_bound_of_the_largest_rate(kernel, k, kept, g, tol):
    A = DenseOperator(kernel(X))
    spectrum = leading_spectrum(
        A, k, eigen_solver="randomized", accuracy=PairAccuracy.for_residual(tol)
    )
    assert spectrum.ritz_residuals is not None
    spectrum = spectrum.truncated(max(1, int(kept * k)))
    S = Preconditioner(spectrum, g(spectrum.eigenvalues))
    exact = largest_rate(A, S)
    assert S.spectral_radius_bound >= exact * (1.0 - 1e-12)
    if tol <= 1e-3:
        # The residuals alone allow for some tol times the root of k.
        assert S.spectral_radius_bound <= exact * (1.0 + 0.05 * tol)


def test_bound_of_a_plain_operator():
    """Without a direction to re-scale it is that of the largest eigenvalue."""
    A = DenseOperator(kernel_matrix(300))
    spectrum = leading_spectrum(
        A, 5, eigen_solver="randomized", accuracy=PairAccuracy.for_residual(1e-3)
    ).truncated(0)
    S = Preconditioner(spectrum, np.empty(0))
    np.testing.assert_allclose(
        S.spectral_radius_bound, np.linalg.eigvalsh(A.dense())[-1]
    )


@pytest.mark.parametrize("size", [1e-160, 1e160])
def test_size_of_the_kernel_does_not_matter(size):
    rates = []
    for K in (kernel_matrix(300), size * kernel_matrix(300)):
        spectrum = leading_spectrum(
            DenseOperator(K),
            10,
            eigen_solver="randomized",
            accuracy=PairAccuracy.for_residual(1e-2),
        )
        S = Preconditioner(spectrum, Flatten()(spectrum.eigenvalues))
        rates.append(S.spectral_radius_bound)
    np.testing.assert_allclose(rates[1], size * rates[0], rtol=1e-9)


def test_only_a_basis_that_is_not_complete_has_a_coupling():
    A = DenseOperator(kernel_matrix(30))
    for solver in ("dense", "arpack", "randomized"):
        assert leading_spectrum(A, 5, eigen_solver=solver).ritz_residuals is None

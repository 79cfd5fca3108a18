"""How exact leading directions are for the maps that need them."""

import numpy as np
import pytest
from sklearn.gaussian_process.kernels import RBF, Matern

from sklearn_msk._operators import DenseOperator
from sklearn_msk._preconditioner import Preconditioner
from sklearn_msk._spectrum import PairAccuracy, leading_spectrum, relative_jump
from sklearn_msk.kernels import NTK
from sklearn_msk.spectral_maps import Flatten, Identity, Lift, Power

LAM = np.geomspace(1.0, 1e-3, 30)


def soft(lam):
    """Half way from the eigenvalues to `flatten`, on a logarithmic scale."""
    return np.sqrt(lam * lam[-1])


@pytest.mark.parametrize("g", [Flatten(), Identity(), soft, Flatten(level=0.1)])
@pytest.mark.parametrize("share", [1.0, 0.999, 0.5])
def test_maps_that_do_not_jump_are_hardly_steep(g, share):
    assert relative_jump(g, LAM, share * LAM[-1]) <= 1.0


@pytest.mark.parametrize("g", [Lift(), Power(0.5), Flatten(level=1e-4)])
def test_maps_that_jump_are_steep(g):
    assert relative_jump(g, LAM, 0.999 * LAM[-1]) > 100.0
    assert relative_jump(g, LAM, LAM[-1]) == np.inf


def test_steepness_by_its_formula():
    lam, following = np.array([4.0, 2.0, 1.0]), 0.5
    g = np.array([1.0, 3.0, 1.0])
    expected = max(abs(g / lam - 1.0) * following / (lam - following))
    assert relative_jump(lambda _: g, lam, following) == pytest.approx(expected)
    assert relative_jump(lambda _: g, lam, 0.0) == 0.0


def test_tolerance_between_strict_and_loose():
    seen = []

    def g(lam):
        """Its relative jump at (2, 1) is |g / 2 - 1|."""
        seen.append(lam)
        return 2.0 * (1.0 + jump) * np.ones_like(lam)

    accuracy = PairAccuracy(1e-3, 2e-2, ((g, 1),))
    values, rtol = np.array([2.0, 1.0, 1e-20]), 1e-16
    # A map is not shown values that are not known yet.
    assert accuracy.tolerance_for(values, 0.1, rtol) == 2e-2
    assert not seen
    for change, expected in ((0.5, 2e-2), (4.0, 5e-3), (np.inf, 1e-3)):
        jump = change
        found = accuracy.tolerance_for(values, 1e-2, rtol)
        assert found == pytest.approx(expected)
    for lam in seen:
        np.testing.assert_array_equal(lam, [2.0])
    strict = PairAccuracy.for_residual(1e-5)
    assert strict.tolerance_for(np.array([1.0]), 1.0, rtol) == 1e-5


def test_maps_do_not_see_what_is_below_the_numerical_rank():
    seen = []

    def g(lam):
        seen.append(lam)
        return lam

    accuracy, values = PairAccuracy(1e-5, 2e-2, ((g, 2),)), np.array([1.0, 1e-3, 1e-9])
    assert accuracy.tolerance_for(values, 1e-3, 1e-6) == 2e-2
    # Both values in view are re-scaled: nothing is left to jump to.
    assert not seen
    assert accuracy.tolerance_for(values, 1e-3, 1e-12) == 2e-2
    np.testing.assert_array_equal(seen, [[1.0, 1e-3]])


def test_accuracy_follows_the_tolerance_of_the_fit():
    for tol, strict, loose in ((1e-3, 1e-3, 2.5e-2), (1e-8, 1e-5, 1e-3)):
        accuracy = PairAccuracy.for_maps(tol, ())
        assert accuracy.strict == pytest.approx(strict)
        assert accuracy.loose == pytest.approx(loose)
        near_two = PairAccuracy.for_maps(tol, (), slack=0.01)
        assert near_two.loose == pytest.approx(0.1 * loose)


@pytest.mark.parametrize("kernel", [NTK(), NTK(3, "erf"), Matern(nu=0.5), RBF(1.5)])
@pytest.mark.parametrize("k", [5, 20, 50])
@pytest.mark.parametrize("tol", [1e-1, 1e-2, 1e-3])
def test_eigenvalues_are_better_than_their_residuals(kernel, k, tol):
    """To second order and better, as the rates are that they make."""
    A = DenseOperator(kernel(np.random.RandomState(0).standard_normal((400, 5))))
    spectrum = leading_spectrum(
        A, k, eigen_solver="randomized", accuracy=PairAccuracy.for_residual(tol)
    )
    exact = np.linalg.eigvalsh(A.dense())[::-1][: k + 1]
    found = np.append(spectrum.eigenvalues, spectrum.next_ritz_value)
    assert np.abs(found / exact - 1.0).max() < tol**2
    S = Preconditioner(spectrum, Flatten()(spectrum.eigenvalues))
    np.testing.assert_allclose(S.spectral_radius, exact[k - 1], rtol=tol**2)
    assert S.spectral_radius <= S.spectral_radius_bound * (1.0 + tol**2)

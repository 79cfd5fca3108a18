"""How exact leading directions are for the maps that need them."""

from functools import partial

import numpy as np
import pytest
from problems import kernel_matrix
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.gaussian_process.kernels import RBF, Matern
from sklearn.model_selection import GridSearchCV

from sklearn_msk import MSKGridSearchCV, MSKRegressor
from sklearn_msk._operators import DenseOperator
from sklearn_msk._preconditioner import Preconditioner
from sklearn_msk._spectrum import PairAccuracy, leading_spectrum, relative_jump
from sklearn_msk._training._decompose import _steep_where_it_fails
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


def test_the_steepest_map_counts_and_one_that_fails_among_others_is_the_steepest():
    def fails(lam):
        raise ValueError("no rates today")

    def flat(lam):
        return np.full_like(lam, lam[-1])

    values = np.append(LAM, 0.5 * LAM[-1])
    with pytest.raises(ValueError, match="no rates today"):
        PairAccuracy(1e-5, 2e-2, ((fails, 3),)).tolerance_for(values, 1e-3, 1e-16)
    for maps, expected in (
        ([flat], 2e-2),
        ([flat, Lift()], 2e-2 / relative_jump(Lift(), LAM, values[-1])),
        ([flat, partial(_steep_where_it_fails, fails)], 1e-5),
    ):
        accuracy = PairAccuracy(1e-5, 2e-2, tuple((g, len(LAM)) for g in maps))
        found = accuracy.tolerance_for(values, 1e-3, 1e-16)
        assert found == pytest.approx(expected)


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


def problem(kernel):
    rng = np.random.RandomState(0)
    X = rng.standard_normal((1600, 4))
    y = np.sin(3 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.1 * rng.standard_normal(1600)
    return MSKRegressor(kernel, k=60, tol=1e-4), X, y


@pytest.fixture(scope="module")
def decompositions(tmp_path_factory):
    """Where full decompositions are kept, one for each kernel."""
    return str(tmp_path_factory.mktemp("decompositions"))


@pytest.mark.parametrize("kernel", [NTK(), Matern(nu=0.5), RBF(1.5)])
@pytest.mark.parametrize("g", ["flatten", soft, "lift"])
@pytest.mark.parametrize("dynamics", ["flow", 1.0, 1.9, 1.99])
def test_predictions_are_those_of_exact_pairs(kernel, g, dynamics, decompositions):
    model, X, y = problem(kernel)
    model.set_params(g=g, max_iter=100, store_trajectory=True)
    if dynamics != "flow":
        model.set_params(dynamics="descent", learning_rate=dynamics)
    exact = clone(model).set_params(eigen_solver="dense", memory=decompositions)
    model.fit(X, y)
    exact.fit(X, y)
    relative = model.spectrum_.residual_norms / model.spectrum_.eigenvalues[-1]
    if g != "lift" and dynamics != 1.99 and isinstance(kernel, Matern):
        assert relative.max() > 1e-3
    steps = [1, 3, 10, 100]
    paths = [list(m.staged_predict(X[:300], steps)) for m in (model, exact)]
    moved = np.abs(np.subtract(*paths)).max()
    assert moved < 3e-3 * y.std()


def test_descent_is_stable_near_its_limit():
    model, X, y = problem(NTK())
    model.set_params(dynamics="descent", learning_rate=1.9999999, max_iter=10**6)
    fitted = model.fit(X, y).predict(X)
    assert np.abs(fitted - y).max() < 10.0 * y.std()


@pytest.mark.parametrize("maps", [["flatten"], ["flatten", "lift"]])
def test_a_search_needs_what_the_steepest_of_its_maps_needs(maps):
    model, X, y = problem(NTK())
    grid = {"g": maps, "k": [60], "max_iter": [10]}
    search = MSKGridSearchCV(model, grid, cv=3).fit(X, y)
    one_by_one = GridSearchCV(model, grid, cv=3).fit(X, y)
    scores = (s.cv_results_["mean_test_score"] for s in (search, one_by_one))
    np.testing.assert_allclose(*scores, atol=1e-4)


@pytest.mark.filterwarnings("ignore:One or more of the test scores")
def test_a_map_that_fails_is_told_as_always():
    model, X, y = problem(NTK())

    def fails(lam):
        raise RuntimeError("no rates today")

    with pytest.raises(ValueError, match="no rates today"):
        model.set_params(g=fails).fit(X, y)
    with pytest.warns(FitFailedWarning, match="no rates today"):
        search = MSKGridSearchCV(model, {"g": [fails, "flatten"]}, cv=2).fit(X, y)
    assert search.best_params_ == {"g": "flatten"}


def test_what_is_kept_on_disk_serves_any_map(tmp_path):
    model, X, y = problem(NTK())
    residuals = [
        model.set_params(memory=memory).fit(X, y).spectrum_.residual_norms.max()
        for memory in (None, str(tmp_path))
    ]
    assert residuals[1] < 0.2 * residuals[0]
    lift = model.set_params(g="lift").fit(X, y).predict(X)
    exact = model.set_params(memory=None, eigen_solver="dense").fit(X, y).predict(X)
    assert np.abs(lift - exact).max() < 3e-3 * y.std()

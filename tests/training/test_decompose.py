"""Trainings share pairs that are as exact as their maps need them."""

from functools import partial

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.gaussian_process.kernels import RBF, Matern
from sklearn.model_selection import GridSearchCV

from sklearn_msk import MSKGridSearchCV, MSKRegressor
from sklearn_msk._spectrum import PairAccuracy, relative_jump
from sklearn_msk._training._decompose import _steep_where_it_fails
from sklearn_msk.kernels import NTK
from sklearn_msk.spectral_maps import Lift

LAM = np.geomspace(1.0, 1e-3, 30)


def soft(lam):
    """Half way from the eigenvalues to `flatten`, on a logarithmic scale."""
    return np.sqrt(lam * lam[-1])


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

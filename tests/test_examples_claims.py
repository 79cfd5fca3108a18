"""The claims of the method, as the examples show them, at smaller sizes."""

import numpy as np
import pytest
from example_functions import load_functions

from sklearn_msk import MSKRegressor

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def frequencies():
    return load_functions("plot_frequencies")


def test_steps_grow_like_the_square_of_the_frequency_and_not_under_msk(frequencies):
    waves = np.array([4, 6, 8, 12, 16, 24])
    plain, msk = (
        frequencies.steps_to_learn("ntk_relu", k, waves, 128) for k in (0, 49)
    )
    assert frequencies.exponents(plain, np.log(waves)) == pytest.approx(2, abs=0.25)
    assert msk.max() <= 1.5 * msk.min()


def test_steps_grow_exponentially_for_eigenvalues_that_fall_so(frequencies):
    waves = np.arange(1, 13)
    kernel = frequencies.poisson
    plain, msk = (frequencies.steps_to_learn(kernel, k, waves, 64) for k in (0, 25))
    # Eigenvalues are 0.6^frequency.
    rate = frequencies.exponents(plain, waves, first=3)
    assert rate == pytest.approx(-np.log(0.6), rel=0.05)
    assert msk.max() <= 1.5 * msk.min()


@pytest.mark.parametrize("manifold", ["circle", "sphere"])
@pytest.mark.parametrize("name", ["flatten", "lift", "power 1/2"])
def test_msk_matrices_tend_to_those_of_the_target_kernel(manifold, name):
    approximation = load_functions("plot_msk_approximation")
    basis = approximation.BASES[manifold]
    g = approximation.maps_of(approximation.eigenvalues_of(basis))[name]
    sizes = [100, 200, 400, 800]
    errors = approximation.medians(basis, g, sizes, n_draws=3)
    for column in errors.T:
        assert approximation.slopes(sizes, column) < -0.3


@pytest.fixture(scope="module")
def consistency():
    return load_functions("plot_consistency")


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.1])
def test_plain_and_preconditioned_descent_meet(noise, consistency):
    plain, msk = consistency.kernel_paths(60, noise, [30, 10**8])
    first, last = consistency.difference(plain, msk)
    assert first > 0.1
    assert last < 1e-9


def test_with_alpha_they_meet_as_alpha_falls(consistency):
    apart = [
        consistency.difference(*consistency.kernel_paths(60, 0.1, [np.inf], alpha))[0]
        for alpha in (1.0, 1e-2, 1e-4)
    ]
    assert apart[0] > 0.3
    assert apart[1] < apart[0] / 5
    assert apart[2] < apart[1] / 50


def test_they_meet_in_a_real_network(consistency):
    _, (plain, msk) = consistency.network_paths(2048, 8, 0.01, max_iter=1500)
    apart = consistency.difference(plain, msk)
    assert apart.max() > 0.2
    assert apart[-1] < 0.05


def test_networks_follow_the_law_the_closer_the_wider_they_are():
    law = load_functions("plot_residual_law")
    widths = [128, 512, 2048]
    values = law.mean_departures(widths, 3, k=10)
    for column in values.T:
        slope = np.polyfit(np.log(widths), np.log(column), 1)[0]
        assert slope < -0.4


def test_the_law_is_the_power_of_a_matrix():
    law = load_functions("plot_residual_law")
    rng = np.random.default_rng(0)
    B = rng.normal(size=(9, 9))
    A, y = B @ B.T / 40, rng.normal(size=9)
    lam, V = np.linalg.eigh(A)
    S = np.eye(9)
    for i in range(-3, 0):
        S -= (1 - lam[-3] / lam[i]) * np.outer(V[:, i], V[:, i])
    expected = np.linalg.matrix_power(np.eye(9) - 0.5 * A @ S, 7) @ y
    np.testing.assert_allclose(law.law(A, 3, 0.5, y, np.array([7]))[0], expected)


def test_on_real_tables_the_chosen_kernel_pays_where_there_is_much_to_learn():
    table = load_functions("plot_real_table")
    scores = {
        name: score for name, (score, _) in table.scores(*table.nuclei(), 0).items()
    }
    chosen = scores.pop("MSKRegressorCV")
    assert chosen > max(scores.values()) > 0.85
    X, y = table.load_diabetes(return_X_y=True)
    scores = {name: score for name, (score, _) in table.scores(X, y, 0).items()}
    assert max(scores, key=scores.get) == "RidgeCV"
    assert 0 < scores["RidgeCV"] - scores["MSKRegressorCV"] < 0.1


def test_a_metric_pays_where_few_features_matter():
    table = load_functions("plot_real_table")
    X, y = table.make_friedman1(300, n_features=15, noise=1.0, random_state=0)
    scores = {name: score for name, (score, _) in table.scores(X, y, 0).items()}
    chosen = scores.pop("MSKRegressorCV")
    assert chosen > max(scores.values()) + 0.02


def test_as_many_steps_halve_the_error_on_the_landscape():
    from matplotlib.cbook import get_sample_data

    elevation = get_sample_data("jacksboro_fault_dem.npz")["elevation"]
    X = np.argwhere(np.ones_like(elevation, dtype=bool)).astype(float)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    y = elevation.ravel().astype(float)
    order = np.random.RandomState(0).permutation(len(y))
    train, test = order[:4000], order[4000:10_000]
    errors = []
    for k in (0, 50):
        model = MSKRegressor(k=k, max_iter=1000).fit(X[train], y[train])
        errors.append(np.std(model.predict(X[test]) - y[test]))
    assert errors[1] < errors[0] / 2

"""The answers of the examples to the open questions, at smaller sizes."""

import numpy as np
import pytest
from example_functions import load_functions
from scipy.special import zeta

from sklearn_msk.kernels import NTK

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def speed_up():
    return load_functions("plot_speed_up")


@pytest.mark.parametrize("dimension", [2, 3, 4])
def test_gains_are_those_of_the_eigenvalues(dimension, speed_up):
    X = speed_up.sphere(250, dimension)
    counts = [speed_up.count_harmonics(dimension, degree) for degree in (1, 2, 3)]
    measured, predicted = speed_up.gains(X, counts, NTK())
    np.testing.assert_allclose(measured, predicted, rtol=0.4)
    assert (measured < 1.05 * predicted).all()


def test_a_larger_k_than_the_target_needs_gains_nothing(speed_up):
    X, kernel = speed_up.sphere(250, 3), NTK()
    y = speed_up.mixture(speed_up.decomposition(X, kernel)[1], 16)
    steps = [speed_up.steps_to_learn(X, y, k, kernel) for k in (4, 16, 36, 100)]
    assert steps[0] > 5 * steps[1]
    np.testing.assert_allclose(steps[1:], steps[1], rtol=0.02)


@pytest.mark.parametrize("dimension", [2, 3, 4])
def test_the_operator_follows_the_power_law(dimension, speed_up):
    counts, gains = speed_up.operator_gains(dimension, range(20, 61, 4), NTK())
    law = dimension / (dimension - 1)
    assert speed_up.exponent(counts, gains, first=0) == pytest.approx(law, abs=0.06)


def test_harmonics_are_counted(speed_up):
    assert [speed_up.count_harmonics(2, degree) for degree in range(4)] == [1, 3, 5, 7]
    assert [speed_up.count_harmonics(3, degree) for degree in range(4)] == [1, 4, 9, 16]


def test_eigenvalues_of_the_operator_by_a_series(speed_up):
    """On the circle, pi |angle| - angle^2 / 2 has the coefficients of frequency^-2."""

    def kernel(X, Y):
        angles = np.arccos(np.clip(X @ Y.T, -1, 1))
        return 2 * zeta(2) - np.pi * angles + angles**2 / 2

    gains = speed_up.operator_gains(2, [1, 2, 5], kernel)[1]
    np.testing.assert_allclose(gains / gains[0], [1, 4, 25], rtol=1e-6)


@pytest.fixture(scope="module")
def preconditioners():
    return load_functions("plot_preconditioners")


def test_flatten_is_the_step_of_eigenpro(preconditioners):
    X, y, X_test, _ = preconditioners.problem(200, 0.1, seed=0, n_test=20)
    K, n, k = preconditioners.KERNEL(X), 200, 30
    lam, V = np.linalg.eigh(K / n)
    lam, V = lam[::-1], V[:, ::-1]
    # EigenPro takes the excess of the leading directions out of the gradient.
    a, step = np.zeros(n), 1 / lam[k - 1]
    for _ in range(5):
        gradient = (K @ a - y) / n
        correction = V[:, :k] @ ((1 - lam[k - 1] / lam[:k]) * (V[:, :k].T @ gradient))
        a -= step * (gradient - correction)
    expected = preconditioners.KERNEL(X_test, X) @ a
    path = preconditioners.descent_path(X, y, X_test, "flatten", k)
    np.testing.assert_allclose(path[4], expected, rtol=1e-4, atol=1e-6)


def test_factors_approximate_the_kernel(preconditioners):
    rng = np.random.default_rng(0)
    K = preconditioners.KERNEL(preconditioners.problem(150, 0.0, 0)[0])
    for factor in (
        preconditioners.nystroem_factor(K, 60, rng),
        preconditioners.pivoted_factor(K, 60, rng),
    ):
        rest = K - factor @ factor.T
        assert np.linalg.eigvalsh(rest).min() > -1e-8
        assert np.trace(rest) < 0.5 * np.trace(K)
        shift = np.trace(rest) / len(K)
        matrix = factor @ factor.T + shift * np.eye(len(K))
        r = rng.normal(size=len(K))
        applied = preconditioners.inverse_of(factor, K)(r)
        np.testing.assert_allclose(matrix @ applied, r, atol=1e-8)


def test_all_but_the_unconditioned_ones_reach_ridge_in_a_few_products(preconditioners):
    curves, ridge = preconditioners.compare(400, 0.2, n_draws=1)
    for name in ("flatten (EigenPro)", "CG", "CG, Nyström", "CG, pivoted Cholesky"):
        assert curves[name][29] < 1.05 * ridge, name
    for name in ("plain descent", "Power(0.5)"):
        assert curves[name][29] > 1.15 * ridge, name


def test_early_stopping_takes_away_some_of_what_hangs_on_g_and_k():
    sensitivity = load_functions("plot_sensitivity")
    X, y = sensitivity.landscape(300)
    spreads = []
    for settings in sensitivity.SETTINGS.values():
        table = sensitivity.map_of_errors(X, y, (5, 100), 1, **settings)
        spreads.append(table.max() / table.min())
    assert spreads[0] > 1.2
    assert spreads[1] - 1 < 0.8 * (spreads[0] - 1)


def test_a_metric_changes_the_error_and_a_tuned_spectrum_does_not():
    accurate = load_functions("plot_more_accurate")
    X, y = accurate.wave(600)
    scores = {
        name: accurate.score(model, X, y, 300, seed=0)
        for name, model in accurate.models().items()
    }
    assert abs(scores["KernelRidge"] - scores["MSKRegressor"]) < 0.1
    assert scores["MSKRegressorCV"] > 0.95
    assert scores["MSKRegressorCV"] > max(scores["MSKRegressor"], 0.0) + 0.3


def test_where_leave_one_out_chooses_the_steps_g_and_k_matter_less():
    chosen = load_functions("plot_chosen_steps")
    X, y = chosen.make_friedman1(300, noise=0.5, random_state=0)
    fixed, free = (
        chosen.errors(X, y, settings, n_splits=1)
        for settings in chosen.SETTINGS.values()
    )
    assert fixed.max() > 1.3 * fixed.min()
    assert free.max() < 1.15 * free.min()


def test_outside_its_rows_a_gaussian_process_with_a_tangent_kernel_goes_straight_on():
    processes = load_functions("plot_gaussian_process")
    X, y = processes.kink(40, 0, 1, seed=0)
    X_test, y_test = processes.kink(200, 1, 2, seed=2)
    scaler = processes.StandardScaler().fit(X)
    kernel = processes.NTK(depth=1, weight_variance_bounds="fixed")
    model = processes.process(kernel).fit(scaler.transform(X), y)
    assert model.score(scaler.transform(X_test), y_test) > 0.9
    smooth = processes.process(processes.RBF(1.0, (1e-2, 1e3)))
    assert (
        smooth.fit(scaler.transform(X), y).score(scaler.transform(X_test), y_test) < 0
    )


def test_a_split_of_single_rows_promises_what_no_forecast_has():
    series = load_functions("plot_time_series")
    X, y, day = series.demand(30)
    past = day < 20
    model = series.HistGradientBoostingRegressor(random_state=0)
    cases = {
        "rows": series.KFold(3, shuffle=True, random_state=0).split(X[past]),
        "days": series.GroupKFold(3).split(X[past], groups=day[past]),
        "future": [(np.flatnonzero(past), np.flatnonzero(~past))],
    }
    errors = {}
    for name, splits in cases.items():
        squares = [
            np.mean((model.fit(X[train], y[train]).predict(X[test]) - y[test]) ** 2)
            for train, test in splits
        ]
        errors[name] = np.sqrt(np.mean(squares))
    assert errors["future"] > 2 * errors["rows"]
    assert 0.6 < errors["days"] / errors["future"] < 1.6

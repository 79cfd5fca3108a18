"""Networks of finite width, trained as the kernel says."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_msk import MSKRegressor
from sklearn_msk.finite_width import WideNetwork, WideNetworkRegressor
from sklearn_msk.kernels import NTK
from sklearn_msk.spectral_maps import Power


@parametrize_with_checks(
    [WideNetworkRegressor(width=16, k=3), WideNetworkRegressor(8, depth=2, k=0)]
)
def test_sklearn_compatible(estimator, check):
    check(estimator)


@pytest.fixture
def circle():
    angles = 2 * np.pi * np.random.default_rng(0).uniform(size=40)
    return np.column_stack([np.cos(angles), np.sin(angles)]), angles


def flat(network):
    return np.concatenate([p.ravel() for p in network.weights + network.biases])


def with_parameters(network, flat_parameters):
    parts, start = [], 0
    for p in network.weights + network.biases:
        parts.append(flat_parameters[start : start + p.size].reshape(p.shape))
        start += p.size
    count = len(network.weights)
    return WideNetwork(
        tuple(parts[:count]),
        tuple(parts[count:]),
        network.activation,
        network.weight_variance,
        network.bias_variance,
    )


def jacobian(network, X, h=1e-6):
    """Derivatives by central differences, of shape (rows, outputs, parameters)."""
    centre = flat(network)
    columns = []
    for i in range(len(centre)):
        move = np.zeros_like(centre)
        move[i] = h
        ahead = with_parameters(network, centre + move)(X)
        behind = with_parameters(network, centre - move)(X)
        columns.append((ahead - behind) / (2 * h))
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_step_is_the_formula(alpha, weighted, circle):
    X, angles = circle
    y = np.column_stack([np.sin(3 * angles), np.cos(angles) + 2.0])
    weights = np.random.default_rng(3).uniform(0.5, 2.0, 40) if weighted else None
    model = WideNetworkRegressor(
        5, 2, "erf", k=4, g=Power(0.3), alpha=alpha, max_iter=3, learning_rate=1.5
    ).fit(X, y, weights)
    w = np.ones(40) if weights is None else weights
    centred = y - np.average(y, axis=0, weights=w)
    scale = np.sqrt(np.average(centred**2, axis=0, weights=w))

    first = model.initial_network_
    J = jacobian(first, X)
    roots = np.sqrt(w / w.sum())
    A = roots[:, None] * np.einsum("noq,moq->nm", J, J) / 2 * roots
    lam, V = np.linalg.eigh(A)
    lam, V = lam[::-1][:4], V[:, ::-1][:, :4]
    ratios = lam[0] * (lam / lam[0]) ** 0.3 / lam
    S = np.eye(40) + V @ np.diag(ratios - 1) @ V.T
    rate = max((ratios * lam).max(), np.linalg.eigvalsh(A)[-5])
    eta = 1.5 / (rate + alpha / w.sum())
    assert model.learning_rate_ == pytest.approx(eta, rel=1e-4)

    start = network = flat(first)
    for _ in range(3):
        current = with_parameters(first, network)
        residuals = current(X) - first(X) - centred / scale
        cotangents = roots[:, None] * (S @ (roots[:, None] * residuals))
        gradient = np.einsum("no,noq->q", cotangents, jacobian(current, X))
        decay = 1 - eta * alpha / w.sum()
        network = start + decay * (network - start) - eta * gradient
    moved = with_parameters(first, network)(X) - first(X)
    expected = scale * moved + model.intercept_
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-3, atol=1e-4)


def test_wide_networks_follow_the_kernel(circle):
    X, angles = circle
    y = np.sin(angles) + 0.5 * np.cos(3 * angles)
    fine = np.linspace(0, 2 * np.pi, 60)
    X_new = np.column_stack([np.cos(fine), np.sin(fine)])
    settings = {"k": 7, "max_iter": 30, "alpha": 0.01}
    kernel = MSKRegressor(NTK(), dynamics="descent", **settings).fit(X, y)
    distances = []
    for width in (64, 4096):
        paths = [
            WideNetworkRegressor(width, random_state=seed, **settings)
            .fit(X, y)
            .predict(X_new)
            for seed in range(3)
        ]
        distances.append(
            np.mean([np.std(path - kernel.predict(X_new)) for path in paths])
        )
    assert distances[1] < distances[0] / 3
    assert distances[1] < 0.05


def test_staged_predictions_lead_to_the_last(circle):
    X, angles = circle
    y = np.column_stack([np.sin(angles), np.cos(2 * angles)])
    model = WideNetworkRegressor(64, store_trajectory=True, max_iter=200).fit(X, y)
    stages = list(model.staged_predict(X))
    assert len(stages) == len(model.path_iterations_) <= 50
    np.testing.assert_array_equal(stages[-1], model.predict(X))
    errors = [np.mean((stage - y) ** 2) for stage in stages]
    np.testing.assert_allclose(
        errors, model.loss_curve_[model.path_iterations_], rtol=1e-8
    )
    one = next(model.staged_predict(X, [model.path_iterations_[3]]))
    np.testing.assert_array_equal(one, stages[3])
    shorter = clone(model).set_params(max_iter=int(model.path_iterations_[3]))
    np.testing.assert_allclose(shorter.fit(X, y).predict(X), one)
    with pytest.raises(ValueError, match=r"among path_iterations_.* Got \[199\]"):
        model.staged_predict(X, [199])
    with pytest.raises(ValueError, match="store_trajectory=True"):
        model.set_params(store_trajectory=False).fit(X, y).staged_predict(X)


def test_weights_count_rows(circle):
    X, angles = circle
    y = np.sin(2 * angles)
    weights = np.arange(40) % 3
    model = WideNetworkRegressor(32, k=3)
    weighted = clone(model).fit(X, y, weights).predict(X)
    repeated = model.fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    np.testing.assert_allclose(weighted, repeated.predict(X), atol=1e-8)


def test_rows_keep_their_precision(circle):
    X, angles = circle
    y = np.sin(angles)
    double = WideNetworkRegressor(64).fit(X, y)
    single = WideNetworkRegressor(64).fit(X.astype(np.float32), y)
    assert single.predict(X.astype(np.float32)).dtype == np.float64
    assert all(w.dtype == np.float32 for w in single.network_.weights)
    np.testing.assert_allclose(single.predict(X), double.predict(X), atol=1e-2)


def test_one_draw_a_seed(circle):
    X, angles = circle
    y = np.sin(angles)

    def predict(seed):
        return WideNetworkRegressor(16, random_state=seed).fit(X, y).predict(X)

    np.testing.assert_array_equal(predict(None), predict(None))
    np.testing.assert_array_equal(predict(3), predict(3))
    assert np.abs(predict(3) - predict(4)).max() > 1e-3


@pytest.mark.parametrize(
    "params, message",
    [
        ({"width": 0}, "'width' parameter"),
        ({"width": True}, "'width'"),
        ({"activation": "tanh"}, "'activation' parameter"),
        ({"learning_rate": 2.0}, "'learning_rate' parameter"),
        ({"max_iter": np.inf}, "'max_iter' parameter"),
        ({"max_iter": 0.0}, "'max_iter' parameter"),
        ({"max_iter": np.nan}, "'max_iter' parameter"),
        ({"max_iter": 30.5}, r"'max_iter' .* whole number of steps.* Got 30\.5"),
        ({"g": "up"}, r"'g' parameter must be one of \['identity', 'flatten'"),
        ({"g": lambda lam: -lam}, "must return finite values > 0"),
    ],
)
def test_bad_parameters_are_named(params, message, circle):
    X, angles = circle
    with pytest.raises(ValueError, match=message):
        WideNetworkRegressor(**params).fit(X, angles)


def test_divergence_is_an_error_and_loses_nothing(circle):
    X, angles = circle
    y = np.sin(angles)
    model = WideNetworkRegressor(64).fit(X, y)
    before = model.predict(X)
    # Three units cannot follow a kernel.
    model.set_params(width=3, depth=3, k=20, g="lift", learning_rate=1.99, max_iter=300)
    model.set_params(weight_variance=20.0)
    with pytest.raises(ValueError, match=r"Training diverged.*width=3"):
        model.fit(X, np.sin(17 * angles))
    np.testing.assert_array_equal(model.predict(X), before)


def test_targets_have_any_scale(circle):
    X, angles = circle
    y = np.sin(angles)
    model = WideNetworkRegressor(64)
    small = model.fit(X, y).predict(X)
    large = model.fit(X, 1e6 * y + 1e7).predict(X)
    np.testing.assert_allclose(large, 1e6 * small + 1e7, rtol=1e-9)
    np.testing.assert_array_equal(model.fit(X, np.full(40, 3.0)).predict(X), 3.0)


SMALL = {"width": 64, "k": 5, "max_iter": 20}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1.0, 1e160, 1e300])
@pytest.mark.parametrize("offset", [0.0, 3e7])
@pytest.mark.parametrize("weight", [None, 1e307])
def test_fits_do_not_depend_on_the_scale_of_y(dtype, scale, offset, weight, circle):
    X, angles = circle
    X = X.astype(dtype)
    y = np.column_stack([np.sin(angles), 0.1 * np.cos(2 * angles)])
    model = WideNetworkRegressor(**SMALL).fit(X, y)
    expected, score = model.predict(X), model.score(X, y)
    assert score == pytest.approx(r2_score(y, expected), rel=1e-12)
    weights = None if weight is None else np.full(40, weight)
    moved = scale * (y + offset)
    other = clone(model).fit(X, moved, weights)
    prediction = other.predict(X)
    assert prediction.dtype == np.float64
    # An offset of 3e7 takes 8 of the 16 digits; targets of float32 rows have 7.
    tolerance = 1e-7 if offset else 1e-12
    if dtype == np.float32:
        tolerance = 1e-5
    np.testing.assert_allclose(prediction / scale - offset, expected, atol=tolerance)
    assert other.score(X, moved, weights) == pytest.approx(score, abs=tolerance)
    for name in ("learning_rate_", "max_learning_rate_", "modified_eigenvalues_"):
        np.testing.assert_allclose(getattr(other, name), getattr(model, name))
    mean = other.intercept_ / scale - offset
    np.testing.assert_allclose(mean, model.intercept_, atol=1e-7)
    np.testing.assert_allclose(other.target_scale_ / scale, model.target_scale_)
    with np.errstate(over="ignore", under="ignore"):
        losses = model.loss_curve_ * scale * scale
    np.testing.assert_allclose(other.loss_curve_, losses, rtol=1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_choices_do_not_depend_on_the_scale_of_y(dtype, circle):
    X, angles = circle
    X = X.astype(dtype)
    grid = {"max_iter": [1, 3, 10, 30]}

    def scores(y):
        search = GridSearchCV(WideNetworkRegressor(64, k=0), grid, cv=3).fit(X, y)
        return search.cv_results_["mean_test_score"]

    y = np.sin(2 * angles)
    expected = scores(y)
    assert np.ptp(expected) > 0.1
    # Seconds since 1970, of which a minute is signal.
    for moved in (1.7e9 + 60 * y, 1e-300 * y, 1e300 * y):
        np.testing.assert_allclose(scores(moved), expected, atol=1e-5)


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_a_constant_target_stays_so_beside_another(scale, circle):
    X, angles = circle
    y = scale * np.column_stack([np.sin(angles), np.full(40, 0.1)])
    model = WideNetworkRegressor(**SMALL).fit(X, y)
    np.testing.assert_array_equal(model.predict(X)[:, 1], y[:, 1])
    assert model.target_scale_[1] == 0.0
    alone = WideNetworkRegressor(**SMALL).fit(X, y[:, 0])
    assert abs(model.predict(X)[:, 0] - alone.predict(X)).max() < 0.5 * scale


@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("weight", [1e-320, 1e-300, 1e300, 1e307, 1.7e308])
def test_fits_do_not_depend_on_the_scale_of_weights(alpha, weight, circle):
    X, angles = circle
    y = np.sin(angles)
    fractions = np.where(np.arange(40) % 2, 1.0, 0.5)
    model = WideNetworkRegressor(**SMALL, alpha=alpha).fit(X, y, fractions)
    # alpha is on the scale of the weights.
    other = clone(model).set_params(alpha=alpha * weight)
    other.fit(X, y, weight * fractions)
    # 1e-320 has 4 digits.
    tolerance = 1e-2 if weight < 1e-307 else 1e-10
    np.testing.assert_allclose(other.predict(X), model.predict(X), atol=tolerance)


@pytest.mark.parametrize("max_iter", [30.0, 3e1, np.float64(30), np.float32(30)])
def test_whole_floats_are_numbers_of_steps(max_iter, circle):
    X, angles = circle
    model = WideNetworkRegressor(16, max_iter=max_iter, store_trajectory=True)
    model.fit(X, np.sin(angles))
    assert model.n_iter_ == 30 and isinstance(model.n_iter_, int)
    whole = WideNetworkRegressor(16, max_iter=30).fit(X, np.sin(angles))
    np.testing.assert_array_equal(model.predict(X), whole.predict(X))
    assert model.path_iterations_[-1] == 30


def _interrupt(eigenvalues):
    raise KeyboardInterrupt


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize(
    "params, error",
    [
        ({"g": _interrupt}, BaseException),
        ({"g": lambda lam: -lam}, ValueError),
        ({"max_iter": 0.5}, ValueError),
        (
            {"width": 3, "depth": 3, "k": 20, "learning_rate": 1.99, "max_iter": 300}
            | {"weight_variance": 20.0, "g": "lift"},
            ValueError,
        ),
        # A warning that the user has made an error of.
        (
            {"width": 8, "activation": "sin", "weight_variance": 20.0, "k": 20}
            | {"learning_rate": 1.9, "max_iter": 7},
            ConvergenceWarning,
        ),
    ],
)
def test_fits_that_fail_leave_the_object_as_it_was(params, error, fitted, circle):
    X, angles = circle
    model = WideNetworkRegressor(64, store_trajectory=True)
    if fitted:
        model.fit(X, np.cos(angles))
    model.set_params(**params)
    before = dict(vars(model))
    with pytest.raises(error):
        model.fit(pd.DataFrame(X, columns=["a", "b"]), 5 * np.sin(17 * angles))
    assert set(vars(model)) == set(before)
    assert all(vars(model)[name] is value for name, value in before.items())


def test_nothing_of_an_earlier_fit_is_left(circle):
    X, angles = circle
    model = WideNetworkRegressor(16, store_trajectory=True)
    model.fit(pd.DataFrame(X, columns=["a", "b"]), np.sin(angles))
    model.set_params(store_trajectory=False).fit(X, np.sin(angles))
    fresh = WideNetworkRegressor(16).fit(X, np.sin(angles))
    assert set(vars(model)) == set(vars(fresh))


def test_files_hold_the_weights_and_the_path(circle):
    X, angles = circle
    model = WideNetworkRegressor(16, store_trajectory=True).fit(X, np.sin(angles))
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(flat(loaded.network_), flat(model.network_))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    np.testing.assert_array_equal(
        list(loaded.staged_predict(X)), list(model.staged_predict(X))
    )


def test_targets_that_are_no_numbers_are_named(circle):
    X, angles = circle
    with pytest.raises(TypeError, match="Sparse data was passed for y"):
        WideNetworkRegressor().fit(X, csr_array(X))
    targets = angles.astype(object)
    targets[3] = None
    with pytest.raises(ValueError, match="y contains NaN"):
        WideNetworkRegressor().fit(X, targets)


def test_growing_errors_are_told(circle):
    X, angles = circle
    model = WideNetworkRegressor(8, activation="sin", weight_variance=20.0, k=20)
    model.set_params(learning_rate=1.9, max_iter=7)
    with pytest.warns(ConvergenceWarning, match="does not follow its kernel"):
        model.fit(X, 5 * np.sin(9 * angles))


def test_not_fitted():
    with pytest.raises(NotFittedError):
        WideNetworkRegressor().predict([[0.0, 1.0]])

"""The dynamics that are shown against the path of the model."""

import dask.array as da
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_msk import (
    MSKClassifier,
    MSKClassifierCV,
    MSKGridSearchCV,
    MSKKernel,
    MSKRegressor,
    MSKRegressorCV,
)
from sklearn_msk.finite_width import WideNetworkRegressor
from sklearn_msk.inspection import DynamicsDisplay, SpectrumDisplay

plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    return X, np.sin(2 * X[:, 0]) + X[:, 1] + 3.0


@pytest.mark.parametrize("dynamics", ["flow", "descent"])
@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_measured_dynamics_are_as_predicted(dynamics, alpha, data):
    X, y = data
    y = np.column_stack([y, np.cos(X[:, 2])])
    model = MSKRegressor(
        k=10, alpha=alpha, dynamics=dynamics, max_iter=300, store_trajectory=True
    ).fit(X, y)
    display = DynamicsDisplay.from_estimator(
        model, X, y, X_test=X[:20] + 0.1, y_test=y[:20], n_directions=30
    )
    assert len(display.iterations) == 300
    for name in ("train_errors", "test_errors"):
        measured, predicted = (
            getattr(display, name),
            getattr(display, f"predicted_{name}"),
        )
        np.testing.assert_allclose(measured, predicted, atol=2e-4 * y.std())
    expected = np.sqrt(np.mean((model.predict(X) - y) ** 2))
    assert display.train_errors[-1] == pytest.approx(expected)
    known = np.isfinite(display.times)
    assert known[:10].all()
    rates = model.learning_rate_ * (model.modified_eigenvalues_ + alpha / len(X))
    # Descent learns the directions of the largest rate in one step.
    left = 0.5 ** (1.0 / display.predicted_times[:10])
    expected = np.exp(-rates) if dynamics == "flow" else np.abs(1.0 - rates)
    np.testing.assert_allclose(left, expected, rtol=1e-6, atol=2e-12)
    if dynamics == "flow":
        np.testing.assert_allclose(
            display.times[known], display.predicted_times[known], rtol=0.02
        )
    else:  # the first step may learn a direction whole
        np.testing.assert_allclose(
            display.times[known], display.predicted_times[known], rtol=0.02, atol=0.5
        )


def test_dynamics_of_a_wide_network(data):
    X, y = data
    model = WideNetworkRegressor(2048, k=4, max_iter=60, store_trajectory=True)
    model.fit(X, y)
    display = DynamicsDisplay.from_estimator(model, X, y)
    assert display.test_errors is None
    np.testing.assert_allclose(
        display.train_errors, display.predicted_train_errors, atol=0.05 * y.std()
    )
    known = np.isfinite(display.times[:4])
    assert known.any()
    np.testing.assert_allclose(
        display.times[:4][known], display.predicted_times[:4][known], rtol=0.5, atol=1
    )


def test_times_that_cannot_be_measured_are_not_shown(data):
    X = data[0]
    model = MSKRegressor(k=0, max_iter=2, store_trajectory=True).fit(X, X[:, 0])
    display = DynamicsDisplay.from_estimator(model, X, X[:, 0])
    assert np.isnan(display.times[-1])
    constant = MSKRegressor(store_trajectory=True).fit(X, np.ones(len(X)))
    display = DynamicsDisplay.from_estimator(constant, X, np.ones(len(X)))
    assert np.isnan(display.times).all()


def test_paths_to_the_limit(data):
    X, y = data
    model = MSKRegressor(k=10, max_iter=np.inf, store_trajectory=True).fit(X, y)
    display = DynamicsDisplay.from_estimator(model, X, y)
    assert np.isinf(display.iterations[-1])
    assert np.isfinite(display.times[:10]).all()
    display.figure_.canvas.draw()


def test_bad_input_is_named(data):
    X, y = data
    path = MSKRegressor(store_trajectory=True).fit(X, y)
    with pytest.raises(TypeError, match="Got MSKKernel instead"):
        DynamicsDisplay.from_estimator(MSKKernel().fit(X), X, y)
    with pytest.raises(ValueError, match="store_trajectory=True"):
        DynamicsDisplay.from_estimator(MSKRegressor().fit(X, y), X, y)
    with pytest.raises(ValueError, match="Got only X_test"):
        DynamicsDisplay.from_estimator(path, X, y, X_test=X)
    for other in (path, WideNetworkRegressor(16, store_trajectory=True).fit(X, y)):
        with pytest.raises(ValueError, match=r"was trained on.* Got 50 others"):
            DynamicsDisplay.from_estimator(other, X[:50], y[:50])
    with pytest.raises(TypeError, match="Got Ridge instead"):
        SpectrumDisplay.from_estimator(make_pipeline(Ridge()).fit(X, y), X, y)
    for count in (0, -3, 2.5):
        with pytest.raises(ValueError, match="'n_directions' parameter must be an int"):
            SpectrumDisplay.from_estimator(path, X, y, n_directions=count)
    with pytest.raises(ValueError, match="features"):
        SpectrumDisplay.from_estimator(path, X[:, :2], y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        SpectrumDisplay.from_estimator(path, X, y[:-1])
    with pytest.raises(ValueError, match=r"at most 10000 rows\. Got 10001"):
        SpectrumDisplay.from_estimator(path, np.ones((10_001, 3)))


def assert_same_display(one, other, rtol=1e-7):
    assert type(one) is type(other)
    shown = [name for name in vars(one) if not name.endswith("_")]
    for name in shown:
        first, second = getattr(one, name), getattr(other, name)
        if first is None:
            assert second is None
        else:
            np.testing.assert_allclose(first, second, rtol=rtol, err_msg=name)


def path_of(estimator, X, y):
    return estimator.set_params(k=5, store_trajectory=True).fit(X, y)


@pytest.mark.parametrize("kind", [SpectrumDisplay, DynamicsDisplay])
@pytest.mark.parametrize(
    "estimator",
    [MSKRegressor(), MSKClassifier(), WideNetworkRegressor(256, max_iter=20)],
)
def test_frames_raise_no_warning(kind, estimator, data):
    # Warnings are errors here.
    X, y = data
    y = (y > 3.0) if isinstance(estimator, MSKClassifier) else y
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    named = kind.from_estimator(path_of(estimator, frame, y), frame, pd.Series(y))
    plain = kind.from_estimator(path_of(estimator, X, y), X, y)
    assert_same_display(named, plain)
    pipeline = make_pipeline(StandardScaler(), estimator).fit(frame, y)
    kind.from_estimator(pipeline, frame, y)
    with pytest.raises(ValueError, match="feature names"):
        kind.from_estimator(path_of(estimator, frame, y), frame[["c", "b", "a"]], y)


@pytest.mark.parametrize("kind", [SpectrumDisplay, DynamicsDisplay])
def test_pipelines_and_searches_take_rows_as_the_user_has_them(kind, data):
    X, y = data
    X = 10.0 * X + 5.0
    model = MSKRegressor(k=5, store_trajectory=True)
    scaler = StandardScaler().fit(X)
    expected = kind.from_estimator(
        model.fit(scaler.transform(X), y), scaler.transform(X), y, n_directions=20
    )
    pipeline = Pipeline([("none", None), ("s", scaler), ("m", model)])
    grid = {"m__k": [5]}
    nested = Pipeline(
        [("s", StandardScaler()), ("search", GridSearchCV(model, {"k": [5]}, cv=2))]
    )
    for whole in (
        pipeline.set_params(none="passthrough"),
        GridSearchCV(pipeline, grid, cv=2),
        MSKGridSearchCV(pipeline, grid, cv=2),
        nested,
    ):
        display = kind.from_estimator(whole.fit(X, y), X, y, n_directions=20)
        assert_same_display(display, expected)
    if kind is DynamicsDisplay:
        held_out = {"X_test": X[:9] + 1.0, "y_test": y[:9]}
        display = kind.from_estimator(pipeline, X, y, **held_out)
        error = np.sqrt(np.mean((pipeline.predict(X[:9] + 1.0) - y[:9]) ** 2))
        assert display.test_errors[-1] == pytest.approx(error)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_dynamics_of_a_classifier_are_those_of_its_codes(n_classes, data):
    X, y = data
    labels = np.array(["low", "high", "most"])[
        np.digitize(y, np.quantile(y, np.arange(1, n_classes) / n_classes))
    ]
    codes = np.column_stack([2.0 * (labels == c) - 1 for c in np.unique(labels)])
    codes = codes if n_classes == 3 else codes[:, 1]
    settings = {"k": 10, "max_iter": 50, "store_trajectory": True}
    held_out = {"X_test": X[:9] + 0.1}
    display = DynamicsDisplay.from_estimator(
        MSKClassifier(**settings).fit(X, labels),
        X,
        labels.tolist(),
        **held_out,
        y_test=labels[:9],
    )
    expected = DynamicsDisplay.from_estimator(
        MSKRegressor(**settings).fit(X, codes), X, codes, **held_out, y_test=codes[:9]
    )
    assert_same_display(display, expected, rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
@pytest.mark.parametrize(
    "estimator", [MSKRegressor(), WideNetworkRegressor(256, max_iter=20)]
)
def test_displays_do_not_depend_on_the_scale_of_y(scale, estimator, data):
    X, y = data

    def displays(y):
        model = path_of(estimator, X, y)
        yield SpectrumDisplay.from_estimator(model, X, y)
        yield DynamicsDisplay.from_estimator(model, X, y, X_test=X[:9], y_test=y[:9])

    spectrum, dynamics = displays(y)
    moved_spectrum, moved = displays(scale * y)
    assert_same_display(moved_spectrum, spectrum, rtol=1e-6)
    for name in ("train_errors", "test_errors", "predicted_test_errors"):
        np.testing.assert_allclose(
            getattr(moved, name) / scale, getattr(dynamics, name), rtol=1e-4
        )
    np.testing.assert_allclose(moved.times, dynamics.times, rtol=1e-4)
    moved.figure_.canvas.draw()


def test_sparse_rows_are_shown(data):
    X, y = data
    model = MSKRegressor("rbf", k=5, store_trajectory=True)
    for kind in (SpectrumDisplay, DynamicsDisplay):
        sparse = kind.from_estimator(model.fit(csr_array(X), y), csr_array(X), y)
        assert_same_display(sparse, kind.from_estimator(model.fit(X, y), X, y), 1e-4)


def test_predictions_far_below_tol_do_not_squeeze_the_rest(data):
    X, y = data
    model = MSKRegressor(k=20, max_iter=3000, store_trajectory=True).fit(X, y)
    display = DynamicsDisplay.from_estimator(model, X, y)
    assert display.predicted_train_errors[-1] < 1e-3 * display.train_errors[-1]
    assert display.ax_.get_ylim()[0] > 0.1 * display.train_errors[-1]


def test_estimators_without_a_path_are_named(data):
    X, y = data
    search = GridSearchCV(MSKRegressor(), {"k": [5]}, cv=2, refit=False).fit(X, y)
    for kind in (SpectrumDisplay, DynamicsDisplay):
        with pytest.raises(TypeError, match=r"refit=True\. Got GridSearchCV instead"):
            kind.from_estimator(search, X, y)
        with pytest.raises(NotFittedError):
            kind.from_estimator(make_pipeline(StandardScaler(), MSKRegressor()), X, y)
    model = MSKClassifier(k=5, store_trajectory=True, class_weight="balanced")
    model.fit(X, y > 3)
    with pytest.raises(ValueError, match="Got class_weight='balanced'"):
        DynamicsDisplay.from_estimator(model, X, y > 3)
    with pytest.raises(ValueError, match=r"labels \[False  True\] only.*Got \[2\]"):
        SpectrumDisplay.from_estimator(model, X, np.full(120, 2))


@pytest.mark.parametrize("kind", ["dask", "polars", "lists", "precomputed", "column"])
def test_takes_what_fit_took(kind, data):
    X, y = data
    params = {}
    if kind == "dask":
        X, y = da.from_array(X, chunks=40), da.from_array(y, chunks=40)
        params = {"landmarks": 30}
    elif kind == "polars":
        X, y = pl.DataFrame(X), pl.Series(y)
    elif kind == "lists":
        X, y = X.tolist(), y.tolist()
    elif kind == "precomputed":
        X, params = MSKKernel(k=0).fit_transform(X), {"kernel": "precomputed"}
    else:
        y = y[:, None]
    model = MSKRegressor(store_trajectory=True, **params).fit(X, y)
    display = DynamicsDisplay.from_estimator(model, X, y)
    assert len(display.train_errors) == len(model.path_iterations_)
    assert SpectrumDisplay.from_estimator(model, X, y).energies is not None


@pytest.mark.parametrize("labels", ["strings", "series", "categories", "list", "bools"])
def test_takes_the_labels_that_fit_took(labels, data):
    X, y = data
    y = np.where(y > 3, "yes", "no")
    if labels == "series":
        y = pd.Series(y)
    elif labels == "categories":
        y = pd.Series(y, dtype="category")
    elif labels == "list":
        y = y.tolist()
    elif labels == "bools":
        y = y == "yes"
    model = make_pipeline(StandardScaler(), MSKClassifier(store_trajectory=True))
    model.fit(X, y)
    display = DynamicsDisplay.from_estimator(model, X, y, X_test=X, y_test=y)
    np.testing.assert_allclose(display.train_errors, display.test_errors)


def test_other_targets_and_weights_are_told_by_their_mean(data):
    X, y = data
    model = MSKRegressor(store_trajectory=True)
    for targets, weights in ((y + 1.0, None), (y, 1.0 + np.arange(len(y)))):
        model.fit(X, y, weights)
        with pytest.raises(ValueError, match="without weights"):
            DynamicsDisplay.from_estimator(model, X, targets)


def test_models_that_the_data_choose(data):
    X, y = data
    labels = np.digitize(y, [2.5, 3.5])
    chosen = MSKRegressorCV("rbf", metrics="none").fit(X, y)
    with pytest.raises(TypeError, match=r"DynamicsDisplay .* Got MSKRegressorCV"):
        DynamicsDisplay.from_estimator(chosen, X, y)
    assert len(SpectrumDisplay.from_estimator(chosen, X, y).eigenvalues) == 50
    classifier = MSKClassifierCV("rbf", metrics="none").fit(X, labels)
    with pytest.raises(TypeError, match=r"MSKClassifierCV .*pass .* estimators_\[0\]"):
        SpectrumDisplay.from_estimator(classifier, X, labels)
    first = classifier.estimators_[0]
    assert len(SpectrumDisplay.from_estimator(first, X, labels).eigenvalues) == 50

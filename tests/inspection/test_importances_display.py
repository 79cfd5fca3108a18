"""The importances and directions that are drawn against those of the model."""

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_msk import LearnedMetric, MSKClassifierCV, MSKRegressorCV
from sklearn_msk.inspection import ImportancesDisplay

plt = pytest.importorskip("matplotlib.pyplot")

NAMES = ["a", "b", "c", "d", "e"]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 5))
    y = np.sin(X[:, 0] + X[:, 1]) + 0.2 * X[:, 3] + 0.05 * rng.normal(size=150)
    return X * [1e-3, 1e4, 1.0, 50.0, 2.0], y


@pytest.fixture(scope="module")
def full(data):
    return MSKRegressorCV("rbf", metrics="full").fit(*data)


def drawn(display):
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    return dict(zip(labels, [bar.get_width() for bar in display.bar_], strict=True))


def test_bars_are_the_importances_the_largest_first(full):
    display = ImportancesDisplay.from_estimator(full, feature_names=NAMES)
    widths = drawn(display)
    importances = dict(zip(NAMES, full.feature_importances_, strict=True))
    assert widths == pytest.approx(importances)
    assert list(widths.values()) == sorted(widths.values(), reverse=True)
    # The first of them is on top.
    assert display.ax_.get_ylim()[0] > display.ax_.get_ylim()[1]
    some = ImportancesDisplay.from_estimator(full, max_features=2)
    assert list(drawn(some)) == ["x1", "x0"] or list(drawn(some)) == ["x0", "x1"]
    assert some.ax_.get_xlabel() == "importance (2 of 5 features)"
    assert len(some.importances) == 5
    all_of_them = ImportancesDisplay.from_estimator(full, max_features=None)
    assert len(drawn(all_of_them)) == 5


def test_directions_are_those_of_the_standardised_metric(data, full):
    X, _ = data
    low, high = np.percentile(X, [25, 75], axis=0)
    standardised = full.components_ * (high - low)
    np.testing.assert_allclose(standardised, standardised.T, atol=1e-8)
    lengths, V = np.linalg.eigh(standardised)
    display = ImportancesDisplay.from_estimator(full)
    n = len(display.directions)
    overlaps = np.abs(np.sum(display.directions * V.T[::-1][:n], axis=1))
    np.testing.assert_allclose(overlaps, 1.0, atol=1e-6)
    shares = np.square(lengths[::-1]) / np.sum(np.square(lengths))
    np.testing.assert_allclose(display.shares, shares[:n], rtol=1e-6)
    np.testing.assert_allclose(display.directions[0, :2], 0.5**0.5, atol=0.1)
    (image,) = display.directions_ax_.get_images()
    order = np.argsort(-full.feature_importances_)
    np.testing.assert_allclose(image.get_array(), display.directions.T[order])
    display.figure_.canvas.draw()


def test_directions_of_few_components(data):
    X, y = data
    whole, few = (
        ImportancesDisplay.from_estimator(LearnedMetric(n_components=n).fit(X, y))
        for n in (None, 2)
    )
    assert few.directions.shape == (2, X.shape[1])
    np.testing.assert_allclose(few.directions, whole.directions[:2], atol=1e-6)


def test_units_of_the_features_change_nothing(data):
    X, y = data
    one, other = (
        ImportancesDisplay.from_estimator(LearnedMetric().fit(X * units, y))
        for units in (1.0, [3.0, 1e-6, 1e5, 1.0, 7.0])
    )
    np.testing.assert_allclose(one.importances, other.importances, rtol=1e-4)
    np.testing.assert_allclose(one.directions, other.directions, atol=1e-4)


def test_a_constant_feature_has_no_weight(data):
    X, y = data
    X = np.column_stack([X, np.ones(len(X))])
    display = ImportancesDisplay.from_estimator(LearnedMetric().fit(X, y))
    assert display.importances[-1] == 0.0
    np.testing.assert_allclose(display.directions[:, -1], 0.0, atol=1e-12)


def test_no_directions_where_the_metric_mixes_no_features(data):
    X, y = data
    for model in (
        MSKRegressorCV("rbf", metrics="diagonal"),
        MSKRegressorCV("ntk_relu"),
        LearnedMetric(structure="diagonal"),
    ):
        display = ImportancesDisplay.from_estimator(model.fit(X, y))
        assert display.directions is None and display.directions_ax_ is None
        assert len(display.figure_.axes) == 1


def test_names_are_those_that_the_model_sees(data):
    X, y = data
    frame = pd.DataFrame(X, columns=NAMES)
    labels = np.where(y > 0, "high", "low")
    model = MSKClassifierCV("rbf", metrics="none")
    plain = ImportancesDisplay.from_estimator(model.fit(frame, labels))
    assert set(drawn(plain)) == set(NAMES)
    for step, names in (
        (StandardScaler(), NAMES),
        (PCA(2), ["pca0", "pca1"]),
        (FunctionTransformer(np.asarray), ["x0", "x1", "x2", "x3", "x4"]),
    ):
        pipeline = make_pipeline(step, model).fit(frame, labels)
        display = ImportancesDisplay.from_estimator(pipeline)
        assert set(drawn(display)) == set(names)
        np.testing.assert_array_equal(
            display.importances, pipeline[-1].feature_importances_
        )
    search = GridSearchCV(model, {"standardize": [True, False]}, cv=2)
    display = ImportancesDisplay.from_estimator(search.fit(frame, labels))
    assert set(drawn(display)) == set(NAMES)


def test_axes_are_those_given(full, data):
    figure, axes = plt.subplots(1, 2)
    display = ImportancesDisplay.from_estimator(full, ax=axes)
    assert display.figure_ is figure and display.directions_ax_ is axes[1]
    figure, frame = plt.subplots()
    assert display.plot(ax=frame) is display
    assert display.figure_ is figure
    with pytest.raises(ValueError, match="one axes or 2 of them"):
        display.plot(ax=plt.subplots(1, 3)[1])


def test_bad_input_is_named(full, data):
    X, y = data
    for count in (0, -1, 2.5, "all"):
        with pytest.raises(ValueError, match="'max_features' parameter must be an int"):
            ImportancesDisplay.from_estimator(full, max_features=count)
    with pytest.raises(ValueError, match=r"must be 5 names.*shape \(3,\)"):
        ImportancesDisplay.from_estimator(full, feature_names=["a", "b", "c"])
    with pytest.raises(TypeError, match=r"or LearnedMetric, a.*Got Ridge instead"):
        ImportancesDisplay.from_estimator(make_pipeline(Ridge()).fit(X, y))
    with pytest.raises(NotFittedError):
        ImportancesDisplay.from_estimator(MSKRegressorCV())

"""The shares that are drawn against counts."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_msk import MSKClassifierCV, MSKRegressorCV
from sklearn_msk.inspection import IntervalCalibrationDisplay

plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(240, 3))
    return X, np.sin(2 * X[:, 0]) + X[:, 1] + 0.3 * rng.normal(size=240)


@pytest.fixture(scope="module")
def model(data):
    X, y = data
    return MSKRegressorCV("rbf", metrics="none").fit(X[:120], y[:120])


def test_shares_are_counts_of_targets_within_intervals(data, model):
    X, y = data[0][120:], data[1][120:]
    display = IntervalCalibrationDisplay.from_estimator(model, X, y)
    assert display.levels[0] == 0.5 and display.levels[-1] == 0.99
    for level, coverage in zip(display.levels, display.coverages, strict=True):
        low, high = model.predict_interval(X, level).T
        assert coverage == np.mean((low <= y) & (y <= high))
    (line,) = display.lines_
    np.testing.assert_array_equal(line.get_xdata(), display.levels)
    np.testing.assert_array_equal(line.get_ydata(), display.coverages)
    assert np.all(np.abs(display.coverages - display.levels) < 0.15)
    display.figure_.canvas.draw()


def test_the_band_holds_95_percent_of_the_shares(data, model):
    X, y = data
    display = IntervalCalibrationDisplay.from_estimator(model, X, y, levels=[0.9, 0.5])
    # Levels are drawn in ascending order.
    np.testing.assert_array_equal(display.lines_[0].get_xdata(), [0.5, 0.9])
    low, high = display.band_
    for level, lower, upper in zip([0.5, 0.9], low, high, strict=True):
        held = binom.cdf(upper * 240, 240, level) - binom.cdf(
            lower * 240 - 1, 240, level
        )
        assert 0.95 <= held < 0.97


def test_several_targets_have_a_line_each(data):
    X, y = data
    Y = np.column_stack([y, X[:, 2] ** 2])
    model = MSKRegressorCV("rbf", metrics="none").fit(X[:120], Y[:120])
    display = IntervalCalibrationDisplay.from_estimator(model, X[120:], Y[120:])
    assert display.coverages.shape == (11, 2)
    intervals = model.predict_interval(X[120:], 0.5)
    within = (intervals[..., 0] <= Y[120:]) & (Y[120:] <= intervals[..., 1])
    np.testing.assert_array_equal(display.coverages[0], within.mean(axis=0))
    assert [line.get_label() for line in display.lines_] == ["target 0", "target 1"]


def test_intervals_of_other_models(data):
    y = data[1]
    far = np.array([[[-np.inf, np.inf]] * len(y), [[9.0, 10.0]] * len(y)])
    display = IntervalCalibrationDisplay.from_predictions(y, far, [0.5, 0.9])
    np.testing.assert_array_equal(display.coverages, [1.0, 0.0])


def test_pipelines_searches_and_frames(data):
    X, y = data
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    pipeline = make_pipeline(StandardScaler(), MSKRegressorCV("rbf", metrics="none"))
    name = "mskregressorcv__standardize"
    search = GridSearchCV(pipeline, {name: [True]}, cv=2)
    for whole in (pipeline, search):
        whole.fit(frame[:120], pd.Series(y[:120]))
        display = IntervalCalibrationDisplay.from_estimator(
            whole, frame[120:], pd.Series(y[120:]), levels=0.9
        )
        fitted = getattr(whole, "best_estimator_", whole)
        Z = fitted[:-1].transform(frame[120:])
        low, high = fitted[-1].predict_interval(Z).T
        assert display.coverages == [np.mean((low <= y[120:]) & (y[120:] <= high))]


def test_too_few_rows_for_a_level_are_warned_of(data):
    X, y = data
    model = MSKRegressorCV("rbf", metrics="none").fit(X[:30], y[:30])
    with pytest.warns(UserWarning, match="their ends are infinite"):
        IntervalCalibrationDisplay.from_estimator(model, X, y)


def test_bad_input_is_named(data, model):
    X, y = data
    show = IntervalCalibrationDisplay.from_estimator
    for levels in ([], [0.5, 1.0], 0.0, [[0.5]], [np.nan]):
        with pytest.raises(ValueError, match=r"'levels' must be one or more numbers"):
            show(model, X, y, levels=levels)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        show(model, X, y[:-1])
    with pytest.raises(ValueError, match="features"):
        show(model, X[:, :2], y)
    classifier = MSKClassifierCV("rbf").fit(X, y > 0)
    with pytest.raises(TypeError, match=r"fitted MSKRegressorCV, a.*MSKClassifierCV"):
        show(classifier, X, y)
    with pytest.raises(NotFittedError):
        show(MSKRegressorCV(), X, y)
    with pytest.raises(ValueError, match=r"shape \(1, 240, 2\).*Got shape \(240, 2\)"):
        IntervalCalibrationDisplay.from_predictions(y, np.zeros((240, 2)), [0.5])
    with pytest.raises(ValueError, match=r"shape \(11, 240, 2, 2\)"):
        show(model, X, np.column_stack([y, y]))
    ends = np.column_stack([y + 1, y - 1])[None]
    with pytest.raises(ValueError, match="240 lower ends above the upper ones"):
        IntervalCalibrationDisplay.from_predictions(y, ends, [0.5])

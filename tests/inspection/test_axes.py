"""Matplotlib is there only where something is drawn."""

import sys

import numpy as np
import pytest

from sklearn_msk import MSKRegressor
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


@pytest.mark.parametrize("kind", [SpectrumDisplay, DynamicsDisplay])
def test_axes_are_those_given(kind, data):
    X, y = data
    model = MSKRegressor(k=10, store_trajectory=True).fit(X, y)
    display = kind.from_estimator(model, X, y)
    assert len(display.figure_.axes) == 2
    assert display.ax_.get_xlabel() and display.ax_.get_ylabel()
    assert display.ax_.get_legend() is not None

    figure, axes = plt.subplots(1, 3)
    assert display.plot(ax=axes[:2]) is display
    assert display.figure_ is figure and display.ax_ is axes[0]
    with pytest.raises(ValueError, match="one axes or 2 of them"):
        display.plot(ax=axes)
    figure, frame = plt.subplots()
    display.plot(ax=frame)
    assert display.figure_ is figure and len(figure.axes) == 3
    figure.canvas.draw()


def test_matplotlib_is_an_extra(data, monkeypatch):
    X, y = data
    model = MSKRegressor().fit(X, y)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="requires matplotlib"):
        SpectrumDisplay.from_estimator(model, X, y)

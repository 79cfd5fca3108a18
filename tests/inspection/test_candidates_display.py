"""The candidates that are drawn against `cv_results_`."""

import numpy as np
import pytest
from sklearn.datasets import load_wine, make_friedman1
from sklearn.exceptions import NotFittedError
from sklearn.gaussian_process.kernels import RBF
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_msk import MSKClassifierCV, MSKRegressorCV
from sklearn_msk.inspection import CandidatesDisplay

plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def data():
    return make_friedman1(100, n_features=6, noise=0.5, random_state=0)


def points(axis, n_candidates):
    """Coordinates of the markers of the candidates, and whether they are full."""
    lines = axis.get_lines()[:n_candidates]
    full = [line.get_markerfacecolor() != "none" for line in lines]
    values = [[line.get_xdata()[0], line.get_ydata()[0]] for line in lines]
    return np.array(values), np.array(full)


def texts(display):
    axes = (display.ax_, display.score_ax_)
    (legend,) = [a.get_legend() for a in axes if a is not None and a.get_legend()]
    return [text.get_text() for text in legend.get_texts()]


def test_errors_are_relative_to_the_deviation_of_y(data):
    X, y = data
    model = MSKRegressorCV().fit(X, y)
    results = model.cv_results_
    display = CandidatesDisplay.from_estimator(model)
    judged = ~np.isnan(results["mean_test_score"])
    assert 0 < judged.sum() < len(judged)
    np.testing.assert_array_equal(display.judged, judged)
    expected = np.sqrt(-results["mean_test_score"][judged]) / y.std()
    np.testing.assert_allclose(display.errors[judged], expected)
    np.testing.assert_array_equal(
        display.errors[~judged], results["leave_one_out_error"][~judged]
    )
    assert display.scores is None and display.score_ax_ is None
    # Full markers lie over hollow ones.
    order = np.argsort(judged, kind="stable")
    values, full = points(display.ax_, len(judged))
    np.testing.assert_array_equal(full, judged[order])
    np.testing.assert_array_equal(values[:, 0], display.alphas[order])
    np.testing.assert_array_equal(values[:, 1], display.errors[order])
    chosen = display.ax_.get_lines()[len(judged)]
    assert chosen.get_xdata()[0] == results["params"][model.best_index_]["alpha"]
    assert chosen.get_ydata()[0] == display.errors[judged].min()
    expected = ["laplacian", "matern", "rbf", "ntk_relu", "ntk3_relu", "no metric"]
    assert texts(display)[:6] == expected
    assert texts(display)[-2:] == ["chosen", "ends of the grid"]
    display.figure_.canvas.draw()


def test_scores_have_axes_of_their_own(data):
    X, y = data
    for options in ({"scoring": "r2"}, {"cv": 3}, {"metrics": ["full"]}):
        model = MSKRegressorCV("rbf", **options).fit(X, y)
        display = CandidatesDisplay.from_estimator(model)
        results = model.cv_results_
        np.testing.assert_array_equal(display.scores, results["mean_test_score"])
        np.testing.assert_array_equal(display.errors, results["leave_one_out_error"])
        values, _ = points(display.score_ax_, len(display.scores))
        assert np.nanmax(values[:, 1]) == model.best_score_
        assert display.ax_ is not display.score_ax_
        display.figure_.canvas.draw()


def test_ends_of_the_grid(data):
    X, y = data
    model = MSKRegressorCV("rbf", metrics="none")
    assert CandidatesDisplay.from_estimator(model.fit(X, y)).alpha_range == (1e-7, 1e2)
    # The default grid moves with the weights.
    weighted = model.fit(X, y, np.full(len(y), 3.0))
    display = CandidatesDisplay.from_estimator(weighted)
    assert display.alpha_range is None
    assert "ends of the grid" not in texts(display)
    given = MSKRegressorCV("rbf", metrics="none", alphas=[1.0, 0.01]).fit(X, y)
    assert CandidatesDisplay.from_estimator(given).alpha_range == (0.01, 1.0)


def test_classes_pipelines_and_many_kernels():
    X, y = load_wine(return_X_y=True)
    kernels = [RBF(2.0**i) for i in range(-1, 6)] + ["laplacian"]
    pipeline = make_pipeline(StandardScaler(), MSKClassifierCV(kernels, metrics="none"))
    pipeline.fit(X, y)
    display = CandidatesDisplay.from_estimator(pipeline)
    signs = np.where(y[:, None] == np.arange(3), 1.0, -1.0)
    scores = pipeline[-1].cv_results_["mean_test_score"]
    expected = np.sqrt(-scores / signs.var(axis=0).mean())
    np.testing.assert_allclose(display.errors, expected)
    colors = [line.get_color() for line in display.ax_.get_lines()]
    assert len(set(colors[: len(display.errors)])) == 7  # six and grey
    assert "RBF(length_scale=0.5)" in texts(display)


def test_failures_are_not_drawn(data):
    X, y = data

    def wrong(X, Y=None):
        raise RuntimeError("no")

    with pytest.warns(Warning, match="cannot be fitted"):
        model = MSKRegressorCV(["rbf", wrong], metrics="none").fit(X, y)
    display = CandidatesDisplay.from_estimator(model)
    assert np.isnan(display.alphas[-1])
    assert not any("wrong" in text for text in texts(display))
    display.figure_.canvas.draw()


def test_constant_targets(data):
    X, _ = data
    model = MSKRegressorCV("rbf", metrics="none").fit(X, np.ones(len(X)))
    display = CandidatesDisplay.from_estimator(model)
    display.figure_.canvas.draw()


def test_bad_input_is_named(data):
    with pytest.raises(TypeError, match=r"MSKRegressorCV or MSKClassifierCV.*RidgeCV"):
        CandidatesDisplay.from_estimator(RidgeCV().fit(*data))
    with pytest.raises(NotFittedError):
        CandidatesDisplay.from_estimator(MSKRegressorCV())
    model = MSKRegressorCV("rbf", metrics="none").fit(*data)
    with pytest.raises(ValueError, match="one axes or 1 of them"):
        CandidatesDisplay.from_estimator(model, ax=plt.subplots(1, 2)[1])

"""Tasks of a fit, as scikit-learn's callbacks see them."""

from functools import partial

import numpy as np
import pytest
from problems import blobs
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_msk import (
    MSKClassifier,
    MSKClassifierCV,
    MSKGridSearchCV,
    MSKRandomizedSearchCV,
    MSKRegressor,
    MSKRegressorCV,
)

callback = pytest.importorskip("sklearn.callback")
pytestmark = pytest.mark.filterwarnings("ignore:.*experimental")


class Stopper:
    """Stops at a step, and takes notes."""

    def __init__(self, at=None):
        self.at, self.calls = at, []

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.calls.append(("begin", context.task_name))

    def on_fit_task_end(self, estimator, context, *, X=None, fitted_estimator=None):
        self.calls.append(("end", context.task_name, fitted_estimator.n_iter_))
        if context.task_name == "step":
            self.prediction = fitted_estimator.predict(X)
        return fitted_estimator.n_iter_ == self.at


def _values(model, X):
    return getattr(model, "decision_function", model.predict)(X)


@pytest.mark.parametrize("estimator", [MSKRegressor(), MSKClassifier()])
def test_callbacks_see_every_step_and_may_stop(estimator):
    X, y, _ = blobs(2)
    stopper = Stopper(at=7)
    model = estimator.set_params(max_iter=30).set_callbacks(stopper).fit(X, y)
    assert model.n_iter_ == 7
    assert stopper.calls[:2] == ["setup", ("begin", "fit")]
    steps = [call[2] for call in stopper.calls if call[:2] == ("end", "step")]
    assert steps == list(range(1, 8))
    assert stopper.calls[-2:] == [("end", "fit", 7), "teardown"]
    np.testing.assert_array_equal(stopper.prediction, model.predict(X))
    plain = type(model)(max_iter=7).fit(X, y)
    values = [_values(m, X) for m in (model, plain)]
    np.testing.assert_allclose(*values, atol=1e-4 * np.ptp(y))
    assert not hasattr(model, "_callback_fit_ctx")


def test_scores_of_every_step():
    X, y, weights = blobs(2)
    monitor = callback.ScoringMonitor(scoring="r2")
    model = MSKRegressor(max_iter=5, store_trajectory=True).set_callbacks(monitor)
    model.fit(X, y, weights)
    logs = [row for row in monitor.get_logs().data if row["task_name"] == "step"]
    from sklearn.metrics import r2_score

    np.testing.assert_allclose(
        [row["r2"] for row in logs],
        [r2_score(y, p, sample_weight=weights) for p in model.staged_predict(X)],
    )


@pytest.mark.parametrize("landmarks", [None, 20])
def test_callbacks_through_searches_and_pipelines(landmarks, capsys):
    X, y, _ = blobs(2)
    monitor = callback.ScoringMonitor(scoring="r2")
    model = MSKRegressor(max_iter=3, landmarks=landmarks).set_callbacks(monitor)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), model), {"mskregressor__k": [0, 5]}, cv=2
    )
    pytest.importorskip("rich")
    search.set_callbacks(callback.ProgressBar(max_propagation_depth=None))
    search.fit(X, y)
    steps = [row for row in monitor.get_logs().data if row["task_name"] == "step"]
    assert len(steps) == 3 * (2 * 2 + 1)
    assert "MSKRegressor" in capsys.readouterr().out


@pytest.mark.parametrize(
    "search",
    [GridSearchCV, MSKGridSearchCV, partial(MSKRandomizedSearchCV, n_iter=8)],
    ids=["plain", "grid", "randomized"],
)
@pytest.mark.parametrize("stop", [None, 2])
def test_all_searches_show_the_same(search, stop):
    X, y, weights = blobs(2)
    grid = {"k": [0, 5], "max_iter": [3, 4], "kernel": ["rbf", "ntk_relu"]}
    inner, outer = Stopper(at=stop), callback.ProgressBar(max_propagation_depth=None)
    found = search(MSKRegressor().set_callbacks(inner), grid, cv=2)
    found.set_callbacks(outer).fit(X, y, sample_weight=weights)
    steps = [call[2] for call in inner.calls if call[:2] == ("end", "step")]
    best = found.best_estimator_
    walked = {3: 3, 4: 4} if stop is None else {3: stop, 4: stop}
    assert len(steps) == 8 * (walked[3] + walked[4]) + walked[best.max_iter]
    assert best.n_iter_ == walked[best.max_iter]
    assert inner.calls.count("setup") == inner.calls.count("teardown") == 17
    assert not hasattr(found, "_callback_fit_ctx")


def test_a_callback_that_fails_leaves_the_model():
    X, y, _ = blobs(2)
    model = MSKRegressor().fit(X, y)
    before = model.predict(X)

    class Broken(Stopper):
        def on_fit_task_end(self, estimator, context):
            raise KeyboardInterrupt

    broken = Broken()
    model.set_params(k=0).set_callbacks(broken)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert broken.calls[-1] == "teardown"
    np.testing.assert_array_equal(model.predict(X), before)
    assert not hasattr(model, "_callback_fit_ctx")


def test_early_stopping_shows_the_path_of_all_rows():
    X, y, _ = blobs(2)
    stopper = Stopper()
    model = MSKRegressor(early_stopping=True, max_iter=9).set_callbacks(stopper)
    model.fit(X, y)
    steps = [call[2] for call in stopper.calls if call[:2] == ("end", "step")]
    assert steps == list(range(1, model.n_iter_ + 1))


class Parts:
    """Takes notes of the parts of a choice."""

    def __init__(self):
        self.parts = []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.parts.append(context.task_name)
        if context.task_name == "fit":
            self.fitted = fitted_estimator


@pytest.mark.parametrize("estimator", [MSKRegressorCV(), MSKClassifierCV()])
def test_callbacks_see_the_parts_of_a_choice(estimator):
    X, y, _ = blobs(2)
    parts = Parts()
    model = estimator.set_params(kernels=["rbf", "laplacian"]).set_callbacks(parts)
    model.fit(X, y)
    assert parts.parts.count("screened kernel") == 2
    assert parts.parts.count("screened metrics of kernel") == 2
    assert parts.parts[-1] == "fit"
    np.testing.assert_array_equal(parts.fitted.predict(X), model.predict(X))
    bar = callback.ProgressBar(max_propagation_depth=None)
    type(model)("rbf", metrics="none").set_callbacks(bar).fit(X, y)

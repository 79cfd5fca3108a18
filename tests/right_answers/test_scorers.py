"""MSKGridSearchCV gives the scores of GridSearchCV, whatever a scorer does."""

import copy
import pickle
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import make_scorer, mean_pinball_loss, r2_score
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_msk import MSKClassifier, MSKGridSearchCV, MSKRegressor

N = 84
HELD = 20


def _rows(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.RandomState(seed)
    X = pd.DataFrame(rng.standard_normal((n, 3)), columns=["a", "b", "c"])
    return X.assign(weight=rng.uniform(0.5, 10.0, n))


def _targets(X: pd.DataFrame, seed: int) -> np.ndarray:
    noise = np.random.RandomState(seed).standard_normal(len(X))
    return (np.sin(2 * X["a"]) + 0.3 * X["b"] * X["c"]).to_numpy() + 0.2 * noise


FRAME, FRAME_HELD = _rows(N, 0), _rows(HELD, 1)
Y, Y_HELD = _targets(FRAME, 2), _targets(FRAME_HELD, 3)


def _take(X: Any, rows: Any) -> Any:
    return X.iloc[rows] if isinstance(X, pd.DataFrame) else X[rows]


def _held(X: Any) -> Any:
    return FRAME_HELD if isinstance(X, pd.DataFrame) else FRAME_HELD.to_numpy()


def _labels(est: Any, y: np.ndarray) -> np.ndarray:
    return (y > 0).astype(int) if is_classifier(est) else y


def _agree(est: Any, y: Any, found: np.ndarray, weights: Any = None) -> float:
    if is_classifier(est):
        return float(np.average(np.asarray(y) == found, weights=weights))
    return r2_score(y, found, sample_weight=weights)


def other_rows(est: Any, X: Any, y: Any) -> float:
    return _agree(est, _labels(est, Y_HELD), est.predict(_held(X)))


def subset(est: Any, X: Any, y: Any) -> float:
    half = np.arange(0, len(y), 2)
    return _agree(est, y[half], est.predict(_take(X, half)))


def first_rows(est: Any, X: Any, y: Any) -> float:
    return _agree(est, y[:9], est.predict(X[:9]))


def shifted(est: Any, X: Any, y: Any) -> float:
    return -float(np.mean(np.abs(est.predict(X + 0.3) - est.predict(X))))


def shuffled(est: Any, X: Any, y: Any) -> float:
    order = np.random.RandomState(4).permutation(len(y))
    return _agree(est, y, est.predict(_take(X, order)))


def same_values(est: Any, X: Any, y: Any) -> float:
    return _agree(est, y, est.predict(X.copy()))


def in_place(est: Any, X: Any, y: Any) -> float:
    """Predict the very object again, once its values are others."""
    before = _agree(est, y, est.predict(X))
    X *= 0.5
    after = _agree(est, y, est.predict(X))
    X *= 2.0
    return before - 2 * after


def shallow_copy(est: Any, X: Any, y: Any) -> float:
    return _agree(est, y, copy.copy(est).predict(X + 0.1))


def deep_copy(est: Any, X: Any, y: Any) -> float:
    return _agree(est, y, copy.deepcopy(est).predict(X + 0.1))


def pickled(est: Any, X: Any, y: Any) -> float:
    return _agree(est, y, pickle.loads(pickle.dumps(est)).predict(X + 0.1))


def refitted_clone(est: Any, X: Any, y: Any) -> float:
    other = clone(est).fit(_take(X, slice(0, 20)), y[:20])
    return _agree(est, y, other.predict(X)) + _agree(est, y, est.predict(X))


def refitted_itself(est: Any, X: Any, y: Any) -> float:
    est.fit(_take(X, slice(0, 20)), y[:20])
    return _agree(est, y, est.predict(X))


def own_score(est: Any, X: Any, y: Any) -> float:
    return est.score(X, y) + est.score(_held(X), _labels(est, Y_HELD))


def values(est: Any, X: Any, y: Any) -> float:
    """Something that is not `predict`."""
    if not is_classifier(est):
        return _agree(est, y, np.array([est.predict(X[i : i + 1])[0] for i in (0, 1)]))
    found = est.decision_function(X + 0.2) - est.decision_function(X)
    return float(found.mean())


def parameters(est: Any, X: Any, y: Any) -> float:
    model = est[-1] if isinstance(est, Pipeline) else est
    return float(
        np.abs(model.dual_coef_).max() * model.n_iter_ + model.k_ + model.max_iter
    )


def by_name(est: Any, X: Any, y: Any) -> float:
    return _agree(est, y, est.predict(X), X["weight"].to_numpy())


def by_position(est: Any, X: Any, y: Any) -> float:
    heavy = np.asarray(X)[:, 3] > 5
    return _agree(est, y, est.predict(X), heavy.astype(float))


def _values(est: Any, X: Any, y: Any) -> float:
    return values(est, X, y) if is_classifier(est) else own_score(est, X, y)


ANY = [
    other_rows,
    subset,
    first_rows,
    shifted,
    shuffled,
    same_values,
    in_place,
    shallow_copy,
    deep_copy,
    pickled,
    refitted_clone,
    own_score,
    _values,
    parameters,
    by_position,
]


def _plain(model: Any) -> tuple[Any, str]:
    return model, ""


def _piped(model: Any) -> tuple[Any, str]:
    name = type(model).__name__.lower()
    return make_pipeline(StandardScaler(), model), f"{name}__"


SETUPS = {
    "regressor": (lambda: _plain(MSKRegressor(tol=1e-10)), False),
    "landmarks": (
        lambda: _plain(MSKRegressor(landmarks=10, tol=1e-10, random_state=0)),
        False,
    ),
    "classifier": (lambda: _plain(MSKClassifier(tol=1e-10)), True),
    "pipeline": (lambda: _piped(MSKRegressor("rbf", tol=1e-10)), True),
    "pipeline, classifier": (lambda: _piped(MSKClassifier(tol=1e-10)), False),
    "pipeline, landmarks": (
        lambda: _piped(MSKRegressor(landmarks=10, tol=1e-10, random_state=0)),
        True,
    ),
}


def _scores(search: Any) -> dict[str, np.ndarray]:
    return {
        key: found
        for key, found in search.cv_results_.items()
        if "_test_" in key.replace("_train_", "_test_") and not key.startswith("rank")
    }


def _search(
    search: Callable[..., GridSearchCV], setup: str, scoring: Any, **options: Any
) -> GridSearchCV:
    """Return a search on one of the setups, fitted."""
    make, as_frame = SETUPS[setup]
    model, prefix = make()
    grid = {f"{prefix}k": [0, 12], f"{prefix}max_iter": [4, 60]}
    X = FRAME.copy() if as_frame else FRAME.to_numpy(copy=True)
    options = {"cv": 2, "return_train_score": True} | options
    return search(model, grid, scoring=scoring, **options).fit(X, _labels(model, Y))


def _assert_equal(found: dict[str, Any], right: dict[str, Any]) -> None:
    assert set(found) == set(right)
    for key, value in right.items():
        np.testing.assert_allclose(found[key], value, atol=1e-6, err_msg=key)


def _assert_same(setup: str, scoring: Any, **options: Any) -> None:
    """Compare the scores of both searches."""
    ours, theirs = (
        _search(search, setup, scoring, **options)
        for search in (MSKGridSearchCV, GridSearchCV)
    )
    _assert_equal(_scores(ours), _scores(theirs))
    assert ours.best_params_ == theirs.best_params_


@cache
def _right(setup: str) -> dict[str, np.ndarray]:
    """Scores of scikit-learn's search by every scorer that leaves the model as is."""
    scoring = {scorer.__name__: scorer for scorer in ANY}
    return _scores(_search(GridSearchCV, setup, scoring, refit=False))


@pytest.mark.parametrize("setup", ["regressor", "classifier", "pipeline"])
@pytest.mark.parametrize("scorer", ANY, ids=lambda scorer: scorer.__name__)
def test_any_scorer(scorer: Callable[..., float], setup: str) -> None:
    found = _scores(_search(MSKGridSearchCV, setup, scorer))
    name = scorer.__name__
    right = {
        key.removesuffix(name) + "score": value
        for key, value in _right(setup).items()
        if key.endswith(f"_{name}")
    }
    assert len(right) == 8
    _assert_equal(found, right)


@pytest.mark.parametrize(
    "setup", ["landmarks", "pipeline, classifier", "pipeline, landmarks"]
)
def test_many_scorers_at_once(setup: str) -> None:
    scoring = {scorer.__name__: scorer for scorer in ANY}
    found = _search(MSKGridSearchCV, setup, scoring, refit=False)
    _assert_equal(_scores(found), _right(setup))


@pytest.mark.parametrize("setup", ["regressor", "pipeline, classifier", "landmarks"])
def test_scorer_that_fits_the_model_itself(setup: str) -> None:
    _assert_same(setup, refitted_itself)


@pytest.mark.parametrize("setup", ["classifier", "pipeline", "pipeline, landmarks"])
def test_columns_by_name(setup: str) -> None:
    _assert_same(setup, by_name)


@pytest.mark.parametrize("setup", ["regressor", "pipeline", "landmarks"])
def test_scorers_of_scikit_learn(setup: str) -> None:
    pinball = make_scorer(mean_pinball_loss, greater_is_better=False, alpha=0.2)
    scoring = {"r2": "r2", "held": other_rows, "pinball": pinball, "moved": shifted}
    _assert_same(setup, scoring, refit="held")
    _assert_same(setup, pinball)
    _assert_same(setup, "neg_median_absolute_error")


@pytest.mark.parametrize("setup", ["classifier", "pipeline, classifier"])
def test_scorers_of_classifiers(setup: str) -> None:
    scoring = {"auc": "roc_auc", "held": other_rows, "f1": "f1"}
    _assert_same(setup, scoring, refit="held")


@pytest.mark.parametrize("setup", ["regressor", "pipeline, classifier"])
def test_scorer_of_several_scores(setup: str) -> None:
    def several(est: Any, X: Any, y: Any) -> dict[str, float]:
        return {"held": other_rows(est, X, y), "_failed": 0.5, "0_x": subset(est, X, y)}

    _assert_same(setup, several, refit="held")


@pytest.mark.parametrize(
    "setup", ["regressor", "classifier", "pipeline", "pipeline, landmarks"]
)
def test_a_kept_estimator_goes_on_predicting(setup: str) -> None:
    """What a scorer keeps is a model of its own, after the search too."""
    kept: list[dict[Any, Any]] = []
    for search in (MSKGridSearchCV, GridSearchCV):
        of: dict[Any, Any] = {}

        def keep(est: Any, X: Any, y: Any, of: dict[Any, Any] = of) -> float:
            model = est[-1] if isinstance(est, Pipeline) else est
            of[float(np.asarray(X)[0, 0]), model.k, model.max_iter] = est
            return _agree(est, y, est.predict(X))

        _search(search, setup, keep, return_train_score=False)
        kept.append(of)
    ours, theirs = kept
    assert set(ours) == set(theirs) and len(ours) == 8
    queries = FRAME_HELD if SETUPS[setup][1] else FRAME_HELD.to_numpy()
    for key, est in theirs.items():
        assert type(ours[key]) is type(est)
        for model in (ours[key], pickle.loads(pickle.dumps(ours[key]))):
            found = model.predict(queries)
            np.testing.assert_allclose(found, est.predict(queries), atol=1e-6)


@pytest.mark.parametrize("setup", ["regressor", "pipeline, classifier"])
@pytest.mark.parametrize("returned", [None, "0.5", {}, [0.5], np.zeros(2)], ids=str)
def test_scorers_that_return_no_number(returned: Any, setup: str) -> None:
    errors: list[Exception] = []
    for search in (GridSearchCV, MSKGridSearchCV):
        # Of any kind: then of the same one.
        with pytest.raises(Exception) as caught:
            _search(search, setup, lambda est, X, y: returned)
        errors.append(caught.value)
    assert type(errors[1]) is type(errors[0])
    assert str(errors[1])[:50] == str(errors[0])[:50]


def test_scorer_that_fails() -> None:
    def failing(est: Any, X: Any, y: Any) -> float:
        if est.k == 12:
            raise RuntimeError("no score for twelve")
        return other_rows(est, X, y)

    for error_score in (np.nan, -7.0):
        found = []
        for search in (GridSearchCV, MSKGridSearchCV):
            with pytest.warns(UserWarning) as caught:
                of = _search(
                    search,
                    "regressor",
                    failing,
                    error_score=error_score,
                    return_train_score=False,
                )
            assert any("no score for twelve" in str(w.message) for w in caught)
            found.append(of.cv_results_["mean_test_score"])
        np.testing.assert_allclose(found[1], found[0], atol=1e-6)
    with pytest.raises(RuntimeError, match="no score for twelve"):
        _search(MSKGridSearchCV, "regressor", failing, error_score="raise")


class CountedKernel:
    """A Gaussian kernel that counts its calls, and fails if it is to."""

    def __init__(self, fails: bool = False) -> None:
        self.calls = 0
        self.fails = fails

    def __call__(self, X: np.ndarray, Y: np.ndarray) -> np.ndarray:
        self.calls += 1
        if self.fails:
            raise RuntimeError("the kernel of the user is broken")
        return rbf_kernel(X, Y)

    # `clone` copies what is not an estimator.
    def __deepcopy__(self, memo: dict[int, Any]) -> "CountedKernel":
        return self


def _broken_map(eigenvalues: np.ndarray) -> np.ndarray:
    raise RuntimeError("the map of the user is broken")


@pytest.mark.parametrize("piped", [False, True])
def test_a_candidate_that_fails_is_not_fitted_again(piped: bool) -> None:
    X, calls = FRAME.to_numpy(), {}
    for maps in (["flatten", "lift"], ["flatten", _broken_map, "lift"]):
        kernel = CountedKernel()
        model, prefix = (_piped if piped else _plain)(
            MSKRegressor(kernel, k=5, max_iter=100)
        )
        search = MSKGridSearchCV(model, {f"{prefix}g": maps}, cv=3, refit=False)
        if len(maps) == 2:
            search.fit(X, Y)
        else:
            with pytest.warns((FitFailedWarning, UserWarning)) as caught:
                search.fit(X, Y)
            texts = [str(w.message) for w in caught]
            assert any("the map of the user is broken" in text for text in texts)
            scores = search.cv_results_["mean_test_score"]
            np.testing.assert_array_equal(np.isnan(scores), [False, True, False])
        calls[len(maps)] = kernel.calls
    assert calls[3] == calls[2]


def test_a_kernel_that_fails_is_called_once_a_fold() -> None:
    broken = CountedKernel(fails=True)
    grid = {"kernel": ["rbf", broken], "k": [0, 3, 5]}
    with pytest.warns((FitFailedWarning, UserWarning)) as caught:
        search = MSKGridSearchCV(MSKRegressor(max_iter=100), grid, cv=3)
        search.fit(FRAME.to_numpy(), Y)
    assert any("the kernel of the user is broken" in str(w.message) for w in caught)
    assert broken.calls == 3
    assert np.isnan(search.cv_results_["mean_test_score"]).sum() == 3
    broken = CountedKernel(fails=True)
    with pytest.raises(ValueError, match="the kernel of the user is broken"):
        MSKGridSearchCV(MSKRegressor(broken, max_iter=100), {"k": [0, 3]}, cv=3).fit(
            FRAME.to_numpy(), Y
        )
    assert broken.calls == 3


class Doubler(BaseEstimator):
    """Repeats the rows of the rarer class: a sampler, which does not transform."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> "Doubler":
        return self

    def fit_resample(self, X: Any, y: np.ndarray) -> tuple[Any, np.ndarray]:
        rare = np.flatnonzero(y == y.min() if np.mean(y) > 0.5 else y == y.max())
        order = np.concatenate([np.arange(len(y)), rare])
        return _take(X, order), y[order]


class SamplingPipeline(Pipeline):
    """A pipeline in the style of imbalanced-learn: samplers act in `fit` only."""

    def _validate_steps(self) -> None:
        pass

    def _iter(self, with_final: bool = True, filter_passthrough: bool = True) -> Any:
        for step in super()._iter(with_final, filter_passthrough):
            if not hasattr(step[-1], "fit_resample"):
                yield step

    def fit(self, X: Any, y: np.ndarray, **params: Any) -> "SamplingPipeline":
        self.steps = list(self.steps)
        for place, (name, step) in enumerate(self.steps[:-1]):
            if hasattr(step, "fit_resample"):
                X, y = step.fit_resample(X, y)
            else:
                step = clone(step)
                X = step.fit_transform(X, y)
                self.steps[place] = (name, step)
        self.steps[-1][1].fit(X, y)
        return self


STEPS = {
    "sampler last": [("sample", Doubler())],
    "scaler, sampler": [("scale", StandardScaler()), ("sample", Doubler())],
    "sampler, scaler": [("sample", Doubler()), ("scale", StandardScaler())],
}


@pytest.mark.parametrize("scoring", [None, "roc_auc", other_rows])
@pytest.mark.parametrize("steps", STEPS)
def test_pipelines_that_sample(steps: str, scoring: Any) -> None:
    pipeline = SamplingPipeline([*STEPS[steps], ("model", MSKClassifier(tol=1e-10))])
    X, y = FRAME.to_numpy(), (Y > 0.8).astype(int)
    found = [
        search(pipeline, {"model__k": [0, 5]}, cv=3, scoring=scoring).fit(X, y)
        for search in (MSKGridSearchCV, GridSearchCV)
    ]
    ours, theirs = (of.cv_results_["mean_test_score"] for of in found)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    np.testing.assert_array_equal(found[0].predict(X), found[1].predict(X))

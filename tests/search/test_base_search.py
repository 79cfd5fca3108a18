"""What both searches do, against scikit-learn's searches."""

from functools import partial

import numpy as np
import pytest
from problems import CountedMemory, assert_same_results, blobs
from sklearn import config_context
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV, GroupKFold, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_msk import (
    MSKClassifier,
    MSKGridSearchCV,
    MSKRandomizedSearchCV,
    MSKRegressor,
)
from sklearn_msk.spectral_maps import Power

SEARCHES = [
    (MSKGridSearchCV, GridSearchCV),
    (
        partial(MSKRandomizedSearchCV, n_iter=2, random_state=0),
        partial(RandomizedSearchCV, n_iter=2, random_state=0),
    ),
]
both_kinds = pytest.mark.parametrize("kind", SEARCHES, ids=["grid", "randomized"])


@pytest.fixture(scope="module")
def data():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((60, 3))
    return X, np.sin(3.0 * X[:, 0]) + X[:, 1] * X[:, 2] + rng.standard_normal(60)


def _held(X, y, n):
    """Arguments of `fit` with n rows that judge the steps."""
    rng = np.random.RandomState(1)
    chosen = rng.randint(0, len(X), n)
    return {
        "X_val": X[chosen] + 0.1,
        "y_val": y[chosen],
        "sample_weight_val": rng.uniform(0.5, 2.0, n),
    }


def _both(kind, estimator, grid, X, y, fit_params, **options):
    searches = [
        search(estimator, grid, cv=3, **options).fit(X, y, **fit_params)
        for search in kind
    ]
    assert_same_results(*searches)
    ours, theirs = (search.best_estimator_ for search in searches)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    return ours, theirs


@both_kinds
# Arrays with as many rows as X are split as X, whatever they are.
@pytest.mark.parametrize("n_held", [25, 60])
def test_rows_that_judge_the_steps(kind, n_held, data):
    held = _held(*data, n_held)
    model = MSKRegressor("rbf", early_stopping=True)
    weights = np.arange(60) % 3 + 1.0
    fit_params = {**held, "sample_weight": weights}
    ours, theirs = _both(kind, model, {"k": [2, 9]}, *data, fit_params)
    np.testing.assert_array_equal(ours.validation_scores_, theirs.validation_scores_)
    direct = MSKRegressor("rbf", early_stopping=True, k=ours.k)
    direct.fit(*data, weights, **held)
    assert ours.n_iter_ == direct.n_iter_


@both_kinds
def test_rows_that_judge_the_steps_of_classes(kind):
    X, y, _ = blobs(3)
    model = MSKClassifier("rbf", early_stopping=True)
    _both(kind, model, {"k": [2, 9]}, X, y, _held(X, y, 25))


@both_kinds
def test_routed_rows_go_through_a_pipeline(kind, data):
    with config_context(enable_metadata_routing=True):
        last = MSKRegressor("rbf", early_stopping=True)
        last.set_fit_request(X_val=True, y_val=True, sample_weight_val=True)
        steps = [("scale", StandardScaler()), ("model", last)]
        pipeline = Pipeline(steps, transform_input=["X_val"])
        held = _held(*data, 25)
        # Before 1.7, the score of a Pipeline cannot say what it requests.
        _both(kind, pipeline, {"model__k": [2, 9]}, *data, held, scoring="r2")


@both_kinds
def test_routed_groups_reach_splitter_and_estimator(kind, data):
    with config_context(enable_metadata_routing=True):
        model = MSKRegressor("rbf", early_stopping=True).set_fit_request(groups=True)
        grid, groups = {"k": [2, 9]}, {"groups": np.arange(60) % 7}
        searches = [
            search(model, grid, cv=GroupKFold(3), scoring="r2").fit(*data, **groups)
            for search in kind
        ]
        assert_same_results(*searches)


@both_kinds
def test_arguments_that_fit_does_not_take(kind, data):
    for fit_params, message in (
        (_held(*data, 9), "X_val goes with early_stopping=True"),
        ({"foo": 1}, r"MSKRegressor.fit\(\) got an unexpected keyword argument 'foo'"),
    ):
        for search in kind:
            with pytest.raises(ValueError, match=message):
                model = MSKRegressor("rbf", early_stopping=False)
                search(model, {"k": [2, 9]}).fit(*data, **fit_params)


@both_kinds
def test_no_fits(kind, data):
    for search in kind:
        with pytest.raises(ValueError, match="No fits were performed"):
            search(MSKRegressor("rbf"), {"k": [2, 9]}, cv=[]).fit(*data)


@both_kinds
def test_a_parameter_that_does_not_exist_ends_the_search(kind, data):
    estimator = MSKRegressor("rbf", g=Power(0.5))
    for grid in ({"kk": [1, 2]}, {"g__kk": [1, 2]}):
        for search in kind:
            with pytest.raises(ValueError, match="Invalid parameter 'kk'"):
                search(estimator, grid).fit(*data)


@both_kinds
def test_equal_values_share_a_kernel(kind, data):
    """Numbers and strings by value, other objects if they are the same."""
    memory = CountedMemory()
    model = MSKRegressor("rbf", k=50, max_iter=100, memory=memory)
    grid = [{"gamma": np.array([0.5]), "k": [2]}, {"gamma": [np.float64(0.5)]}]
    kind[0](model, grid, cv=3, refit=False).fit(*data)
    assert memory.calls == [50] * 3


@both_kinds
def test_messages_name_the_search(kind, data, capsys):
    ours = kind[0](MSKRegressor("rbf"), {"k": [2, 9]}, cv=2, verbose=1).fit(*data)
    first, last = capsys.readouterr().out.splitlines()
    name = type(ours).__name__
    assert first == f"[{name}] 2 candidates share a kernel on each fold"
    assert last.startswith(f"[{name}] 2 candidates on 2 folds: ")
    assert last.endswith(
        f" s; the best score is {ours.best_score_:.4g}, {ours.best_params_}"
    )
    with pytest.raises(TypeError, match=f"The 'estimator' of {name} must be"):
        kind[0](KernelRidge(), {"alpha": [0.1, 1.0]}).fit(*data)

"""MSKGridSearchCV against GridSearchCV."""

import numpy as np
import pytest
import sklearn
from problems import CountedMemory, assert_same_results
from sklearn import config_context
from sklearn.base import clone
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics import get_scorer, make_scorer, mean_absolute_error
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, ShuffleSplit
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version

from sklearn_msk import MSKGridSearchCV, MSKRegressor
from sklearn_msk.kernels import NTK
from sklearn_msk.spectral_maps import Power

GRID = {
    "k": [0, 3, 12],
    "g": ["flatten", "lift", Power(0.5)],
    "max_iter": [4, 60, np.inf],
    "learning_rate": [0.5, 1.5],
    "alpha": [0.0, 1e-2],
}


@pytest.fixture(scope="module")
def data():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((60, 3))
    y = np.sin(3.0 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.1 * rng.standard_normal(60)
    return X, y


def _both(estimator, grid, X, y, fit_params=None, **options):
    searches = [
        search(clone(estimator), grid, **options).fit(X, y, **(fit_params or {}))
        for search in (MSKGridSearchCV, GridSearchCV)
    ]
    assert_same_results(*searches)
    return searches


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dynamics", ["flow", "descent"])
def test_scores_are_those_of_grid_search(data, dynamics):
    estimator = MSKRegressor("laplacian", tol=1e-10, dynamics=dynamics)
    ours, theirs = _both(estimator, GRID, *data, cv=3, return_train_score=True)
    assert ours.best_score_ == pytest.approx(theirs.best_score_, abs=1e-6)
    best = clone(estimator).set_params(**ours.best_params_).fit(*data)
    np.testing.assert_array_equal(ours.predict(data[0]), best.predict(data[0]))


def test_pipeline_with_outer_keys(data):
    estimator = make_pipeline(StandardScaler(), MSKRegressor(tol=1e-10))
    grid = {
        "standardscaler__with_mean": [True, False],
        "mskregressor__kernel": ["rbf", NTK(2)],
        "mskregressor__k": [2, 8],
        "mskregressor__max_iter": [5, 50],
    }
    ours, theirs = _both(estimator, grid, *data, cv=3)
    assert ours.best_index_ == theirs.best_index_
    assert isinstance(ours.best_estimator_, Pipeline)


def test_nested_keys_of_kernel_and_map(data):
    estimator = MSKRegressor(NTK(), g=Power(1.0), k=5, tol=1e-10)
    grid = {"kernel__depth": [1, 2], "g__exponent": [0.3, 0.9], "max_iter": [5, 20]}
    _both(estimator, grid, *data, cv=2)


def test_list_of_grids(data):
    grid = [{"k": [2, 4]}, {"max_iter": [7], "gamma": [0.1, 1.0]}, {"tol": [1e-9]}]
    _both(MSKRegressor("rbf", tol=1e-10), grid, *data, cv=2)


@pytest.mark.parametrize(
    "scoring",
    [
        "neg_mean_absolute_error",
        make_scorer(mean_absolute_error, greater_is_better=False),
        lambda estimator, X, y: -np.abs(estimator.predict(X) - y).max(),
        lambda estimator, X, y: float(estimator.k_),
    ],
)
def test_any_scorer(data, scoring):
    grid = {"k": [2, 6], "max_iter": [5, 50]}
    _both(MSKRegressor("rbf", tol=1e-10), grid, *data, cv=3, scoring=scoring)


def test_several_scorers_and_a_callable_refit(data):
    grid = {"k": [2, 6], "max_iter": [5, 50]}
    scoring = {"r2": "r2", "mae": "neg_mean_absolute_error"}
    estimator = MSKRegressor("rbf", tol=1e-10)
    ours, theirs = _both(
        estimator, grid, *data, cv=3, scoring=scoring, refit="mae", n_jobs=2
    )
    assert ours.multimetric_ and set(ours.scorer_) == set(scoring)
    assert ours.score(*data) == pytest.approx(theirs.score(*data))

    def both(estimator, X, y):
        return {"score": estimator.score(X, y), "failed": estimator.k_}

    _both(estimator, grid, *data, cv=3, scoring=both, refit=False)
    ours, _ = _both(estimator, grid, *data, cv=2, scoring="r2", refit=lambda results: 2)
    assert ours.best_index_ == 2 and not hasattr(ours, "best_score_")


def test_weights_groups_and_splitters(data):
    X, y = data
    rng = np.random.RandomState(1)
    weights, groups = rng.randint(0, 3, 60).astype(float), rng.randint(0, 5, 60)
    grid = {"k": [2, 6], "max_iter": [5, 50]}
    estimator = MSKRegressor("rbf", tol=1e-10)
    fit_params = {"sample_weight": weights, "groups": groups}
    _both(estimator, grid, X, y, fit_params, cv=GroupKFold(3))
    _both(estimator, grid, X, y, cv=ShuffleSplit(2, random_state=0))
    _both(estimator, grid, X, y, cv=list(KFold(4).split(X)))
    pipeline = make_pipeline(StandardScaler(), estimator)
    grid = {f"mskregressor__{key}": values for key, values in grid.items()}
    _both(pipeline, grid, X, y, {"mskregressor__sample_weight": weights}, cv=2)


def test_metadata_routing(data):
    X, y = data
    weights = np.random.RandomState(1).uniform(0.1, 2.0, 60)
    scorer = get_scorer("neg_mean_squared_error")
    grid = {"mskregressor__k": [2, 6], "mskregressor__max_iter": [5, 50]}
    fit_params = {"sample_weight": weights, "groups": np.arange(60) % 7}
    with config_context(enable_metadata_routing=True):
        estimator = MSKRegressor("rbf", tol=1e-10)
        estimator.set_fit_request(sample_weight=True)
        estimator.set_score_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, estimator)
        scorers = [scorer.set_score_request(sample_weight=True)]
        # Before 1.7, the score of a Pipeline cannot say what it requests.
        if parse_version(sklearn.__version__) >= parse_version("1.7"):
            scorers.append(None)
        for scoring in scorers:
            options = {"cv": GroupKFold(3), "scoring": scoring}
            _both(pipeline, grid, X, y, fit_params, **options)


def test_several_targets_precomputed_and_float32(data):
    X, y = data
    Y = np.column_stack([y, X[:, 0] ** 2])
    grid = {"k": [2, 6], "max_iter": [5, 50]}
    _both(MSKRegressor("rbf", tol=1e-10), grid, X, Y, cv=3)
    precomputed = MSKRegressor("precomputed", tol=1e-10)
    _both(precomputed, grid, NTK()(X), y, cv=3)
    single = X.astype(np.float32)
    ours, theirs = _both(MSKRegressor(tol=1e-6), grid, single, y, cv=3)
    assert ours.best_params_ == theirs.best_params_
    assert ours.predict(single).dtype == np.float64


@pytest.mark.parametrize("solver", ["gd", "eigh", "lanczos"])
def test_every_solver(data, solver):
    grid = {"k": [0, 6], "max_iter": [5, 50], "alpha": [0.0, 0.1]}
    estimator = MSKRegressor("rbf", solver=solver, dynamics="descent", tol=1e-10)
    _both(estimator, grid, *data, cv=2)


def test_a_candidate_that_fails_scores_error_score(data):
    grid = {"learning_rate": [1.0, 3.0], "k": [2, 4]}
    estimator = MSKRegressor("rbf", dynamics="descent")
    with pytest.warns(match=r"4 of 8 fits failed and score -7.0.*learning_rate"):
        search = MSKGridSearchCV(estimator, grid, cv=2, error_score=-7.0)
        results = search.fit(*data).cv_results_
    failed = [params["learning_rate"] == 3.0 for params in results["params"]]
    assert np.array_equal(results["mean_test_score"] == -7.0, failed)
    assert search.best_params_["learning_rate"] == 1.0
    with pytest.raises(ValueError, match="learning_rate"):
        MSKGridSearchCV(estimator, grid, cv=2, error_score="raise").fit(*data)


def test_bad_input(data):
    X, y = data
    with pytest.raises(
        ValueError, match=r"All the 4 fits failed.*positive semi-definite"
    ):
        MSKGridSearchCV(MSKRegressor("sigmoid"), {"k": [1, 2]}, cv=2).fit(X, y)
    with pytest.raises(TypeError, match=r"must be an MSKRegressor.*KernelRidge"):
        MSKGridSearchCV(KernelRidge(), {"alpha": [1.0]}).fit(X, y)
    with pytest.raises(ValueError, match="Invalid parameter 'kk'"):
        MSKGridSearchCV(MSKRegressor(), {"kk": [1]}).fit(X, y)


def test_one_decomposition_a_fold(data):
    memory = CountedMemory()
    grid = {"k": [2, 9, 5], "max_iter": [5, 50], "alpha": [0.0, 0.1]}
    model = MSKRegressor("rbf", memory=memory)
    MSKGridSearchCV(model, grid, cv=3, refit=False).fit(*data)
    assert memory.calls == [9, 9, 9]

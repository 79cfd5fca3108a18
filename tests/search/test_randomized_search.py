"""MSKRandomizedSearchCV against RandomizedSearchCV."""

import pickle
import warnings

import numpy as np
import pytest
from problems import CountedMemory, assert_same_results, blobs
from scipy.stats import loguniform, randint, uniform
from sklearn.base import clone
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import KFold, ParameterSampler, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_msk import MSKClassifier, MSKRandomizedSearchCV, MSKRegressor
from sklearn_msk._training import _solve_paths
from sklearn_msk.kernels import NTK
from sklearn_msk.spectral_maps import Power

TRAINING = {
    "max_iter": loguniform(1, 1e4),
    "learning_rate": loguniform(0.1, 10),
    "alpha": loguniform(1e-3, 1),
}


@pytest.fixture(scope="module")
def data():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((60, 3))
    return X, np.sin(3.0 * X[:, 0]) + X[:, 1] * X[:, 2] + rng.standard_normal(60)


def _both(estimator, distributions, X, y, fit_params=None, **options):
    options = {"cv": 3, "random_state": 0, **options}
    ours, theirs = (
        search(clone(estimator), distributions, **options).fit(X, y, **fit_params or {})
        for search in (MSKRandomizedSearchCV, RandomizedSearchCV)
    )
    assert_same_results(ours, theirs)
    for key, values in theirs.cv_results_.items():
        if key.startswith("rank"):
            np.testing.assert_array_equal(ours.cv_results_[key], values)
    if options.get("refit", True):
        assert ours.best_params_ == theirs.best_params_
        np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    return ours, theirs


def test_results_are_those_of_a_plain_search(data):
    distributions = {"k": [0, 3, 12], "g": ["flatten", "lift", Power(0.5)], **TRAINING}
    options = {"n_iter": 25, "return_train_score": True}
    model = MSKRegressor("rbf", tol=1e-10)
    ours, theirs = _both(model, distributions, *data, **options)
    assert ours.best_score_ == pytest.approx(theirs.best_score_, abs=1e-9)
    expected = list(ParameterSampler(distributions, 25, random_state=0))
    assert ours.cv_results_["params"] == expected


def test_the_limit_is_a_search_over_kernel_ridge(data):
    """Without preconditioner and intercept, training ends at ridge regression."""
    distributions = {"alpha": loguniform(1e-3, 1e3), "gamma": [0.1, 1.0]}
    options = {"n_iter": 20, "cv": 3, "random_state": 0}
    model = MSKRegressor("rbf", k=0, max_iter=np.inf, fit_intercept=False, tol=1e-12)
    ours = MSKRandomizedSearchCV(model, distributions, **options).fit(*data)
    ridge = KernelRidge(kernel="rbf")
    theirs = RandomizedSearchCV(ridge, distributions, **options).fit(*data)
    assert_same_results(ours, theirs, atol=1e-9)
    assert ours.best_params_ == theirs.best_params_
    np.testing.assert_allclose(ours.predict(data[0]), theirs.predict(data[0]))


def test_list_of_dicts(data):
    distributions = [
        {"k": randint(0, 12), "max_iter": loguniform(1, 1e3)},
        {"gamma": [0.1, 1.0], "learning_rate": uniform(0.5, 3.0)},
        {"dynamics": ["descent"], "max_iter": randint(1, 50), "k": [3]},
    ]
    _both(MSKRegressor("rbf", tol=1e-10), distributions, *data, n_iter=15)


def test_lists_are_sampled_without_replacement(data):
    lists = {"k": [0, 3, 12], "max_iter": [2, 20, 200]}
    ours, _ = _both(MSKRegressor("rbf", tol=1e-10), lists, *data, n_iter=9)
    assert len({tuple(params.values()) for params in ours.cv_results_["params"]}) == 9


def test_a_small_space_is_searched_whole_with_a_warning(data):
    searches = []
    for kind in (MSKRandomizedSearchCV, RandomizedSearchCV):
        with pytest.warns(UserWarning, match=r"parameters 2 is smaller than n_iter=10"):
            search = kind(MSKRegressor("rbf", tol=1e-10), {"k": [0, 5]}, cv=3)
            searches.append(search.set_params(random_state=0).fit(*data))
    assert_same_results(*searches)


def test_several_scorers(data):
    distributions = {"k": [0, 3, 12], **TRAINING}
    scoring = {"r2": "r2", "mae": "neg_mean_absolute_error"}
    options = {"scoring": scoring, "n_iter": 12, "n_jobs": 2}
    model = MSKRegressor("rbf", tol=1e-10)
    ours, _ = _both(model, distributions, *data, refit="mae", **options)
    assert ours.multimetric_ and set(ours.scorer_) == set(scoring)
    _both(model, distributions, *data, refit=False, **options)


def test_weights_in_a_pipeline(data):
    distributions = {f"mskregressor__{name}": law for name, law in TRAINING.items()}
    distributions["standardscaler__with_mean"] = [True, False]
    pipeline = make_pipeline(StandardScaler(), MSKRegressor("rbf", k=5, tol=1e-10))
    weights = np.random.RandomState(1).randint(0, 3, 60).astype(float)
    fit_params = {"mskregressor__sample_weight": weights}
    _both(pipeline, distributions, *data, fit_params, n_iter=12)


@pytest.mark.parametrize("scoring", [None, "neg_log_loss"])
def test_classes(scoring):
    X, y, weights = blobs(3)
    distributions = {"k": [0, 5, None], "class_weight": [None, "balanced"], **TRAINING}
    fit_params = {"sample_weight": weights}
    options = {"n_iter": 12, "scoring": scoring}
    _both(MSKClassifier("rbf", tol=1e-10), distributions, X, y, fit_params, **options)


def test_one_generator_for_candidates_and_folds(data):
    """Candidates are drawn before the folds are."""
    searches = []
    for kind in (MSKRandomizedSearchCV, RandomizedSearchCV):
        rng = np.random.RandomState(0)
        folds = KFold(3, shuffle=True, random_state=rng)
        model = MSKRegressor("rbf", tol=1e-10)
        search = kind(model, TRAINING, n_iter=5, cv=folds, random_state=rng)
        searches.append(search.fit(*data))
    assert_same_results(*searches)


def test_one_decomposition_a_fold(data):
    memory = CountedMemory()
    model = MSKRegressor("rbf", memory=memory)
    distributions = {"k": [2, 9, 5], "g": ["flatten", "lift"], **TRAINING}
    search = MSKRandomizedSearchCV(model, distributions, n_iter=20, cv=3, refit=False)
    search.set_params(random_state=0).fit(*data)
    assert memory.calls == [9, 9, 9]


def test_times_that_differ_continuously_are_one_path(data, monkeypatch):
    solved = []

    def solve(operator, targets, requests, **options):
        solved.append([len(filters) for _, filters in requests])
        return plain(operator, targets, requests, **options)

    plain = _solve_paths.solve
    monkeypatch.setattr(_solve_paths, "solve", solve)
    for distributions, paths in (
        (TRAINING, [20]),
        ({"k": [3], "dynamics": ["flow", "descent"], "alpha": uniform(0, 1)}, [20]),
    ):
        model = MSKRegressor("rbf", max_iter=100)
        search = MSKRandomizedSearchCV(model, distributions, n_iter=20)
        search.set_params(cv=3, refit=False, random_state=0).fit(*data)
        assert solved == [paths] * 3
        solved.clear()


def test_equal_draws_of_a_kernel_parameter_share_a_kernel(data):
    memory = CountedMemory()
    model = MSKRegressor(NTK(), memory=memory, k=5, max_iter=100)
    distributions = {"kernel__depth": randint(1, 3), "max_iter": loguniform(1, 1e3)}
    search = MSKRandomizedSearchCV(model, distributions, n_iter=12, cv=3, refit=False)
    search.set_params(random_state=0).fit(*data)
    assert memory.calls == [5] * 2 * 3
    memory.calls.clear()
    # A continuous parameter of the kernel costs a decomposition for every candidate.
    search.set_params(param_distributions={"kernel__bias_variance": uniform(0, 1)})
    search.fit(*data)
    assert memory.calls == [5] * 12 * 3


def test_random_state(data):
    search = MSKRandomizedSearchCV(MSKRegressor("rbf"), TRAINING, n_iter=3, cv=2)

    def drawn(random_state):
        search.set_params(random_state=random_state)
        return search.fit(*data).cv_results_["params"]

    assert drawn(0) == drawn(0) != drawn(1)
    assert drawn(None) != drawn(None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_iter": 0},
        {"n_iter": "a"},
        {"n_iter": 2.0},
        {"random_state": "a"},
        {"param_distributions": "k"},
        {"param_distributions": [3]},
        {"param_distributions": {"k": 3}},
        {"param_distributions": {"k": []}},
        {"param_distributions": {"kk": [1]}},
        {"param_distributions": {"k": len}},
        {"param_distributions": []},
        {"param_distributions": {}},
    ],
    ids=repr,
)
def test_errors_are_those_of_a_plain_search(data, wrong):
    outcomes = []
    for kind in (MSKRandomizedSearchCV, RandomizedSearchCV):
        search = kind(MSKRegressor("rbf"), {"k": [1, 2]}, n_iter=1, cv=2)
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            try:
                search.set_params(random_state=0).set_params(**wrong).fit(*data)
            except (TypeError, ValueError) as error:
                outcomes.append((type(error), str(error).replace(" MSK", " ")))
            else:
                outcomes.append([str(warning.message) for warning in seen])
    assert outcomes[0] == outcomes[1]


def test_candidates_that_fail(data):
    distributions = {"learning_rate": uniform(0.5, 3.0), "dynamics": ["descent"]}
    search = MSKRandomizedSearchCV(
        MSKRegressor("rbf"), distributions, cv=2, error_score=-7.0, random_state=0
    )
    with pytest.warns(match=r"of 20 fits failed and score -7.0.*learning_rate"):
        results = search.fit(*data).cv_results_
    failed = [params["learning_rate"] >= 2.0 for params in results["params"]]
    assert any(failed) and not all(failed)
    np.testing.assert_array_equal(results["mean_test_score"] == -7.0, failed)


def test_copies_and_pickles(data):
    search = MSKRandomizedSearchCV(MSKRegressor("rbf"), TRAINING, n_iter=3, cv=2)
    copied = clone(search.set_params(random_state=3))
    assert copied.get_params(deep=False).keys() == search.get_params(deep=False).keys()
    assert (copied.n_iter, copied.random_state) == (3, 3)
    search.fit(*data)
    loaded = pickle.loads(pickle.dumps(search))
    assert loaded.best_params_ == search.best_params_ == copied.fit(*data).best_params_
    np.testing.assert_array_equal(loaded.predict(data[0]), search.predict(data[0]))
    assert isinstance(search, RandomizedSearchCV)

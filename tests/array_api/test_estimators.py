"""Estimators on arrays of other libraries give what they give on NumPy's."""

import pickle

import numpy as np
import pytest
import sklearn
from sklearn.datasets import make_classification, make_friedman1
from sklearn.gaussian_process.kernels import Matern
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_msk import (
    LearnedMetric,
    MSKClassifier,
    MSKClassifierCV,
    MSKGridSearchCV,
    MSKKernel,
    MSKRegressor,
    MSKRegressorCV,
    PartitionedClassifier,
    PartitionedRegressor,
    _array_api,
)
from sklearn_msk._array_api import is_foreign
from sklearn_msk.finite_width import WideNetworkRegressor
from sklearn_msk.inspection import (
    CandidatesDisplay,
    DynamicsDisplay,
    ImportancesDisplay,
    IntervalCalibrationDisplay,
    SpectrumDisplay,
)

# In standard deviations of y.
EXACT, SINGLE = 1e-9, 1e-4

TRAININGS = [
    {},
    {"max_iter": 100, "k": 30},
    {"max_iter": np.inf, "alpha": 0.1},
    {"max_iter": 50, "kernel": "laplacian", "k": 60},
    {"max_iter": 50, "eigen_solver": "dense"},
    {"max_iter": 20, "kernel": "rbf", "solver": "eigh"},
    {"max_iter": 20, "dynamics": "descent", "solver": "gd"},
    {"max_iter": 10, "eigen_solver": "arpack", "k": 10},
    {"max_iter": 10, "eigen_solver": "lobpcg", "k": 10},
    {"early_stopping": "loo"},
    {"early_stopping": True},
    {"max_iter": 100, "landmarks": 80},
]


@pytest.fixture(scope="module")
def regression():
    """Rows to train on and to predict, and targets of both, exact in float32."""
    X, y = make_friedman1(420, noise=0.5, random_state=0)
    X, y = (part.astype(np.float32).astype(float) for part in (X, y))
    return X[:330], y[:330], X[330:], y[330:]


@pytest.fixture(scope="module")
def labelled():
    """Rows of three classes."""
    X, y = make_classification(
        330, n_classes=3, n_informative=6, class_sep=0.7, random_state=0
    )
    return X[:250], y[:250], X[250:]


def apart(library, found, expected, unit=1.0):
    """Largest distance of values there from some of NumPy, over a unit."""
    assert is_foreign(found)
    return (np.abs(library.back(found) - expected) / unit).max()


@pytest.mark.parametrize("params", TRAININGS, ids=str)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_predictions_are_those_of_numpy(library, regression, params, dtype):
    rows = np.float32 if library.widest == np.float32 else dtype
    X, y, X_new, _ = (part.astype(rows) for part in regression)
    expected = MSKRegressor(**params).fit(X, y)
    there = library.put
    model = MSKRegressor(**params).fit(there(X), there(y))
    for part in (model.dual_coef_, model.X_fit_, model.spectrum_.eigenvectors):
        assert is_foreign(part) == (library.widest == np.float64)
    assert model.n_iter_ == expected.n_iter_ and model.k_ == expected.k_
    bound = EXACT if rows == np.float64 else SINGLE
    found = model.predict(there(X_new))
    assert apart(library, found, expected.predict(X_new), y.std()) <= bound


@pytest.mark.parametrize(
    "params", [{"max_iter": 50}, {"max_iter": np.inf, "alpha": 0.1}, {"landmarks": 50}]
)
def test_several_targets_and_weights(library, regression, params):
    X, y, X_new, _ = regression
    Y, w = np.column_stack([y, np.sin(y)]), 1.0 + np.arange(len(y)) % 3
    expected = MSKRegressor(**params).fit(X, Y, w).predict(X_new)
    model = MSKRegressor(**params).fit(*map(library.put, (X, Y, w)))
    assert is_foreign(model.intercept_) == (library.widest == np.float64)
    bound = EXACT if library.widest == np.float64 else 3 * SINGLE
    found = model.predict(library.put(X_new))
    assert apart(library, found, expected, Y.std(axis=0)) <= bound


def test_a_matrix_that_the_device_does_not_hold(library, regression, monkeypatch):
    X, y, X_new, _ = regression
    expected = MSKRegressor(max_iter=50).fit(X, y).predict(X_new)
    for part in ("_operators._storage", "kernels._array_matrix"):
        name = f"sklearn_msk.{part}.device_memory_limit"
        monkeypatch.setattr(name, lambda like: 8.0 * 64 * 50**2)
    model = MSKRegressor(max_iter=50).fit(library.put(X), library.put(y))
    bound = EXACT if library.widest == np.float64 else SINGLE
    found = model.predict(library.put(X_new))
    assert apart(library, found, expected, y.std()) <= bound


def test_labels_and_probabilities(library, labelled):
    X, y, X_new = labelled
    expected = MSKClassifier().fit(X, y)
    model = MSKClassifier().fit(library.put(X), library.put(y))
    new = library.put(X_new)
    assert apart(library, model.predict(new), expected.predict(X_new)) == 0
    found = model.predict_proba(new)
    assert apart(library, found, expected.predict_proba(X_new)) <= 1e-4
    named = np.array(["a", "b", "c"])
    model = MSKClassifier().fit(library.put(X), named[y])
    assert np.array_equal(model.predict(new), named[expected.predict(X_new)])


@pytest.mark.parametrize("params", [{}, {"g": "flatten", "k": 20, "kernel": "rbf"}])
def test_modified_kernels(library, regression, params):
    X, _, X_new, _ = regression
    expected = MSKKernel(**params).fit(X)
    model, there = MSKKernel(**params), library.put
    K = model.fit_transform(there(X))
    bound = 1e-9 if library.widest == np.float64 else 1e-4
    assert apart(library, K, expected.transform(X)) <= max(bound, 1e-6)
    found = model.transform(there(X_new))
    assert apart(library, found, expected.transform(X_new)) <= bound
    found = model.evaluate(there(X_new), there(X))
    assert apart(library, found, expected.evaluate(X_new, X)) <= bound


def test_learned_metrics(library, regression):
    X, y, X_new, _ = regression
    expected = LearnedMetric().fit(X, y).transform(X_new)
    model = LearnedMetric().fit(library.put(X), library.put(y))
    found = model.transform(library.put(X_new))
    assert found.dtype == library.put(X_new).dtype
    bound = 1e-9 if library.widest == np.float64 else 1e-3
    assert apart(library, found, expected, np.abs(expected).max()) <= bound


@pytest.mark.parametrize("params", [{}, {"metrics": "none", "kernels": "laplacian"}])
def test_chosen_models_and_their_intervals(library, regression, params):
    X, y, X_new, _ = regression
    expected = MSKRegressorCV(**params).fit(X, y)
    model = MSKRegressorCV(**params).fit(library.put(X), library.put(y))
    bound = EXACT if library.widest == np.float64 else 1e-3
    new = library.put(X_new)
    found = model.predict(new)
    assert apart(library, found, expected.predict(X_new), y.std()) <= bound
    found = model.predict_interval(new)
    assert apart(library, found, expected.predict_interval(X_new), y.std()) <= bound
    assert is_foreign(model.loo_prediction_) == (library.widest == np.float64)


def test_chosen_classifiers(library, labelled):
    X, y, X_new = labelled
    expected = MSKClassifierCV(metrics="none").fit(X, y).predict_proba(X_new)
    model = MSKClassifierCV(metrics="none").fit(library.put(X), library.put(y))
    found = model.predict_proba(library.put(X_new))
    assert apart(library, found, expected) <= 1e-3


# The reference implementation says what scalers divide by.
@pytest.mark.filterwarnings("ignore:invalid value encountered in divide")
@pytest.mark.parametrize("search", [MSKGridSearchCV, GridSearchCV])
def test_searches_in_pipelines(library, regression, search):
    X, y, X_new, _ = regression
    grid = {"msk__k": [5, 20], "msk__max_iter": [10, 100]}

    def searched(X, y):
        steps = make_pipeline(StandardScaler(), MSKRegressor())
        steps.steps[-1] = ("msk", steps[-1])
        return search(steps, grid, cv=2, error_score="raise").fit(X, y)

    expected, found = searched(X, y), searched(library.put(X), library.put(y))
    assert found.best_params_ == expected.best_params_
    scores = np.array([float(s) for s in found.cv_results_["mean_test_score"]])
    assert np.abs(scores - expected.cv_results_["mean_test_score"]).max() <= 1e-4
    values = found.predict(library.put(X_new))
    assert apart(library, values, expected.predict(X_new), y.std()) <= 1e-3


def test_chunks_of_a_stream(library, regression):
    X, y, X_new, _ = regression
    params = {"landmarks": 50, "max_iter": 50}
    expected, model = MSKRegressor(**params), MSKRegressor(**params)
    for part in (slice(200), slice(200, None)):
        expected.partial_fit(X[part], y[part])
        model.partial_fit(library.put(X[part]), library.put(y[part]))
    found = model.predict(library.put(X_new))
    assert apart(library, found, expected.predict(X_new), y.std()) <= SINGLE


def test_paths_files_and_moves(library, regression):
    from sklearn.utils._array_api import move_estimator_to

    X, y, X_new, _ = regression
    params = {"store_trajectory": True, "max_iter": 20}
    expected = MSKRegressor(**params).fit(X, y)
    model = MSKRegressor(**params).fit(library.put(X), library.put(y))
    steps = model.staged_predict(library.put(X_new), [3, 20])
    of_numpy = expected.staged_predict(X_new, [3, 20])
    for found, values in zip(steps, of_numpy, strict=True):
        assert apart(library, found, values, y.std()) <= SINGLE
    assert (
        np.abs(
            library.back(model.trajectory_.coef(5)) - expected.trajectory_.coef(5)
        ).max()
        <= SINGLE * np.abs(expected.dual_coef_).max()
    )
    again = pickle.loads(pickle.dumps(model)).predict(library.put(X_new))
    assert apart(library, again, expected.predict(X_new), y.std()) <= SINGLE
    moved = move_estimator_to(model, np, "cpu")
    with sklearn.config_context(array_api_dispatch=False):
        values = moved.predict(X_new)
        assert np.abs(values - expected.predict(X_new)).max() <= SINGLE * y.std()
        assert np.isfinite(moved.trajectory_.coef(5)).all()


def test_models_move_from_numpy(library, regression, labelled):
    from sklearn.utils._array_api import move_estimator_to

    if library.widest == np.float32:
        pytest.skip("models of devices without float64 are NumPy's")
    X, y, X_new, _ = regression
    there = library.put(X_new)
    xp, device = _array_api.namespace(there), _array_api.Place(there[:0, :]).device
    expected = MSKRegressorCV("rbf", metrics="none").fit(X, y)
    moved = move_estimator_to(expected, xp, device)
    found = moved.predict_interval(there)
    assert apart(library, found, expected.predict_interval(X_new), y.std()) <= EXACT
    X, y, X_new = labelled
    expected = MSKClassifier().fit(X, np.array(["a", "b", "c"])[y])
    labels = move_estimator_to(expected, xp, device).predict(library.put(X_new))
    assert np.array_equal(labels, expected.predict(X_new))


def test_chosen_models_move_with_their_intervals(library, regression):
    from sklearn.utils._array_api import move_estimator_to

    X, y, X_new, _ = regression
    params = {"metrics": "none", "kernels": "rbf"}
    expected = MSKRegressorCV(**params).fit(X, y).predict_interval(X_new)
    model = MSKRegressorCV(**params).fit(library.put(X), library.put(y))
    moved = move_estimator_to(model, np, "cpu").predict_interval(X_new)
    assert np.abs(moved - expected).max() <= 1e-3 * y.std()


def test_a_precomputed_kernel(library, regression):
    X, y, X_new, _ = regression
    K, K_new = (np.exp(-np.abs(A[:, None] - X).sum(axis=2)) for A in (X, X_new))
    expected = MSKRegressor("precomputed").fit(K, y).predict(K_new)
    model = MSKRegressor("precomputed").fit(library.put(K), library.put(y))
    found = model.predict(library.put(K_new))
    assert apart(library, found, expected, y.std()) <= SINGLE
    # As many new rows as training rows, and fewer.
    kernel = MSKKernel("precomputed", k=5).fit(library.put(K))
    of_numpy = MSKKernel("precomputed", k=5).fit(K)
    for part in (K_new, np.vstack([K_new, K])[: len(K)]):
        found = kernel.transform(library.put(part))
        assert apart(library, found, of_numpy.transform(part)) <= 1e-5


@pytest.mark.parametrize("params", [{"k": 0}, {"k": 0, "alpha": 0.1, "solver": "eigh"}])
def test_no_directions_and_a_single_row(library, regression, params):
    X, y, X_new, _ = regression
    expected = MSKRegressor(max_iter=20, **params).fit(X, y).predict(X_new)
    model = MSKRegressor(max_iter=20, **params).fit(library.put(X), library.put(y))
    found = model.predict(library.put(X_new))
    assert apart(library, found, expected, y.std()) <= SINGLE
    model = MSKRegressor(max_iter=20).fit(library.put(X[:1]), library.put(y[:1]))
    found = model.predict(library.put(X_new))
    assert apart(library, found, y[0], y.std()) <= SINGLE
    assert MSKKernel(k=0).fit_transform(library.put(X)).shape == (len(X), len(X))


def test_a_callable_has_to_be_symmetric(library, regression):
    X, y, *_ = regression

    def kernel(A, B):
        return A @ B.T + A[:, :1]

    with pytest.raises(ValueError, match="must be symmetric"):
        MSKRegressor(kernel).fit(library.put(X), library.put(y))


def test_stores_serve_every_library(library, regression, tmp_path):
    X, y, X_new, _ = regression
    params = {"max_iter": 50, "memory": str(tmp_path)}
    first = MSKRegressor(**params).fit(library.put(X), library.put(y))
    again = MSKRegressor(**params).fit(library.put(X), library.put(y))
    here = MSKRegressor(**params).fit(*(a.astype(library.widest) for a in (X, y)))
    for model in (first, again):
        found = model.predict(library.put(X_new))
        assert apart(library, found, here.predict(X_new), y.std()) <= SINGLE


def test_searches_in_processes(library, regression):
    X, y, *_ = regression
    search = MSKGridSearchCV(
        MSKRegressor(max_iter=20), {"k": [5, 20]}, cv=2, n_jobs=2, error_score="raise"
    )
    search.fit(library.put(X), library.put(y))
    assert np.isfinite([float(s) for s in search.cv_results_["mean_test_score"]]).all()


def test_steps_and_ridges_may_be_there(library, regression):
    X, y, X_new, _ = regression
    there = library.put(X), library.put(y)
    model = MSKRegressor(max_iter=9, store_trajectory=True).fit(*there)
    steps = list(model.staged_predict(library.put(X_new), model.path_iterations_))
    assert len(steps) == 9
    alphas = library.put(np.array([0.1, 1.0]))
    chosen = MSKRegressorCV("rbf", metrics="none", alphas=alphas).fit(*there)
    assert float(chosen.alpha_) > 0


def test_a_kernel_is_refused_before_the_choice(library, regression):
    X, y, *_ = regression
    place = _array_api.place_of(library.put(X))
    model = MSKRegressorCV([Matern(nu=0.7)], metrics="none")
    if place.engine is None:
        model.fit(library.put(X[:50]), library.put(y[:50]))
    else:
        with pytest.raises(ValueError, match=r"Matern.* NumPy arrays only"):
            model.fit(library.put(X), library.put(y))


@pytest.mark.filterwarnings("ignore:invalid value encountered in divide")
def test_displays_show_models_of_any_library(library, regression):
    X, y, *_ = regression
    there = library.put(X), library.put(y)
    model = MSKRegressor(max_iter=20, store_trajectory=True).fit(*there)
    shown = SpectrumDisplay.from_estimator(model, *there)
    assert isinstance(shown.eigenvalues, np.ndarray)
    shown = DynamicsDisplay.from_estimator(model, *there)
    assert np.isfinite(shown.train_errors).all()
    chosen = MSKRegressorCV("rbf", metrics="diagonal").fit(*there)
    steps = make_pipeline(StandardScaler(), LearnedMetric()).fit(*there)
    for estimator in (chosen, steps):
        shown = ImportancesDisplay.from_estimator(estimator)
        assert isinstance(shown.importances, np.ndarray)
    assert CandidatesDisplay.from_estimator(chosen).best_index >= 0
    shown = IntervalCalibrationDisplay.from_estimator(chosen, *there)
    assert np.isfinite(shown.coverages).all()


@pytest.mark.parametrize(
    "estimator",
    [PartitionedRegressor(), PartitionedClassifier(), WideNetworkRegressor()],
)
def test_estimators_of_numpy_alone_say_so(library, regression, estimator):
    X, y, *_ = regression
    name = type(estimator).__name__
    with pytest.raises(
        TypeError, match=rf"{name} takes NumPy arrays.* Got .*; convert"
    ):
        estimator.fit(library.put(X), library.put(y))


def test_targets_of_numpy_follow_the_rows(library, regression):
    X, y, X_new, _ = regression
    model = MSKRegressor(max_iter=20).fit(library.put(X), y, np.ones(len(y)))
    assert is_foreign(model.predict(library.put(X_new)))


def test_rows_elsewhere_than_the_model_are_refused(library, regression):
    X, y, X_new, _ = regression
    there = MSKRegressor(max_iter=20).fit(library.put(X), library.put(y))
    here = MSKRegressor(max_iter=20).fit(X, y)
    pairs = [(there, X_new), (here, library.put(X_new))]
    if library.widest == np.float32:
        # Models of devices without float64 are NumPy's, and predict for either.
        pairs = []
    for model, rows in pairs:
        with pytest.raises(ValueError, match=r"must use the same namespace .* Move"):
            model.predict(rows)


def test_rows_that_are_no_numbers_are_refused(library, regression):
    X, y, *_ = regression
    X = X.copy()
    X[3, 2] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        MSKRegressor().fit(library.put(X), library.put(y))


def test_the_share_of_the_memory_of_a_device_is_checked(library, monkeypatch):
    from sklearn_msk import _memory

    monkeypatch.setattr(_memory, "_free_on_device", lambda like: 1000.0)
    like = library.put(np.zeros(1))
    assert _memory.device_memory_limit(like) == 750.0
    monkeypatch.setenv("SKLEARN_MSK_DEVICE_MEMORY_SHARE", "0.5")
    assert _memory.device_memory_limit(like) == 500.0
    monkeypatch.setenv("SKLEARN_MSK_DEVICE_MEMORY_SHARE", "2")
    with pytest.raises(ValueError, match=r"above 0 and up to 1.* Got '2'"):
        _memory.device_memory_limit(like)

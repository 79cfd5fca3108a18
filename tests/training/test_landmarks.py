"""Training on landmarks against the exact model, and chunk by chunk."""

import pickle

import numpy as np
import pytest
from problems import CountedKernel, recurrence
from sklearn.base import clone
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import check_estimator

from sklearn_msk import MSKClassifier, MSKGridSearchCV, MSKRegressor
from sklearn_msk.kernels import NTK
from sklearn_msk.spectral_maps import Power

TIGHT = {"tol": 1e-10, "eigen_solver": "dense"}


@pytest.fixture(scope="module")
def rows():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((400, 3))
    Y = np.column_stack([np.sin(3 * X[:, 0]) + X[:, 1], 7 + X[:, 2] ** 2])
    return X, Y, rng.uniform(0.5, 2.0, 400), rng.standard_normal((50, 3))


@pytest.mark.parametrize("selection", ["uniform", "rpcholesky"])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"k": 0, "max_iter": 1},
        {"max_iter": np.inf},
        {"max_iter": np.inf, "alpha": 0.3},
        {"dynamics": "descent", "learning_rate": 1.7, "max_iter": 1000},
        {"g": Power(0.5), "k": 7, "alpha": 0.1},
        {"g": "lift", "k": 3, "fit_intercept": False},
        {"kernel": "laplacian"},
        {"kernel": NTK(depth=2)},
    ],
)
def test_all_rows_as_landmarks_are_the_exact_model(params, selection, rows):
    X, Y, weights, Z = rows
    params = {"k": 50, "max_iter": 100} | params
    exact = MSKRegressor(**params, **TIGHT).fit(X, Y, weights)
    model = MSKRegressor(
        **params, **TIGHT, landmarks=400, landmark_selection=selection
    ).fit(X, Y, weights)
    assert np.linalg.cond(exact.kernel_(X)) < 1e6
    np.testing.assert_allclose(model.predict(Z), exact.predict(Z), atol=1e-8)
    np.testing.assert_allclose(model.intercept_, exact.intercept_)
    np.testing.assert_allclose(
        model.spectrum_.eigenvalues, exact.spectrum_.eigenvalues, rtol=1e-9
    )
    np.testing.assert_allclose(model.learning_rate_, exact.learning_rate_, rtol=1e-9)
    assert model.n_products_ == 0


@pytest.mark.parametrize("condition", [1e3, 1e6])
def test_ill_conditioned_kernels_to_the_limit(condition):
    """The kernel is inverted through its factor, not through its square."""
    X = np.linspace(0, 1, 60)[:, None]
    kernel = RBF(0.01)
    while np.linalg.cond(kernel(X)) < condition:
        kernel = RBF(kernel.length_scale * 1.01)
    y = np.random.RandomState(0).standard_normal(60)
    params = {"max_iter": np.inf, "k": 0}
    exact = MSKRegressor(kernel, **params).fit(X, y)
    model = MSKRegressor(kernel, landmarks=60, **params).fit(X, y)
    Z = np.linspace(0, 1, 301)[:, None]
    np.testing.assert_allclose(model.predict(Z), exact.predict(Z), atol=1e-6)


@pytest.mark.parametrize("solver", ["lanczos", "eigh", "gd", "auto"])
def test_steps_are_those_of_the_design(solver, rows):
    """``c <- c - eta S (A c - b)`` with ``A = Phi^T D Phi``, written out."""
    X, Y, weights, Z = rows
    landmarks, k = X[:30], 8
    values, vectors = np.linalg.eigh(NTK()(landmarks))
    root = (vectors / np.sqrt(values)) @ vectors.T
    D = weights / weights.sum()
    phi = NTK()(X, landmarks) @ root
    A = (phi.T * D) @ phi
    lam, V = np.linalg.eigh(A)
    lam, V = lam[::-1][:k], V[:, ::-1][:, :k]
    S = np.eye(30) - (V * (1 - lam[-1] / lam)) @ V.T
    mean = np.average(Y, axis=0, weights=weights)
    c = np.zeros((30, 2))
    eta = 1.0 / lam[-1]
    for _ in range(50):
        c = c - eta * S @ (A @ c - (phi.T * D) @ (Y - mean))
    model = MSKRegressor(
        NTK(),
        k=k,
        landmarks=landmarks,
        solver=solver,
        dynamics="descent",
        max_iter=50,
        **TIGHT,
    ).fit(X, Y, weights)
    np.testing.assert_allclose(model.learning_rate_, eta, rtol=1e-10)
    expected = NTK()(Z, landmarks) @ root @ c + mean
    np.testing.assert_allclose(model.predict(Z), expected, atol=1e-7)


def test_recurrence_of_the_exact_model_is_that_of_the_landmarks(rows):
    """The other reference: all rows as landmarks, the literal loop on K."""
    X, Y = rows[0][:60], rows[1][:60]
    common = {"k": 0, "dynamics": "descent", "max_iter": 30}
    model = MSKRegressor(NTK(), landmarks=X, **common).fit(X, Y)
    K, mean = NTK()(X), Y.mean(axis=0)
    a = recurrence(K, Y - mean, np.eye(60), model.learning_rate_, 30)
    np.testing.assert_allclose(model.predict(X), K @ a + mean, atol=1e-9)


def test_order_and_repetition_of_rows_change_nothing(rows):
    X, Y, _, Z = rows
    counts = np.random.RandomState(1).randint(0, 4, 400)
    order = np.random.RandomState(2).permutation(np.repeat(np.arange(400), counts))
    for selection in ("uniform", "rpcholesky"):
        model = MSKRegressor(landmarks=25, landmark_selection=selection)
        weighted = clone(model).fit(X, Y, counts)
        repeated = clone(model).fit(X[order], Y[order])
        np.testing.assert_array_equal(weighted.X_fit_, repeated.X_fit_)
        np.testing.assert_allclose(weighted.predict(Z), repeated.predict(Z), rtol=1e-9)
        assert repeated.n_samples_seen_ == counts.sum()


@pytest.mark.parametrize("chunk", [1, 7, 150, 400])
@pytest.mark.parametrize("target", [0, slice(None)])
def test_chunks_equal_the_whole(chunk, target, rows):
    """In any order, weighted, with predictions in between and pickled half-way."""
    X, Y, weights, Z = rows
    y = Y[:, target]
    whole = MSKRegressor(landmarks=X[::20]).fit(X, y, weights)
    model = MSKRegressor(landmarks=X[::20])
    for start in reversed(range(0, 400, chunk)):
        part = slice(start, start + chunk)
        model.partial_fit(X[part], y[part], weights[part])
        model = pickle.loads(pickle.dumps(model))
    np.testing.assert_allclose(model.predict(Z), whole.predict(Z), rtol=1e-9)
    np.testing.assert_allclose(model.intercept_, whole.intercept_)
    assert model.n_samples_seen_ == whole.n_samples_seen_ == 400


def test_landmarks_of_a_number_come_from_the_first_chunk(rows):
    X, Y, _, Z = rows
    model = MSKRegressor(landmarks=20)
    model.partial_fit(X[:100], Y[:100]).partial_fit(X[100:], Y[100:])
    first = {row.tobytes() for row in X[:100]}
    assert {row.tobytes() for row in model.X_fit_} <= first
    expected = MSKRegressor(landmarks=model.X_fit_).fit(X, Y)
    np.testing.assert_allclose(model.predict(Z), expected.predict(Z), rtol=1e-9)


def test_training_may_change_between_chunks(rows):
    X, Y, _, Z = rows
    model = MSKRegressor(landmarks=X[:20], k=2, max_iter=3).partial_fit(X[:90], Y[:90])
    model.set_params(k=9, max_iter=500, alpha=0.1, g="lift")
    model.partial_fit(X[90:], Y[90:])
    expected = clone(model).fit(X, Y)
    np.testing.assert_allclose(model.predict(Z), expected.predict(Z), rtol=1e-9)


INTERRUPTED = set()


def kernel_that_is_interrupted(X, Y):
    if "pass" in INTERRUPTED and len(X) > 100:
        raise KeyboardInterrupt
    return NTK()(X, Y)


def map_that_is_interrupted(eigenvalues):
    if "training" in INTERRUPTED:
        raise KeyboardInterrupt
    return np.full_like(eigenvalues, eigenvalues[-1])


@pytest.mark.parametrize("at", ["pass", "training"])
def test_interrupted_chunks_leave_the_model(at, rows):
    X, Y, _, Z = rows
    model = MSKRegressor(kernel_that_is_interrupted, landmarks=X[:20])
    model.set_params(g=map_that_is_interrupted).partial_fit(X[:200], Y[:200])
    before = pickle.dumps(model)
    INTERRUPTED.add(at)
    try:
        with pytest.raises(KeyboardInterrupt):
            model.partial_fit(X[200:], Y[200:])
    finally:
        INTERRUPTED.clear()
    assert pickle.dumps(model) == before
    model.partial_fit(X[200:], Y[200:])
    whole = clone(model).fit(X, Y)
    np.testing.assert_allclose(model.predict(Z), whole.predict(Z), rtol=1e-9)


def test_fit_begins_anew_and_partial_fit_goes_on(rows):
    X, Y, _, Z = rows
    model = MSKRegressor(landmarks=X[:20]).partial_fit(X[:100], Y[:100])
    model.fit(X[:300], Y[:300])
    assert model.n_samples_seen_ == 300
    model.partial_fit(X[300:], Y[300:])
    expected = MSKRegressor(landmarks=X[:20]).fit(X, Y)
    np.testing.assert_allclose(model.predict(Z), expected.predict(Z), rtol=1e-9)


def test_files_hold_the_sums_of_a_stream_only(rows):
    X, Y, _, Z = rows
    model = MSKRegressor(landmarks=X[:20])
    stream = len(pickle.dumps(model.partial_fit(X, Y)))
    file = pickle.dumps(model.fit(X, Y))
    assert len(file) < stream - 8 * 20 * 20
    loaded = pickle.loads(file)
    np.testing.assert_array_equal(loaded.predict(Z), model.predict(Z))
    for cannot in (loaded, MSKRegressor().fit(X, Y).set_params(landmarks=9)):
        with pytest.raises(ValueError, match="no sums to go on from"):
            cannot.partial_fit(X, Y)


def test_memory_maps_are_read_in_blocks(rows, tmp_path):
    X, Y, _, Z = rows
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", Y[:, 0])
    X_map = np.load(tmp_path / "X.npy", mmap_mode="r")
    y_map = np.load(tmp_path / "y.npy", mmap_mode="r")
    expected = MSKRegressor(landmarks=30).fit(X, Y[:, 0])
    model = MSKRegressor(landmarks=30).fit(X_map, y_map)
    np.testing.assert_array_equal(model.predict(Z), expected.predict(Z))
    model = MSKRegressor(landmarks=expected.X_fit_)
    for start in range(0, 400, 99):
        part = slice(start, start + 99)
        model.partial_fit(X_map[part], y_map[part])
    np.testing.assert_allclose(model.predict(Z), expected.predict(Z), rtol=1e-9)


def test_single_precision_is_computed_in_double(rows):
    X, Y, _, Z = (part.astype(np.float32) for part in rows)
    single = MSKRegressor(landmarks=30).fit(X, Y)
    double = MSKRegressor(landmarks=30).fit(X.astype(float), Y.astype(float))
    assert single.predict(Z).dtype == single.dual_coef_.dtype == np.float64
    np.testing.assert_allclose(single.predict(Z), double.predict(Z), rtol=1e-9)


@pytest.fixture(scope="module")
def many():
    rng = np.random.RandomState(0)
    X = rng.uniform(size=(3000, 5))
    Y = np.column_stack([np.sin(9 * X[:, 0] * X[:, 1]) + X[:, 2], 7 + X[:, 3] ** 2])
    Y += 0.1 * rng.standard_normal(Y.shape)
    return X, Y, rng.uniform(0.1, 2.0, 3000), rng.uniform(size=(200, 5))


def in_mixed_precision(model):
    return model._pass.features.deflation is not None


SUMMED = [
    {"kernel": "laplacian"},
    {"kernel": "laplacian", "max_iter": 1e5, "k": 0},
    {"kernel": "laplacian", "max_iter": np.inf, "alpha": 1e-3},
    {"kernel": "laplacian", "dynamics": "descent", "learning_rate": 1.9},
    {"kernel": "laplacian", "solver": "lanczos", "g": "lift"},
    {"kernel": NTK(depth=2)},
    {"kernel": RBF(0.7)},
    {"kernel": RBF(30.0), "k": 5, "landmarks": 2000},
]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("params", SUMMED)
def test_sums_in_mixed_precision_keep_the_tolerance(params, weighted, many):
    """With the smallest `tol` that allows them, by a quarter of it and less."""
    X, Y, weights, Z = many
    weights = weights if weighted else None
    tol = 5e-5
    params = {"k": 50, "max_iter": 1000, "landmarks": 1000, "tol": tol} | params
    model = MSKRegressor(**params).fit(X, Y, weights)
    smooth = params["kernel"] == RBF(30.0)
    assert in_mixed_precision(model) != smooth  # its rank is too small to gain
    exact = clone(model).set_params(tol=1e-10).fit(X, Y, weights)
    assert not in_mixed_precision(exact)
    for rows in (X, Z):
        moved = model.predict(rows) - exact.predict(rows)
        size = np.sqrt(np.mean((Y - Y.mean(axis=0)) ** 2, axis=0))
        assert np.all(np.sqrt(np.mean(moved**2, axis=0)) <= 0.25 * tol * size)
    np.testing.assert_allclose(
        model.spectrum_.eigenvalues, exact.spectrum_.eigenvalues, rtol=1e-6
    )


@pytest.mark.parametrize(
    "exact", [{"tol": 4e-5}, {"max_iter": np.inf}, {"landmarks": 900}]
)
def test_double_precision_where_it_is_needed_or_no_slower(exact, many):
    X, Y, _, _ = many
    params = {"landmarks": 1000, "max_iter": 100} | exact
    assert not in_mixed_precision(MSKRegressor("laplacian", **params).fit(X, Y))


def test_chunks_in_mixed_precision(many):
    """A stream keeps the precision of its first chunk, which has to be enough."""
    X, Y, weights, Z = many
    model = MSKRegressor("laplacian", landmarks=X[::3], max_iter=100)
    whole = clone(model).fit(X, Y, weights)
    for part in (slice(0, 2000), slice(2000, 2100), slice(2100, None)):
        model.partial_fit(X[part], Y[part], weights[part])
        model = pickle.loads(pickle.dumps(model))
    assert in_mixed_precision(model)
    np.testing.assert_allclose(model.predict(Z), whole.predict(Z), atol=1e-5)
    for too_exact in ({"tol": 1e-5}, {"tol": 1e-4, "max_iter": np.inf}):
        model.set_params(**too_exact)
        with pytest.raises(ValueError, match=r"in float32\. These need tol=5e-05"):
            model.partial_fit(X[:10], Y[:10])


def test_classes_in_mixed_precision(many):
    X, Y, weights, Z = many
    labels = np.digitize(Y[:, 0], [0.3, 0.9])
    model = MSKClassifier("laplacian", landmarks=1000, max_iter=100)
    model.fit(X, labels, weights)
    exact = clone(model).set_params(tol=1e-10).fit(X, labels, weights)
    assert in_mixed_precision(model)
    np.testing.assert_allclose(
        model.decision_function(Z), exact.decision_function(Z), atol=1e-5
    )


def test_early_stopping_in_mixed_precision(many):
    X, Y, _, Z = many
    model = MSKRegressor("laplacian", landmarks=1000).fit(X, Y[:, 0])
    exact = clone(model).set_params(tol=1e-10).fit(X, Y[:, 0])
    assert in_mixed_precision(model)
    assert not in_mixed_precision(exact)
    assert model.n_iter_ == exact.n_iter_
    np.testing.assert_allclose(model.predict(Z), exact.predict(Z), atol=1e-5)


def test_memory_tells_the_precisions_apart(many, tmp_path):
    X, Y, _, Z = many
    model = MSKRegressor("laplacian", landmarks=1000, max_iter=100)
    model.set_params(memory=str(tmp_path))
    for tol in (1e-4, 1e-10):
        stored = model.set_params(tol=tol).fit(X, Y).predict(Z)
        plain = clone(model).set_params(memory=None).fit(X, Y).predict(Z)
        np.testing.assert_array_equal(stored, plain)


def test_path_and_search_on_landmarks(rows):
    X, Y, _, Z = rows
    model = MSKRegressor(landmarks=30, store_trajectory=True, max_iter=50).fit(X, Y)
    stages = list(model.staged_predict(Z, [7, 50]))
    np.testing.assert_allclose(stages[1], model.predict(Z), rtol=1e-12)
    short = clone(model).set_params(max_iter=7).fit(X, Y).predict(Z)
    np.testing.assert_allclose(stages[0], short, rtol=1e-9)


def passes(kernel):
    """Rows of the passes, which are longer than the rows held out and the pivots'."""
    return [n for n, n_landmarks in kernel.sizes if n_landmarks in (25, 26) and n > 260]


def test_search_passes_over_the_rows_once_a_fold(rows):
    X, Y, weights, _ = rows
    grid = {"k": [0, 5, 20], "max_iter": [1, 30, np.inf], "alpha": [0.0, 0.1]}
    kernel = CountedKernel()
    model = MSKRegressor(kernel, landmarks=25, landmark_selection="rpcholesky")
    plain = GridSearchCV(model, grid, cv=3).fit(X, Y, sample_weight=weights)
    kernel.sizes.clear()
    search = MSKGridSearchCV(model, grid, cv=3).fit(X, Y, sample_weight=weights)
    assert passes(kernel) == [266, 267, 267, 400]
    for name in ("mean_test_score", "split2_test_score"):
        np.testing.assert_allclose(
            search.cv_results_[name], plain.cv_results_[name], atol=1e-9
        )
    assert search.best_params_ == plain.best_params_


def test_memory_keeps_the_pass(rows, tmp_path):
    X, Y, _, Z = rows
    kernel = CountedKernel()
    common = {"k": 50, "max_iter": 100, "landmarks": 25}
    model = MSKRegressor(kernel, **common, memory=str(tmp_path))
    plain = MSKRegressor(NTK(), **common).fit(X, Y).predict(Z)
    for k in (3, 50, 10):
        model.set_params(k=k).fit(X, Y)
    model.set_params(k=50).fit(X, Y)
    assert passes(kernel) == [400]
    np.testing.assert_allclose(model.predict(Z), plain, rtol=1e-11)
    model.set_params(landmarks=26).fit(X, Y)
    model.fit(X, Y + 1)
    assert passes(kernel) == [400] * 3


def test_kernel_that_is_zero_predicts_the_mean(rows):
    X, Y, _, Z = rows
    for params in ({}, {"max_iter": np.inf}, {"alpha": 1.0, "k": 0}):
        model = MSKRegressor("linear", landmarks=np.zeros((4, 3)), **params).fit(X, Y)
        np.testing.assert_allclose(model.predict(Z), np.tile(Y.mean(0), (50, 1)))


def test_repeated_landmarks_and_rows(rows):
    X, Y, _, Z = rows
    once = MSKRegressor(landmarks=X[:20]).fit(X, Y)
    twice = MSKRegressor(landmarks=np.vstack([X[:20], X[:20]])).fit(X, Y)
    np.testing.assert_allclose(once.predict(Z), twice.predict(Z), rtol=1e-8)
    few = MSKRegressor(landmarks=100).fit(
        np.tile(X[:20], (20, 1)), np.tile(Y[:20], (20, 1))
    )
    np.testing.assert_allclose(
        few.predict(Z),
        MSKRegressor(landmarks=20).fit(X[:20], Y[:20]).predict(Z),
        rtol=1e-8,
    )


@pytest.mark.parametrize(
    "params",
    [
        {"landmarks": 9, "kernel": "linear"},
        {
            # Nine functions of a bounded kernel are too few for ten linear features.
            "kernel": NTK(),
            "landmarks": 9,
            "landmark_selection": "rpcholesky",
            "max_iter": np.inf,
        },
        {
            "landmarks": 9,
            "kernel": "linear",
            "landmark_selection": "rpcholesky",
            "solver": "lanczos",
        },
    ],
)
def test_sklearn_compatible(params):
    results = check_estimator(MSKRegressor(**params), on_skip=None)
    # Skipped are the checks of libraries of arrays that are not installed.
    for result in results:
        foreign = result["check_name"].startswith("check_array_api")
        assert result["status"] == "passed" or (
            foreign and result["status"] == "skipped"
        )


BAD = [
    ({"landmarks": 0}, {}, r"'landmarks' parameter .* \[1, inf\).* Got 0"),
    ({"landmarks": True}, {}, r"'landmarks' parameter .* Got True"),
    ({"landmarks": 2.5}, {}, r"'landmarks' parameter .* Got 2.5"),
    ({"landmarks": 401}, {}, r"landmarks=401 is larger than n_samples=400, .* exact"),
    ({"landmarks": np.ones((4, 2))}, {}, r"the 3 features of X. Got .*\(4, 2\)"),
    ({"landmarks": np.full((4, 3), np.nan)}, {}, "Input landmarks contains NaN"),
    ({"landmarks": np.ones(3)}, {}, "Expected 2D array, got 1D array"),
    ({"landmarks": 3, "landmark_selection": "kmeans"}, {}, "Got 'kmeans'"),
    (
        {"landmarks": 3, "kernel": "precomputed", "max_iter": 100},
        {},
        "landmarks' needs a kernel that",
    ),
    (
        {"landmarks": 3, "kernel": RBF() + WhiteKernel()},
        {},
        r"white noise.* set alpha to its variance",
    ),
    (
        {
            "landmarks": 3,
            "kernel": RBF() + WhiteKernel(),
            "landmark_selection": "rpcholesky",
        },
        {},
        "white noise",
    ),
    ({"landmarks": 9, "kernel": "sigmoid"}, {}, "must be positive semi-definite"),
    ({"landmarks": 3}, {"sample_weight": np.zeros(400)}, "must not be all zero"),
    (
        {"landmarks": 30},
        {"sample_weight": np.arange(400) < 20},
        r"landmarks=30 is larger than n_samples=20, .*positive weight",
    ),
]


@pytest.mark.parametrize(("params", "options", "message"), BAD)
def test_bad_input(params, options, message, rows):
    X, Y, _, _ = rows
    model = MSKRegressor(**params)
    before = dict(vars(model))
    methods = ["fit"] if options else ["fit", "partial_fit"]
    for method in methods:
        with pytest.raises(ValueError, match=message):
            getattr(model, method)(X, Y, **options)
        assert vars(model).keys() == before.keys()


def test_bad_chunks_leave_the_model(rows):
    X, Y, _, Z = rows
    model = MSKRegressor(landmarks=X[:20]).partial_fit(X[:200], Y[:200])
    before = model.predict(Z)
    for chunk, params, message in (
        ((X[:9, :2], Y[:9]), {}, "X has 2 features, but MSKRegressor is expecting 3"),
        ((X[:9], Y[:9, 0]), {}, r"the first: shape \(n_samples, 2\). Got shape \(n_s"),
        ((X[:9], np.ones((9, 3))), {}, r"Got shape \(n_samples, 3\) instead"),
        ((X[:9] * np.nan, Y[:9]), {}, "contains NaN"),
        ((X[:9], Y[:8]), {}, "inconsistent numbers of samples"),
        ((X[:9], Y[:9]), {"landmarks": 20}, "goes on with the 'landmarks' that it"),
        (
            (X[:9], Y[:9]),
            {"landmarks": X[:3]},
            r"of shape \(20, 3\). Got another",
        ),
        ((X[:9], Y[:9]), {"kernel": "rbf"}, "goes on with the 'kernel' that it began"),
        ((X[:9], Y[:9]), {"k": -1}, "'k' parameter"),
    ):
        changed = pickle.loads(pickle.dumps(model)).set_params(**params)
        with pytest.raises(ValueError, match=message):
            changed.partial_fit(*chunk)
        np.testing.assert_array_equal(changed.predict(Z), before)
        assert changed.n_samples_seen_ == 200
    model.partial_fit(X[200:], Y[200:], np.zeros(200))
    np.testing.assert_allclose(model.predict(Z), before, rtol=1e-12)


def test_partial_fit_needs_landmarks(rows):
    assert not hasattr(MSKRegressor(), "partial_fit")
    with pytest.raises(AttributeError) as error:
        MSKRegressor().partial_fit(*rows[:2])
    assert "set landmarks to a number" in str(error.value)


def test_landmarks_are_kept_as_they_were(rows):
    X, Y, _, Z = rows
    landmarks = X[:20].copy()
    model = MSKRegressor(landmarks=landmarks).fit(X, Y)
    before = model.predict(Z)
    landmarks *= 2
    np.testing.assert_array_equal(model.predict(Z), before)


def test_chunk_of_one_weight_for_all(rows):
    X, Y, _, Z = rows
    model = MSKRegressor(landmarks=X[:20]).partial_fit(X[:200], Y[:200], 2.0)
    before = model.predict(Z)
    np.testing.assert_allclose(
        model.partial_fit(X, Y, 0.0).predict(Z), before, rtol=1e-9
    )


def test_rates_that_fall_by_many_orders_are_exact():
    """``p_T(g) g / lam`` mode by mode, in an independent order of operations."""
    X = np.random.RandomState(0).uniform(-1, 1, (200, 1))
    y = np.sin(3 * X[:, 0])
    model = MSKRegressor(
        RBF(1.0), landmarks=X[:60], k=60, max_iter=3, store_trajectory=True
    ).fit(X, y)
    lam, g = model.spectrum_.eigenvalues, model.modified_eigenvalues_
    assert lam[0] / lam[-1] > 1e12
    (modes,) = model.trajectory_.modes
    np.testing.assert_allclose(modes.eigenvalues[: model.k_], g, rtol=1e-12)


def test_landmarks_in_a_data_frame(rows):
    pandas = pytest.importorskip("pandas")
    X, Y, _, _ = rows
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    model = MSKRegressor(landmarks=frame[:20]).fit(frame, Y)
    expected = MSKRegressor(landmarks=X[:20]).fit(X, Y)
    np.testing.assert_allclose(model.predict(frame), expected.predict(X), rtol=1e-9)
    model.set_params(landmarks=frame.loc[:19, ["b", "a", "c"]])
    with pytest.raises(ValueError, match=r"in this order. Got \['b', 'a', 'c'\]"):
        model.fit(frame, Y)


def test_pivots_are_looked_for_on_ten_times_as_many_rows(rows):
    X, Y, _, _ = rows
    kernel = CountedKernel()
    model = MSKRegressor(kernel, max_iter=100, landmarks=12)
    model.set_params(landmark_selection="rpcholesky").fit(X, Y)
    assert kernel.sizes[-1] == (400, 12)
    assert max(n for n, _ in kernel.sizes[:-1]) == 120

"""The model without tuning: when it chooses its number of steps, and by which rows."""

import numpy as np
import pytest
from problems import blobs
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import (
    check_sample_weight_equivalence_on_dense_data,
)

from sklearn_msk import MSKClassifier, MSKGridSearchCV, MSKRegressor
from sklearn_msk._selection import hold_out, number_rows

EQUAL = {"rtol": 0, "atol": 1e-9}


def noisy(n=120, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    return X, np.sin(2 * X[:, 0]) + rng.normal(size=n)


def has_chosen(model):
    """Whether a fitted model has chosen its steps, which scores are left of."""
    assert hasattr(model, "validation_iterations_") == hasattr(
        model, "validation_scores_"
    )
    return hasattr(model, "validation_scores_")


@pytest.mark.parametrize(("n", "rule"), [(120, "loo"), (400, True)])
def test_without_max_iter_the_steps_are_chosen(n, rule):
    X, y = noisy(n)
    labels = np.digitize(y, [-0.5, 0.5])
    for kind, target in ((MSKRegressor, y), (MSKClassifier, labels)):
        auto = kind("rbf").fit(X, target)
        told = kind("rbf", early_stopping=rule).fit(X, target)
        assert auto.n_iter_ == told.n_iter_ < 100
        np.testing.assert_array_equal(auto.validation_iterations_, np.arange(1, 101))
        np.testing.assert_array_equal(auto.validation_scores_, told.validation_scores_)
        np.testing.assert_array_equal(auto.dual_coef_, told.dual_coef_)


@pytest.mark.parametrize("max_iter", [1, 0.5, 40, np.inf])
def test_max_iter_is_the_number_of_steps_where_it_is_given(max_iter):
    X, y = noisy()
    for kind, target in ((MSKRegressor, y), (MSKClassifier, y > 0)):
        model = kind("rbf", max_iter=max_iter).fit(X, target)
        assert not has_chosen(model)
        assert model.n_iter_ == max_iter
        expected = clone(model).set_params(early_stopping=False).fit(X, target)
        np.testing.assert_array_equal(model.dual_coef_, expected.dual_coef_)


def test_without_early_stopping_no_max_iter_is_100():
    X, y = noisy()
    for kind, target in ((MSKRegressor, y), (MSKClassifier, y > 0)):
        model = kind("rbf", early_stopping=False).fit(X, target)
        expected = kind("rbf", max_iter=100).fit(X, target)
        assert not has_chosen(model)
        assert model.n_iter_ == 100
        np.testing.assert_array_equal(model.dual_coef_, expected.dual_coef_)


@pytest.mark.parametrize("rule", [True, "loo"])
def test_the_path_goes_up_to_100_without_max_iter(rule):
    X, y = noisy()
    model = MSKRegressor("rbf", k=5, early_stopping=rule).fit(X, y)
    np.testing.assert_array_equal(model.validation_iterations_, np.arange(1, 101))


@pytest.mark.parametrize("max_iter", [None, 30])
def test_rows_that_are_passed_judge_whatever_max_iter_is(max_iter):
    X, y = noisy()
    held = {"X_val": X[80:], "y_val": y[80:]}
    groups = {"groups": np.arange(80) % 20}
    for arguments in (held, groups):
        model = MSKRegressor("rbf", k=5, max_iter=max_iter)
        model.fit(X[:80], y[:80], **arguments)
        told = clone(model).set_params(early_stopping=True)
        told.fit(X[:80], y[:80], **arguments)
        assert len(model.validation_scores_) == (max_iter or 100)
        np.testing.assert_array_equal(model.validation_scores_, told.validation_scores_)


@pytest.mark.parametrize(
    ("params", "X", "y"),
    [
        ({}, *noisy(19)),
        ({}, *(np.tile(part, (7,) + (1,) * (part.ndim - 1)) for part in noisy(19))),
        ({"landmarks": 60}, *noisy(66)),
        ({"validation_fraction": 0.999}, *noisy(350)),
        ({"kernel": "precomputed"}, *(lambda X, y: (X @ X.T, y))(*noisy(19))),
        ({"kernel": "linear"}, *(lambda X, y: (csr_matrix(X), y))(*noisy(19))),
        ({}, np.ones((50, 2)), np.arange(50.0)),
    ],
    ids=[
        "19 rows",
        "19 distinct rows",
        "landmarks",
        "fraction",
        "precomputed",
        "sparse",
        "1 distinct row",
    ],
)
def test_rows_that_cannot_judge_let_all_steps_be_taken(params, X, y):
    params = {"kernel": "rbf"} | params
    model = MSKRegressor(**params).fit(X, y)
    assert not has_chosen(model)
    assert model.n_iter_ == 100
    expected = clone(model).set_params(early_stopping=False).fit(X, y)
    np.testing.assert_array_equal(model.dual_coef_, expected.dual_coef_)


def test_as_few_rows_as_can_judge():
    X, y = noisy(20)
    assert has_chosen(MSKRegressor("rbf").fit(X, y))
    X, y = noisy(67)
    assert has_chosen(MSKRegressor("rbf", landmarks=60).fit(X, y))


def test_classes_that_cannot_judge_let_all_steps_be_taken():
    X, _ = noisy(400)
    one_row = np.repeat(["x", "a", "b"], [1, 200, 199])
    copies = np.repeat(["x", "a", "b"], [3, 200, 197])
    same = X.copy()
    same[:3] = X[0]
    many = np.arange(400) // 2
    for rows, labels in ((X, one_row), (same, copies), (X, many)):
        model = MSKClassifier("rbf").fit(rows, labels)
        assert not has_chosen(model)
        assert model.n_iter_ == 100
    weights = (copies != "x").astype(float)
    assert has_chosen(MSKClassifier("rbf").fit(same, copies, weights))
    one_class = (copies == "a").astype(float)
    assert not has_chosen(MSKClassifier("rbf").fit(X, copies, one_class))


def test_streams_and_dask_arrays_take_all_steps():
    X, y = noisy()
    model = MSKRegressor("rbf", landmarks=20)
    model.partial_fit(X[:60], y[:60]).partial_fit(X[60:], y[60:])
    assert not has_chosen(model)
    assert model.n_iter_ == 100
    classes = MSKClassifier("rbf", landmarks=20).partial_fit(X, y > 0)
    assert not has_chosen(classes)
    assert classes.n_iter_ == 100
    da = pytest.importorskip("dask.array")
    lazy = MSKRegressor("rbf", landmarks=20)
    lazy.fit(da.from_array(X, chunks=(50, 3)), da.from_array(y, chunks=50))
    assert not has_chosen(lazy)
    assert lazy.n_iter_ == 100


def test_number_of_directions_without_k():
    for n, k in ((15, 1), (39, 1), (40, 2), (300, 15)):
        X, y = noisy(n)
        assert MSKRegressor("laplacian").fit(X, y).k_ == k
        assert MSKClassifier("laplacian").fit(X, y > 0).k_ == k
        # Distinct rows count, not rows.
        X, y = np.tile(X, (3, 1)), np.tile(y, 3)
        assert MSKRegressor("laplacian").fit(X, y).k_ == k
    X, y = noisy(1100)
    assert MSKRegressor("laplacian").fit(X, y).k_ == 50
    assert MSKRegressor("laplacian", landmarks=100).fit(X, y).k_ == 5


@pytest.mark.parametrize("params", [{"max_iter": [None, 20]}, {"k": [2, None]}])
@pytest.mark.parametrize("estimator", [MSKRegressor("rbf"), MSKClassifier("rbf")])
def test_searches_over_fixed_and_chosen_steps(estimator, params):
    X, y = noisy()
    y = y > 0 if isinstance(estimator, MSKClassifier) else y
    grid = {"alpha": [0.0, 0.1], **params}
    ours, theirs = (
        search(estimator, grid, cv=3).fit(X, y)
        for search in (MSKGridSearchCV, GridSearchCV)
    )
    np.testing.assert_allclose(
        ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"]
    )
    assert ours.best_params_ == theirs.best_params_
    assert ours.best_estimator_.n_iter_ == theirs.best_estimator_.n_iter_


def _rows_and_copies(seed=0):
    """Rows with integer weights, and the same rows repeated as often, in disorder."""
    rng = np.random.default_rng(seed)
    X, y = noisy(60, seed)
    times = rng.integers(0, 4, 60)
    copies = rng.permutation(np.repeat(np.arange(60), times))
    return X, y, times, copies


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"max_iter": 30, "early_stopping": True},
        {"landmarks": 20, "gamma": 0.5},
        {"dynamics": "descent", "solver": "gd"},
        {"kernel": "precomputed"},
    ],
)
def test_weights_are_repetition(params):
    X, y, times, copies = _rows_and_copies()
    params = {"kernel": "rbf", "tol": 1e-10} | params
    if params["kernel"] == "precomputed":
        # Of a kernel matrix the order of the rows counts.
        copies = np.sort(copies)
    for model, target in (
        (MSKRegressor(k=5, **params), y),
        (MSKClassifier(**params), np.digitize(y, [-0.5, 0.5])),
    ):
        rows, repeated = X, X[copies]
        if params["kernel"] == "precomputed":
            rows = np.exp(-np.square(X[:, None] - X).sum(axis=2))
            repeated = rows[np.ix_(copies, copies)]
        weighted = clone(model).fit(rows, target, times)
        expected = clone(model).fit(repeated, target[copies])
        assert has_chosen(weighted)
        np.testing.assert_allclose(
            weighted.validation_scores_, expected.validation_scores_, **EQUAL
        )
        assert weighted.n_iter_ == expected.n_iter_
        if params["kernel"] == "precomputed":
            continue
        values = getattr(expected, "decision_function", expected.predict)
        np.testing.assert_allclose(
            getattr(weighted, "decision_function", weighted.predict)(X),
            values(X),
            atol=1e-7,
        )


@pytest.mark.filterwarnings("ignore:Early stopping of .* chooses")
@pytest.mark.parametrize("rule", [True, "auto"])
@pytest.mark.parametrize("kind", [MSKRegressor, MSKClassifier])
def test_weights_are_repetition_for_scikit_learn(kind, rule):
    check_sample_weight_equivalence_on_dense_data(
        kind.__name__, kind(early_stopping=rule)
    )


@pytest.mark.parametrize("classes", [False, True])
def test_rows_held_out_do_not_depend_on_order_and_units(classes):
    X, y, _ = blobs(3)
    n = len(X)
    order = np.random.default_rng(0).permutation(n)
    labels = y if classes else None
    _, held = hold_out(number_rows(X), 0.2, 3, labels)
    _, other = hold_out(
        number_rows(X[order] * 7.0), 0.2, 3, labels[order] if classes else None
    )
    np.testing.assert_array_equal(np.sort(order[other]), held)
    assert len(held) == -(-n // 5)
    settings = {"eigen_solver": "dense", "tol": 1e-10}
    kind = MSKClassifier if classes else MSKRegressor
    first = kind("rbf", **settings).fit(X, y)
    second = kind("rbf", **settings).fit(X[order], y[order])
    np.testing.assert_allclose(
        first.validation_scores_, second.validation_scores_, **EQUAL
    )
    assert first.n_iter_ == second.n_iter_


@pytest.mark.parametrize("seed", range(5))
def test_equal_rows_are_never_parted(seed):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 3, (200, 4)).astype(float)
    labels = rng.integers(0, 3, 200)
    units = number_rows(X)
    n_units = units.max() + 1
    for y in (None, labels):
        train, held = hold_out(units, 0.25, seed, y)
        np.testing.assert_array_equal(np.sort(np.r_[train, held]), np.arange(200))
        assert not np.intersect1d(units[train], units[held]).size
        # The part is one of the distinct rows.
        assert len(np.unique(units[held])) == int(np.ceil(0.25 * n_units))
    # Groups of six rows, of which four and four are equal: twelve stay together.
    fours, sixes = np.arange(200) // 4, np.arange(200) // 6
    for of_rows, of_groups in ((units, units // 8), (fours, sixes)):
        train, held = hold_out(of_rows, 0.25, seed, None, of_groups)
        assert len(train)
        assert not np.intersect1d(of_rows[train], of_rows[held]).size
        assert not np.intersect1d(of_groups[train], of_groups[held]).size


def test_classes_of_distinct_rows_are_in_both_parts():
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(50, 2)), 4, axis=0)
    labels = np.repeat(np.repeat([0, 1], [40, 10]), 4)
    train, held = hold_out(number_rows(X), 0.2, 0, labels)
    assert np.bincount(labels[held]).tolist() == [32, 8]
    assert np.bincount(labels[train]).tolist() == [128, 32]


def test_repeated_rows_do_not_leak():
    """Noise that is repeated would be judged by itself, and all steps be taken."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, 5)), rng.normal(size=100)
    model = MSKRegressor("laplacian", k=50).fit(np.tile(X, (5, 1)), np.tile(y, 5))
    assert model.validation_scores_[-1] < 0.1
    assert model.n_iter_ < 30


def test_precomputed_rows_are_drawn_in_their_order():
    X, y = noisy()
    X = X[np.lexsort(X.T[::-1])]
    K = np.exp(-0.5 * np.square(X[:, None] - X).sum(axis=2))
    rows = MSKRegressor("rbf", gamma=0.5, tol=1e-10).fit(X, y)
    matrix = MSKRegressor("precomputed", tol=1e-10).fit(K, y)
    np.testing.assert_allclose(
        rows.validation_scores_, matrix.validation_scores_, atol=1e-6
    )


def test_the_model_without_tuning_is_no_worse_than_a_ridge():
    X, y = load_diabetes(return_X_y=True)
    models = {
        "ours": MSKRegressor("rbf"),
        "100 steps": MSKRegressor("rbf", k=50, max_iter=100),
        "ridge": KernelRidge(kernel="rbf", alpha=1.0),
        "ridge of y less its mean": TransformedTargetRegressor(
            KernelRidge(kernel="rbf", alpha=1.0), transformer=StandardScaler()
        ),
    }
    folds = KFold(5, shuffle=True, random_state=0)
    r2, error = (
        {
            name: cross_val_score(
                make_pipeline(StandardScaler(), model), X, y, cv=folds, scoring=scoring
            ).mean()
            for name, model in models.items()
        }
        for scoring in ("r2", "neg_root_mean_squared_error")
    )
    assert r2["ours"] >= r2["ridge"] - 0.02
    assert error["ours"] >= 1.03 * error["ridge of y less its mean"]
    assert r2["100 steps"] < r2["ridge"] - 0.3


def test_held_out_accuracies_that_tie_are_told_apart_by_the_squared_error():
    """All steps are right on rows that are far apart; the first is not sure of it."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 40)
    X = 4.0 * np.eye(3)[y] + 0.5 * rng.normal(size=(120, 3))
    model = MSKClassifier().fit(X, y)
    assert (model.validation_scores_ == 1.0).all()
    assert model.n_iter_ > 1


def test_without_noise_a_small_error_is_no_tie():
    x = np.linspace(-1, 1, 120)[:, None]
    y = np.sin(3 * x.ravel())
    for rule in (True, "loo"):
        model = MSKRegressor("rbf", gamma=2.0, k=10, max_iter=1e4, tol=1e-12)
        model.set_params(early_stopping=rule).fit(x, y)
        assert np.sqrt(np.mean((model.predict(x) - y) ** 2)) < 1e-6


def test_labels_to_judge_by_that_are_not_those_of_y():
    X, y = noisy()
    names = np.where(y > 0, "high", "low")
    with pytest.raises(ValueError, match=r"'y_val' must hold labels of y"):
        MSKClassifier().fit(X, names, X_val=X, y_val=(y > 0).astype(int))


def test_one_group_cannot_be_parted():
    X, y = noisy()
    with pytest.raises(ValueError, match="Pass at least 2 groups, or X_val"):
        MSKRegressor(early_stopping=True).fit(X, y, groups=np.zeros(len(y)))

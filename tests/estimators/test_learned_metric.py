"""The transformer that learns a metric."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris, make_friedman1
from sklearn.exceptions import NotFittedError
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from sklearn.utils.estimator_checks import (
    check_estimator,
    parametrize_with_checks,
)

from sklearn_msk import LearnedMetric, MSKClassifier, MSKRegressor

CONFIGURATIONS = [
    {},
    {"structure": "diagonal", "power": 2.0},
    {"n_components": 1, "max_iter": 1},
    # Exact, as the check of weights against repeated rows is.
    {"estimator": KernelRidge(kernel="rbf")},
]


@parametrize_with_checks([LearnedMetric(**params) for params in CONFIGURATIONS])
def test_sklearn_compatible(estimator, check):
    check(estimator)


def test_no_check_is_skipped():
    results = check_estimator(LearnedMetric(), on_skip=None)
    # Skipped are the checks of libraries of arrays that are not installed.
    for result in results:
        foreign = result["check_name"].startswith("check_array_api")
        assert result["status"] == "passed" or (
            foreign and result["status"] == "skipped"
        )


def one_direction(n, d=30, seed=0):
    """A wave along one direction of many."""
    rng = np.random.default_rng(seed)
    X, b = rng.normal(size=(n, d)), rng.normal(size=d)
    b /= np.linalg.norm(b)
    return X, np.sin(2 * X @ b) + 0.1 * rng.normal(size=n), b


def degrees(a, b):
    cosine = abs(a @ b) / np.linalg.norm(a) / np.linalg.norm(b)
    return np.degrees(np.arccos(min(1.0, cosine)))


@pytest.mark.parametrize(
    ("n", "seed", "bound"), [(500, 0, 4), (500, 6, 4), (2000, 0, 1.5)]
)
def test_one_direction(n, seed, bound):
    X, y, b = one_direction(n, seed=seed)
    metric = LearnedMetric(n_components=1).fit(X, y)
    assert metric.components_.shape == (1, 30)
    assert degrees(metric.components_[0], b) < bound


def test_diagonal_finds_the_features():
    """Four features of 32, whose distances matter."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (1200, 32))
    y = np.sin(3 * X[:, 3]) * X[:, 8] + np.square(X[:, 13]) + np.abs(X[:, 21])
    y += 0.1 * rng.normal(size=1200)
    metric = LearnedMetric(structure="diagonal").fit(X, y)
    assert set(np.argsort(-metric.feature_importances_)[:4]) == {3, 8, 13, 21}
    weights = np.sqrt(metric.metric_.diagonal())
    np.testing.assert_allclose(metric.metric_, np.diag(weights**2))
    assert np.sort(weights)[-4] > 4 * np.sort(weights)[-5]
    leading = LearnedMetric(structure="diagonal", n_components=4).fit(X, y)
    found = np.argsort(-weights)[:4]
    np.testing.assert_allclose(leading.components_[:, found], np.diag(weights[found]))


MODELS = [
    KNeighborsRegressor(),
    SVR(),
    KernelRidge(kernel="rbf", alpha=0.1),
    GaussianProcessRegressor(RBF(3.0) + WhiteKernel(0.1), optimizer=None),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_what_follows_improves(model):
    X, y = make_friedman1(600, n_features=15, noise=1.0, random_state=0)
    y = (y - y.mean()) / y.std()
    plain = make_pipeline(StandardScaler(), model).fit(X[:300], y[:300])
    mapped = make_pipeline(LearnedMetric(), model).fit(X[:300], y[:300])
    errors = [1 - m.score(X[300:], y[300:]) for m in (plain, mapped)]
    assert errors[1] < 0.75 * errors[0]


def test_labels():
    X, y = load_iris(return_X_y=True)
    X = np.column_stack([X, np.random.default_rng(0).normal(size=(150, 10))])
    names = load_iris().target_names[y]
    metric = LearnedMetric().fit(X, names)
    np.testing.assert_array_equal(
        metric.components_, LearnedMetric().fit(X, y).components_
    )
    assert metric.feature_importances_[:4].sum() > 0.9
    train = np.arange(150) % 2 == 0
    plain, mapped = (
        make_pipeline(step, KNeighborsClassifier()).fit(X[train], y[train])
        for step in (StandardScaler(), LearnedMetric())
    )
    assert mapped.score(X[~train], y[~train]) > plain.score(X[~train], y[~train])


def test_integers_that_do_not_recur_are_numbers():
    X, y, _ = one_direction(100, d=3)
    y = np.round(1000 * y)
    np.testing.assert_array_equal(
        LearnedMetric().fit(X, y.astype(int)).components_,
        LearnedMetric().fit(X, y).components_,
    )


def test_units_and_offsets_change_nothing():
    X, y, _ = one_direction(200, d=4)
    units = np.array([1e6, 1e-6, 1.0, 3.0])
    here, there = LearnedMetric().fit(X, y), LearnedMetric().fit(X * units + units, y)
    np.testing.assert_allclose(there.components_ * units, here.components_, rtol=1e-5)
    np.testing.assert_allclose(
        there.feature_importances_, here.feature_importances_, rtol=1e-5
    )


def test_constant_and_sparse_columns():
    """A column without spread has no weight, one of few values is not divided by 0."""
    X, y, _ = one_direction(200, d=4)
    X[:, 1], X[:, 2] = 7.0, np.arange(200) % 10 == 0
    metric = LearnedMetric().fit(X, y)
    assert np.isfinite(metric.components_).all()
    assert (metric.metric_[1] == 0).all()
    assert metric.feature_importances_[1] < 1e-12
    assert metric.feature_importances_.sum() == pytest.approx(1.0)


def test_constant_target_leaves_the_metric():
    X, _, _ = one_direction(50, d=3)
    metric = LearnedMetric(max_iter=5).fit(X, np.ones(50))
    assert metric.n_iter_ == 1
    assert (metric.feature_importances_ == 0).all()
    off = metric.metric_[~np.eye(3, dtype=bool)]
    assert (off == 0).all()


def test_equal_rows_leave_the_metric():
    metric = LearnedMetric().fit(np.ones((5, 2)), np.arange(5.0))
    assert (metric.components_ == 0).all()


@pytest.mark.parametrize("structure", ["full", "diagonal"])
def test_weights_repeat_rows(structure):
    X, y, _ = one_direction(120, d=4)
    weights = np.random.default_rng(1).integers(0, 4, 120)
    metric = LearnedMetric(structure=structure)
    weighted = clone(metric).fit(X, y, sample_weight=weights).components_
    repeated = clone(metric).fit(X.repeat(weights, 0), y.repeat(weights)).components_
    np.testing.assert_allclose(weighted, repeated, rtol=1e-6, atol=1e-8)


def test_several_targets():
    """Two waves along two features; the units of a target do not matter."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 8))
    Y = np.sin(2 * X[:, [1, 6]])
    metric = LearnedMetric().fit(X, Y)
    assert metric.feature_importances_[[1, 6]] == pytest.approx([0.5, 0.5], abs=0.1)
    scaled = LearnedMetric().fit(X, Y * [1e3, 1.0])
    np.testing.assert_allclose(scaled.components_, metric.components_, atol=1e-6)


ESTIMATORS = [
    MSKRegressor("rbf", gamma=0.05, max_iter=np.inf, alpha=0.1, k=0),
    MSKRegressor(max_iter=1000),
    MSKRegressor("laplacian", landmarks=100, max_iter=1000),
    KernelRidge(kernel="rbf", gamma=0.05, alpha=0.1),
    KernelRidge(kernel="laplacian", alpha=0.1),
    GaussianProcessRegressor(RBF(3.0) + WhiteKernel(0.1), optimizer=None),
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_estimators(estimator):
    X, y, b = one_direction(300, d=10)
    metric = LearnedMetric(estimator, max_iter=3, n_components=1).fit(X, y)
    assert degrees(metric.components_[0], b) < 10
    Y = np.column_stack([y, 100 * y])
    both = LearnedMetric(estimator, max_iter=3, n_components=1).fit(X, Y)
    # Landmarks leave coefficients that a tolerance of the predictions hardly fixes.
    assert degrees(both.components_[0], metric.components_[0]) < 5


def test_gradients_are_those_of_the_estimator():
    """One update of power 1 is the AGOP by differences of the predictions."""
    X, y, _ = one_direction(60, d=3)
    model = MSKRegressor("rbf", gamma=0.3, max_iter=np.inf, alpha=0.1, k=0)
    metric = LearnedMetric(model, max_iter=1).fit(X, y)
    low, high = (np.quantile(X, q, axis=0, method="inverted_cdf") for q in (0.25, 0.75))
    unit = (high - low) / 1.3489795
    Z, h = X / unit, 1e-5
    model.fit(Z, y)
    G = np.column_stack(
        [
            (model.predict(Z + h * e) - model.predict(Z - h * e)) / 2 / h
            for e in np.eye(3)
        ]
    )
    M = metric.metric_ * np.outer(unit, unit)
    np.testing.assert_allclose(M / np.trace(M), G.T @ G / np.square(G).sum(), rtol=1e-4)


def test_classifier_as_estimator():
    X, y, b = one_direction(400, d=6)
    labels = np.where(y > 0, "up", "down")
    metric = LearnedMetric(MSKClassifier(), n_components=1, max_iter=3).fit(X, labels)
    assert degrees(metric.components_[0], b) < 15
    weights = np.ones(400)
    weighted = LearnedMetric(MSKClassifier(), n_components=1, max_iter=3)
    weighted.fit(X, labels, sample_weight=weights)
    np.testing.assert_allclose(weighted.components_, metric.components_, rtol=1e-5)


def test_a_sample_of_many_rows():
    X, y, b = one_direction(5000, d=5)
    first, again, other = (
        LearnedMetric(n_components=1, random_state=seed).fit(X, y).components_[0]
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert degrees(first, b) < 3


def test_precision_names_and_copies():
    pd = pytest.importorskip("pandas")
    X, y, _ = one_direction(80, d=3)
    frame = pd.DataFrame(X, columns=["a", "b", "c"], index=np.arange(80) + 5)
    metric = LearnedMetric(n_components=2).set_output(transform="pandas").fit(frame, y)
    out = metric.transform(frame)
    assert list(out.columns) == ["learnedmetric0", "learnedmetric1"]
    assert out.index.equals(frame.index)
    np.testing.assert_allclose(out, X @ metric.components_.T)
    restored = pickle.loads(pickle.dumps(metric))
    np.testing.assert_array_equal(restored.transform(frame), out)
    single = LearnedMetric().fit(X.astype(np.float32), y)
    assert single.transform(X.astype(np.float32)).dtype == np.float32
    double = LearnedMetric().fit(X.astype(np.float32).astype(float), y)
    np.testing.assert_array_equal(single.components_, double.components_)


def test_bad_input():
    X, y, _ = one_direction(20, d=3)
    with pytest.raises(ValueError, match="at most the number of features, 3"):
        LearnedMetric(n_components=4).fit(X, y)
    with pytest.raises(ValueError, match="expansion in kernel functions"):
        LearnedMetric(Ridge()).fit(X, y)
    with pytest.raises(ValueError, match="must have a kernel by name"):
        LearnedMetric(KernelRidge(kernel=lambda x, z: x @ z)).fit(X, y)
    with pytest.raises(ValueError, match="minimum of 2"):
        LearnedMetric().fit(X[:1], y[:1])
    fitted = LearnedMetric().fit(X, y)
    before = dict(vars(fitted))
    with pytest.raises(ValueError, match="NaN"):
        fitted.fit(X[:, :2] * np.nan, y)
    assert vars(fitted) == before
    with pytest.raises(NotFittedError):
        LearnedMetric().transform(X)

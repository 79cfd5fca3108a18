"""Classification: one regression for all classes, and what is made of its values."""

import pickle

import numpy as np
import pytest
from problems import blobs
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

from sklearn_msk import MSKClassifier, MSKGridSearchCV, MSKRegressor
from sklearn_msk._selection import scaled_probabilities


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("params", [{}, {"max_iter": np.inf, "alpha": 0.1}])
def test_values_are_those_of_regressions(n_classes, params):
    X, y, weights = blobs(n_classes)
    params = {"max_iter": 100} | params
    model = MSKClassifier(k=7, **params).fit(X, y, weights)
    values = model.decision_function(X)
    targets = [np.where(y == label, 1.0, -1.0) for label in model.classes_]
    if n_classes == 2:
        assert values.shape == model.dual_coef_.shape == (len(X),)
        targets = targets[1:]
        values = values[:, None]
    for target, column in zip(targets, values.T, strict=True):
        single = MSKRegressor(k=7, **params).fit(X, target, weights)
        np.testing.assert_allclose(column, single.predict(X), atol=1e-4)


def test_linear_limit_is_ridge_classifier():
    X, y, weights = blobs(3)
    params = {"g": "identity", "max_iter": np.inf, "alpha": 2.0}
    model = MSKClassifier("linear", fit_intercept=False, **params).fit(X, y, weights)
    # KernelRidge's alpha is beside sum(w) / n times the loss of RidgeClassifier.
    ridge = RidgeClassifier(alpha=2.0, fit_intercept=False).fit(X, y, weights)
    np.testing.assert_allclose(
        model.decision_function(X), ridge.decision_function(X), atol=1e-8
    )
    np.testing.assert_array_equal(model.predict(X), ridge.predict(X))


@pytest.mark.parametrize("labels", [["b", "a", "c"], [7, -1, 3], [True, False]])
def test_labels_of_every_kind(labels):
    X, y, _ = blobs(len(labels))
    y = np.asarray(labels)[y]
    model = MSKClassifier().fit(X, y)
    np.testing.assert_array_equal(model.classes_, np.unique(labels))
    assert model.predict(X).dtype == y.dtype
    assert model.score(X, y) > 0.8


def test_class_weights_multiply_those_of_the_rows():
    X, y, weights = blobs(3)
    of_class = {0: 2.0, 1: 0.5, 2: 1.0}
    plain = MSKClassifier(tol=1e-10)
    expected = plain.fit(X, y, weights * np.vectorize(of_class.get)(y))
    model = MSKClassifier(class_weight=of_class, tol=1e-10).fit(X, y, weights)
    np.testing.assert_allclose(
        model.decision_function(X), expected.decision_function(X), rtol=1e-12
    )
    balanced = MSKClassifier(class_weight="balanced", tol=1e-10)
    expected = plain.fit(X, y, compute_sample_weight("balanced", y))
    np.testing.assert_allclose(
        clone(balanced).fit(X, y).decision_function(X),
        expected.decision_function(X),
        rtol=1e-9,
    )
    # By weight: rows that are there twice count twice.
    counts = np.random.RandomState(0).randint(0, 4, len(y))
    rows = np.repeat(np.arange(len(y)), counts)
    np.testing.assert_allclose(
        clone(balanced).fit(X, y, counts).decision_function(X),
        clone(balanced).fit(X[rows], y[rows]).decision_function(X),
        atol=1e-6,
    )


def test_class_of_zero_weight_alone():
    X, y, _ = blobs(3)
    for class_weight in (None, "balanced"):
        model = MSKClassifier(class_weight=class_weight).fit(X, y, y != 1)
        assert 1 not in model.predict(X)
        assert np.all(np.isfinite(model.decision_function(X)))


def test_default_k_is_a_twentieth_of_few_rows():
    X, y, _ = blobs(2)
    assert MSKClassifier().fit(X, y).k_ == len(X) // 20
    assert MSKClassifier(k=30).fit(X, y).k_ == 30
    twice = MSKClassifier().fit(np.tile(X, (2, 1)), np.tile(y, 2))
    assert twice.k_ == len(X) // 20
    X, y, _ = blobs(2, n=1100)
    assert MSKClassifier().fit(X, y).k_ == 50


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_probabilities(n_classes):
    X, y, _ = blobs(n_classes)
    model = MSKClassifier().fit(X, y)
    p = model.predict_proba(X)
    assert p.shape == (len(X), n_classes)
    assert np.all(p >= 0)
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    np.testing.assert_array_equal(model.classes_[p.argmax(axis=1)], model.predict(X))
    if n_classes == 2:
        values = model.decision_function(X)
        odds = np.exp(values / model.temperature_)
        np.testing.assert_allclose(p[:, 1], odds / (1 + odds))


@pytest.mark.parametrize("load", [load_breast_cancer, load_iris])
@pytest.mark.parametrize(
    "params",
    [{}, {"early_stopping": "loo"}, {"early_stopping": True}, {"max_iter": 30}],
)
def test_probabilities_are_neither_0_nor_1_and_keep_the_order(load, params):
    X, y = load(return_X_y=True)
    X = X / X.std(axis=0)
    model = MSKClassifier(**params).fit(X[::2], y[::2])
    p = model.predict_proba(X)
    assert p.min() > 0 and p.max() < 1
    np.testing.assert_array_equal(model.classes_[p.argmax(axis=1)], model.predict(X))
    if params.get("max_iter"):
        usual = 1 / (3 + np.log(len(model.classes_) - 1) / 2)
        assert model.temperature_ == pytest.approx(usual)


def test_temperature_is_fitted_to_rows_left_out():
    """The values at X_val are known: no slope has a smaller penalised loss there."""
    X, y = load_breast_cancer(return_X_y=True)
    X = X / X.std(axis=0)
    model = MSKClassifier(max_iter=50, early_stopping=True)
    model.fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])
    own = np.where(y[1::2] == 1, 1, -1) * model.decision_function(X[1::2])

    def loss(slope):
        return np.log1p(np.exp(-slope * own)).sum() + 2 * np.log(slope / 3) ** 2

    slope = 1 / model.temperature_
    assert loss(slope) < min(loss(1.01 * slope), loss(0.99 * slope))
    assert log_loss(y[1::2], model.predict_proba(X[1::2])) < 0.13


@pytest.mark.parametrize("params", [{}, {"early_stopping": "loo"}])
def test_temperature_does_not_depend_on_the_unit_of_weights(params):
    X, y, _ = blobs(3)
    weights = np.random.RandomState(0).uniform(0.5, 2, len(y))
    model = MSKClassifier(**params)
    ones = model.fit(X, y, weights).temperature_
    np.testing.assert_allclose(model.fit(X, y, 1e-6 * weights).temperature_, ones, 1e-6)


def test_fit_without_early_stopping_forgets_a_temperature():
    X, y, _ = blobs(2)
    model = MSKClassifier().fit(X, y)
    assert model.temperature_ != 1 / 3
    assert model.set_params(max_iter=10).fit(X, y).temperature_ == 1 / 3


def test_rows_that_judge_of_unknown_labels_only_leave_the_temperature():
    X, y, _ = blobs(3)
    known = y < 2
    held = np.append(np.flatnonzero(~known), np.flatnonzero(known)[:1])
    weights = np.append(np.ones((~known).sum()), 0.0)
    model = MSKClassifier(early_stopping=True).fit(
        X[known], y[known], X_val=X[held], y_val=y[held], sample_weight_val=weights
    )
    assert model.temperature_ == 1 / 3


def test_path():
    X, y, _ = blobs(3)
    model = MSKClassifier(store_trajectory=True, max_iter=20).fit(X, y)
    stages = list(model.staged_predict(X))
    assert len(stages) == 20
    np.testing.assert_array_equal(stages[-1], model.predict(X))
    short = clone(model).set_params(max_iter=3).fit(X, y)
    np.testing.assert_array_equal(stages[2], short.predict(X))
    with pytest.raises(ValueError, match="fit with store_trajectory=True"):
        MSKClassifier().fit(X, y).staged_predict(X)


@pytest.mark.parametrize("scoring", [None, "accuracy", "neg_log_loss", "roc_auc_ovr"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_search_equals_the_plain_one(scoring, n_classes):
    X, y, weights = blobs(n_classes)
    pipeline = make_pipeline(StandardScaler(), MSKClassifier(tol=1e-9))
    grid = {
        "msk__k": [0, 5, None],
        "msk__max_iter": [1, 30, np.inf],
        "msk__class_weight": [None, "balanced"],
    }
    pipeline.steps[-1] = ("msk", pipeline.steps[-1][1])
    params = {"cv": 3, "scoring": scoring}
    fit = {"msk__sample_weight": weights}
    plain = GridSearchCV(pipeline, grid, **params).fit(X, y, **fit)
    search = MSKGridSearchCV(pipeline, grid, **params).fit(X, y, **fit)
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"],
        plain.cv_results_["mean_test_score"],
        atol=1e-6,
    )
    np.testing.assert_array_equal(search.predict(X), plain.predict(X))


def test_chunks_equal_the_whole():
    X, y, weights = blobs(3)
    order = np.argsort(y)
    X, y, weights = X[order], y[order], weights[order]
    whole = MSKClassifier(landmarks=X[::4], max_iter=100).fit(X, y, weights)
    model = clone(whole)
    model.partial_fit(X[:9], y[:9], [0, 1, 2], weights[:9])
    assert set(y[:9]) == {0}
    for start in range(9, len(y), 20):
        part = slice(start, start + 20)
        model.partial_fit(X[part], y[part], sample_weight=weights[part])
        model = pickle.loads(pickle.dumps(model))
    np.testing.assert_allclose(
        model.decision_function(X), whole.decision_function(X), rtol=1e-7
    )


def test_bad_input():
    X, y, _ = blobs(3)
    model = MSKClassifier(landmarks=X[:9])
    for call, message in (
        (lambda: MSKClassifier().fit(X, np.zeros(len(y))), "needs at least 2 classes"),
        (lambda: MSKClassifier().fit(X, X[:, 0]), "Unknown label type: continuous"),
        (lambda: MSKClassifier().fit(X, np.eye(3)[y]), "bad input shape|1d array"),
        (lambda: MSKClassifier(k=-1).fit(X, y), "'k' parameter of MSKClassifier"),
        (
            lambda: MSKClassifier(class_weight="even").fit(X, y),
            "'class_weight' parameter of MSKClassifier.*'balanced'.* Got 'even'",
        ),
        (
            lambda: MSKClassifier(learning_rate=2, dynamics="descent").fit(X, y),
            "'learning_rate' of MSKClassifier must be in the range",
        ),
        (
            lambda: clone(model).set_params(class_weight="balanced").partial_fit(X, y),
            "class_weight='balanced' needs all rows at once",
        ),
        (
            lambda: model.partial_fit(X, y, classes=[0, 1]),
            r"y must hold the labels \[0 1\] only. Got \[2\] too",
        ),
        (
            lambda: clone(model).partial_fit(X, y).partial_fit(X, y, [0, 1]),
            r"must be those of the first call, \[0 1 2\]. Got \[0 1\]",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    assert not hasattr(MSKClassifier(), "partial_fit")


def test_dask_arrays_are_refused():
    da = pytest.importorskip("dask.array")
    X, y, _ = blobs(2)
    with pytest.raises(ValueError, match="MSKClassifier is trained on arrays in mem"):
        MSKClassifier(landmarks=9).fit(da.from_array(X), da.from_array(y))


def test_weights_of_classes_that_a_chunk_lacks():
    X, y, _ = blobs(3)
    of_class = {1: 5.0}
    whole = MSKClassifier(landmarks=X[:20], class_weight=of_class, max_iter=100)
    whole.fit(X, y)
    model = clone(whole)
    for label in range(3):
        model.partial_fit(X[y == label], y[y == label], [0, 1, 2])
    np.testing.assert_allclose(
        model.decision_function(X), whole.decision_function(X), rtol=1e-7
    )


@pytest.mark.parametrize("landmarks", [None, 20])
@pytest.mark.parametrize("weights", [(-0.5, 1), (np.inf, 1), (np.nan, 1), (0, 0)])
def test_weights_of_classes_out_of_range(weights, landmarks):
    X, y, _ = blobs(2)
    model = MSKClassifier(class_weight=dict(enumerate(weights)), landmarks=landmarks)
    with pytest.raises(ValueError, match="'class_weight' must be finite, non-negative"):
        model.fit(X, y)


def test_probabilities_of_huge_values():
    values = np.array([[3e7, 0.0, -3e7], [1e17, -1e17, 0.0], [1e300, 1e300, 0.0]])
    p = scaled_probabilities(values, 3.0)
    np.testing.assert_allclose(p, [[1, 0, 0], [1, 0, 0], [0.5, 0.5, 0]])
    p = scaled_probabilities(np.array([1e308, -1e308, 0.0]), 3.0)
    np.testing.assert_allclose(p, [[0, 1], [1, 0], [0.5, 0.5]])

"""The tools of scikit-learn around the estimators."""

import importlib
import pkgutil
import re
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from problems import blobs
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import make_friedman1
from sklearn.ensemble import BaggingClassifier, BaggingRegressor
from sklearn.inspection import permutation_importance
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_val_score,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.multiclass import OneVsOneClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_msk
from sklearn_msk import (
    MSKClassifier,
    MSKGridSearchCV,
    MSKKernel,
    MSKRandomizedSearchCV,
    MSKRegressor,
)
from sklearn_msk.finite_width import WideNetworkRegressor
from sklearn_msk.spectral_maps import Power


@pytest.fixture(scope="module")
def friedman():
    return make_friedman1(150, random_state=0)


def test_target_transformation(friedman):
    X, y = friedman
    model = TransformedTargetRegressor(MSKRegressor(), func=np.log, inverse_func=np.exp)
    expected = np.exp(MSKRegressor().fit(X, np.log(y + 3)).predict(X))
    np.testing.assert_allclose(model.fit(X, y + 3).predict(X), expected)


def test_one_model_for_each_target(friedman):
    X, y = friedman
    Y = np.column_stack([y, -2 * y, X[:, 0]])
    # Several targets share the number of steps that early stopping would choose.
    model = MSKRegressor(max_iter=100, tol=1e-9)
    each = MultiOutputRegressor(model).fit(X, Y).predict(X)
    np.testing.assert_allclose(each, model.fit(X, Y).predict(X), atol=1e-6)


def test_bagging(friedman):
    X, y = friedman
    assert (
        BaggingRegressor(MSKRegressor(), 5, random_state=0).fit(X, y).score(X, y) > 0.9
    )
    X, y, _ = blobs(3)
    assert BaggingClassifier(MSKClassifier(), 5).fit(X, y).score(X, y) > 0.8


def test_importance_finds_the_features_that_matter(friedman):
    X, y = friedman
    model = MSKRegressor(k=50, max_iter=100).fit(X, y)
    importance = permutation_importance(model, X, y, random_state=0).importances_mean
    assert importance[:5].min() > importance[5:].max()


def test_curves(friedman):
    """Their scores are those of models that are fitted one by one."""
    X, y = friedman
    sizes, _, scores = learning_curve(
        MSKRegressor(k=50, max_iter=100), X, y, cv=3, train_sizes=[0.3, 0.7, 1.0]
    )
    assert list(sizes) == [30, 70, 100]
    for column, (train, test) in enumerate(KFold(3).split(X)):
        for row, size in enumerate(sizes):
            model = MSKRegressor(k=50, max_iter=100)
            model.fit(X[train[:size]], y[train[:size]])
            assert scores[row, column] == pytest.approx(model.score(X[test], y[test]))
    assert np.all(np.diff(scores.mean(axis=1)) > 0)
    steps = [1, 10, np.inf]
    _, scores = validation_curve(
        MSKRegressor(), X, y, param_name="max_iter", param_range=steps, cv=3
    )
    for row, max_iter in zip(scores, steps, strict=True):
        expected = cross_val_score(MSKRegressor(max_iter=max_iter), X, y, cv=3)
        np.testing.assert_allclose(row, expected)


def test_calibration():
    X, y, weights = blobs(3, n=300)
    model = CalibratedClassifierCV(MSKClassifier(), cv=3).fit(X, y, weights)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0)
    assert model.score(X, y) > 0.8


def test_frozen():
    frozen = pytest.importorskip("sklearn.frozen")
    X, y, _ = blobs(2)
    model = MSKClassifier().fit(X[:60], y[:60])
    kept = frozen.FrozenEstimator(model)
    np.testing.assert_array_equal(kept.fit(X, y).predict(X), model.predict(X))
    calibrated = CalibratedClassifierCV(kept).fit(X[60:], y[60:])
    assert calibrated.predict_proba(X).shape == (120, 2)


def test_one_against_one():
    X, y, _ = blobs(3)
    assert OneVsOneClassifier(MSKClassifier()).fit(X, y).score(X, y) > 0.8


def test_random_search(friedman):
    X, y = friedman
    space = {"k": [0, 10, 30], "g": ["flatten", "lift"], "kernel": ["rbf", "ntk_erf"]}
    search = RandomizedSearchCV(MSKRegressor(), space, n_iter=4, cv=2, random_state=0)
    assert np.isfinite(search.fit(X, y).best_score_)


def test_metadata_routing(friedman):
    X, y = friedman
    weights = np.random.RandomState(0).uniform(0.5, 2, len(y))
    with config_context(enable_metadata_routing=True):
        model = MSKRegressor().set_fit_request(sample_weight=True)
        scorer = get_scorer("r2").set_score_request(sample_weight=True)
        pipeline = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=False), model
        )
        search = GridSearchCV(pipeline, {"mskregressor__k": [3]}, cv=2, scoring=scorer)
        search.fit(X, y, sample_weight=weights)
        cross_validate(
            pipeline, X, y, params={"sample_weight": weights}, cv=2, scoring=scorer
        )
        with pytest.raises(ValueError, match="sample_weight"):
            GridSearchCV(MSKRegressor(), {"k": [3]}).fit(X, y, sample_weight=weights)
    scaled = StandardScaler().fit_transform(X)
    expected = MSKRegressor(k=3).fit(scaled, y, weights).predict(scaled)
    np.testing.assert_allclose(search.predict(X), expected)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_data_frames_in_and_out(library, friedman):
    frames = pytest.importorskip(library)
    X, y = friedman
    names = [f"f{i}" for i in range(10)]
    frame = frames.DataFrame(dict(zip(names, X.T, strict=True)))
    target = frames.Series(y)
    # Columns of a frame lie apart, which rounds a kernel otherwise.
    model = MSKRegressor(tol=1e-12).fit(frame, target)
    assert list(model.feature_names_in_) == names
    np.testing.assert_allclose(
        model.predict(frame),
        MSKRegressor(tol=1e-12).fit(X, y).predict(X),
        rtol=1e-9,
    )
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[names[::-1]])
    early = MSKRegressor(early_stopping=True).fit(frame, target)
    assert early.n_iter_ == MSKRegressor(early_stopping=True).fit(X, y).n_iter_
    labels = frames.Series(np.where(y > 14, "high", "low"))
    assert (
        MSKClassifier(early_stopping=True).fit(frame, labels).score(frame, labels) > 0.8
    )
    kernel = MSKKernel().set_output(transform=library)
    out = kernel.fit_transform(frame)
    assert isinstance(out, frames.DataFrame)
    assert list(out.columns) == list(kernel.get_feature_names_out())


SPARSE = ["linear", "poly", "rbf", "laplacian", "cosine"]


@pytest.mark.parametrize("kernel", SPARSE)
@pytest.mark.parametrize("format", ["csr_matrix", "csc_array"])
def test_sparse_rows(kernel, format):
    rng = np.random.RandomState(0)
    X = rng.standard_normal((90, 12)) * (rng.uniform(size=(90, 12)) < 0.3)
    y = X[:, 0] - X[:, 1] ** 2
    sparse = getattr(scipy.sparse, format)(X)
    dense = MSKRegressor(kernel, tol=1e-9).fit(X, y)
    model = MSKRegressor(kernel, tol=1e-9).fit(sparse, y)
    np.testing.assert_allclose(model.predict(sparse), dense.predict(X), atol=1e-6)
    np.testing.assert_allclose(model.predict(X), dense.predict(X), atol=1e-6)
    assert model.k_ == dense.k_
    classifier = MSKClassifier(kernel, tol=1e-9).fit(sparse, y > 0)
    expected = MSKClassifier(kernel, tol=1e-9).fit(X, y > 0).decision_function(X)
    np.testing.assert_allclose(
        classifier.decision_function(sparse), expected, atol=1e-6
    )
    K = MSKKernel(kernel, k=5).fit(X).transform(X)
    np.testing.assert_allclose(
        MSKKernel(kernel, k=5).fit(sparse).transform(sparse), K, atol=1e-6
    )
    stopped = MSKRegressor(kernel, early_stopping=True).fit(sparse, y)
    assert (
        stopped.n_iter_ == MSKRegressor(kernel, early_stopping=True).fit(X, y).n_iter_
    )


@pytest.mark.parametrize("params", [{}, {"kernel": "rbf", "landmarks": 5}])
def test_sparse_rows_are_refused_where_the_kernel_is_dense(params):
    X = scipy.sparse.random_array((20, 5), density=0.5, random_state=0)
    with pytest.raises(TypeError, match="dense data is required"):
        MSKRegressor(**params).fit(X, np.ones(20))


def test_representation():
    model = MSKRegressor("laplacian", landmarks=np.ones((3, 2)))
    text = repr(model)
    assert text.startswith("MSKRegressor(kernel='laplacian'")
    assert "landmarks=array(" in text
    # Parameters at their defaults, and no others, are left out.
    assert "max_iter" not in text
    with config_context(display="diagram"):
        html = make_pipeline(StandardScaler(), model)._repr_html_()
    for step in ("StandardScaler", "MSKRegressor"):
        assert re.search(rf"<label[^>]*>.*{step}", html)
    assert "laplacian" in html


def test_replaces_kernel_ridge(friedman):
    """The same limit, in the same search."""
    X, y = friedman
    y = y - y.mean()
    grid = {"alpha": [0.1, 1.0], "gamma": [0.1, 1.0]}
    ridge = GridSearchCV(KernelRidge(kernel="rbf"), grid).fit(X, y)
    model = MSKRegressor("rbf", g="identity", max_iter=np.inf, fit_intercept=False)
    ours = GridSearchCV(clone(model), grid).fit(X, y)
    np.testing.assert_allclose(
        ours.cv_results_["mean_test_score"], ridge.cv_results_["mean_test_score"]
    )


@pytest.mark.parametrize("kernel", SPARSE)
def test_sparse_rows_in_several_blocks(kernel):
    rng = np.random.RandomState(0)
    X = rng.standard_normal((300, 12)) * (rng.uniform(size=(300, 12)) < 0.3)
    sparse = scipy.sparse.csr_array(X)
    model = MSKRegressor(kernel, k=5).fit(sparse, X[:, 0])
    expected = MSKRegressor(kernel, k=5).fit(X, X[:, 0])
    np.testing.assert_allclose(model.predict(sparse), expected.predict(X), atol=1e-3)
    K = MSKKernel(kernel, k=3).fit(sparse).transform(sparse)
    np.testing.assert_allclose(K, MSKKernel(kernel, k=3).fit(X).transform(X), atol=1e-6)


@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        (MSKRegressor(), "sklearn_msk.MSKRegressor"),
        (MSKClassifier(), "sklearn_msk.MSKClassifier"),
        (MSKKernel(), "sklearn_msk.MSKKernel"),
        (MSKGridSearchCV(MSKRegressor(), {}), "sklearn_msk.MSKGridSearchCV"),
        (
            MSKRandomizedSearchCV(MSKRegressor(), {}),
            "sklearn_msk.MSKRandomizedSearchCV",
        ),
        (Power(0.5), "sklearn_msk.spectral_maps.Power"),
        (WideNetworkRegressor(), "sklearn_msk.finite_width.WideNetworkRegressor"),
    ],
)
def test_html_representations_link_to_the_documentation(estimator, name):
    assert f'/generated/{name}.html"' in estimator._repr_html_()
    # It is the name that a user imports.
    module, _, exported = name.rpartition(".")
    assert getattr(importlib.import_module(module), exported) is type(estimator)


PUBLIC = [
    f".{module.name}"
    for module in pkgutil.iter_modules(sklearn_msk.__path__)
    if not module.name.startswith("_")
]


def test_public_packages():
    assert PUBLIC == [".finite_width", ".inspection", ".kernels", ".spectral_maps"]


@pytest.mark.parametrize("package", ["", *PUBLIC])
def test_every_public_name_has_a_page(package):
    reference = Path(__file__).parents[1] / "doc" / "api.rst"
    pages = reference.read_text(encoding="utf-8").split()
    names = importlib.import_module(f"sklearn_msk{package}").__all__
    assert set(names) <= {*pages, "__version__"}

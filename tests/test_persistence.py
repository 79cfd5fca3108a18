"""Models in files: bit-equal predictions, and nothing that prediction does not need."""

import pickle

import joblib
import numpy as np
import pytest
from problems import blobs
from sklearn.gaussian_process.kernels import Matern

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
)
from sklearn_msk.kernels import NTK
from sklearn_msk.spectral_maps import Power

MODELS = [
    MSKRegressor(),
    MSKRegressor(NTK(depth=2), g=Power(0.5)),
    MSKRegressor("rbf", gamma=0.3, store_trajectory=True),
    MSKRegressor(Matern() + NTK(), max_iter=np.inf),
    MSKRegressor(solver="gd", dynamics="descent", store_trajectory=True),
    MSKRegressor(early_stopping=True),
    MSKRegressor(landmarks=20, store_trajectory=True),
    MSKClassifier(),
    MSKClassifier(landmarks=20),
    MSKKernel(k=5),
    MSKRegressorCV(["rbf", "ntk_relu"], metrics="none"),
    MSKRegressorCV("rbf", metrics="full"),
    MSKClassifierCV(["laplacian", NTK()]),
    LearnedMetric(),
    PartitionedRegressor(leaf_size=30),
    PartitionedClassifier(leaf_size=30, split="principal"),
]


@pytest.fixture(scope="module")
def rows():
    return blobs(3)


def outputs(model, X):
    """Everything that a model says of some rows."""
    names = ("predict", "predict_proba", "decision_function", "transform")
    found = [getattr(model, name)(X) for name in names if hasattr(model, name)]
    if getattr(model, "store_trajectory", False):
        found += list(model.staged_predict(X, [1, 3]))
    return found


def through_pickle(model, folder):
    return pickle.loads(pickle.dumps(model))


def through_joblib(model, folder):
    joblib.dump(model, folder / "model.joblib", compress=3)
    return joblib.load(folder / "model.joblib")


def through_memory_map(model, folder):
    joblib.dump(model, folder / "model.joblib")
    loaded = joblib.load(folder / "model.joblib", mmap_mode="r")
    arrays = [value for value in vars(loaded).values() if isinstance(value, np.memmap)]
    assert arrays
    return loaded


def through_skops(model, folder):
    skops = pytest.importorskip("skops.io")
    data = skops.dumps(model)
    unknown = skops.get_untrusted_types(data=data)
    ours = ("sklearn_msk.", "sklearn.gaussian_process.kernels.")
    assert all(name.startswith(ours) for name in unknown)
    return skops.loads(data, trusted=unknown)


@pytest.mark.parametrize(
    "through", [through_pickle, through_joblib, through_memory_map, through_skops]
)
@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_predictions_are_bit_equal(model, through, rows, tmp_path):
    X, y, _ = rows
    model.fit(X, y)
    loaded = through(model, tmp_path)
    for before, after in zip(outputs(model, X), outputs(loaded, X), strict=True):
        np.testing.assert_array_equal(after, before)
    assert repr(loaded) == repr(model)


@pytest.mark.parametrize("through", [through_pickle, through_skops])
def test_streams_go_on(through, rows, tmp_path):
    X, y, _ = rows
    stream = MSKRegressor(landmarks=20).partial_fit(X[:50], y[:50])
    loaded = through(stream, tmp_path)
    np.testing.assert_array_equal(
        loaded.partial_fit(X[50:], y[50:]).predict(X),
        stream.partial_fit(X[50:], y[50:]).predict(X),
    )


def test_searches(rows):
    X, y, _ = rows
    search = MSKGridSearchCV(MSKClassifier(), {"k": [3, 9]}, cv=2).fit(X, y)
    loaded = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(loaded.predict(X), search.predict(X))
    assert loaded.best_params_ == search.best_params_


def test_files_hold_no_kernel_matrix():
    """Of 1000 rows it would be 8 MB; what is kept grows as the rows do."""
    X, y, _ = blobs(2, n=1000)
    file = pickle.dumps(MSKRegressor(k=10).fit(X, y))
    assert len(file) < 8 * 1000 * (2 + 1 + 10) + 10_000
    few = pickle.dumps(MSKRegressor(k=10, landmarks=100).fit(X, y))
    assert len(few) < 8 * 100 * (2 + 1 + 10) + 10_000

"""dask arrays, on a cluster of worker processes."""

import os
import time

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_msk import MSKGridSearchCV, MSKRegressor

da = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")

pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def rows():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((900, 3))
    Y = np.column_stack([np.sin(3 * X[:, 0]) + X[:, 1], X[:, 2] ** 2])
    return X, Y, rng.uniform(0.0, 2.0, 900)


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("selection", ["uniform", "rpcholesky"])
@pytest.mark.parametrize("chunks", [(100, 2), ((1, 0, 399, 500), 3), (900, 3)])
@pytest.mark.parametrize("target", [0, slice(None)])
def test_cluster_equals_one_machine(selection, chunks, target, rows):
    X, Y, weights = rows
    y = Y[:, target]
    params = {"landmarks": 40, "landmark_selection": selection}
    expected = MSKRegressor(**params).fit(X, y, weights)
    model = MSKRegressor(**params).fit(
        da.from_array(X, chunks=chunks),
        da.from_array(y, chunks=170),
        da.from_array(weights, chunks=333),
    )
    np.testing.assert_array_equal(model.X_fit_, expected.X_fit_)
    assert model.n_features_in_ == 3
    assert model.n_samples_seen_ == 900
    predicted = model.predict(da.from_array(X, chunks=chunks))
    assert isinstance(predicted, da.Array)
    assert predicted.shape == y.shape
    np.testing.assert_allclose(predicted.compute(), expected.predict(X), rtol=1e-9)


@pytest.mark.usefixtures("client")
def test_cluster_sums_in_mixed_precision():
    """A chunk of few rows is summed in double precision, and added to the others."""
    rng = np.random.RandomState(0)
    X = rng.uniform(size=(4500, 5))
    y = np.sin(9 * X[:, 0]) + X[:, 1]
    model = MSKRegressor("laplacian", landmarks=1000, max_iter=100)
    expected = clone(model).set_params(tol=1e-10).fit(X, y)
    chunks = (2000, 2100, 400)
    model.fit(da.from_array(X, chunks=(chunks, 5)), da.from_array(y, chunks=(chunks,)))
    assert model._pass.features.deflation is not None
    np.testing.assert_allclose(model.predict(X), expected.predict(X), atol=1e-5)


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(
    ("offset", "scale", "size"),
    [(1.7e9, 1.0, 1.0), (0.0, 2.0**-996, 2.0**-996), (3.0, 2.0**1000, 2.0**1020)],
)
def test_targets_and_weights_of_any_size(offset, scale, size, rows):
    """The fit of ``scale (offset + y)`` is that of y, whatever the chunks have."""
    X, Y, weights = rows
    y = np.round(Y[:, 0] * 64) / 64
    # A first chunk of weight zero, and one of a single value.
    weights = np.where(np.arange(900) < 100, 0.0, weights)
    y[100:200] = 1.0
    expected = MSKRegressor(landmarks=X[:30]).fit(X, y, weights)
    model = MSKRegressor(landmarks=X[:30]).fit(
        da.from_array(X, chunks=(100, 3)),
        da.from_array(scale * (offset + y), chunks=100),
        da.from_array(size * weights, chunks=100),
    )
    # The intercept is rounded as the targets are, and what is left is not.
    shift = model.intercept_ / scale - offset - expected.intercept_
    assert abs(shift) <= 4 * np.finfo(float).eps * max(offset, 1.0)
    difference = model.dual_coef_ / scale - expected.dual_coef_
    bound = 1e-9 * np.abs(expected.dual_coef_).max()
    assert np.abs(model.kernel_(X, X[:30]) @ difference).max() < bound + 2 * abs(shift)


@pytest.mark.usefixtures("client")
def test_chunks_of_a_stream_and_plain_targets(rows):
    X, Y, _ = rows
    expected = MSKRegressor(landmarks=X[:30]).fit(X, Y)
    model = MSKRegressor(landmarks=X[:30])
    model.partial_fit(da.from_array(X[:500], chunks=200), Y[:500])
    model.partial_fit(X[500:], Y[500:])
    np.testing.assert_allclose(model.predict(X), expected.predict(X), rtol=1e-9)


@pytest.mark.usefixtures("client")
def test_rows_of_unknown_number_are_predicted(rows):
    X, Y, _ = rows
    model = MSKRegressor().fit(X, Y[:, 0])
    lazy = da.from_array(X, chunks=100)
    positive = model.predict(lazy[lazy[:, 0] > 0])
    np.testing.assert_allclose(positive.compute(), model.predict(X[X[:, 0] > 0]))
    assert model.score(lazy, Y[:, 0]) == model.score(X, Y[:, 0])


def test_X_is_not_gathered(client, rows):
    """The data are 8 MB in chunks made on the workers; what comes here is less."""
    X = da.random.RandomState(0).normal(size=(100_000, 10), chunks=(5_000, 10))
    y = X[:, 0] + da.sin(X[:, 1])
    sizes = []

    def plugin(dask_worker):
        return sum(log["total"] for log in dask_worker.transfer_outgoing_log)

    model = MSKRegressor("laplacian", landmarks=50).fit(X, y)
    sizes = client.run(plugin)
    assert sum(sizes.values()) < 8e6 / 2
    assert model.n_samples_seen_ == 100_000


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("search", [GridSearchCV, MSKGridSearchCV])
def test_search_on_the_cluster(search, rows):
    X, Y, _ = rows
    grid = {"k": [0, 10], "max_iter": [10, 100]}
    here = search(MSKRegressor(landmarks=30), grid, cv=3).fit(X, Y)
    with joblib.parallel_config(backend="dask"):
        there = search(MSKRegressor(landmarks=30), grid, cv=3, n_jobs=2).fit(X, Y)
    np.testing.assert_allclose(
        there.cv_results_["mean_test_score"],
        here.cv_results_["mean_test_score"],
        rtol=1e-9,
    )


def lost_file(block):
    """A chunk that cannot be read."""
    raise FileNotFoundError("rows of a lost file")


BAD = [
    (lambda X, y: (X[X[:, 0] > 0], y), ValueError, r"chunks are known. Got .*nan"),
    (lambda X, y: (X, y[y > 0]), ValueError, "y must be a dask array whose chunks"),
    (lambda X, y: (X, y[:-1]), ValueError, "same number of rows. Got 900 and 899"),
    (lambda X, y: (X[:, 0], y), ValueError, r"X must be 2D.* \(900,\)"),
    (lambda X, y: (X * np.nan, y), ValueError, "Input X contains NaN"),
    (lambda X, y: (X, y * np.inf), ValueError, "Input y contains infinity"),
    (lambda X, y: (X[:30], y[:30]), ValueError, "landmarks=40 is larger than"),
    (lambda X, y: (np.ones((900, 3)), y), ValueError, r"X must be .*StandardScaler"),
]


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(("change", "error", "message"), BAD)
def test_bad_input(change, error, message, rows):
    X, Y, _ = rows
    arrays = da.from_array(X, chunks=100), da.from_array(Y[:, 0], chunks=100)
    model = MSKRegressor(landmarks=40)
    with pytest.raises(error, match=message):
        model.fit(*change(*arrays))
    assert not hasattr(model, "dual_coef_")


@pytest.mark.usefixtures("client")
def test_other_bad_input(rows):
    X, Y, weights = rows
    lazy = da.from_array(X, chunks=100)
    with pytest.raises(ValueError, match="trained on landmarks"):
        MSKRegressor().fit(lazy, Y)
    with pytest.raises(ValueError, match="Negative values in data passed to sample_w"):
        MSKRegressor(landmarks=9).fit(lazy, Y, -weights)
    with pytest.raises(ValueError, match="must not be all zero"):
        MSKRegressor(landmarks=X[:9]).fit(lazy, Y, 0 * weights)
    with pytest.raises(ValueError, match="y must be an array with an entry for each"):
        MSKRegressor(landmarks=9).fit(lazy, None)
    with pytest.raises(ValueError, match="sample_weight must be 1D"):
        MSKRegressor(landmarks=9).fit(lazy, Y, weights[:, None])
    missing = lazy.map_blocks(lost_file, dtype=float, meta=np.empty((0, 3)))
    with pytest.raises(FileNotFoundError, match="rows of a lost file"):
        MSKRegressor(landmarks=X[:9]).fit(missing, Y)
    once = MSKRegressor(landmarks=X[:9]).fit(lazy, Y, 2.0)
    np.testing.assert_allclose(
        once.predict(X), MSKRegressor(landmarks=X[:9]).fit(X, Y).predict(X), rtol=1e-9
    )
    single = MSKRegressor().fit(X.astype(np.float32), Y)
    assert single.predict(lazy.astype(np.float32)).dtype == np.float64
    model = MSKRegressor(landmarks=9).fit(lazy, Y)
    with pytest.raises(ValueError, match="X has 2 features, but MSKRegressor is"):
        model.predict(lazy[:, :2])
    with pytest.raises(ValueError, match="X has 2 features, but MSKRegressor is"):
        MSKRegressor(landmarks=9).partial_fit(lazy, Y).partial_fit(lazy[:, :2], Y)


def slow_chunk(block, folder, seconds):
    """A chunk that takes its time, and leaves the number of its process."""
    (folder / str(os.getpid())).touch()
    time.sleep(seconds)
    return block


@pytest.mark.slow
def test_worker_killed_half_way(client, rows, tmp_path):
    X, Y, _ = rows
    expected = MSKRegressor(landmarks=X[:30]).fit(X, Y)
    lazy = da.from_array(X, chunks=(50, 3)).map_blocks(
        slow_chunk, tmp_path, 0.5, dtype=float, meta=np.empty((0, 3))
    )
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        fit = pool.submit(MSKRegressor(landmarks=X[:30]).fit, lazy, Y)
        while len(list(tmp_path.iterdir())) < 2:
            time.sleep(0.05)
        time.sleep(0.7)
        os.kill(int(next(tmp_path.iterdir()).name), 9)
        model = fit.result(timeout=120)
    np.testing.assert_allclose(model.predict(X), expected.predict(X), rtol=1e-9)
    assert model.n_samples_seen_ == 900


@pytest.mark.slow
def test_cluster_that_dies(rows, tmp_path):
    X, Y, _ = rows
    model = MSKRegressor(landmarks=X[:30]).fit(X, Y)
    before = model.predict(X)
    from concurrent.futures import ThreadPoolExecutor

    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=None
    )
    with cluster, distributed.Client(cluster), ThreadPoolExecutor(1) as pool:
        lazy = da.from_array(X, chunks=(50, 3)).map_blocks(
            slow_chunk, tmp_path, 0.5, dtype=float, meta=np.empty((0, 3))
        )
        fit = pool.submit(model.fit, lazy, Y)
        while not list(tmp_path.iterdir()):
            time.sleep(0.05)
        cluster.close()
        with pytest.raises(RuntimeError, match="dask cluster was lost before its pass"):
            fit.result(timeout=120)
    np.testing.assert_array_equal(model.predict(X), before)

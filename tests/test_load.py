"""Many fits at once: the same results, and no more threads than asked for."""

from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from problems import blobs
from sklearn.base import clone
from threadpoolctl import threadpool_info, threadpool_limits

from sklearn_msk import MSKClassifier, MSKKernel, MSKRegressor
from sklearn_msk._estimators import _training
from sklearn_msk._threads import single_threaded_blas

MODELS = [
    MSKRegressor(),
    MSKRegressor("laplacian", max_iter=np.inf),
    MSKRegressor(landmarks=50, landmark_selection="rpcholesky", random_state=3),
    MSKRegressor(eigen_solver="randomized", k=5, random_state=1),
    # To the last digits: at its default tolerance, rounding changes where it stops.
    MSKRegressor(eigen_solver="lobpcg", k=5, tol=1e-10),
    MSKRegressor(early_stopping=True, random_state=2),
    MSKClassifier(),
]


@pytest.fixture(scope="module")
def rows():
    return blobs(3, n=600)[:2]


def fitted(model, X, y, n_jobs=None):
    model = clone(model).set_params(n_jobs=n_jobs).fit(X, y)
    return model.dual_coef_, model.predict(X)


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_fits_in_threads_and_processes(model, rows):
    expected = fitted(model, *rows)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: fitted(model, *rows), range(8)))
    results += joblib.Parallel(n_jobs=2)(
        joblib.delayed(fitted)(model, *rows) for _ in range(2)
    )
    scale = np.abs(expected[0]).max()
    for coef, predictions in results:
        np.testing.assert_allclose(coef, expected[0], atol=1e-7 * scale)
        np.testing.assert_allclose(predictions, expected[1], atol=1e-7)


@pytest.mark.parametrize("blocked", [False, True])
@pytest.mark.parametrize("model", [*MODELS, MSKKernel()], ids=repr)
def test_number_of_threads_and_a_second_run_change_no_bit(
    model, blocked, rows, monkeypatch
):
    X, y = rows
    if blocked:
        monkeypatch.setattr(_training, "free_memory", lambda: 1000.0)
    if isinstance(model, MSKKernel):
        results = [clone(model).set_params(n_jobs=n).fit_transform(X) for n in (1, 3)]
    else:
        results = [fitted(model, X, y, n_jobs)[0] for n_jobs in (1, 1, 3, -1)]
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


def blas_threads():
    return [
        lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"
    ]


@pytest.fixture
def two_blas_threads():
    """Where tests share the cores, BLAS has one thread to begin with."""
    with threadpool_limits(2, user_api="blas"):
        yield


@pytest.mark.usefixtures("two_blas_threads")
def test_limits_of_blas_end_with_their_last_user(rows, monkeypatch):
    before = blas_threads()
    assert set(before) == {2}
    with single_threaded_blas():
        assert set(blas_threads()) == {1}
        with single_threaded_blas():
            pass
        assert set(blas_threads()) == {1}
    assert blas_threads() == before
    monkeypatch.setattr(_training, "free_memory", lambda: 1000.0)
    model = MSKRegressor(n_jobs=2, max_iter=3)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: fitted(model, *rows, 2), range(12)))
    assert blas_threads() == before

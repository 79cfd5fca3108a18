"""Many fits at once: the same results, and no more threads than asked for."""

from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from problems import blobs
from sklearn.base import clone

from sklearn_msk import MSKClassifier, MSKKernel, MSKRegressor

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


def iterative(model):
    """The same model without a full decomposition, which needs the kernel matrix."""
    params = model.get_params()
    model = clone(model)
    if params["eigen_solver"] == "auto" and params.get("landmarks") is None:
        model.set_params(eigen_solver="randomized")
    if params.get("max_iter") == np.inf:
        model.set_params(solver="lanczos", alpha=0.1)
    return model


@pytest.mark.parametrize("blocked", [False, True])
@pytest.mark.parametrize("model", [*MODELS, MSKKernel()], ids=repr)
def test_number_of_threads_and_a_second_run_change_no_bit(
    model, blocked, rows, monkeypatch
):
    X, y = rows
    if blocked:
        monkeypatch.setenv("SKLEARN_MSK_MEMORY_LIMIT", "1000")
        model = iterative(model)
    if isinstance(model, MSKKernel):
        results = [clone(model).set_params(n_jobs=n).fit_transform(X) for n in (1, 3)]
    else:
        results = [fitted(model, X, y, n_jobs)[0] for n_jobs in (1, 1, 3, -1)]
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])

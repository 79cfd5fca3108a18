"""BLAS in one thread, and the threads that it has afterwards."""

import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from problems import blobs
from sklearn.base import clone
from threadpoolctl import threadpool_info, threadpool_limits

from sklearn_msk import MSKRegressor, _threads
from sklearn_msk._threads import n_blas_threads, single_threaded_blas


@pytest.fixture(scope="module")
def rows():
    return blobs(3, n=600)[:2]


def fitted(model, X, y, n_jobs=None):
    model = clone(model).set_params(n_jobs=n_jobs).fit(X, y)
    return model.dual_coef_, model.predict(X)


def iterative(model):
    """The same model without a full decomposition, which needs the kernel matrix."""
    params = model.get_params()
    model = clone(model)
    if params["eigen_solver"] == "auto" and params.get("landmarks") is None:
        model.set_params(eigen_solver="randomized")
    if params.get("max_iter") == np.inf:
        model.set_params(solver="lanczos", alpha=0.1)
    return model


def blas_threads():
    return [
        lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"
    ]


@pytest.fixture
def two_blas_threads():
    """Where tests share the cores, BLAS has one thread to begin with."""
    if not blas_threads():
        pytest.skip("nothing sets the threads of this BLAS, as Accelerate on macOS")
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
    monkeypatch.setenv("SKLEARN_MSK_MEMORY_LIMIT", "1000")
    model = iterative(MSKRegressor(n_jobs=2, max_iter=3))
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: fitted(model, *rows, 2), range(12)))
    assert blas_threads() == before


@pytest.mark.usefixtures("two_blas_threads")
def test_number_of_blas_threads():
    assert n_blas_threads() == 2
    with single_threaded_blas():
        assert n_blas_threads() == 1


@pytest.mark.usefixtures("two_blas_threads")
@pytest.mark.parametrize(
    "forked", ["while another thread has the lock", "in the limit"]
)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on Windows")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_takes_the_limit_of_its_own(forked):
    """It neither waits for a thread that it does not have nor loses its threads."""
    if forked == "in the limit":
        with single_threaded_blas():
            child = fork_and_limit()
    else:
        with _threads._limit.lock:
            child = fork_and_limit()
    deadline = time.monotonic() + 60
    status = 0, 0
    while status[0] == 0 and time.monotonic() < deadline:
        status = os.waitpid(child, os.WNOHANG)
        time.sleep(0.01)
    if status[0] == 0:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert status == (child, 0)
    assert set(blas_threads()) == {2}


def fork_and_limit():
    """Child process, which ends with status 0 where limits work in it."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with single_threaded_blas():
                inside = n_blas_threads()
            status = 0 if (inside, n_blas_threads()) == (1, 2) else 2
        finally:
            os._exit(status)
    return child


@pytest.mark.usefixtures("two_blas_threads")
def test_libraries_that_are_loaded_later_are_looked_for(monkeypatch):
    with single_threaded_blas():
        pass
    found = _threads._found
    assert _threads._controller() is found[1]
    monkeypatch.setitem(sys.modules, "a_module_that_was_not_there", sys)
    assert _threads._controller() is not found[1]

"""How much memory is free, and what is done where the kernel matrix does not fit."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sklearn_msk import MSKKernel, MSKRegressor, _memory
from sklearn_msk._estimators import _training
from sklearn_msk._operators import BlockedOperator, DenseOperator
from sklearn_msk.kernels import NTK


@pytest.fixture
def little_memory(monkeypatch):
    monkeypatch.setattr(_training, "free_memory", lambda: 1000.0)


def test_free_memory_is_that_of_the_machine():
    free = _memory.free_memory()
    assert 2**24 < free < 2**50


def test_the_least_limit_counts(monkeypatch, tmp_path):
    files = {
        "/proc/meminfo": "MemTotal: 900 kB\nMemAvailable:    800 kB\n",
        "/proc/self/status": "VmPeak: 9 kB\nVmSize: 3 kB\n",
    }
    monkeypatch.setattr(_memory, "_read", _memory._read)
    for name, text in files.items():
        (tmp_path / name.replace("/", "_")).write_text(text)
    read = _memory._read

    def redirected(path, label=""):
        return read(tmp_path / str(path).replace("/", "_"), label)

    monkeypatch.setattr(_memory, "_read", redirected)
    assert _memory._container() == np.inf
    assert _memory.free_memory() == 800 * 1024
    cgroup = "_sys_fs_cgroup_memory."
    for name, text in {
        "max": "500000",
        "current": "300000",
        "stat": "anon 7\ninactive_file 100000\n",
    }.items():
        (tmp_path / (cgroup + name)).write_text(text)
    assert _memory.free_memory() == 500000 - (300000 - 100000)
    (tmp_path / (cgroup + "max")).write_text("max")
    assert _memory.free_memory() == 800 * 1024


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(),
    reason="only Linux says how much address space a process has taken",
)
def test_limits_of_the_process_count():
    code = (
        "import resource\n"
        "from sklearn_msk._memory import free_memory, _read\n"
        "used = 1024 * _read('/proc/self/status', 'VmSize:')\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 2**28,) * 2)\n"
        "assert 2**27 < free_memory() <= 2**28, free_memory()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"solver": "eigh", "max_iter": np.inf, "alpha": 0.1},
        {"solver": "gd", "dynamics": "descent"},
        {"eigen_solver": "arpack", "k": 5, "max_iter": 1000},
        {"eigen_solver": "randomized", "k": 5},
        {"eigen_solver": "lobpcg", "k": 2, "kernel": "laplacian"},
        {"kernel": lambda X, Y: NTK()(X, Y)},
    ],
)
def test_blocked_fits_equal_dense_ones(params, data, monkeypatch):
    X, Y, weights = data
    posed = []
    monkeypatch.setattr(
        MSKRegressor,
        "_train",
        lambda self, A, *args, train=MSKRegressor._train: (
            posed.append(A),
            train(self, A, *args),
        ),
    )
    blocked = MSKRegressor(tol=1e-10, **params).fit(X, Y, weights)
    monkeypatch.setattr(_training, "free_memory", lambda: 1e12)
    dense = MSKRegressor(tol=1e-10, **params).fit(X, Y, weights)
    assert [type(A) for A in posed] == [BlockedOperator, DenseOperator]
    np.testing.assert_allclose(blocked.predict(X), dense.predict(X), atol=1e-7)


@pytest.mark.usefixtures("little_memory")
def test_verbose_says_that_the_matrix_is_not_held(data, capsys):
    MSKRegressor(verbose=1).fit(data[0], data[1])
    assert "computed block by block" in capsys.readouterr().out


@pytest.mark.usefixtures("little_memory")
def test_function_that_is_not_symmetric(data):
    def lopsided(X, Y):
        return X @ Y.T + X[:, :1]

    with pytest.raises(ValueError, match=r"'lopsided' must be symmetric.* has K\["):
        MSKRegressor(lopsided).fit(data[0], data[1])


@pytest.mark.usefixtures("little_memory")
def test_kernel_transformer_needs_no_matrix_to_fit(data, monkeypatch):
    X = data[0]
    blocked = MSKKernel(k=5).fit(X)
    K = MSKKernel(k=5).fit_transform(X)
    monkeypatch.setattr(_training, "free_memory", lambda: 1e12)
    np.testing.assert_allclose(
        blocked.transform(X), MSKKernel(k=5).fit(X).transform(X), atol=1e-12
    )
    np.testing.assert_allclose(K, MSKKernel(k=5).fit_transform(X), atol=1e-12)


@pytest.mark.usefixtures("little_memory")
def test_spectrum_cache_without_a_matrix(data, tmp_path):
    for kernel in ("ntk_relu", lambda X, Y: NTK()(X, Y)):
        scores = [
            MSKRegressor(kernel, memory=memory).fit(*data[:2]).score(*data[:2])
            for memory in (str(tmp_path), str(tmp_path), None)
        ]
        np.testing.assert_allclose(scores, scores[0], rtol=1e-12)

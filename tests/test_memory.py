"""How much memory a fit may hold, and what is done where the matrix does not fit."""

import subprocess
import sys
import tracemalloc

import numpy as np
import psutil
import pytest
import scipy.sparse
from problems import kernel_matrix
from sklearn.base import clone
from sklearn.gaussian_process.kernels import Matern

from sklearn_msk import MSKKernel, MSKRegressor
from sklearn_msk._memory import memory_limit
from sklearn_msk._operators import (
    BlockedOperator,
    DenseOperator,
    MixedPrecisionOperator,
    Storage,
    choose_storage,
    entry_size,
    hold_kernel,
    mixed_precision,
    more_exact,
)
from sklearn_msk._solvers import solve
from sklearn_msk._training import _solve_paths
from sklearn_msk._validation import count_distinct_rows
from sklearn_msk.kernels import NTK
from sklearn_msk.kernels._adapters import (
    CallableKernel,
    PairwiseKernel,
    PrecomputedKernel,
)

VARIABLE = "SKLEARN_MSK_MEMORY_LIMIT"
GIB = 2**30


@pytest.fixture
def little_memory(monkeypatch):
    monkeypatch.setenv(VARIABLE, "1000")


@pytest.fixture
def no_variable(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1000", 1000),
        ("8GiB", 8 * GIB),
        ("500MB", 500e6),
        (" 1.5 kib ", 1536),
        ("2e9", 2e9),
        ("3TB", 3e12),
        ("7B", 7),
    ],
)
def test_variable_is_the_limit(text, size, monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, text)
    assert memory_limit(root=tmp_path) == 0.75 * size
    assert memory_limit(3, root=tmp_path) == 0.25 * size


@pytest.mark.parametrize(
    "text", ["8 gigs", "GiB", "-1", "0", "1,5GB", "inf", "nan", "1e999", "0.0MB", "8XB"]
)
def test_variable_that_is_no_number_of_bytes(text, monkeypatch):
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(ValueError, match=rf"{VARIABLE} must be a positive.*8GiB.*Got"):
        memory_limit()


@pytest.mark.usefixtures("no_variable")
def test_limit_is_that_of_the_machine(tmp_path):
    total = psutil.virtual_memory().total
    assert memory_limit(root=tmp_path) == 0.75 * total
    assert 2**24 < memory_limit() <= 0.75 * total
    assert memory_limit() == memory_limit()


UNLIMITED = "9223372036854771712"

CGROUPS = {
    "version 2": (
        "0::/user.slice/session-1.scope\n",
        {
            "user.slice/memory.max": "500000",
            "user.slice/session-1.scope/memory.max": "max",
        },
        500000,
    ),
    "version 2 in a container": ("0::/\n", {"memory.max": "300000\n"}, 300000),
    "version 2 outside of what is seen": (
        "0::/../../other\n",
        {"memory.max": "300000"},
        300000,
    ),
    "nested SLURM job": (
        "0::/system.slice/slurmstepd.scope/job_7/step_0/user/task_0\n",
        {
            "system.slice/slurmstepd.scope/job_7/memory.max": "200000",
            "system.slice/slurmstepd.scope/job_7/step_0/memory.max": "400000",
            "system.slice/slurmstepd.scope/job_7/step_0/user/task_0/memory.max": "max",
        },
        200000,
    ),
    "version 1": (
        "5:cpu,cpuacct:/jobs\n4:memory:/slurm/uid_1/job_7\n",
        {
            "memory/memory.limit_in_bytes": UNLIMITED,
            "memory/slurm/uid_1/job_7/memory.limit_in_bytes": "600000",
            "memory/slurm/uid_1/memory.limit_in_bytes": "700000",
            "cpu/jobs/memory.limit_in_bytes": "1",
        },
        600000,
    ),
    "version 1 with another controller": (
        "4:hugetlb,memory:/a\n0::/b\n",
        {"memory/memory.limit_in_bytes": "800000"},
        800000,
    ),
    "version 1 without a limit": (
        "4:memory:/\n",
        {"memory/memory.limit_in_bytes": UNLIMITED},
        None,
    ),
    "no limit": ("0::/a\n", {"a/memory.max": "max\n"}, None),
    "a name with a colon": ("0::/a:b\n", {"a:b/memory.max": "900000"}, 900000),
    "missing files": ("0::/a/b\n", {}, None),
    "not a list of groups": ("?\n\n", {}, None),
}


@pytest.mark.usefixtures("no_variable")
@pytest.mark.parametrize("case", CGROUPS)
def test_control_groups_count_at_any_level(case, tmp_path):
    groups, limits, expected = CGROUPS[case]
    files = {"proc/self/cgroup": groups}
    files |= {f"sys/fs/cgroup/{name}": text for name, text in limits.items()}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    if expected is None:
        expected = psutil.virtual_memory().total
    assert memory_limit(root=tmp_path) == 0.75 * expected


@pytest.mark.usefixtures("no_variable")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_limits_of_the_process_count():
    code = (
        "import resource\n"
        "from sklearn_msk._memory import memory_limit\n"
        "limit = 2**33\n"
        "resource.setrlimit(resource.RLIMIT_AS, (limit, limit))\n"
        "assert memory_limit(root='/nowhere') <= 0.75 * limit\n"
        "from sklearn_msk import _memory\n"
        "assert _memory._address_space() == limit\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("limit", "itemsize", "mixed", "expected"),
    [
        (10.9, 8, False, (Storage.DENSE, True)),
        (10.7, 8, False, (Storage.BLOCKED, False)),
        (10.9, 8, True, (Storage.MIXED, True)),
        (2.1, 8, True, (Storage.MIXED, False)),
        (1.9, 8, True, (Storage.BLOCKED, False)),
        (6.5, 4, False, (Storage.DENSE, False)),
        (6.3, 4, False, (Storage.BLOCKED, False)),
        (10.9, 4, False, (Storage.DENSE, True)),
        (2.1, 4, True, (Storage.MIXED, False)),
    ],
)
def test_storage_by_bytes_an_entry(limit, itemsize, mixed, expected):
    n = 30_000
    assert expected == choose_storage(
        n, itemsize=itemsize, memory_limit=limit * n**2, mixed_allowed=mixed
    )


def hold(kernel, X, storage, **settings):
    settings = {"n_pairs": 5, "n_jobs": None, "fits_dense": True} | settings
    return hold_kernel(kernel, X, None, len(X), storage, **settings)


@pytest.mark.parametrize(
    ("storage", "kind"),
    [
        (Storage.MIXED, MixedPrecisionOperator),
        (Storage.DENSE, DenseOperator),
        (Storage.BLOCKED, BlockedOperator),
    ],
)
@pytest.mark.parametrize("fits_dense", [False, True])
def test_kernel_is_held_as_told(storage, kind, fits_dense, data):
    X, Y, _ = data
    A = hold(NTK(), X, storage, fits_dense=fits_dense)
    assert type(A) is kind
    assert A.fits_dense is fits_dense
    np.testing.assert_allclose(A @ Y, NTK()(X) @ Y / 60, atol=1e-5)


def test_precomputed_matrix_is_held_as_it_is():
    K = kernel_matrix()
    for storage in Storage:
        assert hold(PrecomputedKernel(), K, storage).K is K
    with pytest.raises(ValueError, match=r"square kernel matrix.*\(60, 50\)"):
        hold(PrecomputedKernel(), K[:, :50], Storage.DENSE)


@pytest.mark.parametrize("storage", [Storage.DENSE, Storage.BLOCKED])
def test_functions_are_checked_for_symmetry(storage, data):
    def lopsided(X, Y):
        return X @ Y.T + X[:, :1]

    with pytest.raises(ValueError, match="'lopsided' must be symmetric"):
        hold(CallableKernel(lopsided), data[0], storage)


@pytest.mark.parametrize(
    ("kernel", "dtype", "size"),
    [
        (NTK(), np.float32, 4),
        (NTK(), np.float64, 8),
        (PrecomputedKernel(), np.float32, 4),
        (PairwiseKernel("rbf"), np.float64, 8),
    ],
)
def test_bytes_of_an_entry(kernel, dtype, size, data):
    assert entry_size(kernel, data[0].astype(dtype)) == size


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("fits_dense", [False, True])
def test_ladder_of_precision(fits_dense, overwrite):
    """Errors fall from rung to rung; the last one is double precision."""
    X = np.random.RandomState(0).standard_normal((300, 10))
    kernel = Matern(0.7, nu=1.5)
    source = BlockedOperator(kernel, X, fits_dense=fits_dense)
    A, rungs = mixed_precision(source, 5), []
    matrix = kernel(X) / 300
    while A is not None:
        dtype = getattr(A, "remainder_dtype", None)
        rungs.append((type(A), dtype, np.linalg.norm(A @ np.eye(300) - matrix)))
        assert A.fits_dense is fits_dense
        A = more_exact(A, overwrite=overwrite)
    last = DenseOperator if fits_dense else BlockedOperator
    assert [rung[:2] for rung in rungs] == [
        (MixedPrecisionOperator, np.float32),
        (MixedPrecisionOperator, np.float64),
        (last, None),
    ]
    errors = [rung[2] for rung in rungs]
    assert errors[2] < 1e-3 * errors[1] < 0.5e-3 * errors[0]


@pytest.mark.parametrize("fits_dense", [False, True])
def test_ladder_from_a_matrix_that_is_held(fits_dense):
    A = DenseOperator(kernel_matrix(), fits_dense=fits_dense)
    top = more_exact(mixed_precision(A, 5))
    assert top.K is A.K
    assert not top.compactable
    assert more_exact(top) is None


def peak_of(function):
    """Result of a function, and the largest size of what it held, in bytes."""
    tracemalloc.start()
    try:
        return function(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("form", ["C", "F", "float32", "csr"])
def test_counting_rows_takes_no_copy_of_them(form, weighted, repeated):
    n = 2000
    K = np.random.RandomState(0).standard_normal((n, n))
    K[5, -1] = 0.0
    K[6] = K[5]
    K[6, -1] = -0.0
    # Rows of which but the last number tells them apart.
    K[8] = K[7]
    K[8, -1] += 1.0
    expected = n - 1
    if repeated:
        K[n // 2 :] = K[: n // 2]
        expected = n // 2 - 1
    weights = None
    if weighted:
        weights = np.ones(n)
        weights[7::2] = 0.0
        distinct = np.unique(K[weights > 0] + 0.0, axis=0)
        expected = len(distinct)
    stored = {
        "C": np.asarray,
        "F": np.asfortranarray,
        "float32": np.float32,
        "csr": scipy.sparse.csr_matrix,
    }
    X = stored[form](K)
    held = X.data.nbytes + X.indices.nbytes if form == "csr" else X.nbytes
    count_distinct_rows(X[:10])
    count, peak = peak_of(lambda: count_distinct_rows(X, weights))
    assert count == expected
    assert peak < 0.1 * held


def test_counts_of_sparse_rows():
    X = scipy.sparse.csr_matrix(
        np.array([[0, 1, 2], [0, 1, 2], [1, 0, 2], [0, 0, 0], [2, 1, 0], [0, 0, 0.0]])
    )
    assert count_distinct_rows(X) == 4
    # Zeros that are stored, and entries in another order, make no other row.
    rows, columns = [0, 0, 1, 1, 1, 2], [2, 1, 1, 0, 2, 0]
    values = [2.0, 1.0, 1.0, -0.0, 2.0, 0.0]
    X = scipy.sparse.csr_matrix((values, columns, [0, 2, 5, 6]), shape=(3, 3))
    before = X.data.copy()
    assert count_distinct_rows(X) == 2
    np.testing.assert_array_equal(X.data, before)
    assert count_distinct_rows(X[:0]) == 0
    assert count_distinct_rows(scipy.sparse.csr_matrix((4, 3))) == 1
    assert rows == sorted(rows)


def test_counts_of_no_rows_and_no_columns():
    assert count_distinct_rows(np.empty((0, 3))) == 0
    assert count_distinct_rows(np.empty((3, 0))) == 1
    assert count_distinct_rows(np.ones((3, 100))) == 1


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize(
    "params",
    [
        {"eigen_solver": "randomized"},
        {"solver": "lanczos", "max_iter": np.inf, "alpha": 0.1},
        {"solver": "gd", "dynamics": "descent"},
        {"eigen_solver": "arpack", "k": 5, "max_iter": 1000},
        {"eigen_solver": "randomized", "k": 5},
        {"eigen_solver": "lobpcg", "k": 1, "kernel": "laplacian"},
        {"kernel": lambda X, Y: NTK()(X, Y)},
    ],
)
def test_blocked_fits_equal_dense_ones(params, data, monkeypatch):
    X, Y, weights = data
    solved = []

    def recorded(A, *args, **options):
        solved.append(A)
        return solve(A, *args, **options)

    monkeypatch.setattr(_solve_paths, "solve", recorded)
    params = {"k": 5, "eigen_solver": "randomized"} | params
    blocked = MSKRegressor(tol=1e-10, **params).fit(X, Y, weights)
    monkeypatch.delenv(VARIABLE)
    dense = MSKRegressor(tol=1e-10, **params).fit(X, Y, weights)
    assert [type(A) for A in solved] == [BlockedOperator, DenseOperator]
    np.testing.assert_allclose(blocked.predict(X), dense.predict(X), atol=1e-7)


@pytest.mark.usefixtures("little_memory")
def test_verbose_says_that_the_matrix_is_not_held(data, capsys):
    MSKRegressor(k=5, eigen_solver="randomized", verbose=1).fit(data[0], data[1])
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
    model = MSKKernel(k=5, eigen_solver="randomized")
    blocked = clone(model).fit(X)
    K = clone(model).fit_transform(X)
    monkeypatch.delenv(VARIABLE)
    np.testing.assert_allclose(
        blocked.transform(X),
        clone(model).fit(X).transform(X),
        atol=1e-12,
    )
    np.testing.assert_allclose(K, clone(model).fit_transform(X), atol=1e-12)


@pytest.mark.usefixtures("little_memory")
def test_spectrum_cache_without_a_matrix(data, tmp_path):
    for kernel in ("ntk_relu", lambda X, Y: NTK()(X, Y)):
        scores = [
            MSKRegressor(kernel, k=5, eigen_solver="randomized", memory=memory)
            .fit(*data[:2])
            .score(*data[:2])
            for memory in (str(tmp_path), str(tmp_path), None)
        ]
        np.testing.assert_allclose(scores, scores[0], rtol=1e-12)


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize(
    "params",
    [
        {"eigen_solver": "dense"},
        {"k": 5, "eigen_solver": "randomized", "solver": "eigh"},
    ],
)
def test_full_decompositions_need_the_matrix(params):
    """Where it does not fit, the error says so; no attempt is made to allocate it."""
    X = np.random.RandomState(0).standard_normal((310, 2))
    message = r"n_samples=310.*GiB.*landmarks.*MEMORY_LIMIT"
    with pytest.raises(ValueError, match=message):
        MSKRegressor(**params).fit(X, X[:, 0])

"""How many bytes a fit may take: the variable, the machine, control groups."""

import subprocess
import sys

import psutil
import pytest

from sklearn_msk._memory import memory_limit

VARIABLE = "SKLEARN_MSK_MEMORY_LIMIT"


GIB = 2**30


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
    if sys.platform == "win32" and "colon" in case:
        pytest.skip("files of Windows have no colon in their names")
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
@pytest.mark.skipif(sys.platform != "linux", reason="other systems set no such limit")
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

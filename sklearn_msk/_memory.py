"""How much memory is free."""

import os
from pathlib import Path

try:
    import resource
except ImportError:  # not on Windows
    resource = None

# Limit and use of the memory of a container, and how much of that is a cache that can
# be dropped, in both versions of control groups.
_CGROUPS = [
    ("memory.max", "memory.current", "memory.stat", "inactive_file "),
    (
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
        "total_inactive_file ",
    ),
]


def free_memory():
    """Bytes that this process can still take: the least of what limits it.

    Returns
    -------
    float
        ``inf`` where the system does not say.
    """
    return min(_machine(), _container(), _process())


def _machine():
    """Bytes that are free, or would be if caches were dropped."""
    available = _read("/proc/meminfo", "MemAvailable:")
    if available is not None:
        return 1024.0 * available
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return float("inf")


def _container():
    """Bytes left to the control group that is the root of what the process sees."""
    root = Path("/sys/fs/cgroup")
    left = [float("inf")]
    for limit, used, statistics, cache in _CGROUPS:
        limit, used = _read(root / limit), _read(root / used)
        if limit is not None and used is not None:
            used -= _read(root / statistics, cache) or 0
            left.append(float(max(limit - used, 0)))
    return min(left)


def _process():
    """Bytes of address space left to the process."""
    if resource is None:
        return float("inf")
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    used = _read("/proc/self/status", "VmSize:")
    if limit == resource.RLIM_INFINITY or used is None:
        return float("inf")
    return float(max(limit - 1024 * used, 0))


def _read(path, label=""):
    """Return the number in a file, in the line of a label; None where there is none."""
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        words = line.removeprefix(label).split()
        if line.startswith(label) and words and words[0].isdigit():
            return int(words[0])
    return None

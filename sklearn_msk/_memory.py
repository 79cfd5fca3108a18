"""How much memory one fit may hold.

`memory_limit` is three quarters of the limit of the machine, and does not depend on
what happens to be free: how a kernel matrix is held, hence the last digits of a model,
is a function of the machine and not of its load. The limit of the machine is the least
of

- the memory that is built in,
- the limit of every control group that the process is in (containers, SLURM jobs,
  systemd slices), in version 1 or 2 of control groups,
- the limit of the address space of the process (``ulimit -v``).

The environment variable ``SKLEARN_MSK_MEMORY_LIMIT`` replaces it: a number of bytes, or
a number with a unit, as ``"8GiB"`` or ``"500MB"``. Fits that run at the same time share
one limit.

On a GPU a fit may hold a share of the memory that is free there, 0.75 by default. The
environment variable ``SKLEARN_MSK_DEVICE_MEMORY_SHARE`` replaces it, a number above 0
and up to 1.
"""

import math
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import psutil

from sklearn_msk._array_api import Array, is_foreign
from sklearn_msk._compat import array_api_compat

try:
    import resource
except ImportError:  # on Windows
    resource = None  # type: ignore[assignment]

VARIABLE = "SKLEARN_MSK_MEMORY_LIMIT"

DEVICE_VARIABLE = "SKLEARN_MSK_DEVICE_MEMORY_SHARE"

# Share of the limit that a fit may take: its temporaries, and the rest of the program,
# take more.
_SHARE = 0.75

_UNITS = {"": 1, "B": 1} | {
    prefix + suffix: base**power
    for power, prefix in enumerate("KMGT", 1)
    for suffix, base in (("B", 1000), ("IB", 1024))
}


def memory_limit(n_parallel: int = 1, *, root: str | Path = "/") -> float:
    """Bytes that one fit may hold.

    Parameters
    ----------
    n_parallel : int, default=1
        Number of fits that run at the same time and share the limit.
    root : str or Path, default="/"
        Root of the file system that the limits of control groups are read from.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the environment variable is not a number of bytes.
    """
    text = os.environ.get(VARIABLE, "").strip()
    limit = _parse(text) if text else _machine_limit(Path(root))
    return _SHARE * limit / n_parallel


def device_memory_limit(like: Array) -> float:
    """Bytes that one fit may hold on the device of an array.

    Parameters
    ----------
    like : array

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the environment variable is no share.
    """
    text = os.environ.get(DEVICE_VARIABLE, "").strip()
    free = _free_on_device(like) if is_foreign(like) else None
    if free is None:
        return memory_limit()
    return _parse_share(text) * free


def _parse_share(text: str) -> float:
    """Share that the environment variable stands for."""
    try:
        share = float(text or _SHARE)
    except ValueError:
        share = math.nan
    if not 0.0 < share <= 1.0:
        raise ValueError(
            f"The environment variable {DEVICE_VARIABLE} must be a number above 0 and "
            f'up to 1, as "0.5". Got {text!r} instead.'
        )
    return share


def _free_on_device(like: Array) -> float | None:
    """Bytes that are free where an array is, or None in the memory of the machine."""
    if array_api_compat.is_cupy_array(like):
        import cupy

        with like.device:
            unused = cupy.get_default_memory_pool().free_bytes()
            return float(like.device.mem_info[0] + unused)
    if not array_api_compat.is_torch_array(like):
        return None
    import torch

    if like.device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(like.device)
        held = torch.cuda.memory_reserved(like.device)
        return float(free + held - torch.cuda.memory_allocated(like.device))
    if like.device.type == "mps":
        limit = torch.mps.recommended_max_memory()
        return float(limit - torch.mps.current_allocated_memory())
    return None


def _parse(text: str) -> float:
    """Bytes that the environment variable stands for."""
    match = re.fullmatch(r"(\d+(?:\.\d*)?(?:e\+?\d+)?)\s*([a-z]*)", text, re.IGNORECASE)
    unit = _UNITS.get(match[2].upper()) if match else None
    size = float(match[1]) * unit if match and unit else 0.0
    if not 0.0 < size < math.inf:
        raise ValueError(
            f"The environment variable {VARIABLE} must be a positive number of bytes, "
            f'or a number with a unit, as "8GiB" or "500MB". Got {text!r} instead.'
        )
    return size


@cache
def _machine_limit(root: Path) -> float:
    """Bytes that the machine, its control groups and the process allow, read once."""
    total = float(psutil.virtual_memory().total)
    return min(total, _address_space(), *_control_groups(root))


def _address_space() -> float:
    """Bytes of address space that the process may take."""
    if resource is None:
        return math.inf
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return math.inf if limit == resource.RLIM_INFINITY else float(limit)


def _control_groups(root: Path) -> Iterator[float]:
    """Memory limits of the control groups of the process, from the outermost on.

    Every line of ``/proc/self/cgroup`` is ``number:controllers:path``; version 2 names
    no controllers. A group is bound by the limits of all groups above it too.
    """
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = (line.split(":", 2) + ["", ""])[:3]
        if not controllers:
            group, name = root / "sys/fs/cgroup", "memory.max"
        elif "memory" in controllers.split(","):
            group, name = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes"
        else:
            continue
        # The path may lead out of what a container sees, by "..".
        for part in ["", *(part for part in path.split("/") if part != "..")]:
            group = group / part
            text = _read(group / name).strip()
            # "max", or no file, is no limit.
            if text.isdigit():
                yield float(text)


def _read(path: Path) -> str:
    """Text of a file, empty where there is none."""
    try:
        return path.read_text()
    except OSError:
        return ""

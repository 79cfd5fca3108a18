"""Compiling by numba, where it is installed and allowed to."""

from collections.abc import Callable
from typing import Any

from numba import config, njit

if config.DISABLE_JIT:  # type: ignore[attr-defined]
    raise ImportError("numba is told not to compile")


def compiled(function: Callable) -> Callable:
    """Compile a function for arrays, and keep the result on disk where possible."""
    # numba's cache ignores these options: touch the function when you change them.
    options: dict[str, Any] = {
        "nogil": True,
        "error_model": "numpy",
        "fastmath": {"contract"},
    }
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:
        # numba has no folder that it may write to.
        return njit(**options)(function)

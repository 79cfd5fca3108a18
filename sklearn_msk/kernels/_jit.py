"""Compiling by numba, where it is installed and allowed to."""

from numba import config, njit

if config.DISABLE_JIT:
    raise ImportError("numba is told not to compile")


def compiled(function):
    """Compile a function for arrays, and keep the result on disk where possible."""
    # What is on disk is from before a change of these, until its function changes too.
    options = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:
        # numba has no folder that it may write to.
        return njit(**options)(function)

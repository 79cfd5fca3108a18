"""BLAS in one thread, where threads of our own call it."""

import threading
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_users = 0
_limits = None


@cache
def _controller():
    """Return what controls the BLAS that is loaded; looking for it takes a while."""
    return ThreadpoolController()


def n_blas_threads():
    """Return how many threads BLAS would take now."""
    libraries = _controller().select(user_api="blas").info()
    return max((library["num_threads"] for library in libraries), default=1)


@contextmanager
def single_threaded_blas():
    """Hold BLAS at one thread, until the last of those who ask for it is done.

    The limit is one of the whole process: where each thread restored what it had found,
    fits in several threads could leave the limit behind.
    """
    global _users, _limits
    with _lock:
        if _users == 0:
            _limits = _controller().limit(limits=1, user_api="blas")
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _limits.restore_original_limits()

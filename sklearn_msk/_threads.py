"""BLAS in one thread, where threads of this package call it.

OpenBLAS and MKL have one number of threads for the whole process: while a fit holds it
at one, BLAS calls of other threads of the program take one thread too.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from threadpoolctl import ThreadpoolController


class _BlasLimit:
    """The limit of one thread, and the number of those who ask for it."""

    def __init__(self, limiter: Any = None) -> None:
        self.lock = threading.Lock()
        self.n_users = 0
        # What restores the numbers of threads; in the child of a process that held the
        # limit when it forked, those of its parent.
        self.limiter = limiter

    def enter(self) -> None:
        with self.lock:
            if self.n_users == 0 and self.limiter is None:
                self.limiter = _controller().limit(limits=1, user_api="blas")
            self.n_users += 1

    def leave(self) -> None:
        with self.lock:
            self.n_users -= 1
            if self.n_users == 0:
                self.limiter.restore_original_limits()
                self.limiter = None


_limit = _BlasLimit()
_found: tuple[int, ThreadpoolController] | None = None


def _controller() -> ThreadpoolController:
    """Return what controls the BLAS libraries; looked for again after imports."""
    global _found
    # The search takes a millisecond; an import is how a library is loaded.
    if _found is None or _found[0] != len(sys.modules):
        _found = len(sys.modules), ThreadpoolController()
    return _found[1]


def _begin_child() -> None:
    """Replace the lock: the thread that held it does not exist in the child."""
    global _limit
    _limit = _BlasLimit(_limit.limiter)


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_begin_child)


def n_blas_threads() -> int:
    """Return how many threads BLAS would take now.

    Returns
    -------
    int
    """
    libraries = _controller().select(user_api="blas").info()
    return max((library["num_threads"] for library in libraries), default=1)


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Hold BLAS at one thread, until the last of those who ask for it is done.

    The limit is one of the whole process: where each thread restored what it had found,
    fits in several threads could leave the limit behind.
    """
    limit = _limit
    limit.enter()
    try:
        yield
    finally:
        # The child of a process that forked in between has a limit of its own.
        if limit is _limit:
            limit.leave()

"""What a user is told while a model is trained, under `verbose`."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from sklearn_msk._tuning import PROGRESS_INTERVAL

Monitor = Callable[[int, float, float], None]


class ProgressPrinter:
    """Prints how far an iterative solver is, once a second at most.

    Parameters
    ----------
    name : str
        What the lines begin with.
    interval : float, default=1.0
        Seconds between two lines, at the least.
    """

    def __init__(self, name: str, interval: float = PROGRESS_INTERVAL) -> None:
        self.name, self.interval = name, interval
        self.started = self.printed = time.perf_counter()
        self.before: tuple[float, float] | None = None

    def __call__(self, n_products: int, error: float, tol: float) -> None:
        """Take the state of a solver, and print it where it is time to."""
        if not math.isfinite(error):
            return
        now = time.perf_counter()
        left = self._seconds_left(now, error, tol)
        self.before = now, error
        if now - self.printed < self.interval:
            return
        self.printed = now
        print(
            f"[{self.name}] {n_products} products, relative error {error:.1e} "
            f"(tol {tol:.1e}), {now - self.started:.0f} s, {left}"
        )

    def _seconds_left(self, now: float, error: float, tol: float) -> str:
        """Extrapolate the error, which as a rule falls by a factor a second."""
        if error <= tol:
            return "done"
        if self.before is None or not error < self.before[1]:
            return "seconds left unknown"
        rate = math.log(self.before[1] / error) / max(now - self.before[0], 1e-9)
        return f"about {math.log(error / tol) / rate:.0f} s left"


@dataclass(frozen=True)
class Report:
    """Where the lines of a fit go.

    Attributes
    ----------
    name : str
        Class of the estimator, which begins each line.
    verbose : bool
        Whether any line is printed.
    interval : float, default=1.0
        Seconds between two lines of an iterative solver, at the least.
    """

    name: str = ""
    verbose: bool = False
    interval: float = PROGRESS_INTERVAL

    @classmethod
    def at(cls, name: str, verbose: int) -> Self:
        """Report of a class at a level: from 2 on, every look at a solver is a line."""
        return cls(name, bool(verbose), 0.0 if verbose >= 2 else PROGRESS_INTERVAL)

    def line(self, text: str) -> None:
        """Print a line."""
        if self.verbose:
            print(f"[{self.name}] {text}")

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Print the seconds that a part of the fit took."""
        started = time.perf_counter()
        yield
        self.line(f"{name}: {time.perf_counter() - started:.2f} s")

    def monitor(self) -> Monitor | None:
        """Return what an iterative solver calls with its progress, if anything."""
        return ProgressPrinter(self.name, self.interval) if self.verbose else None


SILENT = Report()

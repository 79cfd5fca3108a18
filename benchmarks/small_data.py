"""What a fit costs on few rows: `MSKRegressor` beside `KernelRidge`, the same kernel.

Rows uniform in [0, 1]^d and the targets of `sklearn.datasets.make_friedman1`. Both
sides fit the same rows with the kernel ``NTK()``, kernel matrix included:
``MSKRegressor(kernel=NTK(), k=50, max_iter=100)``, which stops by no rows, and
``KernelRidge(kernel=NTK(), alpha=0.1)``, one Cholesky factor. The sides take turns,
round by round, as machines drift, after one round in vain. The table has medians over
the rounds, of the CPU seconds of each side and of their ratio within a round, with the
least and the largest ratio. CPU seconds are those of all threads together. Run it with
``python benchmarks/small_data.py``.
"""

import argparse
from collections.abc import Callable

import numpy as np
from measure import cpu_seconds
from sklearn.datasets import make_friedman1
from sklearn.kernel_ridge import KernelRidge
from threadpoolctl import threadpool_limits

from sklearn_msk import MSKRegressor
from sklearn_msk.kernels import NTK

SIZES = [300, 600, 1000, 1500, 2000, 4000, 8000]
# Below this time a round repeats its fits, as clocks tick in milliseconds.
SHORT = 0.05


def problem(n: int, d: int, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows and targets."""
    X, y = make_friedman1(n, n_features=d, noise=1.0, random_state=0)
    return X.astype(dtype), y


def sides(
    X: np.ndarray, y: np.ndarray, options: argparse.Namespace
) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return the two fits."""
    msk = MSKRegressor(NTK(), k=options.k, max_iter=options.max_iter)
    ridge = KernelRidge(kernel=NTK(), alpha=options.alpha)
    return lambda: msk.fit(X, y), lambda: ridge.fit(X, y)


def measured(n: int, options: argparse.Namespace) -> np.ndarray:
    """CPU seconds of both sides in each round, of shape (rounds, 2)."""
    fits = sides(*problem(n, options.features, options.dtype), options)
    # The round in vain: imports and first touch of memory are not part of the work.
    repeats = [max(1, round(SHORT / max(cpu_seconds(fit), 1e-4))) for fit in fits]

    def seconds(fit: Callable[[], object], times: int) -> float:
        return cpu_seconds(lambda: [fit() for _ in range(times)]) / times

    rounds = [
        [seconds(fit, times) for fit, times in zip(fits, repeats, strict=True)]
        for _ in range(options.rounds)
    ]
    return np.array(rounds)


def main() -> None:
    """Print a row for each number of rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES)
    parser.add_argument("--features", type=int, default=10)
    parser.add_argument("--dtype", choices=["float64", "float32"], default="float64")
    parser.add_argument("--threads", type=int, default=1, help="of BLAS")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--k", type=int, default=50)
    parser.add_argument("--max-iter", type=float, default=100.0)
    parser.add_argument("--alpha", type=float, default=0.1, help="of KernelRidge")
    options = parser.parse_args()
    if options.max_iter.is_integer():
        options.max_iter = int(options.max_iter)
    print("| rows | MSKRegressor, CPU ms | KernelRidge, CPU ms | ratio |")
    print("|---|---|---|---|")
    with threadpool_limits(options.threads):
        for n in options.rows:
            seconds = measured(n, options)
            msk, ridge = 1e3 * np.median(seconds, axis=0)
            ratios = seconds[:, 0] / seconds[:, 1]
            lowest, ratio, highest = np.quantile(ratios, [0.0, 0.5, 1.0])
            print(
                f"| {n} | {msk:.0f} | {ridge:.0f} "
                f"| {ratio:.2f} ({lowest:.2f} to {highest:.2f}) |",
                flush=True,
            )


if __name__ == "__main__":
    main()

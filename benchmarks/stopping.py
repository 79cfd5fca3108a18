"""What early stopping is worth, and what it costs.

For every data set and kernel: RMSE on test rows of ``KernelRidge(kernel, alpha=1)``, of
`MSKRegressor` after 100 steps, and of `MSKRegressor` with the number of steps chosen by
rows held out, by leave-one-out errors and by five folds. Each error is compared with
that of the ridge and with that of the best step on the path; CPU seconds of a fit with
those of the fit of 100 steps. The default is "held out" of 100 steps with k =
min(50, n/20). 80 % of the rows, at most ``--rows``, train, at most 2000 test; features
and targets are standardised on the training rows. Run it with ``python
benchmarks/stopping.py --data FOLDER``, a folder of .npz files that hold X and y;
scikit-learn's diabetes data and a synthetic set join them.
"""

import argparse
import os
import time
from functools import partial
from unittest.mock import patch

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from defaults import data_sets
from sklearn.datasets import make_friedman1
from sklearn.gaussian_process.kernels import Matern
from sklearn.kernel_ridge import KernelRidge

from sklearn_msk import MSKRegressor
from sklearn_msk._estimators._stopping import train_and_stop

KERNELS = {
    "ntk_relu": "ntk_relu",
    "laplacian": "laplacian",
    "rbf": "rbf",
    "Matern(1.5)": Matern(nu=1.5),
}
# How many leading directions, from the number of training rows.
COUNTS = {
    "50": lambda n: 50,
    "min(50, n/10)": lambda n: min(50, n // 10),
    "min(50, n/20)": lambda n: max(1, min(50, n // 20)),
    "20": lambda n: 20,
    "10": lambda n: 10,
}
RULES = ("fixed", "held out", "loo", "folds")
FIXED_STEPS = 100
REPEATS = 2


def all_sets(folder):
    """Yield the name, rows and targets of every set."""
    yield from data_sets(folder)
    yield "friedman1", *make_friedman1(800, noise=2.0, random_state=0)


def split(X, y, seed, n_rows):
    """Training and test rows, standardised on the former."""
    order = np.random.default_rng(seed).permutation(len(X))
    n_train = len(X) * 4 // 5
    train = order[: min(n_rows, n_train)]
    test = order[n_train:][:2000]
    mean, scale = X[train].mean(axis=0), X[train].std(axis=0)
    X = (X - mean) / np.where(scale > 0, scale, 1.0)
    y = (y - y[train].mean()) / y[train].std()
    return X[train], y[train], X[test], y[test]


def rmse(values, y):
    """Root of the mean squared error."""
    return np.sqrt(np.mean((values - y) ** 2))


def ridge_error(kernel, X, y, X_test, y_test):
    """Error of the ridge that shares the kernel."""
    kernel = MSKRegressor(kernel, max_iter=1).fit(X[:9], y[:9]).kernel_
    model = KernelRidge(kernel="precomputed", alpha=1.0).fit(kernel(X), y)
    return rmse(model.predict(kernel(X_test, X)), y_test)


def fit_by(rule, model, X, y):
    """Fit a clone of a model with a rule of stopping; "folds" is "loo" of many rows."""
    model = MSKRegressor(**model.get_params(deep=False))
    if rule != "fixed":
        model.set_params(early_stopping=True if rule == "held out" else "loo")
    limit = {"leave_one_out_rows": 0} if rule == "folds" else {}
    stop = partial(train_and_stop, **limit)
    with patch("sklearn_msk._estimators._base.train_and_stop", stop):
        return model.fit(X, y)


def timed_fit(rule, model, X, y):
    """Fitted model, and the CPU seconds that it took."""
    started = time.process_time()
    model = fit_by(rule, model, X, y)
    return model, time.process_time() - started


def measure(kernel, k, max_iter, rules, rows):
    """Error, error by that of the best step, and CPU seconds, for every rule."""
    X, y, X_test, y_test = rows
    model = MSKRegressor(kernel, k=k, max_iter=max_iter)
    path = MSKRegressor(kernel, k=k, max_iter=max_iter, store_trajectory=True)
    path.fit(X, y)
    best = min(rmse(values, y_test) for values in path.staged_predict(X_test))
    cells = []
    for rule in rules:
        if rule == "fixed":
            model.set_params(max_iter=FIXED_STEPS)
        timed = [timed_fit(rule, model, X, y) for _ in range(REPEATS)]
        error = rmse(timed[0][0].predict(X_test), y_test)
        seconds = min(seconds for _, seconds in timed)
        cells.append((error, error / best, seconds))
        model.set_params(max_iter=max_iter)
    return np.array(cells)


def main():
    """Print a table of every k and length of the path, and of every set and kernel."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder of .npz files with X and y")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--max-iter", type=float, nargs="+", default=[100, 1000])
    parser.add_argument("--counts", nargs="+", default=list(COUNTS))
    parser.add_argument("--rules", nargs="+", default=list(RULES), choices=RULES)
    parser.add_argument("--sets", action="store_true", help="print every set too")
    options = parser.parse_args()
    # All seconds are compared with those of this one.
    rules = ["fixed", *(rule for rule in RULES[1:] if rule in options.rules)]
    sets = [
        (name, [split(X, y, seed, options.rows) for seed in range(options.splits)])
        for name, X, y in all_sets(options.data)
    ]
    names = [(name, kernel) for name, _ in sets for kernel in KERNELS]
    ridge = np.array(
        [
            [ridge_error(kernel, *rows) for rows in splits]
            for _, splits in sets
            for kernel in KERNELS.values()
        ]
    )
    head = ("k", "steps", "rule", "RMSE", "by ridge", "worst", "> 1.03")
    head += ("by best step", "worst", "CPU s", "by fixed", "worst")
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|", flush=True)
    for count in options.counts:
        for max_iter in options.max_iter:
            table = np.array(
                [
                    [
                        measure(
                            kernel, COUNTS[count](len(rows[0])), max_iter, rules, rows
                        )
                        for rows in splits
                    ]
                    for _, splits in sets
                    for kernel in KERNELS.values()
                ]
            )
            show(count, max_iter, rules, table, ridge)
            if options.sets:
                show_sets(names, table, ridge)


def show(count, max_iter, rules, table, ridge):
    """Print a line for every rule; sets and kernels by the means over the splits."""
    for number, rule in enumerate(rules):
        error, by_best, seconds = table[:, :, number].transpose(2, 0, 1)
        by_ridge = error.mean(axis=1) / ridge.mean(axis=1)
        cost = seconds.mean(axis=1) / table[:, :, 0, 2].mean(axis=1)
        cells = (
            count,
            f"{max_iter:g}",
            rule,
            f"{np.exp(np.log(error).mean()):.4f}",
            f"{np.exp(np.log(by_ridge).mean()):.3f}",
            f"{by_ridge.max():.3f}",
            f"{np.sum(by_ridge > 1.03)} of {len(by_ridge)}",
            f"{by_best.mean():.3f}",
            f"{by_best.mean(axis=1).max():.3f}",
            f"{seconds.mean():.3f}",
            f"{seconds.mean() / table[:, :, 0, 2].mean():.2f}",
            f"{cost.max():.2f}",
        )
        print("| " + " | ".join(cells) + " |", flush=True)


def show_sets(names, table, ridge):
    """Print the errors of every set and kernel, the ridge first."""
    for name, errors, of_ridge in zip(names, table[..., 0], ridge, strict=True):
        cells = [of_ridge.mean(), *errors.mean(axis=0)]
        print(*name, " ".join(f"{cell:.3f}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()

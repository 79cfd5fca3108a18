"""Where the defaults of `MSKRegressor` come from, and what they are worth.

Each data set is shuffled and cut in two halves of its rows. On the first halves, k and
max_iter are chosen by the geometric mean over the sets of RMSE / sd(y), two thirds of
their rows to train and the others to test. Then the defaults, and a fixed number of
steps, are compared with `KernelRidge(kernel="rbf")` and `RandomForestRegressor()`,
trained on the first halves and tested on the second ones, which nothing is chosen on.
Up to 2000 rows train, up to 2000 test; features and targets are standardised on the
training rows; medians over ``--splits`` ways to cut. ``--whole`` compares on whole sets
instead, 2000 rows or nine tenths of a small set for training. Run it with
``python benchmarks/defaults.py --data FOLDER``, a folder of .npz files that hold X and
y; scikit-learn's diabetes data join them, and are all there is without.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor
from sklearn.kernel_ridge import KernelRidge

from sklearn_msk import MSKRegressor

NAMES = (
    "uci_yacht",
    "uci_energy",
    "uci_concrete",
    "uci_airfoil",
    "uci_elevators",
    "uci_kin40k",
    "uci_protein",
    "california_housing",
)
COUNTS = (5, 10, 20, 50, 100)
STEPS = (3, 10, 30, 100, 300, 1000)


def data_sets(folder):
    """Yield the name, rows and targets of every set that is there."""
    X, y = load_diabetes(return_X_y=True)
    yield "diabetes", X, y
    for name in NAMES:
        path = Path(folder or ".") / f"{name}.npz"
        if not path.exists():
            print(f"{name}: skipped, {path.name} is not in the folder")
            continue
        data = np.load(path)
        yield name, data["X"].astype(float), np.ravel(data["y"]).astype(float)


def first_half(X, y, seed):
    """Training and test rows, both from the first half of the rows."""
    first, _ = cut(X, seed)
    return split(X, y, first, len(first) * 2 // 3)


def both_halves(X, y, seed):
    """Training rows from the first half of the rows, test rows from the second."""
    first, second = cut(X, seed)
    n_train = min(2000, len(first))
    return split(X, y, np.concatenate([first[:n_train], second]), n_train)


def whole(X, y, seed):
    """Training and test rows from all."""
    order = np.random.default_rng(seed).permutation(len(X))
    return split(X, y, order, len(X) * 9 // 10)


def cut(X, seed):
    """Two halves of the rows, shuffled."""
    return np.array_split(np.random.default_rng(seed).permutation(len(X)), 2)


def split(X, y, order, n_train):
    """Training and test rows, in an order, standardised on the former."""
    n_train = min(2000, n_train)
    train, test = order[:n_train], order[n_train : n_train + 2000]
    mean, scale = X[train].mean(axis=0), X[train].std(axis=0)
    rows = (X - mean) / np.where(scale > 0, scale, 1.0)
    targets = (y - y[train].mean()) / y[train].std()
    return rows[train], targets[train], rows[test], targets[test]


def errors_of_grid(X, y, X_test, y_test):
    """RMSE on the test rows for every k and number of steps."""
    errors = np.empty((len(COUNTS), len(STEPS)))
    for row, k in enumerate(COUNTS):
        model = MSKRegressor(k=k, max_iter=STEPS[-1], store_trajectory=True).fit(X, y)
        for column, stage in enumerate(model.staged_predict(X_test, STEPS)):
            errors[row, column] = np.sqrt(np.mean((stage - y_test) ** 2))
    return errors


def choose(sets, n_splits):
    """Best k and number of steps on the first halves, as parameters."""
    grids = []
    for name, X, y in sets:
        errors = [errors_of_grid(*first_half(X, y, seed)) for seed in range(n_splits)]
        grids.append(np.median(errors, axis=0))
        row, column = np.unravel_index(grids[-1].argmin(), grids[-1].shape)
        print(
            f"{name}: best k {COUNTS[row]}, {STEPS[column]} steps, "
            f"{grids[-1].min():.3f}",
            flush=True,
        )
    means = np.exp(np.mean(np.log(grids), axis=0))
    print("\nFirst halves, geometric mean of RMSE / sd(y):\n")
    print("| k | " + " | ".join(f"{steps} steps" for steps in STEPS) + " |")
    print("|---" * (len(STEPS) + 1) + "|")
    for k, cells in zip(COUNTS, means, strict=True):
        print(f"| {k} | " + " | ".join(f"{cell:.4f}" for cell in cells) + " |")
    row, column = np.unravel_index(means.argmin(), means.shape)
    return {"k": COUNTS[row], "max_iter": STEPS[column]}


def rmse(model, X, y, X_test, y_test):
    """Error of a model on the test rows."""
    return np.sqrt(np.mean((model.fit(X, y).predict(X_test) - y_test) ** 2))


def main():
    """Print the errors by k and steps on the first halves, then the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder of .npz files with X and y")
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--whole", action="store_true", help="compare on whole sets")
    options = parser.parse_args()
    sets = list(data_sets(options.data))
    if options.whole:
        compare(sets, options.splits, whole)
        return
    chosen = choose(sets, options.splits)
    print(f"\nThe best is {chosen}. Second halves, with the defaults:\n")
    compare(sets, options.splits, both_halves)


def compare(sets, n_splits, divide):
    """Print the errors of the defaults beside those of other models."""
    models = {
        "MSKRegressor": MSKRegressor(),
        "k=50, max_iter=100": MSKRegressor(k=50, max_iter=100),
        'KernelRidge(kernel="rbf")': KernelRidge(kernel="rbf"),
        "RandomForestRegressor()": RandomForestRegressor(random_state=0),
    }
    print("| RMSE / sd(y) | " + " | ".join(models) + " |\n" + "|---" * 5 + "|")
    table = []
    for name, X, y in sets:
        splits = [divide(X, y, seed) for seed in range(n_splits)]
        errors = [
            [rmse(model, *split) for split in splits] for model in models.values()
        ]
        table.append(np.median(errors, axis=1))
        cells = " | ".join(f"{error:.3f}" for error in table[-1])
        print(f"| {name} | {cells} |", flush=True)
    table = np.array(table)
    for column, name in enumerate(list(models)[:2]):
        wins = [int(np.sum(table[:, column] < table[:, other])) for other in (2, 3)]
        print(f"{name} wins {wins[0]} and {wins[1]} of {len(table)}.")


if __name__ == "__main__":
    main()

"""Where the defaults of `MSKRegressor` come from, and what they are worth.

Each data set is shuffled and cut in two halves of its rows. On the first halves, k and
max_iter are chosen by the geometric mean over the sets of RMSE / sd(y); on the second
halves the defaults are compared with `KernelRidge(kernel="rbf")` and
`RandomForestRegressor()`, all with their default parameters. Up to 2000 rows of a half
train (two thirds of a small one), up to 2000 others test; features and targets are
standardised on the training rows. Run it with ``python benchmarks/defaults.py --data
FOLDER``, a folder of .npz files that hold X and y; scikit-learn's diabetes data join
them, and are all there is without.
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


def halves(X, y, seed):
    """Two halves of the rows, each as training and test rows, standardised."""
    order = np.random.default_rng(seed).permutation(len(X))
    for half in np.array_split(order, 2):
        n_train = min(2000, 2 * len(half) // 3)
        train, test = half[:n_train], half[n_train : n_train + 2000]
        mean, scale = X[train].mean(axis=0), X[train].std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        targets = (y - y[train].mean()) / y[train].std()
        yield (
            (X[train] - mean) / scale,
            targets[train],
            (X[test] - mean) / scale,
            targets[test],
        )


def errors_of_grid(X, y, X_test, y_test):
    """RMSE on the test rows for every k and number of steps."""
    errors = np.empty((len(COUNTS), len(STEPS)))
    for row, k in enumerate(COUNTS):
        model = MSKRegressor(k=k, max_iter=STEPS[-1], store_trajectory=True).fit(X, y)
        for column, stage in enumerate(model.staged_predict(X_test, STEPS)):
            errors[row, column] = np.sqrt(np.mean((stage - y_test) ** 2))
    return errors


def main():
    """Print the errors by k and steps on the first halves, then the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder of .npz files with X and y")
    parser.add_argument("--splits", type=int, default=3)
    options = parser.parse_args()
    models = {
        "MSKRegressor()": MSKRegressor(),
        'KernelRidge(kernel="rbf")': KernelRidge(kernel="rbf"),
        "RandomForestRegressor()": RandomForestRegressor(random_state=0),
    }
    grids, rows = [], []
    for name, X, y in data_sets(options.data):
        chosen, compared = [], []
        for seed in range(options.splits):
            first, second = halves(X, y, seed)
            chosen.append(errors_of_grid(*first))
            X_train, y_train, X_test, y_test = second
            compared.append(
                [
                    np.sqrt(
                        np.mean(
                            (model.fit(X_train, y_train).predict(X_test) - y_test) ** 2
                        )
                    )
                    for model in models.values()
                ]
            )
        grids.append(np.median(chosen, axis=0))
        rows.append((name, np.median(compared, axis=0)))
        place = np.unravel_index(grids[-1].argmin(), grids[-1].shape)
        print(
            f"{name}: best k {COUNTS[place[0]]}, {STEPS[place[1]]} steps, "
            f"{grids[-1].min():.3f}",
            flush=True,
        )
    print("\nFirst halves, geometric mean of RMSE / sd(y):\n")
    print("| k | " + " | ".join(f"{steps} steps" for steps in STEPS) + " |")
    print("|---" * (len(STEPS) + 1) + "|")
    for k, means in zip(COUNTS, np.exp(np.mean(np.log(grids), axis=0)), strict=True):
        print(f"| {k} | " + " | ".join(f"{mean:.3f}" for mean in means) + " |")
    print("\nSecond halves, RMSE / sd(y):\n\n| data | " + " | ".join(models) + " |")
    print("|---" * (len(models) + 1) + "|")
    for name, errors in rows:
        print(f"| {name} | " + " | ".join(f"{error:.3f}" for error in errors) + " |")
    table = np.array([errors for _, errors in rows])
    wins = [int(np.sum(table[:, 0] < table[:, other])) for other in (1, 2)]
    print(f"\nMSKRegressor() wins {wins[0]} and {wins[1]} of {len(rows)}.")


if __name__ == "__main__":
    main()

"""Real data: MSK against other models, each tuned inside of the folds that test it.

Nested cross-validation: five outer folds test, three inner folds choose the parameters
of every model, on up to ``--rows`` rows of each set. The three kernel methods share
their kernels; features are standardised and targets too, on the rows of the outer fold
that train, and the table has the root mean squared error on those scales, the mean over
the outer folds, beside the median of the seconds of a search on one core. Run it with
``python benchmarks/real_data.py --data FOLDER``, a folder of .npz files that hold X and
y; scikit-learn's diabetes data join them, and are all there is without.
"""

import argparse
import os
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from defaults import data_sets
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV, KFold

from sklearn_msk import MSKGridSearchCV, MSKRegressor
from sklearn_msk.kernels import NTK

KERNELS = (
    {"kernel": ["rbf", "laplacian"], "gamma": [0.03, 0.1, 0.3]},
    {"kernel": [NTK(depth=1), NTK(depth=3)]},
)


def with_kernels(**parameters):
    """Cross parameters with the kernels that all kernel methods share."""
    return [kernels | parameters for kernels in KERNELS]


def searches():
    """Yield the name of every model, and its search."""
    inner = KFold(3, shuffle=True, random_state=1)
    steps = [3, 10, 30, 100, 300, 1000]
    options = {"cv": inner, "scoring": "neg_mean_squared_error"}
    yield (
        "MSKRegressor",
        MSKGridSearchCV(
            MSKRegressor(),
            with_kernels(k=[0, 10, 30, 100, 300], max_iter=steps),
            **options,
        ),
    )
    yield (
        "plain descent",
        MSKGridSearchCV(
            MSKRegressor(k=0),
            with_kernels(max_iter=[*steps, 10_000, 100_000]),
            **options,
        ),
    )
    yield (
        "KernelRidge",
        GridSearchCV(
            KernelRidge(), with_kernels(alpha=np.logspace(-4, 1, 6)), **options
        ),
    )
    yield (
        "random forest",
        GridSearchCV(
            RandomForestRegressor(200, random_state=0),
            {"max_features": [1 / 3, 1.0], "min_samples_leaf": [1, 5]},
            **options,
        ),
    )
    yield (
        "gradient boosting",
        GridSearchCV(
            HistGradientBoostingRegressor(random_state=0),
            {
                "learning_rate": [0.03, 0.1],
                "max_leaf_nodes": [7, 31],
                "max_iter": [100, 400],
            },
            **options,
        ),
    )


def outer_folds(X, y, n_rows):
    """Yield training and test rows of every outer fold, standardised on the former."""
    rows = np.random.default_rng(0).permutation(len(X))[:n_rows]
    X, y = X[rows], y[rows]
    for train, test in KFold(5).split(X):
        mean, scale = X[train].mean(axis=0), X[train].std(axis=0)
        Z = (X - mean) / np.where(scale > 0, scale, 1.0)
        t = (y - y[train].mean()) / y[train].std()
        yield Z[train], t[train], Z[test], t[test]


def nested_errors(search, folds):
    """Errors on the outer folds, and the seconds of each search."""
    errors, seconds = [], []
    for X, y, X_test, y_test in folds:
        started = time.perf_counter()
        search.fit(X, y)
        seconds.append(time.perf_counter() - started)
        errors.append(np.sqrt(np.mean((search.predict(X_test) - y_test) ** 2)))
    return errors, seconds


def main():
    """Print a line for every set, then who wins."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder of .npz files with X and y")
    parser.add_argument("--rows", type=int, default=1500)
    options = parser.parse_args()
    names = [name for name, _ in searches()]
    print("| RMSE / sd(y) (seconds) | " + " | ".join(names) + " |")
    print("|---" * (len(names) + 1) + "|")
    table = []
    for data_set, X, y in data_sets(options.data):
        folds = list(outer_folds(X, y, options.rows))
        cells, means = [], []
        for _, search in searches():
            errors, seconds = nested_errors(search, folds)
            means.append(np.mean(errors))
            cells.append(
                f"{means[-1]:.3f} ± {np.std(errors):.3f} ({np.median(seconds):.0f})"
            )
        table.append(means)
        print(f"| {data_set} | " + " | ".join(cells) + " |", flush=True)
    table = np.array(table)
    print("| geometric mean | ", end="")
    print(" | ".join(f"{m:.3f}" for m in np.exp(np.log(table).mean(axis=0))) + " |")
    for column, name in enumerate(names[1:], start=1):
        wins = int(np.sum(table[:, 0] < table[:, column]))
        print(f"MSKRegressor is better than {name} on {wins} of {len(table)}.")


if __name__ == "__main__":
    main()

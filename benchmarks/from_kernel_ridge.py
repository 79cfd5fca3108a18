"""What a user of `KernelRidge` gains, on ten sets: the recipe of the README.

For every data set: RMSE over the standard deviation of y on test rows, geometric mean
over ``--seeds`` splits, and the median CPU seconds of a fit, in parentheses. 80 % of
the rows, at most ``--rows``, train, at most 2000 test. Targets are standardised on the
training rows, because `KernelRidge` has no intercept. Run it with ``python
benchmarks/from_kernel_ridge.py --data FOLDER``, a folder of .npz files that hold X and
y; scikit-learn's diabetes data and a synthetic set join them.
"""

import argparse
import os
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from chosen import split, tuned_ridge
from sklearn.kernel_ridge import KernelRidge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from stopping import all_sets, rmse

from sklearn_msk import MSKRegressor, MSKRegressorCV


def scaled(model):
    """Standardise the features before a model."""
    return make_pipeline(StandardScaler(), model)


MODELS = {
    "`KernelRidge(alpha=0.1)`, rbf": lambda d: scaled(KernelRidge(0.1, kernel="rbf")),
    "`KernelRidge()`, rbf": lambda d: scaled(KernelRidge(kernel="rbf")),
    "`MSKRegressor()`, rbf": lambda d: scaled(MSKRegressor("rbf")),
    "tuned `KernelRidge`": tuned_ridge,
    "`MSKRegressorCV()`": lambda d: MSKRegressorCV(),
}
# Which model replaces which.
PAIRS = [(2, 0), (2, 1), (4, 0), (4, 1), (4, 3)]


def measure(make_model, splits):
    """Geometric mean of the errors on the splits, and the median CPU seconds."""
    errors, seconds = [], []
    for X, y, X_test, y_test in splits:
        model = make_model(X.shape[1])
        started = time.process_time()
        model.fit(X, y)
        seconds.append(time.process_time() - started)
        errors.append(rmse(model.predict(X_test), y_test))
    return np.exp(np.log(errors).mean()), np.median(seconds)


def main():
    """Print a line for every set, then who is ahead on how many."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder of .npz files")
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    print("| data | " + " | ".join(MODELS) + " |", flush=True)
    print("|---" * (len(MODELS) + 1) + "|")
    table = []
    for name, X, y in all_sets(options.data):
        splits = [split(X, y, seed, options.rows) for seed in range(options.seeds)]
        found = np.array([measure(model, splits) for model in MODELS.values()])
        table.append(found)
        cells = " | ".join(f"{error:.3f} ({seconds:.2f})" for error, seconds in found)
        print(f"| {name} | {cells} |", flush=True)
    errors, seconds = np.moveaxis(table, 2, 0)
    means = np.exp(np.log(errors).mean(axis=0))
    cells = zip(means, np.median(seconds, axis=0), strict=True)
    print("| all | " + " | ".join(f"{e:.4f} ({s:.2f})" for e, s in cells) + " |")
    for ours, theirs in PAIRS:
        wins = int(np.sum(errors[:, ours] < errors[:, theirs]))
        name, other = list(MODELS)[ours], list(MODELS)[theirs]
        print(f"{name} is ahead of {other} on {wins} of {len(errors)}.")


if __name__ == "__main__":
    main()

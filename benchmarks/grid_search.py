"""A search over a thousand candidates against fits of `KernelRidge`.

`MSKGridSearchCV` over k, g, the number of steps and alpha, 5 folds, and beside it the
CPU seconds of one fit of `KernelRidge(kernel="rbf")` on all rows; a small part of the
grid is also run by `GridSearchCV`, per candidate. Run it with
``python benchmarks/grid_search.py``.
"""

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from measure import cpu_seconds
from sklearn.datasets import make_friedman1
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV, ParameterGrid
from sklearn.preprocessing import StandardScaler

from sklearn_msk import MSKGridSearchCV, MSKRegressor

GRID = {
    "k": [0, 10, 25, 50, 100],
    "g": ["flatten", "lift"],
    "max_iter": [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
    "alpha": [0.0, 1e-3, 1e-2, 1e-1, 1.0],
    "learning_rate": [0.5, 1.0],
}


def main():
    """Print the seconds of both searches and of one fit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--kernel", default="rbf")
    options = parser.parse_args()
    X, y = make_friedman1(options.rows, noise=1.0, random_state=0)
    X, y = StandardScaler().fit_transform(X), y - y.mean()
    n_candidates = len(ParameterGrid(GRID))

    ridge = cpu_seconds(lambda: KernelRidge(kernel="rbf", alpha=1.0).fit(X, y), 3)
    print(f"one fit of KernelRidge: {ridge:.2f} s", flush=True)
    search = MSKGridSearchCV(MSKRegressor(options.kernel), GRID, cv=5, refit=False)
    shared = cpu_seconds(lambda: search.fit(X, y))
    print(
        f"MSKGridSearchCV, {n_candidates} candidates, 5 folds: {shared:.1f} s, as much "
        f"as {shared / ridge:.1f} fits of KernelRidge",
        flush=True,
    )
    few = {name: values[-1:] for name, values in GRID.items()} | {"max_iter": [10, 100]}
    plain = GridSearchCV(MSKRegressor(options.kernel), few, cv=5, refit=False)
    seconds = cpu_seconds(lambda: plain.fit(X, y)) / 2
    print(
        f"GridSearchCV: {seconds:.1f} s a candidate (k = 100), "
        f"against {shared / n_candidates:.3f} s"
    )
    best = search.cv_results_["params"][
        np.argmax(search.cv_results_["mean_test_score"])
    ]
    print(f"best: {best}, R2 {search.cv_results_['mean_test_score'].max():.4f}")


if __name__ == "__main__":
    main()

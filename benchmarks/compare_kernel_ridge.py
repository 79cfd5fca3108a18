"""Table of the README: tuned kernel ridge, plain descent and MSK on one split.

California housing, standardised, half of ``--rows`` rows for training and half for
testing. `KernelRidge` is tuned by 5-fold cross-validation over two kernels, gamma and
alpha, MSK over the same two kernels, k and the number of steps; the other three are not
tuned. The seconds are those of `fit`, tuning included.

Run it with ``python benchmarks/compare_kernel_ridge.py``; the data are downloaded by
scikit-learn, or read from ``--data``, an .npz file that holds X and y.
"""

import argparse
import time

import numpy as np
from sklearn.datasets import fetch_california_housing
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_msk import MSKGridSearchCV, MSKRegressor, MSKRegressorCV


def scaled(model):
    """Standardise the features before a model."""
    return make_pipeline(StandardScaler(), model)


MODELS = {
    "KernelRidge, tuned": GridSearchCV(
        scaled(KernelRidge()),
        {
            "kernelridge__kernel": ["rbf", "laplacian"],
            "kernelridge__gamma": np.logspace(-3, 0, 4),
            "kernelridge__alpha": np.logspace(-3, 1, 5),
        },
    ),
    "plain descent": scaled(MSKRegressor("laplacian", k=0, max_iter=100)),
    "MSK, tuned": MSKGridSearchCV(
        scaled(MSKRegressor()),
        {
            "mskregressor__kernel": ["rbf", "laplacian"],
            "mskregressor__k": [0, 20, 50],
            "mskregressor__max_iter": [10, 30, 100],
        },
    ),
    "MSKRegressorCV": MSKRegressorCV(),
    "MSK, all defaults": scaled(MSKRegressor()),
}


def main():
    """Fit every model and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--data", help=".npz file with X and y")
    options = parser.parse_args()
    if options.data:
        data = np.load(options.data)
        X, y = data["X"].astype(float), data["y"].astype(float)
    else:
        X, y = fetch_california_housing(return_X_y=True)
    X, X_test, y, y_test = train_test_split(
        X, y, train_size=options.rows // 2, test_size=options.rows // 2, random_state=0
    )
    print(f"| {len(X)} training rows | seconds | R2 |\n|---|---|---|")
    for name, model in MODELS.items():
        started = time.perf_counter()
        # KernelRidge has no intercept.
        model.fit(X, y - y.mean())
        seconds = time.perf_counter() - started
        score = model.score(X_test, y_test - y.mean())
        print(f"| {name} | {seconds:.1f} | {score:.3f} |", flush=True)


if __name__ == "__main__":
    main()

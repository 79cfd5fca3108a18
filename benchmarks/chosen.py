"""What `MSKRegressorCV` chooses, beside other regressors without tuning and with it.

For every data set and seed: RMSE over the standard deviation of y on test rows, CPU
seconds of the fit, and for `MSKRegressorCV` the coverage of intervals at 90 %. 80 % of
the rows, at most ``--rows``, train, at most 2000 test. Run it with ``python
benchmarks/chosen.py --data FOLDER``, a folder of .npz files that hold X and y;
scikit-learn's diabetes data and a synthetic set join them.

``--models`` takes four more: "linear", "Gaussian process" (one length scale), "Gaussian
process, ARD" (one for each feature) and "xRFM", which has to be installed.
"""

import argparse
import os
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from stopping import all_sets, rmse

from sklearn_msk import MSKRegressorCV


def tuned_ridge(n_features):
    """Kernel ridge regression, searched over two kernels with 18 settings each."""
    grid = {
        "kernelridge__kernel": ["rbf", "laplacian"],
        "kernelridge__gamma": np.array([0.1, 0.3, 1.0]) / n_features,
        "kernelridge__alpha": np.logspace(-4, 1, 6),
    }
    return GridSearchCV(make_pipeline(StandardScaler(), KernelRidge()), grid)


def gaussian_process(length_scale):
    """Gaussian process whose length scales and noise the likelihood chooses."""
    kernel = 1.0 * RBF(length_scale) + WhiteKernel()
    process = GaussianProcessRegressor(kernel, normalize_y=True)
    return make_pipeline(StandardScaler(), process)


class XRFM(RegressorMixin, BaseEstimator):
    """xRFM with its defaults; a fifth of the training rows judges its iterations."""

    def fit(self, X, y):
        """Train on four fifths of the rows."""
        import torch
        from xrfm import xRFM

        torch.set_num_threads(1)
        self.scaler_ = StandardScaler().fit(X)
        X = self.scaler_.transform(X).astype(np.float32)
        y = y.astype(np.float32)[:, None]
        order = np.random.default_rng(0).permutation(len(X))
        train, judge = order[: len(X) * 4 // 5], order[len(X) * 4 // 5 :]
        self.model_ = xRFM(device=torch.device("cpu"), tuning_metric="mse")
        parts = (X[train], y[train], X[judge], y[judge])
        self.model_.fit(*(torch.tensor(part) for part in parts), verbose=False)
        return self

    def predict(self, X):
        """Predict by the model of four fifths of the rows."""
        import torch

        X = self.scaler_.transform(X).astype(np.float32)
        return np.asarray(self.model_.predict(torch.tensor(X))).ravel()


# What runs unless asked for something else, and then the others.
DEFAULTS = ("MSKRegressorCV", "boosting", "forest", "tuned KernelRidge")
MODELS = {
    "MSKRegressorCV": lambda d: MSKRegressorCV(),
    "boosting": lambda d: HistGradientBoostingRegressor(random_state=0),
    "forest": lambda d: RandomForestRegressor(random_state=0),
    "tuned KernelRidge": tuned_ridge,
    "linear": lambda d: make_pipeline(
        StandardScaler(), RidgeCV(np.logspace(-2, 4, 13))
    ),
    "Gaussian process": lambda d: gaussian_process(1.0),
    "Gaussian process, ARD": lambda d: gaussian_process(np.ones(d)),
    "xRFM": lambda d: XRFM(),
}


def split(X, y, seed, n_rows):
    """Training and test rows; y is standardised on the former."""
    order = np.random.default_rng(seed).permutation(len(X))
    n_train = min(n_rows, len(X) * 4 // 5)
    train, test = order[:n_train], order[n_train:][:2000]
    y = (y - y[train].mean()) / y[train].std()
    return X[train], y[train], X[test], y[test]


def coverage(model, X, y):
    """Share of targets within their intervals at 90 %."""
    low, high = model.predict_interval(X).T
    return np.mean((low <= y) & (y <= high))


def main():
    """Fit every model on every split and print a row for each set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder of .npz files")
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--models", nargs="+", default=DEFAULTS)
    options = parser.parse_args()
    print("| data | " + " | ".join(options.models) + " | coverage |", flush=True)
    print("|---" * (len(options.models) + 2) + "|")
    errors, seconds, covered = [], [], []
    for name, X, y in all_sets(options.data):
        for seed in range(options.seeds):
            X_train, y_train, X_test, y_test = split(X, y, seed, options.rows)
            row = []
            for key in options.models:
                model = clone(MODELS[key](X.shape[1]))
                started = time.process_time()
                model.fit(X_train, y_train)
                seconds.append(time.process_time() - started)
                row.append(rmse(model.predict(X_test), y_test))
                if hasattr(model, "predict_interval"):
                    covered.append(coverage(model, X_test, y_test))
            errors.append(row)
        found = np.exp(np.log(errors[-options.seeds :]).mean(axis=0))
        within = np.mean(covered[-options.seeds :]) if covered else np.nan
        cells = " | ".join(f"{error:.3f}" for error in found)
        print(f"| {name} | {cells} | {within:.3f} |", flush=True)
    logs = np.log(errors).reshape(-1, options.seeds, len(options.models))
    by_seed = np.exp(logs.mean(axis=0))
    spent = np.reshape(seconds, (-1, len(options.models)))
    for name, values in {
        "geometric mean": by_seed.mean(axis=0),
        "its standard error": by_seed.std(axis=0) / np.sqrt(options.seeds),
        "CPU seconds, median": np.median(spent, axis=0),
        "CPU seconds, sum of a pass": spent.sum(axis=0) / options.seeds,
    }.items():
        print(f"| {name} | " + " | ".join(f"{v:.4g}" for v in values) + " | |")


if __name__ == "__main__":
    main()

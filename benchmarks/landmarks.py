"""Many landmarks: sums over the rows in mixed precision beside those in float64.

``python benchmarks/landmarks.py --landmarks 2000 4000 --kernels laplacian matern3``
fits ``make_friedman1`` with 8 features, each model in a process of its own.
``tol=1e-4`` allows mixed precision, ``tol=1e-5`` does not, and both train in the same
way otherwise. A row has CPU seconds, the peak of the memory over that before the fit,
the error on new rows without noise, and the root mean square difference of the
predictions from those of the least tol, both over the standard deviation of y. BLAS has
as many threads as ``OPENBLAS_NUM_THREADS`` says.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from measure import peak_megabytes
from sklearn.datasets import make_friedman1
from sklearn.gaussian_process.kernels import RBF, Matern

from sklearn_msk import MSKRegressor

KERNELS = {
    "laplacian": "laplacian",
    "ntk_relu": "ntk_relu",
    "matern1": Matern(2.0, nu=0.5),
    "matern3": Matern(1.0, nu=1.5),
    "matern5": Matern(1.0, nu=2.5),
    "matern5 wide": Matern(3.0, nu=2.5),
    "rbf": "rbf",
    "rbf wide": RBF(5.0),
}


def friedman(rows, noise, seed):
    """Rows and targets of 8 features, 3 of which do nothing."""
    return make_friedman1(rows, n_features=8, noise=noise, random_state=seed)


def fit(options, landmarks, kernel, tol):
    """Fit one model in this process, print its numbers, save its predictions."""
    X, y = friedman(options.rows, 1.0, 0)
    X_new, y_new = friedman(2000, 0.0, 1)
    model = MSKRegressor(
        KERNELS[kernel], landmarks=landmarks, k=50, max_iter=options.steps, tol=tol
    )
    before, started = peak_megabytes(), time.process_time()
    model.fit(X, y)
    seconds = time.process_time() - started
    peak = peak_megabytes() - before
    predictions = model.predict(X_new) / y.std()
    rmse = np.sqrt(np.mean((predictions - y_new / y.std()) ** 2))
    np.save(options.save, predictions)
    print(f"{seconds:.1f} | {peak:.0f} | {rmse:.4f}")


def print_table(options):
    """Print a row for every number of landmarks, kernel and tolerance."""
    print(f"| {options.rows} rows | tol | CPU s | MiB | RMSE | from float64 |")
    print("|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for landmarks in options.landmarks:
            for kernel in options.kernels:
                exact = None
                for tol in sorted(options.tols):
                    path = Path(folder) / "predictions.npy"
                    model = [f"{landmarks}", kernel, f"{tol}"]
                    command = [sys.executable, __file__, *sys.argv[1:]]
                    command += ["--save", str(path), "--model", *model]
                    out = subprocess.run(command, stdout=subprocess.PIPE, text=True)
                    predictions = np.load(path)
                    exact = predictions if exact is None else exact
                    moved = np.sqrt(np.mean((predictions - exact) ** 2))
                    print(
                        f"| {landmarks} landmarks, {kernel} | {tol:.0e} | "
                        f"{out.stdout.strip()} | {moved:.1e} |",
                        flush=True,
                    )


def main():
    """Print the table, or fit one model of it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--landmarks", type=int, nargs="+", default=[2000, 4000])
    parser.add_argument("--kernels", nargs="+", choices=KERNELS, default=["laplacian"])
    parser.add_argument("--tols", type=float, nargs="+", default=[1e-5, 1e-4])
    parser.add_argument("--steps", type=float, default=1000)
    parser.add_argument("--model", nargs=3, help="only this one, in this process")
    parser.add_argument("--save", help="file for its predictions")
    options = parser.parse_args()
    if options.model:
        landmarks, kernel, tol = options.model
        fit(options, int(landmarks), kernel, float(tol))
    else:
        print_table(options)


if __name__ == "__main__":
    main()

"""What the leading pairs of the default move predictions by, against exact ones.

`MSKRegressor` with ``eigen_solver="auto"`` beside ``eigen_solver="dense"``, which has
the pairs of a full decomposition: the largest difference of the fitted values, in
standard deviations of y, over the data sets, over k = 20, 50 and 100, and over steps
from 1 to 1000. Problem B of `whole_fit.py` under ``Matern(nu=0.5)``, and kin40k and
protein under ``NTK()`` where ``--data FOLDER`` has them as .npz files that hold X and
y. Run it with ``python benchmarks/pairs.py``.
"""

import argparse
import os
import tempfile
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from sklearn.base import clone
from sklearn.preprocessing import scale
from whole_fit import kernel, problem

from sklearn_msk import MSKRegressor
from sklearn_msk.kernels import NTK
from sklearn_msk.spectral_maps import Flatten, Lift, Power

COUNTS = (20, 50, 100)
STEPS = (1, 3, 10, 30, 100, 300, 1000)
MAPS = {
    "`Flatten()`": Flatten(),
    "the root of it": lambda lam: np.sqrt(lam * lam[-1]),
    "`Power(0.5)`": Power(0.5),
    "`Lift()`": Lift(),
}
DYNAMICS = {
    "flow": {"dynamics": "flow"},
    "descent": {"dynamics": "descent"},
    "at 1.9": {"dynamics": "descent", "learning_rate": 1.9},
    "at 1.99": {"dynamics": "descent", "learning_rate": 1.99},
}


def data_sets(folder, n):
    """Yield rows, targets and a kernel."""
    yield *problem(n, 0), kernel()
    for name in ("uci_kin40k", "uci_protein"):
        path = Path(folder or ".") / f"{name}.npz"
        if not path.exists():
            print(f"{name}: skipped, {path.name} is not in the folder")
            continue
        data = np.load(path)
        rows = np.random.RandomState(0).permutation(len(data["X"]))[:n]
        X, y = data["X"][rows].astype(float), np.ravel(data["y"][rows]).astype(float)
        yield scale(X), scale(y), NTK()


def largest_difference(model, X, y, memory):
    """Largest difference of the fitted values along the path, in sd(y)."""
    exact = clone(model).set_params(eigen_solver="dense", memory=memory)
    paths = [list(m.fit(X, y).staged_predict(X, STEPS)) for m in (model, exact)]
    return np.abs(np.subtract(*paths)).max() / y.std()


def row(g, problems, tol, memory):
    """Return the largest difference over all problems and k, for each dynamics."""
    differences = np.zeros(len(DYNAMICS))
    for X, y, k_function in problems:
        for k in COUNTS:
            model = MSKRegressor(k_function, g=g, k=k, max_iter=STEPS[-1], tol=tol)
            model.set_params(store_trajectory=True)
            found = [
                largest_difference(clone(model).set_params(**params), X, y, memory)
                for params in DYNAMICS.values()
            ]
            differences = np.maximum(differences, found)
    return differences


def main():
    """Print a row for each map."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--data", help="folder of .npz files")
    parser.add_argument("--tol", type=float, default=1e-4)
    options = parser.parse_args()
    problems = list(data_sets(options.data, options.rows))
    print("| map | " + " | ".join(DYNAMICS) + " |")
    print("|---|" + "---|" * len(DYNAMICS))
    with tempfile.TemporaryDirectory() as memory:
        for name, g in MAPS.items():
            differences = row(g, problems, options.tol, memory)
            print(f"| {name} | " + " | ".join(f"{d:.0e}" for d in differences) + " |")


if __name__ == "__main__":
    main()

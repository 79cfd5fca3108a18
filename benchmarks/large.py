"""Millions of rows: landmarks and leaves beside scikit-learn, and how the cost grows.

Four parts, each model in a process of its own, wall seconds on all cores and peak
memory of the process, data and libraries included:

- ``python benchmarks/large.py houseelectric --data FOLDER``: household power from the
  time alone, or from all columns (``--columns all``); 1.8 million training rows. With
  ``--months`` whole months are held out instead of single rows.
- ``python benchmarks/large.py precip --data FOLDER``: precipitation over North America,
  100 000 rows, the exact model in blocks against landmarks.
- ``python benchmarks/large.py scaling``: time and memory of the pass over random rows,
  with the fitted exponents in the rows and the landmarks.
- ``python benchmarks/large.py leaves``: `make_friedman1` of noise 1 from a memory map,
  time, memory and error of `PartitionedRegressor` over the rows, with the exponent.

FOLDER holds houseelectric_full.npz and precip.npz, each with X and y.
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
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from sklearn_msk import MSKRegressor, PartitionedRegressor
from sklearn_msk.kernels import NTK

# Chosen on 20 000 of the training rows, trained on 200 000 others with 1000 landmarks.
KERNELS = {
    "time": {"kernel": "laplacian", "gamma": 0.5},
    "all": {"kernel": NTK(), "gamma": None},
    "precip": {"kernel": "laplacian", "gamma": 2.0},
}


def landmarks(number, **params):
    """Return a model on landmarks, 1000 steps long."""
    return MSKRegressor(landmarks=number, k=50, max_iter=1000, **params)


def nystroem(components, kernel, gamma):
    """Return features of as many components, and a ridge regression on them."""
    features = Nystroem(
        kernel=kernel, gamma=gamma, n_components=components, random_state=0
    )
    return make_pipeline(features, Ridge(1e-3))


def household_models(options):
    """Models for the household, by name, with the number of rows they train on."""
    kernel = KERNELS[options.columns]
    rows, size = options.rows, options.landmarks
    few = min(rows, 100_000)
    return {
        "PartitionedRegressor(n_jobs=2)": (PartitionedRegressor(n_jobs=2), rows),
        f"MSKRegressor(landmarks={size})": (landmarks(size, **kernel), rows),
        f"MSKRegressor(landmarks={size // 4})": (landmarks(size // 4, **kernel), rows),
        "Nystroem(300) + Ridge": (nystroem(300, **kernel), rows),
        f"Nystroem({size}) + Ridge, {few} rows": (nystroem(size, **kernel), few),
        "HistGradientBoostingRegressor": (
            HistGradientBoostingRegressor(random_state=0),
            rows,
        ),
        "HistGradientBoostingRegressor, 1000 trees of 255 leaves": (
            HistGradientBoostingRegressor(
                max_iter=1000, max_leaf_nodes=255, random_state=0
            ),
            rows,
        ),
    }


def precipitation_models(options):
    """Models for precipitation; the exact one computes its kernel in blocks."""
    kernel, rows = KERNELS["precip"], options.rows
    exact = MSKRegressor(k=50, max_iter=100, n_jobs=2, **kernel)
    sizes = (options.landmarks // 4, options.landmarks, 2 * options.landmarks)
    return {
        "PartitionedRegressor(n_jobs=2)": (PartitionedRegressor(n_jobs=2), rows),
        **{
            f"MSKRegressor(landmarks={size})": (landmarks(size, **kernel), rows)
            for size in sizes
        },
        f"MSKRegressor(landmarks={options.landmarks}, rpcholesky)": (
            landmarks(options.landmarks, landmark_selection="rpcholesky", **kernel),
            rows,
        ),
        "MSKRegressor, exact": (exact, rows),
    }


def load(name, options, columns=slice(None)):
    """Rows of a file, standardised, in a random order: training and test."""
    file = np.load(options.data / name)
    X, y = np.ascontiguousarray(file["X"][:, columns]), file["y"]
    order = np.random.default_rng(0).permutation(len(y))
    if options.months:
        # Twelve months a year, a tenth of all months.
        months = (12 * file["X"][:, 0] + file["X"][:, 1]).astype(int)
        held = np.random.default_rng(1).permutation(np.unique(months))
        held = np.isin(months[order], held[: len(held) // 10])
        train, test = order[~held][: options.rows], order[held]
    else:
        train, test = order[: options.rows], order[options.rows :]
    mean, scale = X[train].mean(axis=0), X[train].std(axis=0)
    X -= mean
    X /= scale
    return X[train], y[train].astype(float), X[test], y[test].astype(float)


def run(models, data, name):
    """Fit one model in this process, and print its row."""
    model, rows = models[name]
    X, y, X_test, y_test = data
    started = time.perf_counter()
    model.fit(X[:rows], y[:rows])
    seconds = time.perf_counter() - started
    started = time.perf_counter()
    error = model.predict(X_test) - y_test
    predicted = time.perf_counter() - started
    rmse = np.sqrt(np.mean(error**2)) / y_test.std()
    peak = peak_megabytes() / 1024
    print(
        f"| {name} | {seconds:.0f} | {predicted:.0f} | {peak:.2f} | {rmse:.4f} |",
        flush=True,
    )


def print_table(models, options):
    """Print the rows of all models, each from its own process."""
    print(f"| {options.rows} rows | fit, s | predict, s | peak, GiB | RMSE / sd(y) |")
    print("|---|---|---|---|---|", flush=True)
    for name in models:
        subprocess.run([sys.executable, __file__, *sys.argv[1:], "--model", name])


def scaling(options):
    """Print time and memory over rows and landmarks, and the exponents."""
    if options.model:
        n, size = (int(number) for number in options.model.split("x"))
        rng = np.random.default_rng(0)
        X = rng.standard_normal((n, 10), dtype=np.float32)
        y = np.sin(X[:, 0]).astype(float)
        before = peak_megabytes()
        started = time.perf_counter()
        landmarks(size, kernel="laplacian").fit(X, y)
        seconds = time.perf_counter() - started
        print(f"{seconds} {peak_megabytes() - before}")
        return
    sizes = [(n, 1000) for n in (50_000, 100_000, 200_000, 400_000)]
    sizes += [(100_000, size) for size in (500, 2000, 4000)]
    print(
        "| rows | landmarks | fit, s | memory over the data, MiB |\n|---|---|---|---|"
    )
    measured = {}
    for n, size in sizes:
        command = [sys.executable, __file__, "scaling", "--model", f"{n}x{size}"]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        measured[n, size] = [float(word) for word in out.split()]
        seconds, memory = measured[n, size]
        print(f"| {n} | {size} | {seconds:.1f} | {memory:.0f} |", flush=True)
    for what, place in (("rows", 0), ("landmarks", 1)):
        fixed = {0: 1000, 1: 100_000}[place]
        chosen = sorted(key for key in measured if key[1 - place] == fixed)
        logs = np.log([[key[place], *measured[key]] for key in chosen])
        exponents = [np.polyfit(logs[:, 0], logs[:, i], 1)[0] for i in (1, 2)]
        print(f"in the {what}: time ^{exponents[0]:.2f}, memory ^{exponents[1]:.2f}")


def leaves(options):
    """Print time, memory and error of leaves over the rows, and the exponent."""
    if options.model:
        n = int(options.model)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.npy"
            X = np.lib.format.open_memmap(path, "w+", np.float32, (n, 10))
            y = np.empty(n)
            for start in range(0, n, 100_000):
                end = min(n, start + 100_000)
                X[start:end], y[start:end] = make_friedman1(
                    end - start, noise=1.0, random_state=start
                )
            X.flush()
            del X
            X_test, y_test = make_friedman1(20_000, random_state=1)
            rows = np.load(path, mmap_mode="r")
            started = time.perf_counter()
            model = PartitionedRegressor(n_jobs=2).fit(rows, y)
            seconds = time.perf_counter() - started
        error = np.sqrt(1.0 + np.mean((model.predict(X_test) - y_test) ** 2))
        print(f"{seconds} {peak_megabytes()} {error}")
        return
    print("| rows | fit, s | peak, MiB | RMSE over the noise |\n|---|---|---|---|")
    measured = []
    for n in options.sizes:
        command = [sys.executable, __file__, "leaves", "--model", str(n)]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        seconds, memory, error = (float(word) for word in out.split())
        measured.append((n, seconds))
        print(f"| {n} | {seconds:.0f} | {memory:.0f} | {error:.4f} |", flush=True)
    rows, seconds = np.log(measured).T
    print(f"time ^{np.polyfit(rows, seconds, 1)[0]:.2f}")


def main():
    """Print the table of one part."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "part", choices=["houseelectric", "precip", "scaling", "leaves"]
    )
    parser.add_argument("--data", type=Path)
    parser.add_argument("--columns", choices=["time", "all"], default="time")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--landmarks", type=int, default=2000)
    parser.add_argument("--months", action="store_true")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[100_000, 300_000, 1_000_000, 2_000_000]
    )
    parser.add_argument("--model", help="only this one, in this process")
    options = parser.parse_args()
    if options.part == "scaling":
        scaling(options)
        return
    if options.part == "leaves":
        leaves(options)
        return
    if options.data is None:
        parser.error(f"{options.part} needs --data, the folder of its file")
    default_rows = {"houseelectric": 1_800_000, "precip": 91_000}[options.part]
    options.rows = options.rows or default_rows
    household = options.part == "houseelectric"
    models = (household_models if household else precipitation_models)(options)
    if not options.model:
        print_table(models, options)
    elif household:
        columns = slice(0, 5) if options.columns == "time" else slice(None)
        run(models, load("houseelectric_full.npz", options, columns), options.model)
    else:
        run(models, load("precip.npz", options), options.model)


if __name__ == "__main__":
    main()

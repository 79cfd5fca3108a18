"""Millions of rows: landmarks and leaves beside scikit-learn, and how the cost grows.

Five parts, each model in a process of its own: wall-clock seconds, CPU seconds and peak
memory, both of the process and its workers together, data and libraries included:

- ``python benchmarks/large.py houseelectric --data FOLDER``: household power from the
  time alone, or from all columns (``--columns all``); 1.8 million training rows. With
  ``--months`` whole months are held out instead of single rows.
- ``python benchmarks/large.py precip --data FOLDER``: precipitation over North America,
  100 000 rows, the exact model in blocks against landmarks.
- ``python benchmarks/large.py scaling``: time and memory of the pass over random rows,
  with the fitted exponents in the rows and the landmarks.
- ``python benchmarks/large.py leaves``: `make_friedman1` of noise 1 from a memory map,
  leaves and boosted trees over the rows, with the exponents.
- ``python benchmarks/large.py modes``: exact, landmarks and leaves over the rows, on
  the elevation model that comes with matplotlib; `draw_modes.py` draws the table.

``--only TEXT ...`` takes the models whose name holds one of the texts, ``--json FILE``
writes the numbers of a table (`results/`).

FOLDER holds houseelectric_full.npz and precip.npz, each with X and y.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
from measure import peak_megabytes, run_watched, tree_cpu_seconds
from sklearn.datasets import make_friedman1
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from sklearn_msk import MSKRegressor, MSKRegressorCV, PartitionedRegressor
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


def trees():
    """Boosted trees by name: by default, and as large as many rows allow."""
    many = HistGradientBoostingRegressor(
        max_iter=1000, max_leaf_nodes=255, random_state=0
    )
    return {
        "HistGradientBoostingRegressor": HistGradientBoostingRegressor(random_state=0),
        "HistGradientBoostingRegressor, 1000 trees of 255 leaves": many,
    }


def household_models(options):
    """Models for the household, by name, with the number of rows they train on."""
    kernel = KERNELS[options.columns]
    rows, size = options.rows, options.landmarks
    few = min(rows, 100_000)
    found = {
        "PartitionedRegressor(n_jobs=2)": PartitionedRegressor(n_jobs=2),
        f"MSKRegressor(landmarks={size})": landmarks(size, **kernel),
        f"MSKRegressor(landmarks={size // 4})": landmarks(size // 4, **kernel),
        "Nystroem(300) + Ridge": nystroem(300, **kernel),
        **trees(),
    }
    return {
        **{name: (model, rows) for name, model in found.items()},
        f"Nystroem({size}) + Ridge, {few} rows": (nystroem(size, **kernel), few),
    }


def precipitation_models(options):
    """Models for precipitation; the exact one computes its kernel in blocks."""
    kernel, rows = KERNELS["precip"], options.rows
    exact = MSKRegressor(k=50, max_iter=100, n_jobs=2, **kernel)
    sizes = (options.landmarks // 4, options.landmarks, 2 * options.landmarks)
    found = {
        "PartitionedRegressor(n_jobs=2)": PartitionedRegressor(n_jobs=2),
        **{
            f"MSKRegressor(landmarks={size})": landmarks(size, **kernel)
            for size in sizes
        },
        f"MSKRegressor(landmarks={options.landmarks}, rpcholesky)": landmarks(
            options.landmarks, landmark_selection="rpcholesky", **kernel
        ),
        "MSKRegressor, exact": exact,
        **trees(),
    }
    return {name: (model, rows) for name, model in found.items()}


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


def cost_of(model, X, y, X_test, y_test):
    """Seconds of a fit and a prediction, and the error, as JSON in the last line."""
    started, cpu = time.perf_counter(), tree_cpu_seconds()
    model.fit(X, y)
    seconds, cpu = time.perf_counter() - started, tree_cpu_seconds() - cpu
    started = time.perf_counter()
    error = model.predict(X_test) - y_test
    found = {
        "rows": len(X),
        "seconds": seconds,
        "cpu_seconds": cpu,
        "predict_seconds": time.perf_counter() - started,
        "rmse": float(np.sqrt(np.mean(error**2))),
        "relative_rmse": float(np.sqrt(np.mean(error**2)) / y_test.std()),
    }
    print(json.dumps(found))


def print_table(options, names, what, error):
    """Print the rows of all models, each from its own process.

    Parameters
    ----------
    options : argparse.Namespace
    names : list of str
        Models, or rows and models.
    what : str
        Title of the first column.
    error : callable
        From what was measured to the text of the last column.

    Returns
    -------
    dict
        What was measured, by name.
    """
    print(f"| {what} | fit, s | fit, CPU s | predict, s | peak, MiB | error |")
    print("|---|---|---|---|---|---|", flush=True)
    measured = {}
    for name in names:
        if not any(text in name for text in options.only):
            continue
        command = [sys.executable, __file__, *sys.argv[1:], "--model", name]
        found = measured[name] = run_watched(command)
        print(
            f"| {name} | {found['seconds']:.0f} | {found['cpu_seconds']:.0f} | "
            f"{found['predict_seconds']:.0f} | {found['mebibytes']:.0f} | "
            f"{error(found)} |",
            flush=True,
        )
        if options.json:
            found = {
                "script": "benchmarks/large.py",
                "machine": f"{os.cpu_count()} processors, {platform.machine()}",
                "date": date.today().isoformat(),
                "models": measured,
            }
            options.json.write_text(json.dumps(found, indent=1) + "\n")
    return measured


def relative(found):
    """RMSE over the standard deviation of y."""
    return f"{found['relative_rmse']:.4f}"


def over_rows(options, models):
    """Names of models at each number of rows, and what they are."""
    return {
        f"{name}, {n} rows": (model, n)
        for name, (model, largest) in models.items()
        for n in options.sizes
        if n <= largest
    }


def print_exponents(measured):
    """Print the exponent of the CPU seconds in the rows, of each model."""
    by_model = {}
    for name, found in measured.items():
        by_model.setdefault(name.rsplit(", ", 1)[0], []).append(found)
    for name, found in by_model.items():
        if len(found) > 1:
            logs = np.log([[one["rows"], one["cpu_seconds"]] for one in found])
            print(f"{name}: CPU seconds ^{np.polyfit(*logs.T, 1)[0]:.2f}")


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
    """Leaves and trees on Friedman's function, over the rows, with the exponents."""
    boosting, small = next(iter(trees().items()))
    models = over_rows(
        options,
        {
            "PartitionedRegressor(n_jobs=2)": (PartitionedRegressor(n_jobs=2), np.inf),
            boosting: (small, np.inf),
        },
    )
    if not options.model:

        def over_noise(found):
            # The test targets have no noise, of standard deviation 1.
            return f"{np.hypot(1.0, found['rmse']):.4f}"

        print_exponents(print_table(options, list(models), "model", over_noise))
        return
    model, n = models[options.model]
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
        test = make_friedman1(20_000, random_state=1)
        cost_of(model, np.load(path, mmap_mode="r"), y, *test)


def modes(options):
    """Exact, landmarks and leaves on an elevation model, over the rows."""
    models = over_rows(
        options,
        {
            "exact": (MSKRegressorCV(random_state=0), 10_000),
            "landmarks": (MSKRegressorCV(max_rows=1000, random_state=0), np.inf),
            "leaves": (PartitionedRegressor(n_jobs=2, random_state=0), np.inf),
        },
    )
    if not options.model:
        print_table(options, list(models), "model", relative)
        return
    model, n = models[options.model]
    X, y = elevation()
    cost_of(model, X[:n], y[:n], X[-20_000:], y[-20_000:])


def elevation():
    """Places in a random order, and their elevations, of a model of matplotlib's."""
    from matplotlib.cbook import get_sample_data

    heights = get_sample_data("jacksboro_fault_dem.npz")["elevation"].astype(float)
    X = np.column_stack([i.ravel() for i in np.indices(heights.shape)]).astype(float)
    order = np.random.default_rng(0).permutation(len(X))
    return X[order], heights.ravel()[order]


def real_table(options):
    """Household power, or precipitation."""
    household = options.part == "houseelectric"
    models = (household_models if household else precipitation_models)(options)
    if not options.model:
        print_table(options, list(models), f"{options.rows} rows", relative)
        return
    columns = slice(0, 5) if household and options.columns == "time" else slice(None)
    name = "houseelectric_full.npz" if household else "precip.npz"
    X, y, X_test, y_test = load(name, options, columns)
    model, rows = models[options.model]
    cost_of(model, X[:rows], y[:rows], X_test, y_test)


def main():
    """Print the table of one part."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parts = {
        "houseelectric": real_table,
        "precip": real_table,
        "scaling": scaling,
        "leaves": leaves,
        "modes": modes,
    }
    parser.add_argument("part", choices=parts)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--columns", choices=["time", "all"], default="time")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--landmarks", type=int, default=2000)
    parser.add_argument("--months", action="store_true")
    parser.add_argument("--sizes", type=int, nargs="+")
    parser.add_argument(
        "--only", nargs="+", default=[""], help="texts in the names of models"
    )
    parser.add_argument("--json", type=Path, help="file for the numbers")
    parser.add_argument("--model", help="only this one, in this process")
    options = parser.parse_args()
    default_rows = {"houseelectric": 1_800_000, "precip": 91_000}
    if options.part in default_rows and options.data is None:
        parser.error(f"{options.part} needs --data, the folder of its file")
    options.rows = options.rows or default_rows.get(options.part)
    default_sizes = {
        "leaves": [100_000, 300_000, 1_000_000, 2_000_000],
        "modes": [1000, 3000, 10_000, 30_000, 100_000],
    }
    options.sizes = options.sizes or default_sizes.get(options.part)
    parts[options.part](options)


if __name__ == "__main__":
    main()

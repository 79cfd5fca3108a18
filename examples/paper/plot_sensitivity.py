"""
How sensitive is the error to g and k?
======================================

This example measures the test error for several maps g and numbers k of leading
eigen-directions, at a fixed number of steps and with early stopping. The maps are
``Power(exponent)``, ``lam_1 (lam / lam_1)^exponent``: 1 is plain descent, 0 gives the k
leading eigen-directions the rate of the first. "flatten" gives them the rate of the
k-th, and the step grows in proportion.

The tables give the test RMSE in units of the standard deviation of y, for every g
(rows) and k (columns): with 100 steps, and with the number of steps that early stopping
chooses among the first 1000.
"""

# %%
# scikit-learn and matplotlib bring the data sets: the diabetes of 442 patients, with
# much noise, and the elevations of a landscape at 700 random places, without noise.

import argparse

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.cbook import get_sample_data
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sklearn_msk import MSKRegressor
from sklearn_msk.spectral_maps import Power

parser = argparse.ArgumentParser(description="Test error over g and k.")
parser.add_argument("--rows", type=int, default=700, help="places of the landscape")
parser.add_argument("--splits", type=int, default=2, help="splits of each set")
parser.add_argument("--output", default="sensitivity.png", help="file of the picture")
options = parser.parse_args()

COUNTS = (5, 10, 20, 50, 200)
MAPS = {
    "flatten": "flatten",
    "power 0": Power(0.0),
    "power 1/2": Power(0.5),
    "power 3/4": Power(0.75),
    "power 1": Power(1.0),
}


def landscape(n_rows, seed=0):
    """Random places of an elevation model, and their heights."""
    elevation = get_sample_data("jacksboro_fault_dem.npz")["elevation"].astype(float)
    places = np.random.default_rng(seed).choice(elevation.size, n_rows, replace=False)
    rows, columns = np.unravel_index(places, elevation.shape)
    return np.column_stack([columns, rows]).astype(float), elevation[rows, columns]


def error(model, X, y, seed):
    """Test error of a model on a third of the rows."""
    X, X_test, y, y_test = train_test_split(X, y, test_size=1 / 3, random_state=seed)
    scaler = StandardScaler().fit(X)
    predicted = model.fit(scaler.transform(X), y).predict(scaler.transform(X_test))
    return np.sqrt(np.mean((predicted - y_test) ** 2)) / y.std()


def map_of_errors(X, y, counts, n_splits, **settings):
    """Mean test errors, of shape (n_maps, n_counts)."""
    return np.array(
        [
            [
                np.mean(
                    [
                        error(MSKRegressor(g=g, k=k, **settings), X, y, seed)
                        for seed in range(n_splits)
                    ]
                )
                for k in counts
            ]
            for g in MAPS.values()
        ]
    )


# %%
# The two tables for each set.

SETTINGS = {
    "100 steps": {"max_iter": 100},
    "early stopping": {"max_iter": 1000, "early_stopping": True},
}
data_sets = {
    "diabetes": load_diabetes(return_X_y=True),
    "landscape": landscape(options.rows),
}
maps = {}
for data_set, (X, y) in data_sets.items():
    for name, settings in SETTINGS.items():
        table = map_of_errors(X, y, COUNTS, options.splits, **settings)
        maps[data_set, name] = table
        print(f"\n{data_set}, {name}: best {table.min():.3f}, worst {table.max():.3f}")
        print(f"{'k':<10} " + " ".join(f"{k:>6}" for k in COUNTS))
        for row, label in zip(table, MAPS, strict=True):
            print(f"{label:<10} " + " ".join(f"{cell:>6.3f}" for cell in row))

# %%
# On the landscape the worst choice costs 28 % at 100 steps and 12 % with early
# stopping, with which plain descent is 10 % behind; "flatten" is ahead at every k. On
# diabetes the worst choice costs 10 % and 9 %, and plain descent is within 1 % of the
# best. Early stopping lowers every error of "flatten" there, but a large k interpolates
# noise within the first step, too early to stop. A small k is safe; the gain of a large
# k depends on the noise.

figure, axes = plt.subplots(2, 2, figsize=(9, 6), layout="constrained")
for line, data_set in zip(axes, data_sets, strict=True):
    both = np.concatenate([maps[data_set, name] for name in SETTINGS])
    for axis, name in zip(line, SETTINGS, strict=True):
        image = axis.imshow(
            maps[data_set, name],
            cmap="cividis_r",
            vmin=both.min(),
            vmax=min(both.max(), 2 * both.min()),
            aspect="auto",
        )
        for row, cells in enumerate(maps[data_set, name]):
            for column, cell in enumerate(cells):
                dark = cell > 0.6 * image.get_clim()[1] + 0.4 * image.get_clim()[0]
                axis.text(
                    column,
                    row,
                    f"{cell:.2f}",
                    ha="center",
                    va="center",
                    fontsize=8,
                    color="white" if dark else "black",
                )
        axis.set_xticks(range(len(COUNTS)), COUNTS)
        axis.set_yticks(range(len(MAPS)), MAPS)
        axis.set_xlabel("k")
        axis.set_title(f"{data_set}, {name}", fontsize=10)
    figure.colorbar(image, ax=line, label="test RMSE / sd(y)")
figure.savefig(options.output, dpi=110)

"""
Do g and k still matter when leave-one-out chooses the steps?
=============================================================

With a fixed number of steps a wrong g or k costs much of the accuracy. Leave-one-out
errors of one decomposition judge every number of steps on the way
(``early_stopping="loo"``). This example measures the test error for four maps and five
k twice: after 100 steps, and after the steps that leave-one-out errors choose among the
first 1000.

The table gives the best and the worst error over g and k, as RMSE / sd(y).
"""

# %%
# Little noise and much noise: Friedman's function, and the diabetes of 442 patients.

import argparse

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes, make_friedman1
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sklearn_msk import MSKRegressor

parser = argparse.ArgumentParser(description="Errors over g and k, steps chosen.")
parser.add_argument("--rows", type=int, default=300, help="rows of Friedman's function")
parser.add_argument("--splits", type=int, default=3, help="splits of each set")
parser.add_argument("--output", default="chosen_steps.png", help="file of the picture")
options = parser.parse_args()

COUNTS = (0, 5, 20, 50, 100)
MAPS = ("identity", "flatten", "power", "lift")
SETTINGS = {
    "100 steps": {"max_iter": 100},
    "steps chosen by leave-one-out": {"max_iter": 1000, "early_stopping": "loo"},
}


def errors(X, y, settings, n_splits):
    """Mean test errors, of shape (n_maps, n_counts)."""
    found = np.zeros((n_splits, len(MAPS), len(COUNTS)))
    for seed in range(n_splits):
        rows, test, target, expected = train_test_split(
            X, y, test_size=1 / 3, random_state=seed
        )
        scaler = StandardScaler().fit(rows)
        rows, test = scaler.transform(rows), scaler.transform(test)
        for i, g in enumerate(MAPS):
            for j, k in enumerate(COUNTS):
                model = MSKRegressor(g=g, k=k, **settings).fit(rows, target)
                error = np.sqrt(np.mean((model.predict(test) - expected) ** 2))
                found[seed, i, j] = error / target.std()
    return found.mean(axis=0)


# %%
# The same splits for every setting.

data_sets = {
    "friedman1": make_friedman1(options.rows * 3 // 2, noise=0.5, random_state=0),
    "diabetes": load_diabetes(return_X_y=True),
}
tables = {
    (data, name): errors(X, y, settings, options.splits)
    for data, (X, y) in data_sets.items()
    for name, settings in SETTINGS.items()
}
print(f"{'':<10} {'':<30} {'best':>6} {'worst':>6}")
for (data, name), table in tables.items():
    print(f"{data:<10} {name:<30} {table.min():>6.3f} {table.max():>6.3f}")

# %%
# Each line is one g with one k. The worst choice costs 48 % and 11 % after 100 steps,
# and 9 % and 8 % where leave-one-out errors choose the steps. What remains on diabetes
# is a k that is too large: its first step already learns noise.

figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for axis, data in zip(axes, data_sets, strict=True):
    before, after = (tables[data, name] for name in SETTINGS)
    for i, (g, colour) in enumerate(zip(MAPS, ("0.4", "C0", "C2", "C1"), strict=True)):
        lines = axis.plot([0, 1], [before[i], after[i]], "o-", color=colour, alpha=0.8)
        lines[0].set_label(g)
    axis.set_xticks([0, 1], ["100 steps", "steps chosen by\nleave-one-out"])
    axis.set(title=data, xlim=(-0.3, 1.3), ylabel="test RMSE / sd(y)")
axes[1].legend(title="g")
figure.savefig(options.output, dpi=110)

"""Intervals of `MSKRegressorCV` at 90 %, beside those of boosted quantiles.

The splits are those of ``chosen.py``. For every set: share of test targets within the
intervals, the p-value of a share below 90 % by a binomial test over all splits, mean
width, and mean interval score (Gneiting, Raftery 2007), width plus 20 times the
distance of a target from the interval, all in units of the standard deviation of y; and
the same of ``HistGradientBoostingRegressor(loss="quantile")`` at 5 and 95 %. Run it
with ``python benchmarks/intervals.py --data FOLDER``.
"""

import argparse

import numpy as np
from chosen import split
from scipy.stats import binomtest
from sklearn.ensemble import HistGradientBoostingRegressor
from stopping import all_sets
from threadpoolctl import threadpool_limits

from sklearn_msk import MSKRegressorCV

LEVEL = 0.9


def chosen_intervals(X, y, X_test):
    """Those of a model that the data choose."""
    return MSKRegressorCV().fit(X, y).predict_interval(X_test, LEVEL).T


def boosted_intervals(X, y, X_test):
    """Between two quantiles, each boosted."""
    ends = []
    for quantile in ((1 - LEVEL) / 2, (1 + LEVEL) / 2):
        model = HistGradientBoostingRegressor(
            loss="quantile", quantile=quantile, random_state=0
        )
        ends.append(model.fit(X, y).predict(X_test))
    return np.array(ends)


def judged(ends, y):
    """Numbers within, widths, and interval scores, one for each target."""
    low, high = ends
    outside = np.maximum(low - y, 0.0) + np.maximum(y - high, 0.0)
    return outside == 0, high - low, high - low + 2 / (1 - LEVEL) * outside


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder of .npz files")
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    columns = ["data", "coverage", "p", "width", "score", "boosted: coverage"]
    columns += ["width", "score"]
    print("| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|")
    for name, X, y in all_sets(options.data):
        sides = [[], []]
        for seed in range(options.seeds):
            X_train, y_train, X_test, y_test = split(X, y, seed, options.rows)
            with threadpool_limits(1):
                for side, make in zip(
                    sides, (chosen_intervals, boosted_intervals), strict=True
                ):
                    side.append(judged(make(X_train, y_train, X_test), y_test))
        cells = [name]
        for number, side in enumerate(sides):
            within, width, score = (
                np.concatenate(part) for part in zip(*side, strict=True)
            )
            cells.append(f"{within.mean():.3f}")
            if not number:
                test = binomtest(int(within.sum()), len(within), LEVEL, "less")
                cells.append(f"{test.pvalue:.3f}")
            cells += [f"{width.mean():.3f}", f"{score.mean():.3f}"]
        print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()

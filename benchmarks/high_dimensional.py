"""`MSKRegressorCV` where there are only five rows for each feature.

Rows are normal, or uniform as those of `sklearn.datasets.make_friedman1`, with a fifth
as many features as rows. The targets are those of friedman1, noise 1, or ``sin(2 b.x)``
of one direction b, noise .1. For every draw: RMSE on 2000 new rows over the standard
deviation of y, of ``MSKRegressorCV()`` and of ``MSKRegressorCV(metrics=["none"])``, and
the coverage of the intervals of the first at 90 %. The table has means over the draws,
and the mean ratio of the errors with its standard error. Run it with ``python
benchmarks/high_dimensional.py``.
"""

import argparse

import numpy as np
from sklearn.datasets import make_friedman1
from threadpoolctl import threadpool_limits

from sklearn_msk import MSKRegressorCV

LEVEL = 0.9


def friedman(n, d, rng):
    """Rows of which five features matter."""
    return make_friedman1(n, d, noise=1.0, random_state=rng)


def one_direction(n, d, rng, direction):
    """Rows of which one direction matters."""
    X = rng.normal(size=(n, d))
    return X, np.sin(2.0 * X @ direction) + 0.1 * rng.normal(size=n)


def draw(problem, n, seed):
    """Training and test rows."""
    rng, d = np.random.RandomState(seed), n // 5
    if problem == "friedman1":
        X, y = friedman(n + 2000, d, rng)
    else:
        direction = rng.normal(size=d)
        direction /= np.linalg.norm(direction)
        X, y = one_direction(n + 2000, d, rng, direction)
    return X[:n], y[:n], X[n:], y[n:]


def measured(problem, n, seed):
    """Errors with metrics and without, and the coverage of the former."""
    X, y, X_test, y_test = draw(problem, n, seed)
    errors = []
    for metrics in (["none", "diagonal", "full"], ["none"]):
        model = MSKRegressorCV(metrics=metrics).fit(X, y)
        errors.append(np.sqrt(np.mean((model.predict(X_test) - y_test) ** 2)))
        if len(metrics) > 1:
            low, high = model.predict_interval(X_test, confidence_level=LEVEL).T
            covered = np.mean((low <= y_test) & (y_test <= high))
    return [*(np.array(errors) / y_test.std()), covered]


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--rows", type=int, nargs="+", default=[100, 200])
    options = parser.parse_args()
    columns = ["targets", "rows", "features", "RMSE / sd", "without metrics", "ratio"]
    columns += ["worst", "coverage", "least"]
    print("| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|")
    for problem in ("friedman1", "one direction"):
        for n in options.rows:
            with threadpool_limits(1):
                draws = range(options.draws)
                found = np.array([measured(problem, n, seed) for seed in draws])
            ratio = found[:, 0] / found[:, 1]
            error = ratio.std(ddof=1) / np.sqrt(len(ratio))
            cells = [problem, str(n), str(n // 5)]
            cells += [f"{value:.3f}" for value in found[:, :2].mean(axis=0)]
            cells += [f"{ratio.mean():.3f} ± {error:.3f}", f"{ratio.max():.2f}"]
            cells += [f"{found[:, 2].mean():.3f}", f"{found[:, 2].min():.3f}"]
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()

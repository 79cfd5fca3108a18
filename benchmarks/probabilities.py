"""Log losses of `MSKClassifier.predict_proba`, of other maps and at the best slope.

Every model is fitted on standardised features of five folds and tested on the rows of
the fold: scikit-learn's bundled sets, and with ``--data FOLDER`` 2000 images of
``mnist10k.npz`` and every fourth set of ``uci90.npz`` whose classes have six rows or
more. Columns: accuracy, log loss of `predict_proba`, of fixed slopes of the log odds,
of the projection of (1 + value) / 2 on the probabilities, and of the slope that is best
for the test rows. Run it with ``python benchmarks/probabilities.py``; with
``--max-iter 100`` the number of steps is fixed, and the slope is not fitted.
"""

import argparse
import pathlib
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_msk import MSKClassifier
from sklearn_msk._selection import scaled_probabilities

SLOPES = (2.0, 3.0, 4.0)


def sets(folder: pathlib.Path | None) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Names, rows and labels."""
    for load in (load_breast_cancer, load_digits, load_wine, load_iris):
        yield (load.__name__.removeprefix("load_"), *load(return_X_y=True))
    if folder is None:
        return
    images = np.load(folder / "mnist10k.npz")
    yield "mnist", images["X"][:2000].reshape(2000, -1) / 255.0, images["y"][:2000]
    data = np.load(folder / "uci90.npz")
    for name in sorted({key.split("/")[0] for key in data.files})[::4]:
        X, y = data[f"{name}/X"].astype(float), data[f"{name}/y"]
        if np.unique(y, return_counts=True)[1].min() >= 6:
            yield name, X, y


def projected(values: np.ndarray) -> np.ndarray:
    """Nearest probabilities to (1 + value) / 2."""
    values = np.column_stack([-values, values]) if values.ndim == 1 else values
    p = (1.0 + values) / 2.0
    descending = -np.sort(-p, axis=1)
    excess = descending.cumsum(axis=1) - 1.0
    count = np.arange(1, p.shape[1] + 1)
    n_positive = np.count_nonzero(descending > excess / count, axis=1)
    shift = excess[np.arange(len(p)), n_positive - 1] / n_positive
    return np.maximum(p - shift[:, None], 0.0)


def measured(X: np.ndarray, y: np.ndarray, max_iter: float | None) -> list[float]:
    """Means over the folds of what the columns say."""
    found = []
    folds = StratifiedKFold(5, shuffle=True, random_state=0).split(X, y)
    for train, test in folds:
        model = make_pipeline(StandardScaler(), MSKClassifier(max_iter=max_iter))
        model.fit(X[train], y[train])
        values = model.decision_function(X[test])

        loss = partial(log_loss, y[test], labels=model.classes_)
        at = partial(_loss_at, values, loss)
        found.append(
            [
                model.score(X[test], y[test]),
                loss(model.predict_proba(X[test])),
                *map(at, SLOPES),
                loss(projected(values)),
                minimize_scalar(at, bounds=(0.1, 50.0), method="bounded").fun,
            ]
        )
    return np.mean(found, axis=0).tolist()


def _loss_at(values: np.ndarray, loss: Callable, slope: float) -> float:
    """Log loss where log odds are values times a slope."""
    return loss(scaled_probabilities(values, slope))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--max-iter", type=float)
    options = parser.parse_args()
    slopes = [f"slope {slope:.0f}" for slope in SLOPES]
    names = ["accuracy", "predict_proba", *slopes, "projected", "best slope"]
    print("| data | " + " | ".join(names) + " |")
    print("|---" * (1 + len(names)) + "|")
    lines = []
    for name, X, y in sets(options.data):
        lines.append(measured(X, y, options.max_iter))
        row = " | ".join(f"{value:.3f}" for value in lines[-1])
        print(f"| {name} | {row} |", flush=True)
    row = " | ".join(f"{value:.3f}" for value in np.mean(lines, axis=0))
    print(f"| mean of {len(lines)} | {row} |")


if __name__ == "__main__":
    main()

"""`MSKClassifierCV()` on the 90 classification sets of Fernandez-Delgado et al. (2014).

The file ``uci90.npz`` holds for every set rows, labels, four folds, and a half of the
rows to make choices on (``tune``). Every model is fitted on the training rows of a
split and tested on its test rows; no other choice is made. The table has a line for
each set, the last line has means over the sets: accuracy of the model, of the first of
the three models that it is the mean of, log loss, and CPU seconds of a fit.
``--calibrated`` adds the log loss of `CalibratedClassifierCV` around the same
estimator. Run it with ``python benchmarks/chosen_classifier.py --data FOLDER``.
"""

import argparse
import pathlib
import warnings

import numpy as np
from joblib import Parallel, delayed
from measure import cpu_seconds
from sklearn.calibration import CalibratedClassifierCV
from sklearn.metrics import log_loss
from threadpoolctl import threadpool_limits

from sklearn_msk import MSKClassifierCV

COLUMNS = ["accuracy", "first alone", "log loss", "CPU s", "calibrated log loss"]


def known_labels(y: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """Whether labels are among those that a model was fitted on."""
    return np.isin(y, fitted)


def measured(
    X: np.ndarray, y: np.ndarray, split: tuple[np.ndarray, np.ndarray], options: dict
) -> list[float]:
    """Fit on the first rows of a split and test on the others."""
    train, test = split
    model = MSKClassifierCV(**options["parameters"])
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seconds = cpu_seconds(lambda: model.fit(X[train], y[train]))
        # A class without a training row has no probability: log losses leave it out.
        seen = test[known_labels(y[test], model.classes_)]
        losses = [
            log_loss(y[seen], model.predict_proba(X[seen]), labels=model.classes_)
        ]
        if options["calibrated"]:
            around = CalibratedClassifierCV(MSKClassifierCV(**options["parameters"]))
            try:
                around.fit(X[train], y[train])
                p = around.predict_proba(X[seen])
                losses.append(log_loss(y[seen], p, labels=model.classes_))
            except ValueError:  # classes of fewer rows than folds
                losses.append(np.nan)
        first = model.estimators_[0].predict(X[test])
    accuracy = [np.mean(found == y[test]) for found in (model.predict(X[test]), first)]
    return [*accuracy, losses[0], seconds, *losses[1:]]


def splits_of(data: dict, name: str, tune: bool) -> list[tuple]:
    """Training and test rows."""
    kinds = (
        [("tune_train", "tune_test")]
        if tune
        else [(f"train{i}", f"test{i}") for i in range(4)]
    )
    return [(data[f"{name}/{a}"], data[f"{name}/{b}"]) for a, b in kinds]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--tune", action="store_true", help="the half for choices")
    parser.add_argument("--sets", nargs="+", help="names; default: all 90")
    parser.add_argument("--metrics", nargs="+", default=["none", "diagonal"])
    parser.add_argument("--calibrated", action="store_true")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    data = np.load(options.data / "uci90.npz")
    names = options.sets or sorted({key.split("/")[0] for key in data.files})
    given = {
        "parameters": {"metrics": options.metrics},
        "calibrated": options.calibrated,
    }
    tasks = [
        (name, data[f"{name}/X"].astype(float), data[f"{name}/y"], split)
        for name in names
        for split in splits_of(data, name, options.tune)
    ]
    found = Parallel(options.jobs, return_as="generator")(
        delayed(measured)(X, y, split, given) for _, X, y, split in tasks
    )
    rows: dict[str, list] = {name: [] for name in names}
    columns = COLUMNS if options.calibrated else COLUMNS[:-1]
    print("| set | " + " | ".join(columns) + " |\n" + "|---" * (len(columns) + 1) + "|")
    for (name, *_), row in zip(tasks, found, strict=True):
        rows[name].append(row)
        if len(rows[name]) == len(splits_of(data, name, options.tune)):
            values = " | ".join(f"{v:.4f}" for v in np.mean(rows[name], axis=0))
            print(f"| {name} | {values} |", flush=True)
    of_sets = np.array([np.mean(of_set, axis=0) for of_set in rows.values()])
    means = " | ".join(f"{v:.4f}" for v in np.nanmean(of_sets, axis=0))
    print(f"| mean of {len(names)} sets | {means} |")
    total = sum(row[3] for of_set in rows.values() for row in of_set)
    print(f"\nCPU seconds of all fits: {total:.0f}")


if __name__ == "__main__":
    main()

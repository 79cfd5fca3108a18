"""Handwritten digits: `MSKClassifier` against `SVC` on the same kernel, tuned alike.

8000 rows train, 2000 test; images are normalised to the length of the root of their
number of pixels. Both sides are tuned on the last 1600 of the training rows: the number
of directions and steps, or C. Run it with ``python benchmarks/mnist.py --data FOLDER``,
the folder of mnist10k.npz, which holds X and y.
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.svm import SVC

from sklearn_msk import MSKClassifier
from sklearn_msk.kernels import NTK

STEPS = (10, 30, 100, 300, 1000, 3000, 10_000)


def main():
    """Print the errors of both, with what was chosen."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args()
    data = np.load(options.data / "mnist10k.npz")
    X, y = data["X"].astype(float), data["y"]
    X *= np.sqrt(X.shape[1]) / np.linalg.norm(X, axis=1, keepdims=True)
    train, test = slice(0, 8000), slice(8000, 10_000)
    fitted, held = slice(0, 6400), slice(6400, 8000)

    common = {"kernel": NTK(), "n_jobs": 2}
    scores = {}
    for k in (50, 200, 500):
        model = MSKClassifier(k=k, max_iter=STEPS[-1], store_trajectory=True, **common)
        stages = model.fit(X[fitted], y[fitted]).staged_predict(X[held], STEPS)
        for steps, labels in zip(STEPS, stages, strict=True):
            scores[k, steps] = np.mean(labels != y[held])
    k, steps = min(scores, key=scores.get)
    model = MSKClassifier(k=k, max_iter=steps, **common).fit(X[train], y[train])
    error = np.mean(model.predict(X[test]) != y[test])
    print(f"MSKClassifier(k={k}, max_iter={steps}): {100 * error:.2f} %", flush=True)

    K = NTK()(X[train])
    scores = {}
    for C in (0.1, 1.0, 10.0, 100.0):
        machine = SVC(C=C, kernel="precomputed").fit(K[fitted, fitted], y[fitted])
        scores[C] = np.mean(machine.predict(K[held, fitted]) != y[held])
    C = min(scores, key=scores.get)
    machine = SVC(C=C, kernel="precomputed").fit(K, y[train])
    error = np.mean(machine.predict(NTK()(X[test], X[train])) != y[test])
    print(f"SVC(C={C}): {100 * error:.2f} %")


if __name__ == "__main__":
    main()

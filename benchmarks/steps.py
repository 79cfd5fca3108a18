"""A thousand preconditioned steps from a few products, against the literal loop.

Both fits include the kernel matrix and the leading directions. Run it with
``python benchmarks/steps.py``.
"""

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from measure import cpu_seconds
from whole_fit import problem

from sklearn_msk import MSKRegressor


def main():
    """Print CPU seconds, products, and by how much the predictions differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--k", type=int, default=100)
    parser.add_argument("--max-iter", type=int, default=1000)
    parser.add_argument("--tol", type=float, default=1e-6)
    options = parser.parse_args()
    X, y = problem(options.rows, 0)
    common = {"k": options.k, "dynamics": "descent", "tol": options.tol}
    fits = {}
    print("| solver | steps | CPU seconds, whole fit | products |\n|---|---|---|---|")
    for solver, steps in (
        ("gd", options.max_iter),
        ("lanczos", options.max_iter),
        ("lanczos", 10**6),
    ):
        model = MSKRegressor(solver=solver, max_iter=steps, **common)
        seconds = cpu_seconds(lambda model=model: model.fit(X, y))
        fits[solver, steps] = model
        print(
            f"| {solver} | {steps} | {seconds:.2f} | {model.n_products_} |", flush=True
        )
    loop, krylov = (fits[solver, options.max_iter] for solver in ("gd", "lanczos"))
    difference = np.linalg.norm(loop.predict(X) - krylov.predict(X))
    print(
        f"\ndifference of the fitted values: {difference / np.linalg.norm(y):.1e} |y|"
    )


if __name__ == "__main__":
    main()

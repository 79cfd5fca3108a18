"""A thousand preconditioned steps from a few products, against the literal loop.

The loop as `solver="gd"` has it, whose products read one triangle of the matrix, and as
one would write it in NumPy. All include the kernel matrix, and all but the last the
leading directions. Run it with ``python benchmarks/steps.py``.
"""

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from measure import cpu_seconds
from whole_fit import problem

from sklearn_msk import MSKRegressor
from sklearn_msk.kernels import NTK


def numpy_loop(model, X, y, steps):
    """Fitted values of the literal loop, with the S and step size of a fitted model."""
    K, n = model.kernel_(X), len(X)
    V, values = model.spectrum_.eigenvectors, model.spectrum_.eigenvalues
    change = model.modified_eigenvalues_ / values - 1.0
    a, centred = np.zeros(n), y - model.intercept_
    for _ in range(steps):
        residual = centred - K @ a
        a += model.learning_rate_ / n * (residual + V @ (change * (V.T @ residual)))
    return K @ a + model.intercept_


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
    common["kernel"] = NTK()
    fits = {}
    print("| solver | steps | CPU seconds, whole fit | products |\n|---|---|---|---|")
    for solver, steps in (
        ("gd", options.max_iter),
        ("lanczos", options.max_iter),
        ("lanczos", 10**6),
    ):
        model = MSKRegressor(solver=solver, max_iter=steps, **common)
        repeats = 3 if solver == "lanczos" else 1
        seconds = cpu_seconds(lambda model=model: model.fit(X, y), repeats)
        fits[solver, steps] = model
        print(
            f"| {solver} | {steps} | {seconds:.2f} | {model.n_products_} |", flush=True
        )
    krylov, fitted = fits["lanczos", options.max_iter], {}
    fitted["gd"] = fits["gd", options.max_iter].predict(X)
    seconds = cpu_seconds(
        lambda: fitted.update(NumPy=numpy_loop(krylov, X, y, options.max_iter))
    )
    print(
        f"| NumPy, `K @ a` | {options.max_iter} | {seconds:.2f} | {options.max_iter} |"
    )
    print()
    for solver, values in fitted.items():
        difference = np.linalg.norm(values - krylov.predict(X)) / np.linalg.norm(y)
        print(f"fitted values of lanczos and {solver} differ by {difference:.1e} |y|")


if __name__ == "__main__":
    main()

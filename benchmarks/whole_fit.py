"""Fits to the accuracy of exact kernel ridge: CPU seconds, peak memory, test RMSE.

Rows uniform on the unit sphere in 10 dimensions, ``y = sin(2 pi x0) + 3 x1 x2 + 0.5
cos(2 pi x3)`` plus noise of 0.1, and the kernel ``Matern(nu=0.5)``; the kernel matrix
is part of every fit. All models are fitted in turn, round by round, as machines drift;
each in a process of its own, on one thread, first in vain, as first touch of memory
costs a virtual machine seconds. The table has medians over the rounds, of the seconds
and of their ratio to those of `KernelRidge` in the same round. Peers that are not
installed are skipped. Run it with ``python benchmarks/whole_fit.py``.
"""

import argparse
import contextlib
import importlib.util
import io
import json
import os
import subprocess
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from measure import cpu_seconds, peak_megabytes

ALPHA = 1e-8


def problem(n, seed):
    """Rows and targets."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 10))
    X /= np.linalg.norm(X, axis=1)[:, None]
    y = np.sin(2 * np.pi * X[:, 0]) + 3 * X[:, 1] * X[:, 2]
    y += 0.5 * np.cos(2 * np.pi * X[:, 3]) + 0.1 * rng.standard_normal(n)
    return X, y


def kernel():
    """Return the Laplacian kernel of the Euclidean distance."""
    from sklearn.gaussian_process.kernels import Matern

    return Matern(nu=0.5)


def msk(options):
    """MSKRegressor, at the settings of the command line."""
    from sklearn_msk import MSKRegressor

    return MSKRegressor(kernel(), k=options.k, max_iter=options.max_iter)


def kernel_ridge(options):
    """Return exact kernel ridge."""
    from sklearn.kernel_ridge import KernelRidge

    return KernelRidge(kernel=kernel(), alpha=ALPHA)


def nystroem(options):
    """Return Nystroem features before ridge."""
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline

    features = Nystroem(kernel=kernel(), n_components=1000, random_state=0)
    return make_pipeline(features, Ridge(ALPHA, fit_intercept=False))


class PivotedCholeskyCG:
    """Conjugate gradients behind a randomly pivoted Cholesky factor, in NumPy.

    Y. Chen, E. Epperly, J. Tropp, R. Webber, *Randomly Pivoted Cholesky*, 2022.
    """

    def __init__(self, rank, steps):
        self.rank, self.steps = rank, steps

    def fit(self, X, y):
        """Solve ``(K + alpha) a = y`` approximately."""
        n, rng = len(X), np.random.default_rng(0)
        self.X, K = X, kernel()(X)
        factor, left = np.zeros((n, self.rank)), K.diagonal().copy()
        done = 0
        while done < self.rank:
            # Blocks of pivots: as accurate as single ones, at the speed of products.
            size = min(100, self.rank - done)
            pivots = np.unique(rng.choice(n, size, p=left / left.sum()))
            columns = K[:, pivots] - factor[:, :done] @ factor[pivots, :done].T
            core = np.linalg.cholesky(columns[pivots] + 1e-12 * np.eye(len(pivots)))
            block = np.linalg.solve(core, columns.T).T
            factor[:, done : done + len(pivots)] = block
            left = np.maximum(left - np.sum(block**2, axis=1), 0.0)
            done += len(pivots)
        ridge = max(ALPHA, left.mean())
        inner = np.linalg.cholesky(factor.T @ factor + ridge * np.eye(self.rank))

        def precondition(r):
            small = np.linalg.solve(inner.T, np.linalg.solve(inner, factor.T @ r))
            return (r - factor @ small) / ridge

        a, r = np.zeros(n), y.copy()
        z = precondition(r)
        p, rz = z.copy(), r @ z
        for _ in range(self.steps):
            Kp = K @ p + ALPHA * p
            step = rz / (p @ Kp)
            a += step * p
            r -= step * Kp
            z = precondition(r)
            rz, before = r @ z, rz
            p = z + (rz / before) * p
        self.a = a
        return self

    def predict(self, X):
        """Predict targets."""
        return kernel()(X, self.X) @ self.a


def pivoted_cholesky(options):
    """Return pivoted Cholesky with CG, its rank and steps from the command line."""
    return PivotedCholeskyCG(options.rank, options.steps)


class GPyTorch:
    """Mean of a Gaussian process of fixed kernel by gpytorch's conjugate gradients."""

    def fit(self, X, y):
        """Solve by CG."""
        import gpytorch
        import torch

        torch.set_num_threads(1)
        X, y = torch.as_tensor(X), torch.as_tensor(y)
        likelihood = gpytorch.likelihoods.GaussianLikelihood().double()
        likelihood.noise = 1e-4

        class Model(gpytorch.models.ExactGP):
            def __init__(self):
                super().__init__(X, y, likelihood)
                self.mean_module = gpytorch.means.ZeroMean()
                self.covar_module = gpytorch.kernels.MaternKernel(nu=0.5)
                self.covar_module.lengthscale = 1.0

            def forward(self, x):
                return gpytorch.distributions.MultivariateNormal(
                    self.mean_module(x), self.covar_module(x)
                )

        self.model = Model().double().eval()
        # The solve happens at the first prediction.
        self.predict(np.asarray(X[:1]))
        return self

    def predict(self, X):
        """Predict targets."""
        import gpytorch
        import torch

        with (
            torch.no_grad(),
            gpytorch.settings.max_cholesky_size(1),
            gpytorch.settings.skip_posterior_variances(),
            gpytorch.settings.eval_cg_tolerance(1e-3),
        ):
            return self.model(torch.as_tensor(X)).mean.numpy()


class EigenPro:
    """EigenPro 4 on all rows as centres, in single precision, K never formed."""

    def __init__(self, n_directions, epochs):
        self.n_directions, self.epochs = n_directions, epochs

    def fit(self, X, y):
        """Train by preconditioned stochastic gradient descent."""
        import torch
        from eigenpro import kernels, solver
        from eigenpro.models.sharded_kernel_machine import create_sharded_kernel_machine
        from eigenpro.utils.device import Device

        torch.set_num_threads(1)
        torch.manual_seed(0)
        np.random.seed(0)  # noqa: NPY002, which it draws from
        X, y = torch.as_tensor(X).float(), torch.as_tensor(y).float()[:, None]

        def laplacian(x, z):
            return kernels.laplacian(x, z, bandwidth=1.0)

        # It prints its progress and a score on rows that it is given for that.
        with (
            contextlib.redirect_stdout(None),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            device = Device.create(use_gpu_if_available=False)
            settings = {"dtype": torch.float32, "tmp_centers_coeff": 1}
            model = create_sharded_kernel_machine(X, 1, laplacian, device, **settings)
            self.model = solver.fit(
                *(model, X, y, X[:2], y[:2], device),
                kernel=laplacian,
                n_data_pcd_nyst_samples=min(2000, len(X)),
                n_data_pcd_eigenvals=self.n_directions,
                epochs=self.epochs,
                accumulated_gradients=False,
                # How often temporary centres are projected: there are none.
                T=1,
            )
        return self

    def predict(self, X):
        """Predict targets."""
        import torch

        with torch.no_grad():
            return self.model(torch.as_tensor(X).float()).numpy()[:, 0]


def eigenpro(options):
    """Return EigenPro, its directions and epochs from the command line."""
    return EigenPro(options.k, options.epochs)


MODELS = {
    "KernelRidge": (kernel_ridge, None),
    "MSKRegressor": (msk, None),
    "pivoted Cholesky + CG": (pivoted_cholesky, None),
    "Nystroem(1000) + Ridge": (nystroem, None),
    "gpytorch, CG": (lambda options: GPyTorch(), "gpytorch"),
    "EigenPro 4": (eigenpro, "eigenpro"),
}


def run(name, options):
    """Fit one model in this process: CPU seconds, peak memory in K, test RMSE."""
    X, y = problem(options.rows, 0)
    X_test, y_test = problem(2000, 1)
    make = MODELS[name][0]
    # A small fit first: imports are not part of the work.
    make(options).fit(X[:1200], y[:1200])
    before = peak_megabytes()
    model, mean = make(options), y.mean()
    model.fit(X, y - mean)
    seconds = cpu_seconds(lambda: model.fit(X, y - mean))
    peak = peak_megabytes() - before
    error = model.predict(X_test) + mean - y_test
    K = 8 * options.rows**2 / 2**20
    return [seconds, peak / K, float(np.sqrt(np.mean(error**2)))]


def run_apart(name):
    """Return the same from a process of its own."""
    command = [sys.executable, __file__, *sys.argv[1:], "--model", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def installed():
    """Names of the models that can run; says which others cannot."""
    names = []
    for name, (_, needs) in MODELS.items():
        if needs and importlib.util.find_spec(needs) is None:
            print(f"{name}: skipped, {needs} is not installed")
        else:
            names.append(name)
    return names


def main():
    """Print a row for each model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--k", type=int, default=100)
    parser.add_argument("--max-iter", type=int, default=1000)
    parser.add_argument("--rank", type=int, default=500)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=7, help="of EigenPro")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--model", choices=MODELS, help="only this one, in this process"
    )
    options = parser.parse_args()
    if options.model:
        print(json.dumps(run(options.model, options)))
        return
    names = installed()
    rounds = [[run_apart(name) for name in names] for _ in range(options.rounds)]
    results = np.array(rounds)
    ratios = results[:, :, 0] / results[:, :1, 0]
    print(f"| {options.rows} rows | CPU s | / KernelRidge | memory / K | RMSE |")
    print("|---|---|---|---|---|")
    for column, name in enumerate(names):
        seconds, peak, error = np.median(results[:, column], axis=0)
        lowest, ratio, highest = np.quantile(ratios[:, column], [0.0, 0.5, 1.0])
        print(
            f"| {name} | {seconds:.2f} | {ratio:.2f} ({lowest:.2f} to {highest:.2f}) "
            f"| {peak:.2f} | {error:.4f} |"
        )


if __name__ == "__main__":
    main()

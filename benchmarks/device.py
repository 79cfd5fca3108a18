"""An exact fit on a GPU: seconds, memory and error, beside NumPy and other libraries.

``python benchmarks/device.py``, without files of data. Rows are uniform on the unit
sphere in 10 dimensions, the target has a fast and two slow parts and noise of .1. The
model is exact: kernel `NTK()`, k = 100, 1000 steps. 10 000 and 50 000 rows are held as
a matrix; 200 000 are computed tile by tile for every product.

Every fit is made twice up to 50 000 rows, and the second is timed: the first compiles.
``--products 1000000`` times single products at as many rows, ``--rows 1000000`` fits
them. Where gpytorch and xrfm are installed they are fitted on the same device. Without
a GPU it says so, and takes 2000 rows on the processor.
"""

import argparse
import importlib.util
import os
import time
from functools import partial
from operator import matmul

os.environ.setdefault("SCIPY_ARRAY_API", "1")

import numpy as np
import sklearn
from sklearn.metrics import root_mean_squared_error

from sklearn_msk import MSKRegressor
from sklearn_msk.kernels import NTK

NOISE = 0.1
N_TEST = 10_000


def problem(n, dtype=np.float32, seed=0):
    """Return rows on the sphere and noisy targets."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 10))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    y = np.sin(2 * np.pi * X[:, 0]) + 3 * X[:, 1] * X[:, 2]
    y += 0.5 * np.cos(2 * np.pi * X[:, 3]) + NOISE * rng.standard_normal(n)
    return X.astype(dtype), y


def model(**params):
    """Return the model that is timed."""
    return MSKRegressor(NTK(), k=100, max_iter=1000, **params)


class Device:
    """Arrays of torch on a device, its clock and its memory."""

    def __init__(self, name):
        import torch

        self.torch, self.name = torch, name
        self.gpu = name.startswith("cuda")

    def put(self, array):
        """Return an array on the device."""
        return self.torch.asarray(array, device=self.name)

    def seconds(self, work):
        """Return what some work returns, and its seconds of wall clock."""
        self.wait()
        started = time.perf_counter()
        result = work()
        self.wait()
        return result, time.perf_counter() - started

    def wait(self):
        """Wait for the device."""
        if self.gpu:
            self.torch.cuda.synchronize()

    def start_count(self):
        """Begin to count the peak of memory."""
        if self.gpu:
            self.torch.cuda.empty_cache()
            self.torch.cuda.reset_peak_memory_stats()

    def peak(self):
        """Return the peak of memory in GiB."""
        return self.torch.cuda.max_memory_allocated() / 2**30 if self.gpu else np.nan


def report(name, n, fit, predict, peak, rmse, note=""):
    """Print a line of the table."""
    cells = [f"{fit:.2f}", f"{predict:.2f}", f"{peak:.2f}", f"{rmse:.4f}", note]
    print(f"| {name} | {n} | {' | '.join(cells)} |", flush=True)


def ours(device, n, dtype, reference=None, verbose=0):
    """Fit and predict on the device; return the predictions."""
    X, y = problem(n, dtype)
    X_test, y_test = problem(N_TEST, dtype, seed=1)
    X, y, X_test = device.put(X), device.put(y), device.put(X_test)
    with sklearn.config_context(array_api_dispatch=True):
        if n <= 50_000:
            model().fit(X, y)
        device.start_count()
        fitted, fit = device.seconds(lambda: model(verbose=verbose).fit(X, y))
        predicted, predict = device.seconds(lambda: fitted.predict(X_test))
    predicted = predicted.cpu().numpy()
    note = f"{fitted.n_products_} products"
    if reference is not None:
        apart = np.abs(predicted - reference).max() / y_test.std()
        note += f", {apart:.1e} sd from NumPy"
    rmse = root_mean_squared_error(y_test, predicted)
    name = f"MSKRegressor, {np.dtype(dtype).name}"
    report(name, n, fit, predict, device.peak(), rmse, note)
    return predicted


def ours_numpy(n, dtype):
    """Fit and predict by NumPy on the same machine; return the predictions."""
    X, y = problem(n, dtype)
    X_test, y_test = problem(N_TEST, dtype, seed=1)
    started = time.perf_counter()
    fitted = model().fit(X, y)
    fit = time.perf_counter() - started
    started = time.perf_counter()
    predicted = fitted.predict(X_test)
    predict = time.perf_counter() - started
    rmse = root_mean_squared_error(y_test, predicted)
    name = f"MSKRegressor, NumPy {np.dtype(dtype).name}"
    report(name, n, fit, predict, np.nan, rmse, f"{fitted.n_products_} products")
    return predicted


def gpytorch_model(device, n):
    """Fit a Gaussian process of fixed Matern kernel by conjugate gradients."""
    import gpytorch

    torch = device.torch
    X, y = problem(n)
    X_test, y_test = problem(N_TEST, seed=1)
    X, X_test = device.put(X), device.put(X_test)
    y = device.put(y.astype(np.float32))

    class Process(gpytorch.models.ExactGP):
        def __init__(self, X, y, likelihood):
            super().__init__(X, y, likelihood)
            self.mean_module = gpytorch.means.ConstantMean()
            self.covar_module = gpytorch.kernels.MaternKernel(nu=0.5)

        def forward(self, X):
            return gpytorch.distributions.MultivariateNormal(
                self.mean_module(X), self.covar_module(X)
            )

    def work():
        likelihood = gpytorch.likelihoods.GaussianLikelihood().to(device.name)
        process = Process(X, y, likelihood).to(device.name)
        process.covar_module.lengthscale, likelihood.noise = 1.0, NOISE**2
        process.eval(), likelihood.eval()
        with torch.no_grad(), gpytorch.settings.cg_tolerance(0.01):
            return process(X_test).mean

    device.start_count()
    predicted, seconds = device.seconds(work)
    rmse = root_mean_squared_error(y_test, predicted.cpu().numpy())
    report("gpytorch, Matern(.5), CG", n, seconds, np.nan, device.peak(), rmse)


def xrfm_model(device, n):
    """Fit xRFM with its defaults."""
    from xrfm import xRFM

    X, y = problem(n)
    X_val, y_val = problem(n // 5, seed=2)
    X_test, y_test = problem(N_TEST, seed=1)
    put = [device.put(a.astype(np.float32)) for a in (X, y, X_val, y_val, X_test)]
    device.start_count()
    fitted, fit = device.seconds(
        lambda: xRFM(device=device.name).fit(*(a for a in put[:4]))
    )
    predicted, predict = device.seconds(lambda: fitted.predict(put[4]))
    rmse = root_mean_squared_error(y_test, np.ravel(predicted))
    report("xRFM", n, fit, predict, device.peak(), rmse)


def products(device, n):
    """Time products of the tiled matrix with one vector, and with a block."""
    from sklearn_msk._operators import DeviceOperator
    from sklearn_msk._tuning import RECOMPUTED_BLOCK_WIDTH

    X, _ = problem(n)
    with sklearn.config_context(array_api_dispatch=True):
        A, seconds = device.seconds(
            lambda: DeviceOperator(NTK(), device.put(X), held=False)
        )
        print(f"diagonal of {n} rows: {seconds:.2f} s", flush=True)
        for width in (1, RECOMPUTED_BLOCK_WIDTH):
            V = device.put(np.ones((n, width)))
            device.start_count()
            for _ in range(2):
                _, seconds = device.seconds(partial(matmul, A, V))
                print(
                    f"product of {n} rows with {width}: {seconds:.2f} s, peak "
                    f"{device.peak():.2f} GiB",
                    flush=True,
                )


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default=None, help="as torch names it")
    parser.add_argument("--rows", type=int, nargs="*", default=None)
    parser.add_argument("--products", type=int, nargs="*", default=[])
    parser.add_argument("--no-numpy", action="store_true")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--verbose", type=int, default=0)
    options = parser.parse_args()
    import torch

    name = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    device = Device(name)
    what = torch.cuda.get_device_name() if device.gpu else "no GPU: the processor"
    print(f"torch {torch.__version__}, {what}, {os.cpu_count()} processors")
    rows = options.rows
    if rows is None:
        rows = [10_000, 50_000, 200_000] if device.gpu else [2000]
    print("| model | rows | fit, s | predict, s | peak, GiB | RMSE | |")
    print("|---|---|---|---|---|---|---|")
    for n in rows:
        for dtype in (np.float64, np.float32) if n <= 10_000 else (np.float32,):
            with_numpy = n <= 10_000 and not options.no_numpy
            reference = ours_numpy(n, dtype) if with_numpy else None
            ours(device, n, dtype, reference, options.verbose)
        if options.peers and n <= 50_000:
            for library, fit in (("gpytorch", gpytorch_model), ("xrfm", xrfm_model)):
                if importlib.util.find_spec(library):
                    fit(device, n)
    for n in options.products:
        products(device, n)


if __name__ == "__main__":
    main()

"""
Do plain and preconditioned descent have the same limit?
========================================================

Without ridge, plain descent (k = 0) and MSK converge to the same interpolant, on new
points too, with and without noise. With a ridge alpha the limits differ: the limit of
MSK is ``k_x (K + alpha S^-1)^-1 y``, which approaches that of plain descent as alpha
falls.

The tables give the root mean square of the difference between the two predictions on
new points, in units of the standard deviation of the target without noise.
"""

# %%
# A sum of waves on the circle, at random angles, with noise of standard deviation 0,
# 0.01 and 0.1.

import argparse

import matplotlib.pyplot as plt
import numpy as np

from sklearn_msk import MSKRegressor
from sklearn_msk.finite_width import WideNetworkRegressor
from sklearn_msk.kernels import NTK

parser = argparse.ArgumentParser(description="Where the two descents end.")
parser.add_argument("--rows", type=int, default=100, help="training rows, the kernel")
parser.add_argument("--width", type=int, default=8192, help="width of the network")
parser.add_argument("--steps", type=int, default=3000, help="steps of the network")
parser.add_argument("--output", default="consistency.png", help="file of the picture")
options = parser.parse_args()

NOISES = (0.0, 0.01, 0.1)
STEPS = (1, 3, 10, 100, 1000, 10**4, 10**5, 10**6, 10**7)
ALPHAS = (1.0, 0.1, 0.01, 0.001)


def points(angles):
    """Points of the unit circle."""
    return np.column_stack([np.cos(angles), np.sin(angles)])


def signal(angles):
    """Sum of waves of frequencies 1, 2 and 5."""
    return np.sin(angles) + np.cos(2 * angles) + 0.5 * np.sin(5 * angles)


def problem(n_rows, noise, seed=0):
    """Training rows at jittered angles, and their noisy targets."""
    rng = np.random.default_rng(seed)
    angles = 2 * np.pi * (np.arange(n_rows) + rng.uniform(0, 0.7, n_rows)) / n_rows
    return points(angles), signal(angles) + noise * rng.normal(size=n_rows)


def new_points(n=400):
    """Points to predict, and the signal there."""
    angles = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return points(angles), signal(angles)


def kernel_paths(n_rows, noise, steps, alpha=0.0, k=20):
    """Predictions of plain descent and of MSK after each of several steps."""
    X, y = problem(n_rows, noise)
    paths = []
    for directions in (0, k):
        model = MSKRegressor(
            NTK(),
            k=directions,
            alpha=alpha,
            max_iter=steps[-1],
            solver="eigh",
            store_trajectory=True,
        ).fit(X, y)
        paths.append(np.array(list(model.staged_predict(new_points()[0], steps))))
    return paths


def network_paths(width, n_rows, noise, max_iter, alpha=0.0, k=7):
    """Steps, and the predictions of both descents of one network after them."""
    X, y = problem(n_rows, noise)
    paths = []
    for directions in (0, k):
        model = WideNetworkRegressor(
            width, k=directions, alpha=alpha, max_iter=max_iter, store_trajectory=True
        ).fit(X, y)
        paths.append(np.array(list(model.staged_predict(new_points()[0]))))
    return model.path_iterations_, paths


def difference(plain, msk):
    """Root mean square of the difference, in units of the signal's deviation."""
    signal_there = new_points()[1]
    return np.sqrt(np.mean((plain - msk) ** 2, axis=-1)) / signal_there.std()


def error(path):
    """Root mean square error, in the same units."""
    return difference(path, new_points()[1])


# %%
# The kernel of the infinitely wide network, trained by the flow. The difference falls
# to rounding, for every level of noise.

print(f"{'kernel: steps':<22}" + " ".join(f"{steps:>8.0e}" for steps in STEPS))
for noise in NOISES:
    plain, msk = kernel_paths(options.rows, noise, STEPS)
    cells = " ".join(f"{d:>8.1e}" for d in difference(plain, msk))
    print(f"noise {noise:<4}  difference {cells}")
    for name, path in (("plain descent", plain), ("MSK", msk)):
        cells = " ".join(f"{e:>8.3f}" for e in error(path))
        print(f"{name + ', error':>21} {cells}")

# %%
# With a ridge the limits differ. They approach each other as alpha falls.

print(f"\n{'limits: alpha':<22}" + " ".join(f"{alpha:>8}" for alpha in ALPHAS))
for noise in NOISES:
    ends = [kernel_paths(options.rows, noise, [np.inf], alpha) for alpha in ALPHAS]
    cells = " ".join(f"{difference(*end)[0]:>8.1e}" for end in ends)
    print(f"noise {noise:<4}  difference {cells}")

# %%
# A network of finite width, on fewer rows, so that plain descent converges. The kernel
# of a network of finite width changes in training, differently for each descent. The
# difference that remains is the effect of the finite width.

print(f"\n{'network: steps':<22}", end="")
curves = {}
for noise, alpha in ((0.0, 0.0), (0.01, 0.0), (0.1, 0.0), (0.1, 0.01)):
    steps, (plain, msk) = network_paths(
        options.width, 12, noise, options.steps, alpha=alpha
    )
    curves[noise, alpha] = steps, plain, msk
    shown = np.searchsorted(steps, np.geomspace(3, steps[-1], 8))
    if len(curves) == 1:
        print(" ".join(f"{steps[i]:>8}" for i in shown))
    label = f"noise {noise:<4}" + (f" alpha {alpha:<4}" if alpha else "  difference")
    print(label + " " + " ".join(f"{difference(plain, msk)[i]:>8.1e}" for i in shown))

# %%
# MSK reaches the limit after ten steps, plain descent after a thousand to ten thousand.
# With noise of 0.1 the fast path has a cost: the best model on the path of plain
# descent has an error of 0.05, the best on the path of MSK 0.07, because MSK learns the
# noise in its 20 leading eigen-directions as fast as the signal.

figure, axes = plt.subplots(1, 3, figsize=(12, 3.4), layout="constrained")
for noise, color in zip(NOISES, ("#0072b2", "#009e73", "#d55e00"), strict=True):
    plain, msk = kernel_paths(options.rows, noise, STEPS)
    axes[0].loglog(STEPS, difference(plain, msk), "o-", color=color, label=noise)
    axes[1].loglog(STEPS, error(plain), "o--", mfc="none", color=color)
    axes[1].loglog(STEPS, error(msk), "o-", color=color, label=noise)
    steps, plain, msk = curves[noise, 0.0]
    axes[2].loglog(steps, difference(plain, msk), color=color, label=noise)
axes[0].set_title("kernel: difference of the two", fontsize=10)
axes[1].set_title("kernel: error (dashed: plain descent)", fontsize=10)
axes[2].set_title(f"network of width {options.width}: difference", fontsize=10)
axes[0].set_ylabel("root mean square, in sd of the signal")
for axis in axes:
    axis.set_xlabel("step")
    axis.grid(alpha=0.3)
    axis.legend(title="noise", frameon=False)
figure.savefig(options.output, dpi=110)

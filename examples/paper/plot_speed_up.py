"""
How much faster is training with a larger k?
============================================

Flattening the k leading eigenvalues lets the step of descent grow by ``lam_1 / lam_k``.
On the sphere S^(d-1) this is about ``k^(d / (d - 1))`` for the kernel of a ReLU
network. This example measures the gain: the steps of plain descent, divided by those of
MSK, until 99 % of a target in the k leading eigen-directions has been learned.

The first table compares the measured gain with ``lam_1 / lam_k`` at the gaps of the
spectrum, after all harmonics of a degree, and gives the fitted exponents of k. The
second table shows where the law fails.
"""

# %%
# Points are uniform on spheres in d = 2 to 4 dimensions. A target is a random mixture
# of the k leading eigenvectors minus its mean, so it needs all k eigen-directions.

import argparse
from math import comb

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import eval_chebyt, eval_gegenbauer

from sklearn_msk import MSKRegressor
from sklearn_msk.kernels import NTK

parser = argparse.ArgumentParser(description="Measured and predicted gain of k.")
parser.add_argument("--rows", type=int, default=1000, help="points on each sphere")
parser.add_argument("--output", default="speed_up.png", help="file of the picture")
options = parser.parse_args()

DEGREES = {2: 40, 3: 14, 4: 7}  # highest degree of a harmonic, by dimension
LEFT = 0.01  # part of the target that may be left
RATE = 0.01  # learning rate: small, so that few steps are not rounded to whole ones


def sphere(n_rows, dimension, seed=0):
    """Uniform points of the unit sphere."""
    X = np.random.default_rng(seed).normal(size=(n_rows, dimension))
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def count_harmonics(dimension, degree):
    """Number of spherical harmonics up to a degree."""
    return comb(degree + dimension - 1, dimension - 1) + comb(
        degree + dimension - 2, dimension - 1
    )


def steps_to_learn(X, y, k, kernel):
    """Steps of descent after which 1 % of y is left."""
    model = MSKRegressor(
        kernel,
        k=k,
        dynamics="descent",
        fit_intercept=False,
        learning_rate=RATE,
        max_iter=10**9,
        solver="eigh",
        eigen_solver="dense",
        store_trajectory=True,
    ).fit(X, y)
    K = kernel(X)

    def left(steps):
        residual = K @ model.trajectory_.coef(max_iter=steps) - y
        return np.linalg.norm(residual) / np.linalg.norm(y)

    low, high = 0, 1
    while left(high) > LEFT and high < 10**9:
        low, high = high, 2 * high
    while high - low > max(1, low // 200):
        middle = (low + high) // 2
        low, high = (middle, high) if left(middle) > LEFT else (low, middle)
    return high


def decomposition(X, kernel):
    """Eigenvalues of K/n, descending, and eigenvectors."""
    eigenvalues, V = np.linalg.eigh(kernel(X) / len(X))
    return eigenvalues[::-1], V[:, ::-1]


def mixture(V, k, seed=0):
    """Target in the k leading directions, the first left out."""
    weights = np.random.default_rng(seed).normal(size=k - 1)
    return V[:, 1:k] @ weights


def gains(X, counts, kernel):
    """Measured gain of k over plain descent, and ``lam_1 / lam_k``, for some k."""
    eigenvalues, V = decomposition(X, kernel)
    measured = [
        steps_to_learn(X, y, 0, kernel) / steps_to_learn(X, y, k, kernel)
        for k, y in ((k, mixture(V, k)) for k in counts)
    ]
    return np.array(measured), eigenvalues[0] / eigenvalues[np.array(counts) - 1]


# %%
# The kernel operator on the sphere itself has one eigenvalue for each degree of
# harmonics, an integral over the angle, computed by Gauss-Legendre quadrature.


def operator_gains(dimension, degrees, kernel):
    """Number of harmonics up to some degrees, and ``lam_1 / lam_k`` of the operator."""
    nodes, weights = np.polynomial.legendre.leggauss(600)
    angles = np.pi * (nodes + 1) / 2
    points = np.zeros((len(angles), dimension))
    points[:, 0], points[:, 1] = np.cos(angles), np.sin(angles)
    values = kernel(points, np.eye(dimension)[:1]).ravel()
    measure = weights * np.sin(angles) ** (dimension - 2)

    def eigenvalue(degree):
        if dimension == 2:
            harmonic = eval_chebyt(degree, np.cos(angles))
        else:
            order = dimension / 2 - 1
            harmonic = eval_gegenbauer(degree, order, np.cos(angles))
            harmonic /= eval_gegenbauer(degree, order, 1.0)
        return np.sum(measure * values * harmonic)

    counts = np.array([count_harmonics(dimension, degree) for degree in degrees])
    return counts, eigenvalue(0) / np.array([eigenvalue(degree) for degree in degrees])


# %%
# The gain on a sample of points, at the gaps.

kernel = NTK()
table = {}
print(f"{'d':>2} {'k':>5} {'lam_1/lam_k':>12} {'measured':>9}")
for dimension, highest in DEGREES.items():
    X = sphere(options.rows, dimension)
    counts = [count_harmonics(dimension, degree) for degree in range(1, highest + 1)]
    counts = [k for k in counts if k <= options.rows // 6]
    counts = [
        counts[i] for i in np.unique(np.geomspace(1, len(counts), 7).astype(int)) - 1
    ]
    measured, predicted = gains(X, counts, kernel)
    table[dimension] = np.array(counts), measured, predicted
    for row in zip(counts, predicted, measured, strict=True):
        print(f"{dimension:>2} {row[0]:>5} {row[1]:>12.0f} {row[2]:>9.0f}")


def exponent(counts, values, first=1):
    """Slope of log(values) against log(k), from a place on."""
    return np.polyfit(np.log(counts[first:]), np.log(values[first:]), 1)[0]


print("\ngain grows like k^p:")
for dimension, (counts, measured, predicted) in table.items():
    high = exponent(*operator_gains(dimension, range(20, 61, 4), kernel), first=0)
    print(
        f"d = {dimension}: p = {exponent(counts, measured):.2f} measured, "
        f"{exponent(counts, predicted):.2f} of lam_1 / lam_k, "
        f"{high:.2f} of the operator at degrees 20 to 60, "
        f"law {dimension / (dimension - 1):.2f}"
    )

# %%
# The gain is most of ``lam_1 / lam_k``, not all of it, because the slowest degree holds
# only a part of the target. The power law is one of high degrees. It holds for the
# operator at degrees 20 to 60, and on the circle. On spheres of more dimensions a
# thousand points do not reach such degrees, and low degrees gain more than the law
# says, because only the bias gives odd degrees an eigenvalue.
#
# The law also fails for other k. If the target needs more than k eigen-directions, its
# slowest one sets the time, and only the longer step is gained. A k beyond what the
# target needs gains nothing and costs eigenpairs. At a k near n the eigenvalues are
# those of the sample, no longer those of the operator.

X = sphere(options.rows, 3)
eigenvalues, V = decomposition(X, kernel)
needed = count_harmonics(3, 5)
y = mixture(V, needed)
plain = steps_to_learn(X, y, 0, kernel)
print(f"\na target of {needed} directions on the sphere, d = 3")
print(f"{'k':>5} {'lam_1/lam_k':>12} {'measured':>9}")
failures = []
for k in (4, 16, needed, 2 * needed, 6 * needed, int(0.9 * len(X))):
    failures.append(
        (
            k,
            eigenvalues[0] / eigenvalues[k - 1],
            plain / steps_to_learn(X, y, k, kernel),
        )
    )
    print("{:>5} {:>12.0f} {:>9.0f}".format(*failures[-1]))

# %%
# Left: the gain at the gaps follows the prediction. Right: for one target, the gain is
# that of the longer step below the k that the target needs, and no more beyond it.

figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.6), layout="constrained")
for (dimension, (counts, measured, predicted)), color in zip(
    table.items(), ("#0072b2", "#d55e00", "#009e73"), strict=True
):
    law = dimension / (dimension - 1)
    axes[0].loglog(counts, measured, "o", color=color, label=f"d = {dimension}")
    axes[0].loglog(counts, predicted, color=color)
    guide = measured[-1] * (counts / counts[-1]) ** law
    axes[0].loglog(counts, guide, ":", color=color)
axes[0].set_title("line: lam_1 / lam_k, dotted: k^(d/(d-1))", fontsize=10)
axes[0].set_ylabel("steps of plain descent / of MSK")
axes[0].legend(frameon=False)
k, predicted, measured = np.array(failures).T
axes[1].loglog(k, measured, "o-", color="#0072b2", label="measured")
axes[1].loglog(k, predicted, "--", color="#767676", label="lam_1 / lam_k")
axes[1].axvline(needed, color="#d55e00", lw=1)
axes[1].set_title(f"a target of {needed} directions, d = 3", fontsize=10)
axes[1].legend(frameon=False)
for axis in axes:
    axis.set_xlabel("k")
    axis.grid(alpha=0.3)
figure.savefig(options.output, dpi=110)

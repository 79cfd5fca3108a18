"""
Does the modified kernel converge to its target?
================================================

The Modified Spectrum Kernel applies g to the eigenvalues of a kernel matrix and keeps
its eigenvectors. As the number of rows grows, it tends to the kernel with the
eigenvalues g(lambda) and the same eigenfunctions. On the circle and on the sphere the
eigenfunctions are known, so this target can be computed.

The table gives the relative Frobenius distance between the matrices of the two kernels,
on the training rows and between training rows and new rows: the median over draws of
the rows, and the fitted exponents of n.
"""

# %%
# `MercerKernel` is a kernel with given eigenfunctions and eigenvalues.

import argparse

import matplotlib.pyplot as plt
import numpy as np

from sklearn_msk import MSKKernel
from sklearn_msk.kernels import FourierBasis, MercerKernel, SphericalHarmonics
from sklearn_msk.spectral_maps import Flatten, Lift, Power

parser = argparse.ArgumentParser(description="Compare MSK matrices with their targets.")
parser.add_argument("--largest", type=int, default=1024, help="most rows")
parser.add_argument("--draws", type=int, default=5, help="draws of the rows")
parser.add_argument("--output", default="approximation.png", help="file of the picture")
options = parser.parse_args()

BASES = {"circle": FourierBasis(12), "sphere": SphericalHarmonics(5)}


def eigenvalues_of(basis):
    """Eigenvalues that fall like degree^-3, as a smooth kernel's do."""
    return 1.0 / (1.0 + basis.degrees) ** 3


def maps_of(eigenvalues):
    """Maps of all eigenvalues, which do not depend on the rows."""
    level = np.median(eigenvalues)
    return {
        "flatten": Flatten(level=level),
        "lift": Lift(level=level),
        "power 1/2": Power(0.5),
    }


def distances(basis, g, n_rows, seed):
    """Relative distances to the target, on the fitted rows and to new ones."""
    rng = np.random.default_rng(seed)
    dimension = 2 if isinstance(basis, FourierBasis) else 3
    points = rng.normal(size=(2 * n_rows, dimension))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    X, X_new = points[:n_rows], points[n_rows:]
    eigenvalues = eigenvalues_of(basis)
    target = MercerKernel(basis, g(np.sort(eigenvalues)[::-1])[_ranks(eigenvalues)])
    msk = MSKKernel(
        MercerKernel(basis, eigenvalues), g=g, k=len(eigenvalues), eigen_solver="dense"
    ).fit(X)
    return [
        np.linalg.norm(msk.transform(rows) - target(rows, X))
        / np.linalg.norm(target(rows, X))
        for rows in (X, X_new)
    ]


def _ranks(values):
    """Place of each value in descending order."""
    return np.argsort(np.argsort(-values, kind="stable"), kind="stable")


def medians(basis, g, sizes, n_draws):
    """Medians of the distances over draws, of shape (n_sizes, 2)."""
    draws = [[distances(basis, g, n, seed) for n in sizes] for seed in range(n_draws)]
    return np.median(draws, axis=0)


def slopes(sizes, errors):
    """Exponents of n in the distances."""
    return np.polyfit(np.log(sizes), np.log(errors), 1)[0]


# %%
# Every map, on both manifolds.

sizes = [n for n in (64, 128, 256, 512, 1024, 2048, 4096) if n <= options.largest]
curves = {}
print(f"{'':<18} {'rows':>8} " + " ".join(f"{n:>6}" for n in sizes) + f" {'slope':>6}")
for manifold, basis in BASES.items():
    for name, g in maps_of(eigenvalues_of(basis)).items():
        curves[manifold, name] = medians(basis, g, sizes, options.draws)
        for column, rows in enumerate(("fitted", "new")):
            errors = curves[manifold, name][:, column]
            print(
                f"{manifold + ', ' + name:<18} {rows:>8} "
                + " ".join(f"{error:>6.3f}" for error in errors)
                + f" {slopes(sizes, errors):>6.2f}"
            )

# %%
# The distance falls like the error of a sample mean, n^(-1/2).

figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained", sharey=True)
colors = {"flatten": "#0072b2", "lift": "#d55e00", "power 1/2": "#009e73"}
for axis, manifold in zip(axes, BASES, strict=True):
    for name, color in colors.items():
        fitted, new = curves[manifold, name].T
        axis.loglog(sizes, fitted, "o-", color=color, label=name)
        axis.loglog(sizes, new, "s--", color=color, mfc="none")
    guide = curves[manifold, "flatten"][0, 0] * np.sqrt(sizes[0] / np.array(sizes))
    axis.loglog(sizes, guide / 2, ":", color="#767676", label="slope -1/2")
    axis.set_title(f"{manifold} (dashed: between new and fitted rows)", fontsize=10)
    axis.set_xlabel("rows n")
    axis.grid(alpha=0.3, which="both")
axes[0].set_ylabel("relative Frobenius distance")
axes[0].set_ylim(bottom=2e-4)
axes[0].legend(frameon=False, loc="lower left", ncols=2)
figure.savefig(options.output, dpi=110)

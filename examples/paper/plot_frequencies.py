"""
How many steps does each frequency on a circle take?
====================================================

On a circle the eigenfunctions of the neural tangent kernel are the Fourier functions.
Plain gradient descent needs more steps for every higher frequency: about frequency^2
steps for the kernel of a ReLU network, whose eigenvalues fall like frequency^-2, and
exponentially many for a kernel whose eigenvalues fall exponentially. MSK gives all of
the k leading eigen-directions one rate.

The table gives the steps of descent until 95 % of a wave of each frequency has been
learned, and the fitted exponents: of frequency for the network, of exp(frequency) for
the Poisson kernel, ``sum_f r^f cos(f angle)``.
"""

# %%
# Equally spaced points make the waves exact eigenvectors. Each wave is one target of a
# single model.

import argparse

import matplotlib.pyplot as plt
import numpy as np

from sklearn_msk import MSKRegressor
from sklearn_msk.kernels import NTK

parser = argparse.ArgumentParser(description="Steps to learn each frequency.")
parser.add_argument("--rows", type=int, default=512, help="points on the circle")
parser.add_argument("--highest", type=int, default=64, help="highest frequency")
parser.add_argument("--output", default="frequencies.png", help="file of the picture")
options = parser.parse_args()

LEARNED = 0.05  # what may be left of a wave that counts as learned


def circle(n_rows):
    """Angles, and the points of the unit circle at them."""
    angles = 2 * np.pi * np.arange(n_rows) / n_rows
    return angles, np.column_stack([np.cos(angles), np.sin(angles)])


def poisson(X, Y, r=0.6):
    """Kernel of the waves whose eigenvalues fall like r^frequency."""
    cosine = np.clip(X @ Y.T, -1.0, 1.0)
    return (1 - r**2) / (1 - 2 * r * cosine + r**2)


def steps_to_learn(kernel, k, frequencies, n_rows, longest=1e7):
    """Steps of descent after which only 5 % of each wave is left."""
    angles, X = circle(n_rows)
    waves = np.cos(np.outer(angles, frequencies))
    model = MSKRegressor(
        kernel,
        k=k,
        dynamics="descent",
        max_iter=int(longest),
        solver="eigh",
        eigen_solver="dense",
        store_trajectory=True,
    ).fit(X, waves)
    steps = np.unique(np.rint(np.geomspace(1, longest, 250)))
    left = np.array(
        [
            np.linalg.norm(stage - waves, axis=0) / np.linalg.norm(waves, axis=0)
            for stage in model.staged_predict(X, steps)
        ]
    )
    return steps[np.argmax(left <= LEARNED, axis=0)]


# %%
# The k leading eigen-directions are the constant and a sine and a cosine of each
# frequency up to the highest.

frequencies = np.unique(np.geomspace(1, options.highest, 13).astype(int))
low = np.arange(1, 17)
table = {}
for kernel, name, waves in (
    (NTK(), "relu network", frequencies),
    (poisson, "Poisson kernel", low),
):
    for k in (0, 2 * waves[-1] + 1):
        table[name, k > 0] = steps_to_learn(kernel, k, waves, options.rows)
    print(f"\n{name}\n{'frequency':>9} {'plain descent':>14} {'MSK':>6}")
    for row in zip(waves, table[name, False], table[name, True], strict=True):
        print(f"{row[0]:>9} {row[1]:>14.0f} {row[2]:>6.0f}")

# %%
# The exponents are fitted from frequency 4 on, where the power law holds.


def exponents(steps, scale, first=0):
    """Slope of log(steps) against a scale, from a place on."""
    return np.polyfit(scale[first:], np.log(steps[first:]), 1)[0]


first = int(np.argmax(frequencies >= 4))
print("\nsteps grow like frequency^p (relu network) and exp(p frequency) (Poisson):")
for msk, label in ((False, "plain descent"), (True, "MSK")):
    power = exponents(table["relu network", msk], np.log(frequencies), first)
    rate = exponents(table["Poisson kernel", msk], low)
    print(f"{label:<14} p = {power:5.2f}, p = {rate:5.2f}")

# %%
# The speed-up is polynomial for one kernel and exponential for the other.

figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
for axis, (name, waves) in zip(
    axes, (("relu network", frequencies), ("Poisson kernel", low)), strict=True
):
    axis.plot(waves, table[name, False], "o-", color="#0072b2", label="plain descent")
    axis.plot(waves, table[name, True], "s-", color="#d55e00", label="MSK")
    axis.set_yscale("log")
    axis.set_xscale("log" if name == "relu network" else "linear")
    axis.set_title(name)
    axis.set_xlabel("frequency (waves around the circle)")
    axis.set_ylabel("steps to learn 95 %")
    axis.grid(alpha=0.3)
    axis.legend(frameon=False)
figure.savefig(options.output, dpi=110)

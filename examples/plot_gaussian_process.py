"""
When does a Gaussian process gain from a neural tangent kernel?
===============================================================

`NTK` is a kernel object of scikit-learn: `GaussianProcessRegressor` takes it, alone or
in sums and products, and fits its variances by the marginal likelihood. The kernel
grows with the distance from the origin, so that the prediction goes on in straight
lines outside the training rows. ``RBF`` and ``Matern`` return to the mean there.

The table gives the log marginal likelihood of the training rows, and for rows held out
the R2 and the share within two standard deviations, which should be 95 %. The answer:
outside the training rows, where the target goes on in straight lines, the gain is
large; inside, as on the diabetes of 442 patients, there is none.
"""

# %%
# Amplitude and noise are fitted, the length scale of ``RBF`` and ``Matern``, and the
# variance of the biases of `NTK`. The variance of its weights would only change the
# amplitude once more. The depth of a network is a whole number: each depth is a kernel
# of its own.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import (
    RBF,
    ConstantKernel,
    Matern,
    WhiteKernel,
)
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sklearn_msk.kernels import NTK


def process(kernel):
    """Gaussian process with an amplitude and noise."""
    kernel = ConstantKernel(1.0, (1e-3, 1e4)) * kernel + WhiteKernel(0.1, (1e-4, 1e2))
    return GaussianProcessRegressor(kernel, normalize_y=True)


kernels = {
    "RBF": RBF(1.0, (1e-2, 1e3)),
    "Matern 3/2": Matern(1.0, (1e-2, 1e3), nu=1.5),
    "NTK, 1 layer": NTK(depth=1, weight_variance_bounds="fixed"),
    "NTK, 3 layers": NTK(depth=3, weight_variance_bounds="fixed"),
}


def curve(x):
    """Two straight lines with a kink, and a small wave."""
    return 4 * np.abs(x - 0.3) + 0.05 * np.sin(12 * x)


def kink(n_rows, low, high, seed):
    """Noisy values of the curve."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(low, high, n_rows)
    return x[:, None], curve(x) + rng.normal(scale=0.05, size=n_rows)


X, X_test, y, y_test = train_test_split(
    *load_diabetes(return_X_y=True), train_size=300, random_state=0
)
problems = {
    "kink, inside": (*kink(40, 0, 1, seed=0), *kink(200, 0, 1, seed=1)),
    "kink, outside": (*kink(40, 0, 1, seed=0), *kink(200, 1, 2, seed=2)),
    "diabetes": (X, y, X_test, y_test),
}
fitted = {}
print(f"{'':<14} {'kernel':<14} {'log likelihood':>15} {'R2':>6} {'within 2 sd':>12}")
for problem, (X, y, X_test, y_test) in problems.items():
    scaler = StandardScaler().fit(X)
    for name, kernel in kernels.items():
        model = process(kernel).fit(scaler.transform(X), y)
        mean, deviation = model.predict(scaler.transform(X_test), return_std=True)
        inside = np.mean(np.abs(y_test - mean) <= 2 * deviation)
        print(
            f"{problem:<14} {name:<14} {model.log_marginal_likelihood_value_:>15.1f} "
            f"{r2_score(y_test, mean):>6.3f} {100 * inside:>10.0f} %"
        )
        fitted[problem, name] = scaler, model

# %%
# Mean and two standard deviations, within the rows and beyond them.

X, y, _, _ = problems["kink, outside"]
line = np.linspace(-0.5, 2, 300)
figure, axes = plt.subplots(
    1, 3, figsize=(10, 3.4), layout="constrained", sharex=True, sharey=True
)
for axis, name in zip(axes, ("RBF", "Matern 3/2", "NTK, 1 layer"), strict=True):
    scaler, model = fitted["kink, outside", name]
    mean, deviation = model.predict(scaler.transform(line[:, None]), return_std=True)
    axis.fill_between(
        line, mean - 2 * deviation, mean + 2 * deviation, color="C0", alpha=0.2
    )
    axis.plot(line, mean, color="C0", label="mean, 2 standard deviations")
    axis.plot(line, curve(line), color="0.3", lw=1, ls="--", label="curve")
    axis.plot(X[:, 0], y, ".", color="C1", label="training rows")
    axis.set(title=name, ylim=(-2, 8))
axes[0].legend(loc="upper left")
plt.show()

"""
How to learn a landscape from 4000 of its pixels
================================================

An elevation model of 344 x 403 pixels is learned from 4000 of its pixels with the
neural tangent kernel on the two coordinates. Plain gradient descent (k = 0) learns the
smooth relief only: ridges and valleys lie in eigen-directions of small eigenvalues,
which hardly change in 1000 steps. Flattening the k leading eigenvalues lets all of
these be learned at one rate. The interpolant that both converge to is the same.

The table gives for each model the number of steps, the number of products with the
kernel matrix, the seconds, and the error on pixels that were not sampled, in units of
the standard deviation of the elevation.
"""

# %%
# The elevation model comes with matplotlib. Coordinates are scaled to a standard
# deviation of one.

import argparse
import time

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.cbook import get_sample_data

from sklearn_msk import MSKRegressor
from sklearn_msk.kernels import NTK

parser = argparse.ArgumentParser(description="Learn a landscape from samples of it.")
parser.add_argument("--samples", type=int, default=4000, help="pixels to learn from")
parser.add_argument("--output", default="terrain.png", help="file of the picture")
options = parser.parse_args()

terrain = get_sample_data("jacksboro_fault_dem.npz")
elevation = terrain["elevation"].astype(float)
rows, columns = np.indices(elevation.shape)
X = np.column_stack([columns.ravel(), -rows.ravel()]).astype(float)
X = (X - X.mean(axis=0)) / X.std(axis=0)
y = elevation.ravel()

sampled = np.zeros(len(y), dtype=bool)
rng = np.random.RandomState(0)
sampled[rng.choice(len(y), options.samples, replace=False)] = True

# Draw every third pixel each way.
shown = ((rows % 3 == 0) & (columns % 3 == 0)).ravel()

# %%
# Plain descent, MSK with two values of k and far fewer steps, and the limit of all
# three.

kernel = NTK(depth=1, bias_variance=0.5)
models = {
    "plain descent": MSKRegressor(kernel, k=0, max_iter=1000, n_jobs=2),
    "MSK": MSKRegressor(kernel, k=50, max_iter=100, n_jobs=2),
    "MSK, larger k": MSKRegressor(kernel, k=500, max_iter=10, n_jobs=2),
    "limit": MSKRegressor(kernel, k=50, max_iter=np.inf, n_jobs=2),
}
surfaces = {}
print(
    f"{'model':<14} {'k':>4} {'steps':>6} {'products':>9} {'seconds':>8} {'RMSE/sd':>8}"
)
for name, model in models.items():
    started = time.perf_counter()
    model.fit(X[sampled], y[sampled])
    seconds = time.perf_counter() - started
    surfaces[name] = model.predict(X[shown])
    unseen = ~sampled[shown]
    rmse = np.sqrt(np.mean((surfaces[name] - y[shown])[unseen] ** 2))
    print(
        f"{name:<14} {model.k:>4} {model.max_iter:>6} {model.n_products_:>9} "
        f"{seconds:>8.1f} {rmse / y[shown][unseen].std():>8.3f}"
    )

# %%
# All pictures share one colour scale.

pictures = {
    "elevation": y[shown],
    "plain descent, 1000 steps": surfaces["plain descent"],
    "MSK, k = 500, 10 steps": surfaces["MSK, larger k"],
    "the limit of both": surfaces["limit"],
}
figure, axes = plt.subplots(1, 4, figsize=(12, 2.9), layout="constrained")
for axis, (title, surface) in zip(axes, pictures.items(), strict=True):
    image = axis.imshow(
        surface.reshape(elevation[::3, ::3].shape),
        cmap="cividis",
        vmin=y.min(),
        vmax=y.max(),
    )
    axis.set_title(title, fontsize=11)
    axis.set_xticks([])
    axis.set_yticks([])
figure.colorbar(image, ax=axes, label="elevation (m)", shrink=0.9)
figure.savefig(options.output, dpi=110)

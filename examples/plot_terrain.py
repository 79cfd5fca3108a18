"""
How to learn a landscape from 4000 of its pixels
================================================

An elevation model of 344 x 403 pixels is learned from the two coordinates and the
height of 4000 of its pixels. All other pixels test the models.

Plain gradient descent on a kernel learns smooth components first. After 1000 steps its
model shows the mountains and hardly any valley. `MSKRegressor` speeds up the ``k``
leading components, here 50 of them. With the same kernel and the same number of steps,
the error of `MSKRegressor` is less than half as large. `MSKRegressorCV` chooses the
kernel, its length scale and the ridge by leave-one-out errors. This choice takes most
of the seconds and gives the smallest error.

The table gives for each model the CPU seconds of the fit and the error on the pixels
that were not sampled, in units of the standard deviation of the elevation. The first
line predicts the mean of the five nearest pixels. The line of ``max_iter=numpy.inf`` is
the end of training, to which plain descent converges too.
"""

# %%
# The elevation model comes with matplotlib. Coordinates are scaled to a standard
# deviation of one.

import argparse
import time

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.cbook import get_sample_data
from sklearn.neighbors import KNeighborsRegressor

from sklearn_msk import MSKRegressor, MSKRegressorCV

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

# Draw every second pixel each way.
shown = ((rows % 2 == 0) & (columns % 2 == 0)).ravel()
unseen = ~sampled[shown]

# %%
# Each model is fitted once. The fit before the first loads what later ones share, such
# as compiled kernels.

MSKRegressor(max_iter=1).fit(X[sampled], y[sampled])
models = {
    "5 nearest pixels": KNeighborsRegressor(),
    "plain gradient descent, 1000 steps": MSKRegressor(k=0, max_iter=1000),
    "MSKRegressor()": MSKRegressor(),
    "MSKRegressor(max_iter=1000)": MSKRegressor(max_iter=1000),
    "MSKRegressor(max_iter=numpy.inf)": MSKRegressor(max_iter=np.inf),
    "MSKRegressorCV()": MSKRegressorCV(),
}
surfaces, captions = {}, {}
print(f"{'model':<36} {'CPU s':>6} {'error':>6}")
for name, model in models.items():
    started = time.process_time()
    model.fit(X[sampled], y[sampled])
    seconds = time.process_time() - started
    surfaces[name] = model.predict(X[shown])
    error = np.sqrt(np.mean((surfaces[name] - y[shown])[unseen] ** 2))
    error /= y[shown][unseen].std()
    captions[name] = f"{seconds:.1f} s, error {error:.2f}"
    print(f"{name:<36} {seconds:>6.1f} {error:>6.3f}")

# %%
# All pictures share one colour scale.

captions["landscape"] = f"{options.samples} pixels are learned"
surfaces["landscape"] = y[shown]
panels = {
    f"The landscape,\n{len(y)} pixels": "landscape",
    "Plain gradient descent,\n1000 steps": "plain gradient descent, 1000 steps",
    "MSKRegressor(),\nup to 100 steps": "MSKRegressor()",
    "MSKRegressor,\n1000 steps": "MSKRegressor(max_iter=1000)",
    "MSKRegressorCV(),\nno tuning": "MSKRegressorCV()",
}
figure, axes = plt.subplots(1, 5, figsize=(13, 2.95), layout="constrained")
for axis, (title, name) in zip(axes, panels.items(), strict=True):
    axis.imshow(
        surfaces[name].reshape(elevation[::2, ::2].shape),
        cmap="cividis",
        vmin=y.min(),
        vmax=y.max(),
    )
    axis.set_title(title, fontsize=12)
    axis.set_xlabel(captions[name], fontsize=12)
    axis.set_xticks([])
    axis.set_yticks([])
figure.savefig(options.output, dpi=110)

"""
Does a model of many leaves show its seams?
===========================================

`PartitionedRegressor` fits exact kernel models to leaves of the rows, here of 500
pixels of an elevation model, and corrects one global model by them. Next to a split two
leaves share the prediction, so that the surface has no jump. The picture shows the
surface beside one exact model of all pixels, and the difference of both.

The table gives the error on pixels that were not sampled, in units of the standard
deviation of the elevation, and the largest jump between neighbours on a line of 200 000
points across the map. Without a band (``overlap=0``) the prediction jumps at a split;
with one it changes from a point to the next as the exact model does.
"""

# %%
# The elevation model comes with matplotlib.

import time

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.cbook import get_sample_data

from sklearn_msk import MSKRegressorCV, PartitionedRegressor

terrain = get_sample_data("jacksboro_fault_dem.npz")
elevation = terrain["elevation"].astype(float)
rows, columns = np.indices(elevation.shape)
X = np.column_stack([columns.ravel(), -rows.ravel()]).astype(float)
y = elevation.ravel()

sampled = np.zeros(len(y), dtype=bool)
sampled[np.random.default_rng(0).choice(len(y), 5000, replace=False)] = True
shown = ((rows % 3 == 0) & (columns % 3 == 0)).ravel()

# %%
# The exact model of all pixels, and two partitions.

models = {
    "one exact model": MSKRegressorCV(),
    "leaves": PartitionedRegressor(leaf_size=500),
    "leaves without a band": PartitionedRegressor(leaf_size=500, overlap=0.0),
}
ends = np.array([[0.0, 0.0], [402.0, -343.0]])
line = ends[0] + np.linspace(0, 1, 200_000)[:, None] * (ends[1] - ends[0])
surfaces = {}
print(f"{'model':<22} {'seconds':>8} {'RMSE/sd':>8} {'largest jump/sd':>16}")
for name, model in models.items():
    started = time.perf_counter()
    model.fit(X[sampled], y[sampled])
    seconds = time.perf_counter() - started
    surfaces[name] = model.predict(X[shown])
    unseen = ~sampled[shown]
    rmse = np.sqrt(np.mean((surfaces[name] - y[shown])[unseen] ** 2)) / y.std()
    jump = np.abs(np.diff(model.predict(line))).max() / y.std()
    print(f"{name:<22} {seconds:>8.1f} {rmse:>8.3f} {jump:>16.1e}")

# %%
# The last picture shows the leaves. Next to a border a pixel belongs to two.

shape = elevation[::3, ::3].shape
pictures = {name: surfaces[name] for name in ("one exact model", "leaves")}
pictures["difference"] = surfaces["leaves"] - surfaces["one exact model"]
pictures["which leaf"] = models["leaves"].apply(X[shown]).astype(float)

figure, axes = plt.subplots(2, 2, figsize=(9, 7.5), layout="constrained")
for ax, (name, picture) in zip(axes.flat, pictures.items(), strict=True):
    options = {"cmap": "gist_earth", "vmin": y.min(), "vmax": y.max()}
    if name == "difference":
        size = 2 * y.std()
        options = {"cmap": "RdBu", "vmin": -size, "vmax": size}
    elif name == "which leaf":
        options = {"cmap": "tab20"}
    image = ax.imshow(picture.reshape(shape), **options)
    ax.set(title=name, xticks=[], yticks=[])
    if name != "which leaf":
        figure.colorbar(image, ax=ax, shrink=0.8, label="m")
plt.show()

"""
How do I train on a stream of chunks?
=====================================

This example trains on more rows than a kernel matrix could hold: 270 000 pixels of a
photograph arrive in chunks, and a model with 1200 landmarks learns their grey level
from the two coordinates. `partial_fit` passes over every chunk once. The sums that it
keeps take 12 MB at every number of rows. The model after the last chunk is the one that
`fit` finds on all rows with the same landmarks.

The chunks are read in two ways: as slices of a memory-mapped file, and as row groups of
a Parquet file (if pyarrow is installed). The table gives, after the first chunk and
after the last, the number of rows, the seconds so far and the error on pixels left out,
in units of the standard deviation of the grey level.
"""

# %%
# The photograph comes with scikit-learn. A tenth of the pixels are test rows; the
# others are written to disk in a random order.

import argparse
import tempfile
import time
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_image
from sklearn.gaussian_process.kernels import Matern

from sklearn_msk import MSKRegressor

parser = argparse.ArgumentParser(description="Learn a photograph from a stream.")
parser.add_argument("--landmarks", type=int, default=1200, help="kernel functions")
parser.add_argument("--chunks", type=int, default=5, help="parts of the stream")
parser.add_argument("--first", type=int, default=2000, help="pixels of the first")
parser.add_argument("--output", default="stream.png", help="file of the picture")
options = parser.parse_args()

photo = load_sample_image("china.jpg").mean(axis=2)
rows, columns = np.indices(photo.shape)
X = np.column_stack([rows.ravel(), columns.ravel()]) / 100.0
y = photo.ravel()
order = np.random.RandomState(0).permutation(len(y))
test, train = np.split(order, [len(y) // 10])
folder = Path(tempfile.mkdtemp())
np.save(folder / "X.npy", X[train])
np.save(folder / "y.npy", y[train])
bounds = np.linspace(options.first, len(train), options.chunks).astype(int)
bounds = np.concatenate([[0], bounds])

# %%
# A model is trained chunk by chunk from a file that is mapped into memory. The
# landmarks are drawn from the first chunk.


def memory_mapped_chunks():
    """Slices of two files that are never in memory as a whole."""
    X_map = np.load(folder / "X.npy", mmap_mode="r")
    y_map = np.load(folder / "y.npy", mmap_mode="r")
    for start, stop in pairwise(bounds):
        yield X_map[start:stop], y_map[start:stop]


def parquet_chunks():
    """Row groups of a Parquet file, read one at a time."""
    file = pyarrow.parquet.ParquetFile(folder / "pixels.parquet")
    for number in range(file.num_row_groups):
        pixels = file.read_row_group(number).to_pandas()
        yield pixels[["row", "column"]].to_numpy(), pixels["grey"].to_numpy()


def rmse(model):
    """Error on the pixels left out, in standard deviations."""
    error = model.predict(X[test]) - y[test]
    return np.sqrt(np.mean(error**2)) / y[test].std()


def learn(chunks):
    """Train on a stream; keep the pictures after its first and last chunk."""
    model = MSKRegressor(
        Matern(nu=0.5), landmarks=options.landmarks, k=50, max_iter=1000
    )
    seconds, errors, pictures = 0.0, [], []
    for number, (X_chunk, y_chunk) in enumerate(chunks, start=1):
        started = time.perf_counter()
        model.partial_fit(X_chunk, y_chunk)
        seconds += time.perf_counter() - started
        if number in (1, options.chunks):
            errors.append((model.n_samples_seen_, seconds, rmse(model)))
            pictures.append(model.predict(X).reshape(photo.shape))
    return errors, pictures


streams = {"memory map": memory_mapped_chunks()}
if find_spec("pyarrow") is not None:
    import pandas as pd
    import pyarrow.parquet

    pixels = pd.DataFrame(X[train], columns=["row", "column"]).assign(grey=y[train])
    table = pyarrow.Table.from_pandas(pixels)
    with pyarrow.parquet.ParquetWriter(folder / "pixels.parquet", table.schema) as file:
        for start, stop in pairwise(bounds):
            file.write_table(table.slice(start, stop - start))
    streams["Parquet"] = parquet_chunks()
else:
    print("Parquet: skipped, pyarrow is not installed")

print(f"{'stream':<12} {'rows seen':>10} {'seconds':>8} {'RMSE/sd':>8}")
for name, chunks in streams.items():
    errors, pictures = learn(chunks)
    for seen, seconds, error in errors:
        print(f"{name:<12} {seen:>10} {seconds:>8.1f} {error:>8.3f}")

# %%
# The photograph, and the predictions after the first chunk and after the last.

titles = [
    "photograph",
    f"after {errors[0][0]:,} pixels",
    f"after {errors[-1][0]:,} pixels",
]
figure, axes = plt.subplots(1, 3, figsize=(12, 2.9), layout="constrained")
for axis, title, picture in zip(axes, titles, [photo, *pictures], strict=True):
    axis.imshow(picture, cmap="gray", vmin=0, vmax=255)
    axis.set_title(title, fontsize=11)
    axis.set_xticks([])
    axis.set_yticks([])
figure.savefig(options.output, dpi=110)

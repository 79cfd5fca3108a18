"""
How to train leaves on a Parquet file
=====================================

Kernel models look at rows again and again, in an order of their own, which a compressed
file does not give. So the columns of a Parquet file are streamed once, a few thousand
rows at a time, into a memory map of float32. `PartitionedRegressor` takes the map as it
is: a leaf reads its rows, and no table is in memory as a whole. Predictions go back to
a Parquet file batch by batch.

Here the rows are generated: a wave that is quick on one side of the plane and slow on
the other, with noise of standard deviation 0.1. The table gives the size of the files
and the error at new rows. The picture shows the predictions and the leaves.

With dask, ``dask.dataframe.read_parquet(...).to_dask_array(lengths=True)`` takes the
place of the memory map.
"""

# %%
# A table is written in row groups, as it may come from elsewhere.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sklearn_msk import PartitionedRegressor

N_ROWS, FEATURES = 12_000, ["east", "north"]


def wave(X):
    """Quick where the first feature is large."""
    return np.sin(12 * X[:, 0] ** 3 + 3 * X[:, 1])


def table(n, seed):
    """Rows of the plane, and what was measured there."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(0, 2, (n, 2)).astype(np.float32)
    y = wave(X) + 0.1 * rng.standard_normal(n)
    return pa.table([*X.T, y], [*FEATURES, "height"])


folder = Path(tempfile.mkdtemp())
pq.write_table(table(N_ROWS, 0), folder / "train.parquet", row_group_size=3000)
pq.write_table(table(4000, 1), folder / "new.parquet", row_group_size=1000)

# %%
# The columns are streamed into a memory map. The targets, a number for each row, stay
# in memory.


def as_matrix(batch):
    """Rows of the features of a batch."""
    return np.column_stack([batch[name].to_numpy() for name in FEATURES])


def stream(path, target):
    """Memory map of the features of a Parquet file beside it, and the target."""
    file = pq.ParquetFile(path)
    shape = (file.metadata.num_rows, len(FEATURES))
    X = np.lib.format.open_memmap(path.with_suffix(".npy"), "w+", np.float32, shape)
    y, start = np.empty(len(X)), 0
    for batch in file.iter_batches(batch_size=2000, columns=[*FEATURES, target]):
        end = start + batch.num_rows
        X[start:end], y[start:end] = as_matrix(batch), batch[target].to_numpy()
        start = end
    X.flush()
    return np.load(path.with_suffix(".npy"), mmap_mode="r"), y


X, y = stream(folder / "train.parquet", "height")
model = PartitionedRegressor(leaf_size=1000, random_state=0).fit(X, y)

# %%
# Predictions are written batch by batch, beside the rows.

new, squares = pq.ParquetFile(folder / "new.parquet"), 0.0
schema = new.schema_arrow.append(pa.field("predicted", pa.float64()))
with pq.ParquetWriter(folder / "predicted.parquet", schema) as file:
    for batch in new.iter_batches(batch_size=1000):
        predicted = model.predict(as_matrix(batch))
        squares += np.sum((predicted - wave(as_matrix(batch))) ** 2)
        columns = [*batch.columns, pa.array(predicted)]
        file.write_batch(pa.record_batch(columns, schema=schema))

print(f"{'file':<18} {'rows':>6} {'kB':>5}")
for path in sorted(folder.glob("*.parquet")):
    size = path.stat().st_size // 1000
    print(f"{path.name:<18} {pq.read_metadata(path).num_rows:>6} {size:>5}")
print(f"{model.n_leaves_} leaves, RMSE {np.sqrt(squares / new.metadata.num_rows):.3f}")

# %%
# The predictions that were written, and the leaves that they come from.

found = pq.read_table(folder / "predicted.parquet")
rows = as_matrix(found)
figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
pictures = {
    "predictions": (found["predicted"].to_numpy(), "viridis"),
    "leaves": (model.apply(rows), "prism"),
}
for ax, (title, (colours, name)) in zip(axes, pictures.items(), strict=True):
    ax.scatter(*rows.T, c=colours, cmap=name, s=4)
    ax.set(title=title, xlabel=FEATURES[0], ylabel=FEATURES[1], aspect="equal")
plt.show()

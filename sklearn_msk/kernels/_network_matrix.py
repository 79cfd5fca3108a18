"""Kernel matrices of infinitely wide networks, filled tile by tile by an engine.

Three engines evaluate a tile: the recursion itself, which serves every activation, and
for piecewise linear activations the same in place by NumPy, or compiled by numba.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from joblib import Parallel, delayed

from sklearn_msk._batches import batches
from sklearn_msk._tuning import COMPILE_FROM, NETWORK_TILE_ROWS
from sklearn_msk.kernels._activations import PiecewiseLinear
from sklearn_msk.kernels._angles import angles_between
from sklearn_msk.kernels._layer_statistics import LayerStatistics, Network
from sklearn_msk.kernels._network_inplace import InplaceEvaluator


class TileEvaluator(Protocol):
    """Evaluates the kernel between some rows and columns, in memory of its own."""

    def __init__(self, network: Network, side: int, dtype: np.dtype) -> None:
        """Allocate memory for tiles of up to (side, side) entries in this precision."""

    def evaluate(self, x: LayerStatistics, z: LayerStatistics) -> np.ndarray:
        """Kernel of shape (len(x), len(z)), which the next call overwrites."""


class RecursionEvaluator:
    """Evaluates tiles by the recursion that the kernel states, for any activation."""

    def __init__(self, network: Network, side: int, dtype: np.dtype) -> None:
        self._network = network
        self._product = np.empty(side**2)
        # The product is float64; where versines are too, they overwrite it.
        double = np.dtype(dtype) == np.float64
        self._versine = self._product if double else np.empty(side**2, dtype)

    def evaluate(self, x: LayerStatistics, z: LayerStatistics) -> np.ndarray:
        """Kernel of shape (len(x), len(z)), in new memory."""
        shape, n = (len(x), len(z)), len(x) * len(z)
        versine, product = (
            m[:n].reshape(shape) for m in (self._versine, self._product)
        )
        angles = angles_between(x.unit_inputs, z.unit_inputs, versine, product)
        return self._network.recursion(
            [layer.as_column() for layer in x.layers],
            [layer.as_row() for layer in z.layers],
            angles,
        )


def choose_evaluator(network: Network, n_entries: int) -> type[TileEvaluator]:
    """Return the fastest engine for a matrix of so many entries."""
    if not isinstance(network.dual, PiecewiseLinear):
        return RecursionEvaluator
    if n_entries * network.depth >= COMPILE_FROM:
        return numba_evaluator() or InplaceEvaluator
    return InplaceEvaluator


def numba_evaluator() -> type[TileEvaluator] | None:
    """Return the compiled engine, or None where numba is not there."""
    try:
        from sklearn_msk.kernels._network_numba import NumbaEvaluator
    except ImportError:
        return None
    return NumbaEvaluator


def fill_matrix(
    out: np.ndarray,
    x: LayerStatistics,
    z: LayerStatistics,
    make_evaluator: Callable[[], TileEvaluator],
    diagonal: np.ndarray | None = None,
    n_jobs: int | None = None,
) -> None:
    """Write the kernel between two sets of rows to `out`, rows of tiles in parallel.

    With a diagonal, x and z are one set: one triangle is evaluated, and mirrored.
    """
    Parallel(n_jobs=n_jobs, require="sharedmem")(
        delayed(fill_rows)(out, x, z, rows, make_evaluator, diagonal)
        for rows in batches(out.shape[0], NETWORK_TILE_ROWS)
    )


def fill_rows(
    out: np.ndarray,
    x: LayerStatistics,
    z: LayerStatistics,
    rows: slice,
    make_evaluator: Callable[[], TileEvaluator],
    diagonal: np.ndarray | None,
) -> None:
    """Write some rows tile by tile, mirrored where there is a diagonal."""
    # A kernel value that overflows is infinite, which the estimators report.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        evaluator, x = make_evaluator(), x[rows]
        n_columns = out.shape[1] if diagonal is None else rows.stop
        for columns in batches(n_columns, NETWORK_TILE_ROWS):
            others, block = z[columns], out[rows, columns]
            tile = evaluator.evaluate(x, others)
            if x.scale is not None and others.scale is not None:
                tile *= x.scale[:, None]
                tile *= others.scale
            if diagonal is not None:
                np.copyto(out[columns, rows], tile.T)
            if diagonal is not None and rows == columns:
                np.copyto(block, tile, where=np.tri(len(tile), dtype=bool))
                np.fill_diagonal(block, diagonal[rows])
            else:
                np.copyto(block, tile)

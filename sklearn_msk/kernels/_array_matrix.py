"""Kernel matrices of arrays of other libraries, from tiles."""

import math
from collections.abc import Callable

from sklearn_msk._array_api import Array, empty, namespace
from sklearn_msk._batches import batches
from sklearn_msk._memory import device_memory_limit
from sklearn_msk._tuning import DEVICE_TILE_ARRAYS, DEVICE_TILE_ROWS

# Takes two slices to ``k(X, Y)[rows, columns]``, a new array.
ArrayTiles = Callable[[slice, slice], Array]


def tile_side(like: Array) -> int:
    """Rows of a square tile whose evaluation takes little of a device's memory."""
    entries = device_memory_limit(like) / (8 * DEVICE_TILE_ARRAYS)
    return max(1, min(DEVICE_TILE_ROWS, math.isqrt(int(entries))))


def matrix_of_tiles(
    tile: ArrayTiles,
    shape: tuple[int, int],
    like: Array,
    *,
    symmetric: bool,
) -> Array:
    """Evaluate a matrix tile by tile.

    Parameters
    ----------
    tile : callable
        From two slices to a new array.
    shape : pair of int
    like : array
        Its library, device and dtype are those of the matrix.
    symmetric : bool
        Whether one triangle is evaluated, and mirrored.

    Returns
    -------
    array of this shape
    """
    xp = namespace(like)
    side, K = tile_side(like), empty(shape, like)
    for rows in batches(shape[0], side):
        for columns in batches(rows.stop if symmetric else shape[1], side):
            block = tile(rows, columns)
            if symmetric and columns == rows:
                block = xp.tril(block) + xp.tril(block, k=-1).T
            elif symmetric:
                K[columns, rows] = block.T
            K[rows, columns] = block
    return K

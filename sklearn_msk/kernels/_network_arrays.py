"""Kernels of infinitely wide networks on arrays of other libraries, tile by tile.

The recursion is that of `_network`; the angles that enter it come from one product.
"""

from collections.abc import Callable
from typing import Any

from sklearn_msk._array_api import (
    Array,
    astype,
    namespace,
    widest_float,
    with_diagonal,
)
from sklearn_msk._compilation import compiled
from sklearn_msk._tuning import CLOSE_VERSINE
from sklearn_msk.kernels._array_matrix import matrix_of_tiles
from sklearn_msk.kernels._angles import Angles, Lengths
from sklearn_msk.kernels._close_pairs import with_exact_distances
from sklearn_msk.kernels._layer_statistics import LayerStatistics, Network


def network_tiles(
    network: Network, X: Array, Y: Array | None, dtype: Any
) -> Callable[[slice, slice], Array]:
    """Return what evaluates ``k(X, Y)`` tile by tile, its rows prepared once.

    Parameters
    ----------
    network : NTK or NNGP
    X : array of shape (n_X, n_features)
    Y : array of shape (n_Y, n_features) or None
        None means X, whose tiles on the diagonal have the exact diagonal.
    dtype : dtype of the library
        Precision of the tiles.

    Returns
    -------
    callable
        ``tile(rows, columns)`` is a new array of this dtype, for two slices.
    """
    widest = widest_float(X)
    working = widest if network.dual.needs_double else dtype
    x = LayerStatistics.of_rows(network, X, working)
    z = x if Y is None else LayerStatistics.of_rows(network, Y, working)
    diagonal = network_diagonal(network, x) if Y is None else None
    recursion = compiled(_recursion, X)

    def tile(rows: slice, columns: slice) -> Array:
        some, others = x[rows], z[columns]
        versine, obtuse = _versines(some.unit_inputs, others.unit_inputs, working)
        scales = () if some.scale is None else (some.scale, others.scale)
        K = recursion(network, versine, obtuse, some.lengths, others.lengths, *scales)
        if diagonal is not None and rows == columns:
            K = with_diagonal(K, diagonal[rows])
        return astype(K, dtype)

    return tile


def network_matrix(network: Network, X: Array, Y: Array | None) -> Array:
    """Kernel matrix of shape (n_X, n_Y), in the precision of the rows, in tiles."""
    n, m = X.shape[0], (X if Y is None else Y).shape[0]
    tile = network_tiles(network, X, Y, X.dtype)
    return matrix_of_tiles(tile, (n, m), X, symmetric=Y is None)


def network_diagonal(network: Network, x: LayerStatistics) -> Array:
    """Kernel of rows with themselves; it may overflow."""
    own = network.recursion_diagonal(x.layers)
    # 1 exactly, 0 for a zero row without bias, and not finite as before.
    if network.normalized:
        own = namespace(own).where(own > 0, own / own, own)
    return own


def _versines(X: Array, Z: Array, dtype: Any) -> tuple[Array, Array]:
    """Versines of the acute angles between unit rows, and which are obtuse."""
    xp = namespace(X)
    cosine = X @ Z.T
    obtuse = cosine < 0.0
    versine = 1.0 - xp.abs(cosine)
    # A product of double precision has every digit of a float32 angle.
    if dtype == X.dtype:
        signs = xp.where(obtuse, -xp.ones_like(versine), xp.ones_like(versine))
        close = versine < CLOSE_VERSINE
        # Halved distances, hence rows over the root of 2.
        half = 0.5**0.5
        versine = with_exact_distances(versine, close, half * X, half * Z, signs)
    return astype(xp.clip(versine, 0.0, 1.0), dtype), obtuse


def _recursion(
    network: Network,
    versine: Array,
    obtuse: Array,
    x: Array,
    z: Array,
    x_scale: Array | None = None,
    z_scale: Array | None = None,
) -> Array:
    """Evaluate the recursion, and normalise."""
    x_layers = [_lengths(x, layer).as_column() for layer in range(x.shape[0])]
    z_layers = [_lengths(z, layer).as_row() for layer in range(z.shape[0])]
    K = network.recursion(x_layers, z_layers, Angles(versine, obtuse))
    if x_scale is not None and z_scale is not None:
        K = K * x_scale[:, None] * z_scale[None, :]
    return K


def _lengths(stacked: Array, layer: int) -> Lengths:
    """Lengths of one layer."""
    return Lengths(*(stacked[layer, part, :] for part in range(stacked.shape[1])))


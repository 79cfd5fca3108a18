"""Kernels of infinitely wide networks on arrays of other libraries, tile by tile.

The recursion is that of `_network`; the angles that enter it come from one product.
"""

from functools import partial
from typing import Any

from sklearn_msk._array_api import (
    Array,
    astype,
    namespace,
    widest_float,
    with_diagonal,
)
from sklearn_msk._compilation import compiled
from sklearn_msk._tuning import CLOSE_VERSINE, DEVICE_COMPILE_FROM
from sklearn_msk.kernels._angles import Angles, Lengths
from sklearn_msk.kernels._array_matrix import ArrayTiles, matrix_of_tiles
from sklearn_msk.kernels._close_pairs import with_exact_distances
from sklearn_msk.kernels._layer_statistics import LayerStatistics, Network


def network_tiles(
    network: Network, X: Array, Y: Array | None, dtype: Any
) -> ArrayTiles:
    """Return what evaluates ``k(X, Y)`` tile by tile, its rows prepared once.

    Parameters
    ----------
    network : NTK or NNGP
    X : array of shape (n_X, n_features)
    Y : array of shape (n_Y, n_features) or None
        None means X, whose tiles on the diagonal have the exact diagonal.
    dtype : dtype of the library
        Of the tiles. They are evaluated in the precision of the rows.

    Returns
    -------
    callable
        ``tile(rows, columns)`` is a new array of this dtype, for two slices.
    """
    widest = widest_float(X)
    working = widest if network.dual.needs_double else X.dtype
    x = LayerStatistics.of_rows(network, X, working)
    z = x if Y is None else LayerStatistics.of_rows(network, Y, working)
    diagonal = network_diagonal(network, x) if Y is None else None
    function = partial(_of_angles if working == widest else _of_products, network)
    function = partial(function, dtype=dtype)
    many = len(x) * len(z) >= DEVICE_COMPILE_FROM

    def tile(rows: slice, columns: slice) -> Array:
        some, others = x[rows], z[columns]
        products = some.unit_inputs @ others.unit_inputs.T
        arrays = [some.lengths, others.lengths]
        if some.scale is not None:
            arrays += [some.scale, others.scale]
        if working == widest:
            arrays = [*_versines(products, some, others), *arrays]
        else:
            # A product of double precision has every digit of a float32 angle.
            arrays = [products, *arrays]
        evaluate = (
            compiled(function, _key(network, dtype), *arrays) if many else function
        )
        K = evaluate(*arrays)
        if diagonal is not None and rows == columns:
            K = with_diagonal(K, diagonal[rows])
        return K

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
        own = namespace(own).where(own > 0, own - own + 1.0, own)
    return own


def _versines(
    products: Array, x: LayerStatistics, z: LayerStatistics
) -> tuple[Array, Array]:
    """Versines of the acute angles between rows, and which are obtuse.

    Close pairs are taken from the differences of the rows.
    """
    xp, obtuse = namespace(products), products < 0.0
    versine = 1.0 - xp.abs(products)
    signs = xp.where(obtuse, -xp.ones_like(versine), xp.ones_like(versine))
    # Halved distances, hence rows over the root of 2.
    X, Z = (0.5**0.5 * rows.unit_inputs for rows in (x, z))
    versine = with_exact_distances(versine, versine < CLOSE_VERSINE, X, Z, signs)
    return xp.clip(versine, 0.0, 1.0), obtuse


def _of_products(
    network: Network, products: Array, x: Array, *others: Array, dtype: Any
) -> Array:
    """Kernel from the products of unit rows, whose angles need no more digits."""
    versine = namespace(products).clip(1.0 - abs(products), 0.0, 1.0)
    obtuse = products < 0.0
    return _of_angles(
        network, astype(versine, x.dtype), obtuse, x, *others, dtype=dtype
    )


def _of_angles(
    network: Network,
    versine: Array,
    obtuse: Array,
    x: Array,
    z: Array,
    x_scale: Array | None = None,
    z_scale: Array | None = None,
    *,
    dtype: Any,
) -> Array:
    """Kernel from the angles between the rows, by the recursion, normalised."""
    x_layers = [_lengths(x, layer).as_column() for layer in range(x.shape[0])]
    z_layers = [_lengths(z, layer).as_row() for layer in range(z.shape[0])]
    K = network.recursion(x_layers, z_layers, Angles(versine, obtuse))
    if x_scale is not None and z_scale is not None:
        K = K * x_scale[:, None] * z_scale[None, :]
    return astype(K, dtype)


def _key(network: Network, dtype: Any) -> Any:
    """Return what tells one network, and precision, from the others."""
    names = ("depth", "activation", "weight_variance", "bias_variance", "normalized")
    values = (getattr(network, name) for name in names)
    return (network.tangent, *values, dtype)


def _lengths(stacked: Array, layer: int) -> Lengths:
    """Lengths of one layer."""
    return Lengths(*(stacked[layer, part, :] for part in range(stacked.shape[1])))

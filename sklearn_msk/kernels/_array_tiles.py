"""Kernels on arrays of other libraries than NumPy, tile by tile.

Those of this package, the pairwise ones that are made of products and distances, and
the kernel objects of scikit-learn of which that holds, with their sums and products.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.gaussian_process.kernels import (
    RBF,
    ConstantKernel,
    DotProduct,
    Exponentiation,
    Matern,
    Product,
    RationalQuadratic,
    Sum,
    WhiteKernel,
)

from sklearn_msk._array_api import (
    Array,
    astype,
    namespace,
    put_like,
    squared_norms,
    widest_float,
    with_diagonal,
)
from sklearn_msk._tuning import CLOSE_DISTANCE
from sklearn_msk.kernels._adapters import (
    CallableKernel,
    PairwiseKernel,
)
from sklearn_msk.kernels._array_matrix import ArrayTiles
from sklearn_msk.kernels._close_pairs import with_exact_distances
from sklearn_msk.kernels._network_arrays import network_tiles
from sklearn_msk.kernels._network_base import InfiniteWidthKernel
from sklearn_msk.kernels._resolution import ResolvedKernel, describe_kernel

_PAIRWISE = ("cosine", "laplacian", "linear", "poly", "polynomial", "rbf", "sigmoid")
_OBJECTS = (
    "NTK, NNGP, RBF, Matern, RationalQuadratic, DotProduct, ConstantKernel, "
    "WhiteKernel, and their sums, products and powers"
)


def array_tiles(
    kernel: ResolvedKernel, X: Array, Y: Array | None, dtype: Any
) -> ArrayTiles:
    """Return what evaluates ``k(X, Y)`` tile by tile where X is.

    Parameters
    ----------
    kernel : object returned by `resolve_kernel`
    X : array of shape (n_X, n_features)
    Y : array of shape (n_Y, n_features) or None
        None means X.
    dtype : dtype of the library
        Precision of the tiles. Products and distances are of the widest float type.

    Returns
    -------
    callable

    Raises
    ------
    ValueError
        If the kernel is none that arrays of other libraries can be given to.
    """
    if isinstance(kernel, CallableKernel):
        return _function_tiles(kernel, X, X if Y is None else Y, dtype)
    if isinstance(kernel, PairwiseKernel):
        tiles = _pairwise_tiles(kernel, X, X if Y is None else Y)
    else:
        tiles = _object_tiles(kernel, X, Y, dtype)
    if tiles is None:
        raise ValueError(
            f"The {describe_kernel(kernel)} is evaluated on NumPy arrays only. Got "
            f"arrays of {namespace(X).__name__.rpartition('.')[2]} instead; convert "
            "them to NumPy, pass a callable that takes them, or take one of the names "
            f"'ntk_*', 'nngp_*', {', '.join(map(repr, _PAIRWISE))}, or of the objects "
            f"{_OBJECTS}."
        )
    return lambda rows, columns: astype(tiles(rows, columns), dtype)


def _object_tiles(
    kernel: Any, X: Array, Y: Array | None, dtype: Any
) -> ArrayTiles | None:
    """Tiles of a kernel object in some type, or None where it is another."""
    kind, other = type(kernel), X if Y is None else Y
    if isinstance(kernel, InfiniteWidthKernel):
        kernel.check_parameters()
        return network_tiles(kernel, X, Y, dtype)
    if kind in (Sum, Product):
        parts = [_object_tiles(part, X, Y, dtype) for part in (kernel.k1, kernel.k2)]
        return _combined(parts, multiply=kind is Product)
    if kind is Exponentiation:
        inner = _object_tiles(kernel.kernel, X, Y, dtype)
        return inner and (lambda a, b: inner(a, b) ** kernel.exponent)
    if kind in (ConstantKernel, WhiteKernel):
        return _constant_tiles(
            kernel, X, other, white=kind is WhiteKernel and Y is None
        )
    if kind is DotProduct:
        products = _products(X, other)
        return lambda a, b: products(a, b) + kernel.sigma_0**2
    if kind is RBF or (kind is Matern and kernel.nu == math.inf):
        return _of_distances(X, other, 1.0 / np.squeeze(kernel.length_scale), _gaussian)
    if kind is Matern and kernel.nu in _MATERN:
        scale = math.sqrt(2.0 * kernel.nu) / np.squeeze(kernel.length_scale)
        return _of_distances(X, other, scale, _MATERN[kernel.nu])
    if kind is RationalQuadratic:
        scale = 1.0 / (kernel.length_scale * math.sqrt(2.0 * kernel.alpha))
        distances = _squared_distances(X, other, scale)
        return lambda a, b: (1.0 + distances(a, b)) ** -kernel.alpha
    return None


def _pairwise_tiles(kernel: PairwiseKernel, X: Array, Y: Array) -> ArrayTiles | None:
    """Tiles of a pairwise kernel in the widest type, or None where it is another."""
    xp, params = namespace(X), kernel.params
    gamma = params.get("gamma")
    gamma = 1.0 / X.shape[1] if gamma is None else gamma
    coef0, degree = params.get("coef0", 1), params.get("degree", 3)
    if kernel.metric == "rbf":
        return _of_distances(X, Y, math.sqrt(2.0 * gamma), _gaussian)
    if kernel.metric == "laplacian":
        return _city_block(X, Y, gamma)
    if kernel.metric == "cosine":
        X, Y = _unit(X), _unit(Y)
    products = _products(X, Y)
    if kernel.metric in ("linear", "cosine"):
        return products
    if kernel.metric in ("poly", "polynomial"):
        return lambda a, b: (gamma * products(a, b) + coef0) ** degree
    if kernel.metric == "sigmoid":
        return lambda a, b: xp.tanh(gamma * products(a, b) + coef0)
    return None


def _function_tiles(
    kernel: CallableKernel, X: Array, Y: Array, dtype: Any
) -> ArrayTiles:
    """Tiles of a user's function, which is given arrays of the library."""

    def tile(rows: slice, columns: slice) -> Array:
        some, others = X[rows, :], Y[columns, :]
        K = kernel.function(some, others, **kernel.params)
        expected = (some.shape[0], others.shape[0])
        if getattr(K, "shape", None) != expected or type(K) is not type(X):
            raise ValueError(
                "A callable 'kernel' must return an array of the library that it is "
                f"given, of shape {expected}. Got {type(K).__name__} of shape "
                f"{getattr(K, 'shape', None)} instead."
            )
        return astype(K, dtype)

    return tile


def _combined(parts: list[ArrayTiles | None], *, multiply: bool) -> ArrayTiles | None:
    """Sum or product of two kernels, None where one of them is none."""
    first, second = parts
    if first is None or second is None:
        return None
    if multiply:
        return lambda a, b: first(a, b) * second(a, b)
    return lambda a, b: first(a, b) + second(a, b)


def _constant_tiles(kernel: Any, X: Array, Y: Array, *, white: bool) -> ArrayTiles:
    """Tiles of a constant, which white noise is on the diagonal of ``k(X)`` alone."""
    xp, widest = namespace(X), widest_float(X)
    noise = isinstance(kernel, WhiteKernel)
    value = kernel.noise_level if noise else kernel.constant_value

    def tile(rows: slice, columns: slice) -> Array:
        column, row = astype(X[rows, :1], widest), astype(Y[columns, :1], widest)
        zeros = xp.zeros_like(column) * xp.zeros_like(row).T
        if not noise:
            return zeros + value
        if white and rows == columns:
            return with_diagonal(zeros, xp.full_like(zeros[:, 0], value))
        return zeros

    return tile


def _products(X: Array, Y: Array) -> ArrayTiles:
    """Tiles of ``X Y^T``."""
    widest = widest_float(X)
    left, right = astype(X, widest), astype(Y, widest)
    return lambda rows, columns: left[rows, :] @ right[columns, :].T


def _unit(X: Array) -> Array:
    """Rows over their lengths; rows of zeros stay."""
    xp, rows = namespace(X), astype(X, widest_float(X))
    norms = xp.sqrt(squared_norms(rows))
    return rows / xp.where(norms > 0, norms, xp.ones_like(norms))[:, None]


def _of_distances(
    X: Array, Y: Array, scale: float | np.ndarray, profile: Callable[[Array], Array]
) -> ArrayTiles:
    """Tiles of a function of squared distances of scaled rows."""
    distances = _squared_distances(X, Y, scale)
    return lambda rows, columns: profile(distances(rows, columns))


def _centred(X: Array, Y: Array, scale: float | np.ndarray) -> tuple[Array, Array]:
    """Rows less a common origin, times a scale, in the widest type."""
    xp, widest = namespace(X), widest_float(X)
    left, right = astype(X, widest), astype(Y, widest)
    # Distances do not change; cancellation does.
    origin = xp.mean(right, axis=0)
    factor = put_like(np.asarray(scale, dtype=np.float64), right)
    return (left - origin) * factor, (right - origin) * factor


def _squared_distances(X: Array, Y: Array, scale: float | np.ndarray) -> ArrayTiles:
    """Tiles of squared distances; close pairs are taken from their differences."""
    xp = namespace(X)
    left, right = _centred(X, Y, scale)
    sizes = squared_norms(left), squared_norms(right)

    def tile(rows: slice, columns: slice) -> Array:
        some, others = left[rows, :], right[columns, :]
        a, b = sizes[0][rows][:, None], sizes[1][columns][None, :]
        total = a + b
        squares = total - 2.0 * (some @ others.T)
        squares = xp.maximum(squares, xp.zeros_like(squares))
        close = squares < CLOSE_DISTANCE * total
        return with_exact_distances(squares, close, some, others)

    return tile


def _city_block(X: Array, Y: Array, gamma: float) -> ArrayTiles:
    """Tiles of ``exp(-gamma |x - z|_1)``, feature by feature."""
    xp = namespace(X)
    left, right = _centred(X, Y, gamma)

    def tile(rows: slice, columns: slice) -> Array:
        some, others = left[rows, :], right[columns, :]
        total = xp.abs(some[:, 0, None] - others[None, :, 0])
        for feature in range(1, some.shape[1]):
            total += xp.abs(some[:, feature, None] - others[None, :, feature])
        return xp.exp(-total)

    return tile


def _gaussian(t: Array) -> Array:
    """``exp(-t / 2)``."""
    return namespace(t).exp(-0.5 * t)


def _matern_1(t: Array) -> Array:
    """``exp(-u)`` with ``u = sqrt(t)``."""
    xp = namespace(t)
    return xp.exp(-xp.sqrt(t))


def _matern_3(t: Array) -> Array:
    """``(1 + u) exp(-u)`` with ``u = sqrt(t)``."""
    xp = namespace(t)
    root = xp.sqrt(t)
    return (1.0 + root) * xp.exp(-root)


def _matern_5(t: Array) -> Array:
    """``(1 + u + u^2 / 3) exp(-u)`` with ``u = sqrt(t)``."""
    xp = namespace(t)
    root = xp.sqrt(t)
    return (1.0 + root + t / 3.0) * xp.exp(-root)


_MATERN = {0.5: _matern_1, 1.5: _matern_3, 2.5: _matern_5}

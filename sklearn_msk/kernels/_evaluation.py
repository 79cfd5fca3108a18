"""Matrices, tiles and diagonals of a kernel that `resolve_kernel` returned, checked."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy.sparse import issparse
from sklearn.gaussian_process.kernels import Kernel

from sklearn_msk._array_api import Array, Place, is_foreign, namespace, to_host
from sklearn_msk._batches import batches
from sklearn_msk._tuning import (
    DEVICE_DIAGONAL_ROWS,
    DIAGONAL_BLOCK_ROWS,
    KERNEL_BLOCK_ROWS,
    KERNEL_PART_ROWS,
    MAX_SINGLE_PRECISION_FEATURES,
)
from sklearn_msk._validation import check_matrix_finite
from sklearn_msk.kernels._adapters import PairwiseKernel, PrecomputedKernel
from sklearn_msk.kernels._array_matrix import ArrayTiles, matrix_of_tiles
from sklearn_msk.kernels._array_tiles import array_tiles
from sklearn_msk.kernels._distances import distance_tiles
from sklearn_msk.kernels._network_base import InfiniteWidthKernel
from sklearn_msk.kernels._resolution import ResolvedKernel, describe_kernel

TileFunction = Callable[[slice, slice], np.ndarray]


def evaluate_kernel(
    kernel: ResolvedKernel,
    X: np.ndarray,
    Y: np.ndarray | None = None,
    n_jobs: int | None = None,
) -> np.ndarray:
    """Kernel matrix of a resolved kernel, checked.

    Parameters
    ----------
    kernel : object returned by `resolve_kernel`
    X : array or csr_matrix of shape (n_X, n_features)
    Y : array or csr_matrix of shape (n_Y, n_features), default=None
        None means X.
    n_jobs : int, default=None
        Threads for the kernels of this package and the pairwise ones.

    Returns
    -------
    array of shape (n_X, n_Y), float32 or float64
        Where X is. Not to be written to: it may be the user's own.

    Raises
    ------
    ValueError
        If an entry is not finite, or a callable returns another shape.
    """
    if is_foreign(X):
        place = Place(X[:0, ...])
        if place.engine is None:
            return place.put(evaluate_kernel(kernel, to_host(X), to_host(Y), n_jobs))
        if isinstance(kernel, PrecomputedKernel):
            return X
        shape = (X.shape[0], X.shape[0] if Y is None else Y.shape[0])
        tile = foreign_tiles(kernel, X, Y)
        return matrix_of_tiles(tile, shape, X, symmetric=Y is None)
    X, Y = with_small_indices(X), None if Y is None else with_small_indices(Y)
    # An entry that overflows is infinite: `check_matrix_finite` reports its place.
    with np.errstate(over="ignore", invalid="ignore"):
        K = _matrix(kernel, X, Y, n_jobs)
    expected = (X.shape[0], X.shape[0] if Y is None else Y.shape[0])
    if K.shape != expected and not isinstance(kernel, PrecomputedKernel):
        raise ValueError(
            f"The {describe_kernel(kernel)} must give a matrix of shape {expected}. "
            f"Got shape {K.shape} instead."
        )
    if K.dtype not in (np.float32, np.float64):
        K = K.astype(np.float64)
    # `k(X)` of these kernels is symmetric: one triangle is checked.
    symmetric = Y is None and isinstance(kernel, Kernel | PairwiseKernel)
    check_matrix_finite(K, describe_kernel(kernel), symmetric)
    return K


def kernel_tiles(
    kernel: ResolvedKernel, X: np.ndarray, dtype: type = np.float64
) -> TileFunction:
    """Return what evaluates ``k(X)`` tile by tile.

    Parameters
    ----------
    kernel : object returned by `resolve_kernel`
    X : ndarray or csr_matrix of shape (n, n_features)
    dtype : dtype, default=np.float64
        Precision that will do. In single precision, kernels of the distance between
        few features are evaluated several times as fast; all others in double still.

    Returns
    -------
    callable
        ``tile(rows, columns)`` is a new array, ``k(X)[rows, columns]`` for two slices
        that are equal or disjoint, C-contiguous, of dtype or float64. It raises the
        ValueError of `evaluate_kernel`.
    """
    X = with_small_indices(X)
    few = X.shape[1] <= MAX_SINGLE_PRECISION_FEATURES
    single = distance_tiles(kernel, X, dtype=dtype) if few else None
    evaluate = single or _tile_function(kernel, X)
    dtype = dtype if single else np.float64
    name, shape = describe_kernel(kernel), (X.shape[0], X.shape[0])

    def tile(rows: slice, columns: slice) -> np.ndarray:
        # An entry that overflows is infinite: `check_matrix_finite` reports its place.
        with np.errstate(over="ignore", invalid="ignore"):
            K = evaluate(rows, columns)
        origin = rows.start, columns.start
        check_matrix_finite(K, name, rows == columns, origin, shape)
        return np.ascontiguousarray(K, dtype)

    return tile


def foreign_tiles(
    kernel: ResolvedKernel,
    X: Array,
    Y: Array | None = None,
    dtype: Any = None,
    *,
    check: bool = True,
) -> ArrayTiles:
    """Return what evaluates ``k(X, Y)`` tile by tile, on arrays of other libraries.

    Parameters
    ----------
    kernel : object returned by `resolve_kernel`
    X : array of shape (n_X, n_features)
    Y : array of shape (n_Y, n_features), default=None
        None means X.
    dtype : dtype of the library, default=None
        Of the tiles; None means that of X.
    check : bool, default=True
        Whether tiles are checked to be finite, which takes as long as a pass over them.

    Returns
    -------
    callable
        ``tile(rows, columns)`` is a new array. It raises the ValueError of
        `evaluate_kernel`.
    """
    xp, name = namespace(X), describe_kernel(kernel)
    evaluate = array_tiles(kernel, X, Y, X.dtype if dtype is None else dtype)
    if not check:
        return evaluate
    shape = (X.shape[0], X.shape[0] if Y is None else Y.shape[0])

    def tile(rows: slice, columns: slice) -> Array:
        # An entry that overflows is infinite: the check reports its place.
        with np.errstate(over="ignore", invalid="ignore"):
            K = evaluate(rows, columns)
        if not xp.all(xp.isfinite(K)):
            origin = rows.start, columns.start
            check_matrix_finite(to_host(K), name, origin=origin, shape=shape)
        return K

    return tile


def kernel_diagonal(kernel: ResolvedKernel, X: np.ndarray) -> np.ndarray:
    """Diagonal of ``k(X)``, without the rest of it where the kernel can.

    Parameters
    ----------
    kernel : object returned by `resolve_kernel`
    X : ndarray or csr_matrix of shape (n_samples, n_features)

    Returns
    -------
    ndarray of shape (n_samples,)
    """
    if is_foreign(X):
        diagonal = namespace(X).linalg.diagonal
        if isinstance(kernel, PrecomputedKernel):
            return to_host(diagonal(X))
        tile = foreign_tiles(kernel, X)
        parts = batches(X.shape[0], DEVICE_DIAGONAL_ROWS)
        return np.concatenate([to_host(diagonal(tile(b, b))) for b in parts])
    if isinstance(kernel, Kernel):
        return kernel.diag(X)
    blocks = batches(X.shape[0], DIAGONAL_BLOCK_ROWS)
    return np.concatenate([np.diagonal(evaluate_kernel(kernel, X[b])) for b in blocks])


def with_small_indices(X: np.ndarray) -> np.ndarray:
    """Sparse rows with 32-bit indices where they fit: some kernels take no others."""
    if not issparse(X):
        return X
    sparse: Any = X
    fits = max(sparse.shape[1], sparse.indices.size) <= np.iinfo(np.int32).max
    if not fits or sparse.indices.dtype == sparse.indptr.dtype == np.int32:
        return X
    indices, indptr = (a.astype(np.int32) for a in (sparse.indices, sparse.indptr))
    return type(sparse)((sparse.data, indices, indptr), shape=sparse.shape)


def _matrix(
    kernel: ResolvedKernel, X: np.ndarray, Y: np.ndarray | None, n_jobs: int | None
) -> np.ndarray:
    """Kernel matrix, by the fastest way that keeps its digits, unchecked."""
    if isinstance(kernel, InfiniteWidthKernel):
        K = kernel(X, Y, n_jobs=n_jobs)
        assert isinstance(K, np.ndarray)
        return K
    in_blocks = X.shape[0] > KERNEL_BLOCK_ROWS and isinstance(kernel, Kernel)
    # Distances keep digits far from the origin that `pairwise_kernels` loses.
    if not (in_blocks or isinstance(kernel, PairwiseKernel)):
        return kernel(X, Y)
    if Y is None:
        return _from_triangle(kernel, X, n_jobs)
    return _between(kernel, X, Y, n_jobs)


def _from_triangle(
    kernel: Kernel | PairwiseKernel, X: np.ndarray, n_jobs: int | None
) -> np.ndarray:
    """Evaluate k(X) in blocks of one triangle, which are mirrored."""
    distances = distance_tiles(kernel, X)
    if distances is None and X.shape[0] <= KERNEL_BLOCK_ROWS:
        return kernel(X)
    evaluate = distances or _tile_function(kernel, X)
    dtype = np.dtype(np.float64) if distances else _dtype(kernel, X, X)
    if dtype is None:
        return kernel(X)
    K = np.empty((X.shape[0], X.shape[0]), dtype)
    Parallel(n_jobs=n_jobs, require="sharedmem")(
        delayed(_fill_triangle)(K, evaluate, rows)
        for rows in batches(X.shape[0], KERNEL_BLOCK_ROWS)
    )
    return K


def _between(
    kernel: Kernel | PairwiseKernel, X: np.ndarray, Y: np.ndarray, n_jobs: int | None
) -> np.ndarray:
    """Evaluate k(X, Y) in blocks of rows."""
    distances = distance_tiles(kernel, X, Y)
    if distances is None and X.shape[0] <= KERNEL_BLOCK_ROWS:
        return kernel(X, Y)
    dtype = np.dtype(np.float64) if distances else _dtype(kernel, X, Y)
    if dtype is None:
        return kernel(X, Y)
    K = np.empty((X.shape[0], Y.shape[0]), dtype)
    fill = (
        partial(_fill_tiles, K, distances)
        if distances
        else partial(_fill_rows, K, kernel, X, Y)
    )
    # A block of a few columns is as large as a square one.
    n_rows = (
        max(KERNEL_BLOCK_ROWS, KERNEL_BLOCK_ROWS**2 // Y.shape[0])
        if distances
        else KERNEL_BLOCK_ROWS
    )
    Parallel(n_jobs=n_jobs, require="sharedmem")(
        delayed(fill)(rows) for rows in batches(X.shape[0], n_rows)
    )
    return K


def _dtype(
    kernel: Kernel | PairwiseKernel, X: np.ndarray, Y: np.ndarray
) -> np.dtype | None:
    """Dtype of k(X, Y) from one row, or None where that row has another shape."""
    first = kernel(X[:1], Y)
    return first.dtype if first.shape == (1, Y.shape[0]) else None


def _tile_function(kernel: ResolvedKernel, X: np.ndarray) -> TileFunction:
    """Return what evaluates tiles of k(X) fastest, unchecked."""
    if isinstance(kernel, InfiniteWidthKernel):
        return kernel.tiles(X)
    return distance_tiles(kernel, X) or partial(_own_tile, kernel, X)


def _own_tile(
    kernel: ResolvedKernel, X: np.ndarray, rows: slice, columns: slice
) -> np.ndarray:
    """Tile of ``k(X)`` as the kernel itself evaluates it."""
    if rows == columns:
        # White noise is on the diagonal only, and only of k(X).
        return kernel(X[rows])
    some, others = X[rows], X[columns]
    if not isinstance(kernel, Kernel):
        return kernel(some, others)
    parts = batches(len(some), KERNEL_PART_ROWS)
    return np.concatenate([kernel(some[part], others) for part in parts])


def _fill_rows(
    K: np.ndarray,
    kernel: Kernel | PairwiseKernel,
    X: np.ndarray,
    Y: np.ndarray,
    rows: slice,
) -> None:
    """Write some rows of k(X, Y)."""
    K[rows] = kernel(X[rows], Y)


def _fill_tiles(K: np.ndarray, evaluate: TileFunction, rows: slice) -> None:
    """Write some rows tile by tile."""
    for columns in batches(K.shape[1], KERNEL_BLOCK_ROWS):
        K[rows, columns] = evaluate(rows, columns)


def _fill_triangle(K: np.ndarray, evaluate: TileFunction, rows: slice) -> None:
    """Write some rows up to the diagonal, and their mirror image."""
    # Some kernels are symmetric to rounding alone.
    square = evaluate(rows, rows)
    K[rows, rows] = np.tril(square) + np.tril(square, -1).T
    for columns in batches(rows.start, KERNEL_BLOCK_ROWS):
        block = evaluate(rows, columns)
        K[rows, columns] = block
        K[columns, rows] = block.T

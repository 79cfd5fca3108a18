"""From the `kernel` parameter of an estimator to something that can be evaluated."""

import inspect
from functools import partial

import numpy as np
from joblib import Parallel, delayed
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.gaussian_process.kernels import Kernel
from sklearn.metrics.pairwise import kernel_metrics

from sklearn_msk._batches import batches
from sklearn_msk._validation import check_matrix_finite
from sklearn_msk.kernels._activations import ACTIVATIONS
from sklearn_msk.kernels._adapters import (
    CallableKernel,
    PairwiseKernel,
    PrecomputedKernel,
)
from sklearn_msk.kernels._distances import distance_tiles
from sklearn_msk.kernels._infinite_width import NNGP, NTK, _InfiniteWidthKernel

_NETWORKS = {
    f"{prefix}_{activation}": (kernel, activation)
    for prefix, kernel in (("ntk", NTK), ("nngp", NNGP))
    for activation in ACTIVATIONS
}
_NETWORK_PARAMS = ("depth", "weight_variance", "bias_variance")

# Rows of a block of a kernel that is not ours: next to its matrix, the temporaries of
# one block in each thread are all the memory that it takes.
_BLOCK = 250

# Rows of a part of a tile, in which the temporaries of kernel objects stay in cache.
_PART = 100

# Rows of a block where the diagonal is all that is wanted of a block.
_DIAGONAL_BLOCK = 25

# With more features, distances take so much of the time that there is nothing to gain
# from single precision, whose errors are of one sign where distances are alike.
_FEW_FEATURES = 50

# Rows on which a pairwise kernel is tried for its digits.
_TRIED_ROWS = 100


def kernel_names():
    """Every name that the `kernel` parameter of an estimator takes."""
    return [*_NETWORKS, *sorted(kernel_metrics()), "precomputed"]


def resolve_kernel(kernel, *, gamma=None, degree=3, coef0=1, kernel_params=None):
    """Turn the kernel parameters of an estimator into one kernel.

    Parameters
    ----------
    kernel : str, sklearn.gaussian_process.kernels.Kernel or callable
        ``{ntk,nngp}_{activation}``, a name of
        `sklearn.metrics.pairwise.pairwise_kernels`, a kernel object, a function
        ``k(X, Y) -> (n_X, n_Y)``, or "precomputed".
    gamma, degree, coef0 : float
        Parameters of the pairwise names that have them.
    kernel_params : dict, default=None
        Keyword arguments of a named or callable kernel.

    Returns
    -------
    Kernel, PairwiseKernel, CallableKernel or PrecomputedKernel

    Raises
    ------
    ValueError
        If the kernel is unknown or does not take these parameters.
    """
    params = dict(kernel_params or {})
    if isinstance(kernel, str) and kernel in _NETWORKS:
        _check_params(kernel, params, _NETWORK_PARAMS)
        network, activation = _NETWORKS[kernel]
        resolved = network(activation=activation, **params)
        resolved._validate()
        return resolved
    if isinstance(kernel, str) and kernel in kernel_metrics():
        return _pairwise(kernel, params, gamma, degree, coef0)
    if isinstance(kernel, str) and kernel == "precomputed":
        _check_params(kernel, params, ())
        return PrecomputedKernel()
    if isinstance(kernel, Kernel):
        _check_params(type(kernel).__name__, params, ())
        return clone(kernel)
    if callable(kernel) and not isinstance(kernel, type):
        return CallableKernel(kernel, params)
    instance = f" Pass an instance, {kernel.__name__}()." if callable(kernel) else ""
    raise ValueError(
        f"The 'kernel' parameter must be one of {kernel_names()}, an instance of "
        "sklearn.gaussian_process.kernels.Kernel, or a callable k(X, Y) that returns "
        f"an array of shape (n_samples_X, n_samples_Y). Got {kernel!r} instead."
        f"{instance}"
    )


def _pairwise(metric, params, gamma, degree, coef0):
    """Name and parameters of a pairwise kernel; `kernel_params` has the last word."""
    accepted = inspect.signature(kernel_metrics()[metric]).parameters
    legal = [name for name in accepted if name not in ("X", "Y", "dense_output")]
    _check_params(metric, params, legal)
    common = {"gamma": gamma, "degree": degree, "coef0": coef0}
    # Without a gamma, each kernel has a default of its own.
    common = {
        name: value
        for name, value in common.items()
        if name in legal and value is not None
    }
    return PairwiseKernel(metric, common | params)


def _check_params(kernel, params, legal):
    unknown = sorted(set(params) - set(legal), key=str)
    if unknown:
        takes = f"takes {list(legal)}" if legal else "takes none"
        raise ValueError(
            f"Unknown keys {unknown} in 'kernel_params': the kernel {kernel!r} {takes}."
        )


def describe_kernel(kernel):
    """How messages call a resolved kernel."""
    if isinstance(kernel, PrecomputedKernel):
        return "precomputed kernel"
    if isinstance(kernel, PairwiseKernel):
        return f"kernel {kernel.metric!r}"
    if isinstance(kernel, CallableKernel):
        name = getattr(kernel.function, "__name__", repr(kernel.function))
        return f"callable kernel {name!r}"
    return f"kernel {kernel!r}"


def evaluate_kernel(kernel, X, Y=None, n_jobs=None):
    """Kernel matrix of a resolved kernel, checked.

    Parameters
    ----------
    kernel : object returned by `resolve_kernel`
    X : ndarray of shape (n_X, n_features)
    Y : ndarray of shape (n_Y, n_features), default=None
        None means X.
    n_jobs : int, default=None
        Threads for the kernels of this package and the pairwise ones.

    Returns
    -------
    ndarray of shape (n_X, n_Y), float32 or float64
        Not to be written to: it may be the user's own.

    Raises
    ------
    ValueError
        If an entry is not finite, or a callable returns another shape.
    """
    # Those that are filled from one triangle.
    symmetric = Y is None and isinstance(kernel, Kernel | PairwiseKernel)
    # An overflow is infinite, which is reported below with more to go by.
    with np.errstate(over="ignore", invalid="ignore"):
        if isinstance(kernel, _InfiniteWidthKernel):
            K = kernel(X, Y, n_jobs=n_jobs)
        elif isinstance(kernel, Kernel | PairwiseKernel) and X.shape[0] > _BLOCK:
            K = _in_blocks(kernel, X, Y, n_jobs)
        else:
            K = kernel(X, Y)
    expected = (X.shape[0], X.shape[0] if Y is None else Y.shape[0])
    if K.shape != expected and not isinstance(kernel, PrecomputedKernel):
        raise ValueError(
            f"The {describe_kernel(kernel)} must give a matrix of shape {expected}. "
            f"Got shape {K.shape} instead."
        )
    if K.dtype not in (np.float32, np.float64):
        K = K.astype(np.float64)
    check_matrix_finite(K, describe_kernel(kernel), symmetric)
    return K


def kernel_tiles(kernel, X, dtype=np.float64):
    """Return what evaluates ``k(X)`` tile by tile.

    Parameters
    ----------
    kernel : object returned by `resolve_kernel`
    X : ndarray of shape (n, n_features)
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
    few = X.shape[1] <= _FEW_FEATURES
    evaluate = distance_tiles(kernel, X, dtype=dtype) if few else None
    if evaluate is None:
        evaluate, dtype = _tiles(kernel, X), np.float64

    def tile(rows, columns):
        # An overflow is infinite, which is reported with more to go by.
        with np.errstate(over="ignore", invalid="ignore"):
            K = evaluate(rows, columns)
        origin, whole = (rows.start, columns.start), (X.shape[0], X.shape[0])
        name = describe_kernel(kernel)
        check_matrix_finite(K, name, rows == columns, origin, whole)
        return np.ascontiguousarray(K, dtype)

    return tile


def _tiles(kernel, X):
    """Return what evaluates tiles fastest, unchecked."""
    if isinstance(kernel, _InfiniteWidthKernel):
        return kernel.tiles(X)
    return distance_tiles(kernel, X) or partial(_own_tile, kernel, X)


def _own_tile(kernel, X, rows, columns):
    """Tile of ``k(X)`` as the kernel itself evaluates it."""
    if rows == columns:
        # White noise is on the diagonal only, and only of k(X).
        return kernel(X[rows])
    if not isinstance(kernel, Kernel):
        return kernel(X[rows], X[columns])
    some, others = X[rows], X[columns]
    return np.concatenate([kernel(some[b], others) for b in batches(len(some), _PART)])


def kernel_diagonal(kernel, X):
    """Diagonal of ``k(X)``, without the rest of it where the kernel can.

    Parameters
    ----------
    kernel : object returned by `resolve_kernel`
    X : ndarray of shape (n_samples, n_features)

    Returns
    -------
    ndarray of shape (n_samples,)
    """
    if isinstance(kernel, Kernel):
        return kernel.diag(X)
    blocks = batches(X.shape[0], _DIAGONAL_BLOCK)
    return np.concatenate([np.diagonal(evaluate_kernel(kernel, X[b])) for b in blocks])


def check_digits_kept(kernel, X):
    """Raise a ValueError where a pairwise kernel has lost the digits of its distances.

    Squared distances from products, ``|x|^2 - 2 x.z + |z|^2``, cancel for rows far from
    the origin: the kernel of the farthest rows with copies of them shows it.

    Parameters
    ----------
    kernel : object returned by `resolve_kernel`
    X : ndarray or csr_matrix of shape (n_samples, n_features)
    """
    if not isinstance(kernel, PairwiseKernel):
        return
    sizes = abs(X).max(axis=1)
    sizes = np.ravel(sizes.toarray() if issparse(sizes) else sizes)
    farthest = np.argsort(sizes)[-_TRIED_ROWS:]
    rows = X[farthest]
    own = np.diagonal(evaluate_kernel(kernel, rows))
    copied = np.diagonal(evaluate_kernel(kernel, rows, rows.copy()))
    lost = np.flatnonzero(~np.isclose(own, copied, rtol=1e-3, atol=0.0))
    if len(lost):
        i = lost[-1]
        raise ValueError(
            f"The {describe_kernel(kernel)} loses its digits on rows as far from the "
            f"origin as row {farthest[i]}, of size {sizes[farthest[i]]:.1e}: with "
            f"itself it is {own[i]:.3g}, with a copy of it {copied[i]:.3g}. Centre and "
            "scale the features (StandardScaler)."
        )


def has_white_noise(kernel, x):
    """Whether a row's kernel with itself exceeds that with another row equal to it.

    Parameters
    ----------
    kernel : object returned by `resolve_kernel`
    x : ndarray of shape (1, n_features)

    Returns
    -------
    bool
    """
    if isinstance(kernel, PairwiseKernel):
        # They have none; far from the origin some of them only look as if they had.
        return False
    own, between = evaluate_kernel(kernel, x), evaluate_kernel(kernel, x, x.copy())
    return not np.allclose(own, between, rtol=1e-6, atol=0.0)


def _in_blocks(kernel, X, Y, n_jobs):
    """Evaluate a kernel in blocks of rows; for k(X) one triangle, and its mirror."""
    n_columns = X.shape[0] if Y is None else Y.shape[0]
    first = kernel(X[:1], Y if Y is not None else X)
    if first.shape != (1, n_columns):
        return kernel(X, Y)
    K, n_rows = np.empty((X.shape[0], n_columns), first.dtype), _BLOCK
    if Y is None:
        fill = partial(_fill_triangle, K, _tiles(kernel, X))
    elif evaluate := distance_tiles(kernel, X, Y):
        fill, n_rows = partial(_fill_tiles, K, evaluate), _rows_of(n_columns)
    else:
        fill = partial(_fill_rows, K, kernel, X, Y)
    Parallel(n_jobs=n_jobs, require="sharedmem")(
        delayed(fill)(rows) for rows in batches(X.shape[0], n_rows)
    )
    return K


def _rows_of(n_columns):
    """Rows of a block of a few columns, as large as a square block."""
    return max(_BLOCK, _BLOCK**2 // n_columns)


def _fill_rows(K, kernel, X, Y, rows):
    K[rows] = kernel(X[rows], Y)


def _fill_tiles(K, evaluate, rows):
    for columns in batches(K.shape[1], _BLOCK):
        K[rows, columns] = evaluate(rows, columns)


def _fill_triangle(K, evaluate, rows):
    # Some kernels are symmetric to rounding alone.
    square = evaluate(rows, rows)
    K[rows, rows] = np.tril(square) + np.tril(square, -1).T
    for start in range(0, rows.start, _BLOCK):
        columns = slice(start, start + _BLOCK)
        block = evaluate(rows, columns)
        K[rows, columns] = block
        K[columns, rows] = block.T

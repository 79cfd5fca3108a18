"""Tiles of kernels of the distance, evaluated in place."""

import math
from functools import partial
from numbers import Real

import numpy as np
from scipy.sparse import issparse
from scipy.spatial.distance import cdist
from sklearn.gaussian_process.kernels import RBF, Matern

from sklearn_msk.kernels._adapters import PairwiseKernel

# Squared distances below this share of the squared lengths of the rows lose digits in a
# product, ``|x|^2 - 2 x.z + |z|^2``, and are taken from the differences of the rows.
_CLOSE = 1e-2


def distance_tiles(kernel, X, dtype=np.float64):
    """Return what evaluates ``k(X)`` tile by tile, for kernels of the distance.

    Those are "rbf" and "laplacian", and the kernel objects `RBF` and `Matern` with nu
    of 0.5, 1.5, 2.5 and infinity. With ``t = |x - z|^2`` of scaled rows, and ``u`` its
    root::

        exp(-t / 2)                   rows times sqrt(2 gamma), or over length_scale
        exp(-u)                       Matern, 1/2: rows over length_scale
        (1 + u) exp(-u)               3/2: times sqrt(3)
        (1 + u + u^2 / 3) exp(-u)     5/2: times sqrt(5)
        exp(-|x - z|_1)               "laplacian": times gamma

    `pairwise_kernels` checks its arguments for longer than a tile takes, and kernel
    objects make an array of its size for every operation, which leaves the cache.

    Parameters
    ----------
    kernel : object returned by `resolve_kernel`
    X : ndarray or csr_matrix of shape (n, n_features)
    dtype : dtype, default=np.float64
        Precision of the functions. That of the distances is double.

    Returns
    -------
    callable or None
        ``evaluate(rows, columns)`` is a new array of this dtype for two slices; None
        where the kernel or the rows are others.
    """
    profile = _profile(kernel)
    if profile is None or issparse(X) or X.dtype != np.float64:
        return None
    scale = _scale(kernel, X.shape[1])
    if np.shape(scale) not in ((), X.shape[1:]):
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        rows = X * scale
    if profile is _laplacian:
        distances = partial(_city_block, rows)
    else:
        distances = _squared_distances(rows, np.finfo(dtype).max)
    if distances is None:
        return None
    return lambda a, b: profile(distances(a, b).astype(dtype, copy=False))


def _squared_distances(rows, largest):
    """Return what evaluates tiles of squared distances, or None where they overflow."""
    # They do not depend on the origin, and their digits do.
    with np.errstate(over="ignore", invalid="ignore"):
        rows = rows - rows.mean(axis=0)
        squares = np.einsum("ij,ij->i", rows, rows)
        if not 4.0 * squares.max() < largest:
            return None
    ones = np.ones(len(rows))
    left = np.column_stack([rows, squares, ones])
    right = np.column_stack([-2.0 * rows, ones, squares])

    def evaluate(some, others):
        t = left[some] @ right[others].T
        if t.min() < _CLOSE * (squares[some].max() + squares[others].max()):
            t = cdist(rows[some], rows[others], "sqeuclidean")
        return t

    return evaluate


def _city_block(rows, some, others):
    """Tile of the distances of the absolute differences."""
    return cdist(rows[some], rows[others], "cityblock")


def _scale(kernel, n_features):
    """Return what rows are multiplied by."""
    if isinstance(kernel, PairwiseKernel):
        gamma = kernel.params.get("gamma")
        gamma = 1.0 / n_features if gamma is None else gamma
        return gamma if kernel.metric == "laplacian" else math.sqrt(2.0 * gamma)
    rough = isinstance(kernel, Matern) and kernel.nu < math.inf
    factor = math.sqrt(2.0 * kernel.nu) if rough else 1.0
    return factor / np.squeeze(kernel.length_scale).astype(float)


def _profile(kernel):
    """Return the function of scaled squared distances that a kernel is, or None."""
    if isinstance(kernel, PairwiseKernel):
        gamma = kernel.params.get("gamma")
        legal = gamma is None or (isinstance(gamma, Real) and gamma >= 0)
        return _PAIRWISE.get(kernel.metric) if legal else None
    # A subclass may compute something else.
    if type(kernel) is Matern:
        return _MATERN.get(kernel.nu)
    return _gaussian if type(kernel) is RBF else None


def _gaussian(t):
    t *= -0.5
    return np.exp(t, out=t)


def _laplacian(t):
    np.negative(t, out=t)
    return np.exp(t, out=t)


def _matern_1(t):
    return _laplacian(np.sqrt(t, out=t))


def _matern_3(t):
    decay = np.exp(-np.sqrt(t, out=t))
    t += 1.0
    t *= decay
    return t


def _matern_5(t):
    root = np.sqrt(t)
    t /= 3.0
    t += root
    t += 1.0
    t *= np.exp(np.negative(root, out=root), out=root)
    return t


_PAIRWISE = {"rbf": _gaussian, "laplacian": _laplacian}
_MATERN = {0.5: _matern_1, 1.5: _matern_3, 2.5: _matern_5, math.inf: _gaussian}

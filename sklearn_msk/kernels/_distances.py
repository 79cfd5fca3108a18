"""Tiles of kernels of the distance, evaluated in place."""

import math
from collections.abc import Callable
from numbers import Real

import numpy as np
from scipy.sparse import issparse
from scipy.spatial.distance import cdist
from sklearn.gaussian_process.kernels import RBF, Matern

from sklearn_msk._tuning import CLOSE_DISTANCE
from sklearn_msk.kernels._adapters import PairwiseKernel
from sklearn_msk.kernels._resolution import ResolvedKernel

Distances = Callable[[slice, slice], np.ndarray]


def distance_tiles(
    kernel: ResolvedKernel,
    X: np.ndarray,
    Y: np.ndarray | None = None,
    dtype: type = np.float64,
) -> Distances | None:
    """Return what evaluates ``k(X, Y)`` tile by tile, for kernels of the distance.

    Those are "rbf" and "laplacian", and the kernel objects `RBF` and `Matern` with nu
    of 0.5, 1.5, 2.5 and infinity. With ``t = |x - z|^2`` of scaled rows, and ``u`` its
    root::

        exp(-t / 2)                   rows times sqrt(2 gamma), or over length_scale
        exp(-u)                       Matern, 1/2: rows over length_scale
        (1 + u) exp(-u)               3/2: times sqrt(3)
        (1 + u + u^2 / 3) exp(-u)     5/2: times sqrt(5)
        exp(-|x - z|_1)               "laplacian": times gamma

    `pairwise_kernels` checks its arguments for longer than a tile takes, and loses the
    digits of rows far from the origin, which are centred here; kernel objects make an
    array of the size of a tile for every operation, which leaves the cache.

    Parameters
    ----------
    kernel : object returned by `resolve_kernel`
    X : ndarray or csr_matrix of shape (n_X, n_features)
    Y : ndarray or csr_matrix of shape (n_Y, n_features), default=None
        None means X.
    dtype : dtype, default=np.float64
        Precision of the functions. That of the distances is double.

    Returns
    -------
    callable or None
        ``evaluate(rows, columns)`` is a new array of this dtype for two slices; None
        where the kernel or the rows are others.
    """
    Y = X if Y is None else Y
    profile = _profile(kernel)
    if profile is None or not (_is_double(X) and _is_double(Y)):
        return None
    scale = _scale(kernel, X.shape[1])
    if np.shape(scale) not in ((), X.shape[1:]):
        return None
    if profile is _laplacian:
        distances = _city_block(X, Y, scale)
    else:
        distances = _squared_distances(X, Y, scale, float(np.finfo(dtype).max))
    if distances is None:
        return None
    return lambda a, b: profile(distances(a, b).astype(dtype, copy=False))


def _is_double(X: np.ndarray) -> bool:
    """Whether rows are a dense array of float64."""
    return not issparse(X) and X.dtype == np.float64


def _squared_distances(
    X: np.ndarray, Y: np.ndarray, scale: float | np.ndarray, largest: float
) -> Distances | None:
    """Return what evaluates tiles of squared distances, or None where they overflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        # Centre the rows: distances are invariant, cancellation is not.
        origin = Y.mean(axis=0)
        others = (Y - origin) * scale
        reach = (_reach(X) + np.abs(origin)) * scale
        sizes = np.einsum("ij,ij->i", others, others)
        if not 2.0 * (sizes.max() + reach @ reach) < largest:
            return None
    n_features = Y.shape[1]
    right = np.column_stack([-2.0 * others, np.ones(len(Y)), sizes])

    def evaluate(rows: slice, columns: slice) -> np.ndarray:
        some, others = (X[rows] - origin) * scale, right[columns]
        sizes = np.einsum("ij,ij->i", some, some)
        t = np.column_stack([some, sizes, np.ones(len(some))]) @ others.T
        if t.min() < CLOSE_DISTANCE * (sizes.max() + others[:, -1].max()):
            t = cdist(some, -0.5 * others[:, :n_features], "sqeuclidean")
        return t

    return evaluate


def _city_block(
    X: np.ndarray, Y: np.ndarray, scale: float | np.ndarray
) -> Distances | None:
    """Return what evaluates tiles of 1-norms, or None where they overflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        # Centred rows lose no digits when they are scaled.
        origin = Y.mean(axis=0)
        others = (Y - origin) * scale
        reach = _reach(X) + _reach(Y) + 2.0 * np.abs(origin)
        if not np.sum(reach * scale) < math.inf:
            return None

    def evaluate(rows: slice, columns: slice) -> np.ndarray:
        return cdist((X[rows] - origin) * scale, others[columns], "cityblock")

    return evaluate


def _reach(X: np.ndarray) -> np.ndarray:
    """Largest size of every feature."""
    return np.maximum(X.max(axis=0), -X.min(axis=0))


def _scale(
    kernel: RBF | Matern | PairwiseKernel, n_features: int
) -> float | np.ndarray:
    """Return what rows are multiplied by."""
    if isinstance(kernel, PairwiseKernel):
        gamma = kernel.params.get("gamma")
        gamma = 1.0 / n_features if gamma is None else gamma
        return gamma if kernel.metric == "laplacian" else math.sqrt(2.0 * gamma)
    rough = isinstance(kernel, Matern) and kernel.nu < math.inf
    factor = math.sqrt(2.0 * kernel.nu) if rough else 1.0
    return factor / np.squeeze(kernel.length_scale).astype(float)


def _profile(
    kernel: ResolvedKernel,
) -> Callable[[np.ndarray], np.ndarray] | None:
    """Return the function of scaled squared distances that a kernel is, or None."""
    if isinstance(kernel, PairwiseKernel):
        gamma = kernel.params.get("gamma")
        legal = gamma is None or (isinstance(gamma, Real) and float(gamma) >= 0)
        return _PAIRWISE.get(kernel.metric) if legal else None
    # A subclass may compute something else.
    if isinstance(kernel, Matern) and type(kernel) is Matern:
        return _MATERN.get(kernel.nu)
    return _gaussian if type(kernel) is RBF else None


def _gaussian(t: np.ndarray) -> np.ndarray:
    """``exp(-t / 2)``, in place."""
    t *= -0.5
    return np.exp(t, out=t)


def _laplacian(t: np.ndarray) -> np.ndarray:
    """``exp(-t)``, in place."""
    np.negative(t, out=t)
    return np.exp(t, out=t)


def _matern_1(t: np.ndarray) -> np.ndarray:
    """``exp(-u)`` with ``u = sqrt(t)``, in place."""
    return _laplacian(np.sqrt(t, out=t))


def _matern_3(t: np.ndarray) -> np.ndarray:
    """``(1 + u) exp(-u)`` with ``u = sqrt(t)``."""
    decay = np.exp(-np.sqrt(t, out=t))
    t += 1.0
    t *= decay
    return t


def _matern_5(t: np.ndarray) -> np.ndarray:
    """``(1 + u + u^2 / 3) exp(-u)`` with ``u = sqrt(t)``."""
    root = np.sqrt(t)
    t /= 3.0
    t += root
    t += 1.0
    t *= np.exp(np.negative(root, out=root), out=root)
    return t


_PAIRWISE = {"rbf": _gaussian, "laplacian": _laplacian}
_MATERN = {0.5: _matern_1, 1.5: _matern_3, 2.5: _matern_5, math.inf: _gaussian}

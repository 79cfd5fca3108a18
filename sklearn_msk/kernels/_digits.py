"""Whether the values of a kernel keep the digits of the rows that they compare."""

from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.gaussian_process.kernels import Kernel

from sklearn_msk._tuning import (
    RBF_ERROR,
    SINGLE_PRECISION_ERROR,
    TRIED_ROWS,
    TRIED_SPARSE_ROWS,
    WHITE_NOISE_RTOL,
)
from sklearn_msk.kernels._adapters import (
    CallableKernel,
    PairwiseKernel,
    PrecomputedKernel,
)
from sklearn_msk.kernels._distances import distance_tiles
from sklearn_msk.kernels._evaluation import evaluate_kernel, kernel_diagonal
from sklearn_msk.kernels._resolution import ResolvedKernel, describe_kernel


def check_digits_kept(kernel: ResolvedKernel, X: np.ndarray) -> None:
    """Raise a ValueError where a kernel has lost the digits of the rows.

    Kernel values of rows as tiny as 1e-160 underflow. Of rows that are sparse or
    float32, "rbf" takes squared distances from products, ``|x|^2 - 2 x.z + |z|^2``,
    which cancel far from the origin.

    Parameters
    ----------
    kernel : object returned by `resolve_kernel`
    X : ndarray or csr_matrix of shape (n_samples, n_features)
    """
    if not isinstance(kernel, Kernel | PairwiseKernel):
        return
    sizes = abs(X).max(axis=1)
    sizes = np.ravel(sizes.toarray() if issparse(sizes) else sizes)
    n_tried = TRIED_SPARSE_ROWS if issparse(X) else TRIED_ROWS
    farthest = np.argsort(sizes)[-n_tried:]
    rows = X[farthest]
    _check_scale(kernel, rows, sizes[farthest[-1]])
    if isinstance(kernel, PairwiseKernel) and kernel.metric == "rbf":
        _check_distances(kernel, rows, sizes[farthest], farthest)


def _check_scale(
    kernel: Kernel | PairwiseKernel, rows: np.ndarray, size: float
) -> None:
    """Raise a ValueError where the kernel underflows, and would not for longer rows."""
    if not 0 < size < 1:
        return
    diagonal = kernel_diagonal(kernel, rows)
    diagonal = diagonal.astype(np.result_type(diagonal, np.float32), copy=False)
    own, smallest = np.abs(diagonal).max(), np.finfo(diagonal.dtype).tiny
    if own < smallest <= np.abs(kernel_diagonal(kernel, rows / size)).max():
        raise ValueError(
            f"The {describe_kernel(kernel)} underflows on rows as small as these: of "
            f"the row with the largest entry, {size:.1e}, with itself it is {own:.1e}, "
            f"and {own.dtype} loses digits below {smallest:.1e}. Scale the features "
            "(StandardScaler)."
        )


def _check_distances(
    kernel: PairwiseKernel, rows: np.ndarray, sizes: np.ndarray, indices: np.ndarray
) -> None:
    """Raise a ValueError where "rbf" differs from the kernel of the exact distances."""
    lost = _first_lost(kernel, rows)
    if lost is None:
        return
    i, j, value, exact = lost
    name = describe_kernel(kernel)
    values = (
        f"of rows {indices[i]} and {indices[j]} it is {value:.7g}, of their distance "
        f"{exact:.7g}"
    )
    gamma = kernel.params.get("gamma")
    if gamma is not None and _first_lost(PairwiseKernel("rbf"), rows) is None:
        raise ValueError(
            f"The {name} loses its digits with gamma={gamma:.3g}, which multiplies the "
            f"rounding of squared distances: {values}. Choose a smaller 'gamma'."
        )
    raise ValueError(
        f"The {name} loses its digits on rows as far from the origin as row "
        f"{indices[i]}, of size {sizes[i]:.1e}: {values}. Centre and scale the "
        "features (StandardScaler), or pass a dense float64 array."
    )


def _first_lost(
    kernel: PairwiseKernel, rows: np.ndarray
) -> tuple[int, int, float, float] | None:
    """Pair of rows whose "rbf" is wrong, its value and the right one, or None."""
    dense: Any = rows
    if issparse(rows):
        dense = dense[:, np.unique(dense.indices)].toarray()
    dense = dense.astype(np.float64)
    gamma = kernel.params.get("gamma")
    gamma = 1.0 / rows.shape[1] if gamma is None else gamma
    K = evaluate_kernel(kernel, rows, rows.copy())
    tiles = distance_tiles(PairwiseKernel("rbf", {"gamma": gamma}), dense)
    if tiles is None:
        # Squared distances overflow; those of equal rows are 0.
        wrong, exact = np.abs(np.diagflat(K.diagonal() - 1.0)), np.ones_like(K)
    else:
        exact = tiles(slice(0, len(dense)), slice(0, len(dense)))
        wrong = np.abs(K - exact)
    i, j = np.unravel_index(wrong.argmax(), K.shape)
    # Ten roundings of an entry are legal in float32.
    if wrong[i, j] <= max(RBF_ERROR, 10.0 * np.finfo(K.dtype).eps):
        return None
    return int(i), int(j), float(K[i, j]), float(exact[i, j])


def loses_digits_in_float32(kernel: ResolvedKernel, X: np.ndarray) -> bool:
    """Whether a kernel of float32 rows differs from that of the same rows in float64.

    The kernel is evaluated on at most 100 rows from all over X in both precisions. With
    ``H = I - 1 1^T / n``, the largest difference is held against the spread ``max |H K
    H|``: a constant is the intercept's.

    Parameters
    ----------
    kernel : object returned by `resolve_kernel`
    X : ndarray or csr_matrix of shape (n_samples, n_features)

    Returns
    -------
    bool
        False for a precomputed kernel, for rows that are not float32, and for a
        callable that takes no float64. True where only float32 overflows.
    """
    if X.dtype != np.float32 or isinstance(kernel, PrecomputedKernel):
        return False
    n = min(X.shape[0], TRIED_ROWS)
    rows = X[np.linspace(0, X.shape[0] - 1, n).astype(int)]
    try:
        double = evaluate_kernel(kernel, rows.astype(np.float64))
    except Exception:
        # The kernel fails in float64 too: its evaluation on all rows raises the error.
        return False
    try:
        single = evaluate_kernel(kernel, rows)
    except ValueError:
        # An entry overflows in float32 only. A callable may have raised an error of its
        # own, which its evaluation on all rows raises again.
        return not isinstance(kernel, CallableKernel)
    centred = double - double.mean(axis=0)
    centred -= centred.mean(axis=1, keepdims=True)
    spread = np.abs(centred).max()
    # A spread of a few roundings is that of a constant kernel.
    if spread <= 16 * np.finfo(np.float64).eps * np.abs(double).max():
        return False
    return bool(np.abs(double - single).max() > SINGLE_PRECISION_ERROR * spread)


def has_white_noise(kernel: ResolvedKernel, x: np.ndarray) -> bool:
    """Whether a row's kernel with itself exceeds that with another row equal to it.

    Parameters
    ----------
    kernel : object returned by `resolve_kernel`
    x : ndarray or csr_matrix of shape (1, n_features)

    Returns
    -------
    bool
    """
    if isinstance(kernel, PairwiseKernel):
        # Pairwise kernels have no white noise; their rounding may look like it where
        # rows are far from the origin.
        return False
    own, between = evaluate_kernel(kernel, x), evaluate_kernel(kernel, x, x.copy())
    return not np.allclose(own, between, rtol=WHITE_NOISE_RTOL, atol=0.0)

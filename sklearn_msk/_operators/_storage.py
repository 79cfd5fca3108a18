"""The one place that decides how a kernel matrix is held, and how exactly.

`choose_storage` is a table of numbers, `hold_kernel` makes what it says, `more_exact`
is the ladder from there: products in mixed precision (remainder in float32, then in
float64), in double precision, and no more.
"""

from enum import Enum
from typing import Any

import numpy as np

from sklearn_msk._array_api import Place, to_host
from sklearn_msk._memory import device_memory_limit
from sklearn_msk._operators._blocked import BlockedOperator
from sklearn_msk._operators._dense import DenseOperator
from sklearn_msk._operators._device import DeviceOperator
from sklearn_msk._operators._kernel_operator import KernelOperator
from sklearn_msk._operators._mixed_precision import (
    MixedPrecisionOperator,
    mixed_precision,
)
from sklearn_msk._operators._nystroem import NystroemOperator
from sklearn_msk._threads import n_blas_threads
from sklearn_msk._tuning import (
    DECOMPOSED_ARRAYS,
    DENSE_MAX,
    DENSE_PEAK,
    TRIED_ROWS,
)
from sklearn_msk._validation import check_matrix_symmetric
from sklearn_msk.kernels._adapters import CallableKernel, PrecomputedKernel
from sklearn_msk.kernels._evaluation import evaluate_kernel
from sklearn_msk.kernels._resolution import describe_kernel

# Bytes that a float32 triangle, which pairs are computed from, takes for each entry of
# K: half of the four of a float32 number.
_TRIANGLE_BYTES = 2


class Storage(Enum):
    """How a kernel matrix is held."""

    MIXED = "one triangle in float32, behind a low-rank factor in float64"
    DENSE = "the matrix"
    BLOCKED = "nothing: every product computes the matrix again"


def choose_storage(
    n: int, *, itemsize: int, memory_limit: float, mixed_allowed: bool
) -> tuple[Storage, bool]:
    """Choose how the kernel matrix of n rows is held.

    ============= =========================== ======================================
    storage       bytes                       when
    ============= =========================== ======================================
    MIXED         ``2 n^2``                   it fits and is allowed
    DENSE         ``(1.1 itemsize + 2) n^2``  it fits
    BLOCKED       the working memory          otherwise
    ============= =========================== ======================================

    Parameters
    ----------
    n : int
        Number of rows.
    itemsize : int
        Bytes of an entry of the kernel matrix, 4 or 8.
    memory_limit : float
        Bytes that may be taken.
    mixed_allowed : bool
        Whether products in mixed precision will do, and are faster.

    Returns
    -------
    storage : Storage
    fits_dense : bool
        Whether a full decomposition may be computed, whatever the storage: whether
        DENSE fits in float64.
    """
    fits_dense = n <= DENSE_MAX or _dense_bytes(n, 8) <= memory_limit
    if mixed_allowed and _TRIANGLE_BYTES * n**2 <= memory_limit:
        return Storage.MIXED, fits_dense
    if _dense_bytes(n, itemsize) <= memory_limit:
        return Storage.DENSE, fits_dense
    return Storage.BLOCKED, fits_dense


def _dense_bytes(n: int, itemsize: int) -> float:
    """Bytes at the peak of a fit that holds the kernel matrix."""
    return n**2 * (itemsize * DENSE_PEAK + _TRIANGLE_BYTES)


def entry_size(kernel: Any, X: np.ndarray) -> int:
    """Bytes of an entry of a kernel matrix.

    Parameters
    ----------
    kernel : object returned by `resolve_kernel`
    X : ndarray of shape (n, n_features)

    Returns
    -------
    int
    """
    if isinstance(kernel, PrecomputedKernel):
        return X.dtype.itemsize
    return evaluate_kernel(kernel, X[:1], X[:1]).dtype.itemsize


def hold_kernel(
    kernel: Any,
    X: np.ndarray,
    weights: np.ndarray | None,
    n_distinct: int,
    storage: Storage,
    *,
    n_pairs: int,
    n_jobs: int | None,
    fits_dense: bool,
) -> KernelOperator:
    """Evaluate and check the kernel of some rows.

    Parameters
    ----------
    kernel : object returned by `resolve_kernel`
    X : ndarray of shape (n, n_features)
        Rows; the kernel matrix itself for a precomputed kernel.
    weights : ndarray of shape (n,) or None
    n_distinct : int
        As in `KernelOperator`.
    storage : Storage
        From `choose_storage`. A precomputed matrix is held as it is anyway, not copied.
    n_pairs : int
        Leading pairs that have to be exact in mixed precision.
    n_jobs : int or None
        Threads that compute the kernel.
    fits_dense : bool
        From `choose_storage`.

    Returns
    -------
    MixedPrecisionOperator, DenseOperator or BlockedOperator

    Raises
    ------
    ValueError
        If the kernel matrix is not square, not finite or not symmetric.
    """
    precomputed = isinstance(kernel, PrecomputedKernel)
    if precomputed:
        check_precomputed(X)
    # Kernels of this package and of scikit-learn are symmetric.
    unknown, name = isinstance(kernel, CallableKernel), describe_kernel(kernel)
    if precomputed or storage is Storage.DENSE:
        K = evaluate_kernel(kernel, X, n_jobs=n_jobs)
        if unknown:
            check_matrix_symmetric(K, name)
        return DenseOperator(K, weights, n_distinct, fits_dense=fits_dense)
    if unknown:
        tried = X[:TRIED_ROWS]
        check_matrix_symmetric(evaluate_kernel(kernel, tried, tried), name)
    A = BlockedOperator(kernel, X, weights, n_distinct, n_jobs, fits_dense=fits_dense)
    if storage is Storage.BLOCKED:
        return A
    return mixed_precision(A, n_pairs, max(A.n_threads, n_blas_threads()))


def hold_on_device(
    kernel: Any,
    place: Place,
    X: np.ndarray,
    weights: np.ndarray | None,
    n_distinct: int,
) -> DeviceOperator:
    """Evaluate the kernel of some rows on a device, held where its memory allows.

    K takes ``1.1 itemsize n^2`` bytes while it is evaluated, and a full decomposition
    three matrices of float64 beside it.

    Parameters
    ----------
    kernel, X, weights, n_distinct
        As in `hold_kernel`.
    place : Place

    Returns
    -------
    DeviceOperator

    Raises
    ------
    ValueError
        As `hold_kernel` does; or if the kernel cannot be evaluated there.
    """
    precomputed = isinstance(kernel, PrecomputedKernel)
    if precomputed:
        check_precomputed(X)
    n, rows, limit = X.shape[0], place.put(X), device_memory_limit(place.like)
    if isinstance(kernel, CallableKernel):
        tried = rows[: min(n, TRIED_ROWS), :]
        # Both sides are given, as the matrix of one set is made of one triangle.
        K = to_host(evaluate_kernel(kernel, tried, tried))
        check_matrix_symmetric(K, describe_kernel(kernel))
    held = DENSE_PEAK * X.dtype.itemsize * n**2
    return DeviceOperator(
        kernel,
        rows,
        weights,
        n_distinct,
        held=precomputed or held <= limit,
        fits_dense=n <= DENSE_MAX or held + DECOMPOSED_ARRAYS * 8 * n**2 <= limit,
    )


def check_precomputed(K: np.ndarray) -> None:
    """Raise a ValueError where a precomputed matrix is not square or not symmetric."""
    if K.shape[0] != K.shape[1]:
        raise ValueError(
            "With kernel='precomputed', X must be the square kernel matrix of shape "
            f"(n_samples, n_samples). Got shape {K.shape} instead."
        )
    check_matrix_symmetric(K, describe_kernel(PrecomputedKernel()))


def more_exact(
    operator: KernelOperator | NystroemOperator, *, overwrite: bool = False
) -> KernelOperator | None:
    """Return the same operator with more exact products: the next rung of the ladder.

    Parameters
    ----------
    operator : MixedPrecisionOperator, DenseOperator, BlockedOperator or \
            NystroemOperator
    overwrite : bool, default=False
        Whether its memory may be taken over; it is not to be used afterwards. Without,
        two triangles in float32 are held for a while, ``4 n^2`` bytes.

    Returns
    -------
    MixedPrecisionOperator, DenseOperator, BlockedOperator or None
        None where the products are exact already.
    """
    if not isinstance(operator, MixedPrecisionOperator):
        return None
    refined = operator.with_float64_remainder(overwrite=overwrite)
    if refined is not None:
        return refined
    source = operator.source
    if isinstance(source, BlockedOperator) and not source.fits_dense:
        return source
    return DenseOperator(
        source.kernel_matrix(),
        source.weights,
        source.n_distinct,
        fits_dense=source.fits_dense,
        compactable=False,
    )

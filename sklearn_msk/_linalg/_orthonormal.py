"""Orthonormal blocks of vectors."""

from contextlib import suppress

import numpy as np
from scipy.linalg import qr

from sklearn_msk._array_api import Array, column_norms, namespace, put_like, to_host
from sklearn_msk._tuning import (
    MAX_PROJECTIONS,
    NEARLY_ORTHONORMAL,
    SAFE_REST_SHARE,
    SAFE_SIZE_RATIO,
)


def orthonormalise(block: Array) -> tuple[Array, np.ndarray]:
    """``block = Q B`` by Cholesky factors of its Gram matrix, twice.

    Q is where the block is, and B, which is small, NumPy's.

    Products alone are several times as fast as reflections. Reflections are taken
    where the columns depend too much on each other for the Gram matrix.

    References
    ----------
    T. Fukaya, Y. Nakatsukasa, Y. Yanagisawa, Y. Yamamoto, *CholeskyQR2: A Simple and
    Communication-Avoiding Algorithm for Computing a Tall-Skinny QR Factorization on a
    Large-Scale Parallel System*, ScalA 2014.
    """
    with suppress(np.linalg.LinAlgError), np.errstate(all="ignore"):
        first = np.linalg.cholesky(to_host(block.T @ block))
        Q = block @ put_like(np.linalg.inv(first).T, block)
        gram = to_host(Q.T @ Q)
        if np.abs(gram - np.eye(len(gram))).max() < NEARLY_ORTHONORMAL:
            second = np.linalg.cholesky(gram)
            return Q @ put_like(np.linalg.inv(second).T, block), (first @ second).T
    if isinstance(block, np.ndarray):
        return qr(block, mode="economic")
    Q, factor = namespace(block).linalg.qr(block)
    return Q, to_host(factor)


def complement(
    block: Array, basis: Array, size: float = 0.0
) -> tuple[Array, np.ndarray]:
    """Part of a block beyond an orthonormal basis, as ``Q B``.

    Where little is left of the block, rounding is much of the rest, and has components
    in the basis: they are taken out once more. `size` is the norm of what the block
    is left of, if that is more than the block itself.
    """
    size = max(size, float(column_norms(block).max()))
    Q, factor = block, np.eye(block.shape[1])
    for _ in range(MAX_PROJECTIONS):
        Q, step = orthonormalise(Q - combine(basis, basis.T @ Q))
        factor = step @ factor
        sizes = np.abs(np.diagonal(step))
        if sizes.min() > SAFE_SIZE_RATIO * max(sizes.max(), SAFE_REST_SHARE * size):
            break
        # What is left of an orthonormal block is measured against 1.
        size = 1.0 / SAFE_REST_SHARE
    return Q, factor


def combine(basis: Array, coefficients: Array) -> Array:
    """``basis @ coefficients``; BLAS packs a large second factor with less work."""
    return (coefficients.T @ basis.T).T

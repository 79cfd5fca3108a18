"""Orthonormal blocks of vectors."""

from contextlib import suppress

import numpy as np
from scipy.linalg import qr

from sklearn_msk._tuning import NEARLY_ORTHONORMAL, SAFE_SIZE_RATIO


def orthonormalise(block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``block = Q B`` by Cholesky factors of its Gram matrix, twice.

    Products alone are several times as fast as reflections. Reflections are taken
    where the columns depend too much on each other for the Gram matrix.

    References
    ----------
    T. Fukaya, Y. Nakatsukasa, Y. Yanagisawa, Y. Yamamoto, *CholeskyQR2: A Simple and
    Communication-Avoiding Algorithm for Computing a Tall-Skinny QR Factorization on a
    Large-Scale Parallel System*, ScalA 2014.
    """
    with suppress(np.linalg.LinAlgError), np.errstate(all="ignore"):
        first = np.linalg.cholesky(block.T @ block)
        Q = block @ np.linalg.inv(first).T
        gram = Q.T @ Q
        if np.abs(gram - np.eye(len(gram))).max() < NEARLY_ORTHONORMAL:
            second = np.linalg.cholesky(gram)
            return Q @ np.linalg.inv(second).T, (first @ second).T
    return qr(block, mode="economic")


def complement(block: np.ndarray, basis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Part of a block beyond an orthonormal basis, as ``Q B``."""
    block = block - combine(basis, basis.T @ block)
    Q, factor = orthonormalise(block)
    sizes = np.abs(np.diagonal(factor))
    if sizes.min() > SAFE_SIZE_RATIO * sizes.max():
        return Q, factor
    Q = Q - combine(basis, basis.T @ Q)
    Q, second = orthonormalise(Q)
    return Q, second @ factor


def combine(basis: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """``basis @ coefficients``; BLAS packs a large second factor with less work."""
    return (coefficients.T @ basis.T).T

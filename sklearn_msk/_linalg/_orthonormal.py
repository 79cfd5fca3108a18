"""Orthonormal blocks of vectors."""

from contextlib import suppress

import numpy as np
from scipy.linalg import qr

# How far from the identity the Gram matrix may be for a second Cholesky factor to
# make it the identity.
_NEARLY_ORTHONORMAL = 1e-3

# A block is made orthogonal to the basis once more if its columns differ in size by
# more than this factor: dividing by their sizes magnifies rounding along the basis.
_SAFE_SIZE_RATIO = 0.01


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
        if np.abs(gram - np.eye(len(gram))).max() < _NEARLY_ORTHONORMAL:
            second = np.linalg.cholesky(gram)
            return Q @ np.linalg.inv(second).T, (first @ second).T
    return qr(block, mode="economic")


def complement(block: np.ndarray, basis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Part of a block beyond an orthonormal basis, as ``Q B``."""
    block = block - combine(basis, basis.T @ block)
    Q, factor = orthonormalise(block)
    sizes = np.abs(np.diagonal(factor))
    if sizes.min() > _SAFE_SIZE_RATIO * sizes.max():
        return Q, factor
    Q = Q - combine(basis, basis.T @ Q)
    Q, second = orthonormalise(Q)
    return Q, second @ factor


def combine(basis: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """``basis @ coefficients``; BLAS packs a large second factor with less work."""
    return (coefficients.T @ basis.T).T

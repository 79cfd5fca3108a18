"""Leading directions of features, without which the rest may be rounded to float32."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg.blas import dnrm2

from sklearn_msk._scaling import power_of_two
from sklearn_msk._tuning import (
    DEFLATED_DIRECTIONS,
    DEFLATION_ITERATIONS,
    DEFLATION_SPARE,
    MAX_SQUARED_CONDITION,
    MAX_SQUARED_REMAINDER,
)


@dataclass(frozen=True, eq=False)
class Deflation:
    """Directions V that sums over rows take in double precision.

    A row x of columns (kernel functions, or features) leaves ``r = (I - V V^T) x``.
    With X the rows, ``G = X^T X``, R what they leave and ``P = V^T G``::

        G = R^T R + V P + P^T V^T - V P V V^T

    Only ``R^T R`` is in float32. Its rounding is relative to the eigenvalues that V
    leaves, not to the largest.

    Attributes
    ----------
    vectors : ndarray of shape (rank, n_directions), F-ordered
        V, orthonormal.
    unit : float
        Power of two that columns are divided by, so that they are around 1.
    size : float
        Mean of ``|r|^2`` over the landmarks, in this unit.
    of_kernel : bool
        Whether the columns are ``K_nL``, which the factor C of K_LL is applied to
        when all rows are summed; otherwise they are features, ``K_nL C^(-T)``.
    """

    vectors: np.ndarray
    unit: float
    size: float
    of_kernel: bool


def deflate(
    K: np.ndarray,
    factor: np.ndarray,
    pivots: np.ndarray,
    *,
    max_remainder: float = MAX_SQUARED_REMAINDER,
    max_condition: float = MAX_SQUARED_CONDITION,
) -> Deflation:
    """Deflation of kernel functions where they are independent, else of features.

    Sums of kernel functions save a triangular solve for every row, but square the
    condition of K_LL. With ``d = min C_ii^2``, which is about its smallest eigenvalue,
    and q directions, they are taken where ``lam_1 / d`` and ``lam_(q + 1) / d`` are
    moderate: the first for double precision, the second for float32.

    Parameters
    ----------
    K : ndarray of shape (n_landmarks, n_landmarks)
        Kernel matrix of the landmarks.
    factor : ndarray of shape (rank, rank)
        C.
    pivots : ndarray of shape (rank,)
        Landmarks in the order of C.
    max_remainder, max_condition : float
        Largest ratios for kernel functions.

    Returns
    -------
    Deflation
    """
    smallest = factor.diagonal().min() ** 2
    if len(pivots) == len(K):
        found, values = _deflation(K, float(power_of_two(factor[0, 0] ** 2)), True)
        ratios = values / (smallest / found.unit)
        if ratios[-1] <= max_remainder and ratios[0] <= max_condition:
            return replace(found, vectors=np.asfortranarray(found.vectors[pivots]))
    return _deflation(factor, float(power_of_two(factor[0, 0])), False)[0]


def _deflation(
    rows: np.ndarray, unit: float, of_kernel: bool
) -> tuple[Deflation, np.ndarray]:
    """Deflation of the columns of some rows, and singular values, one more than it has.

    By subspace iteration from a random start, which is the same for every fit.
    """
    size = min(DEFLATED_DIRECTIONS, rows.shape[1] - 1)
    width = min(size + DEFLATION_SPARE, rows.shape[1])
    basis = np.random.RandomState(0).standard_normal((rows.shape[1], width))
    for _ in range(DEFLATION_ITERATIONS):
        images = rows @ basis / unit
        basis = np.linalg.qr(rows.T @ images / unit)[0]
    images = rows @ basis / unit
    _, values, rotation = np.linalg.svd(images, full_matrices=False)
    inside = values[:size] @ values[:size]
    # The squares of the entries may overflow before they are in the unit.
    whole = (dnrm2(rows.ravel(order="K")) / unit) ** 2
    rest = max(whole - inside, 0.0) / len(rows)
    vectors = np.asfortranarray(basis @ rotation[:size].T)
    return Deflation(vectors, unit, float(rest), of_kernel), values[: size + 1]

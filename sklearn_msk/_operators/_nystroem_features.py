"""Functions that span the model on landmarks."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import eigvalsh
from scipy.linalg.blas import dtrsm
from scipy.linalg.lapack import dpstrf

from sklearn_msk._operators._deflation import Deflation, deflate
from sklearn_msk._tuning import LANDMARK_REMAINDER, SINGLE_SUMS_MIN_RANK
from sklearn_msk._validation import check_positive_semidefinite
from sklearn_msk.kernels._evaluation import evaluate_kernel
from sklearn_msk.kernels._resolution import describe_kernel

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class NystroemFeatures:
    """Orthonormal functions of the span of the kernel functions of the landmarks.

    With ``K_LL = P^T C C^T P`` the pivoted Cholesky factorisation of the kernel of the
    landmarks, cut where the rest of its diagonal is rounding, ``Phi(x) = C^(-1)
    k(L, x)`` over the pivots. These are the features ``K_LL^(-1/2) k(L, x)`` up to a
    rotation. Only the factor C is inverted, so that rounding grows with the root of the
    condition of K_LL. Landmarks that depend on others are left out.

    Attributes
    ----------
    kernel : object returned by `resolve_kernel`
    landmarks : ndarray of shape (n_landmarks, n_features), float64
    pivots : ndarray of shape (rank,)
        Landmarks in use.
    factor : ndarray of shape (rank, rank)
        C, lower triangular.
    deflation : Deflation or None
        What sums over rows in mixed precision take; None is double precision.
    """

    kernel: Any
    landmarks: np.ndarray
    pivots: np.ndarray
    factor: np.ndarray
    deflation: Deflation | None = None

    @classmethod
    def of(
        cls,
        kernel: Any,
        landmarks: np.ndarray,
        *,
        single: bool = False,
        min_rank: int = SINGLE_SUMS_MIN_RANK,
    ) -> "NystroemFeatures":
        """Features of some landmarks.

        Parameters
        ----------
        kernel : object returned by `resolve_kernel`
        landmarks : ndarray of shape (n_landmarks, n_features)
        single : bool, default=False
            Whether sums over rows may take products in float32.
        min_rank : int, default=SINGLE_SUMS_MIN_RANK
            Functions from which on they do.

        Returns
        -------
        NystroemFeatures

        Raises
        ------
        ValueError
            If the kernel is not positive semi-definite.
        """
        # A copy: the user may go on to change the array.
        landmarks = np.array(landmarks, dtype=np.float64, order="C")
        K = evaluate_kernel(kernel, landmarks).astype(np.float64, copy=False)
        largest = float(K.diagonal().max(initial=0.0))
        floor = len(K) * _EPS * largest
        factor, order, rank, _ = dpstrf(
            np.array(K, order="F"), lower=1, tol=floor, overwrite_a=1
        )
        order -= 1
        _clear_upper_triangle(factor)
        # The factor reproduces all of K but what it has of the other landmarks.
        others, rest = order[rank:], factor[rank:, :rank]
        remainder = K[np.ix_(others, others)] - rest @ rest.T
        if np.abs(remainder).max(initial=0.0) > LANDMARK_REMAINDER * largest:
            values = eigvalsh(K) / len(K)
            check_positive_semidefinite(values[0], values[-1], describe_kernel(kernel))
        factor, pivots = np.asfortranarray(factor[:rank, :rank]), order[:rank]
        deflation = None
        if single and rank >= min_rank:
            deflation = deflate(K, factor, pivots)
        return cls(kernel, landmarks, pivots, factor, deflation)

    @property
    def rank(self) -> int:
        """Number of functions."""
        return len(self.pivots)

    def kernel_functions(self, X: np.ndarray, n_jobs: int | None = None) -> np.ndarray:
        """Return ``k(X, L)`` over the pivots, not to be written to."""
        X = np.asarray(X, dtype=np.float64)
        return evaluate_kernel(self.kernel, X, self.landmarks[self.pivots], n_jobs)

    def features(self, X: np.ndarray, n_jobs: int | None = None) -> np.ndarray:
        """Return ``Phi(X)`` of shape (rank, n), F-ordered, in double precision."""
        K = np.array(self.kernel_functions(X, n_jobs), dtype=np.float64, order="C")
        return dtrsm(1.0, self.factor, K.T, lower=1, overwrite_b=1)

    def dual_coef(self, c: np.ndarray) -> np.ndarray:
        """Coefficients of the kernel functions, for those of the features in rows.

        c is overwritten where it is F-ordered.
        """
        a = np.zeros((len(self.landmarks), *c.shape[1:]))
        if self.rank:
            options = {"lower": 1, "trans_a": 1, "overwrite_b": 1}
            a[self.pivots] = dtrsm(1.0, self.factor, c, **options)
        return a


def _clear_upper_triangle(matrix: np.ndarray) -> None:
    """Set what is above the diagonal of an F-ordered matrix to zero, in place."""
    for column in range(1, len(matrix)):
        matrix[:column, column] = 0.0

"""The empirical integral operator on the span of a few kernel functions."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigvalsh, solve_triangular
from scipy.linalg.blas import dgemm, dsyrk, dtrsm
from scipy.linalg.lapack import dpstrf
from sklearn.utils import gen_batches

from sklearn_msk._compat import full_eigh
from sklearn_msk._validation import check_positive_semidefinite
from sklearn_msk.kernels._resolution import describe_kernel, evaluate_kernel

# Rows whose features are held at a time; products are at full speed from some hundred.
_ROWS = 2048

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class LandmarkBasis:
    """Orthonormal functions of the span of the kernel functions of the landmarks.

    With ``K_LL = P^T C C^T P`` the pivoted Cholesky factorisation of the kernel of the
    landmarks, cut where what is left of its diagonal is rounding, ``Phi(x) = C^(-1)
    k(L, x)`` over the pivots: the features ``K_LL^(-1/2) k(L, x)`` up to a rotation,
    and as the factor of K_LL, not K_LL, is inverted, accurate to the root of its
    condition. Landmarks that depend on others are left out.

    Attributes
    ----------
    kernel : object returned by `resolve_kernel`
    landmarks : ndarray of shape (n_landmarks, n_features), float64
    pivots : ndarray of shape (rank,)
        Landmarks in use.
    factor : ndarray of shape (rank, rank)
        C, lower triangular.
    """

    kernel: object
    landmarks: np.ndarray
    pivots: np.ndarray
    factor: np.ndarray

    @classmethod
    def of(cls, kernel, landmarks):
        """Basis of some landmarks.

        Parameters
        ----------
        kernel : object returned by `resolve_kernel`
        landmarks : ndarray of shape (n_landmarks, n_features)

        Returns
        -------
        LandmarkBasis

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
        factor, order, rank, _ = dpstrf(K, lower=1, tol=floor)
        order, factor = order - 1, np.tril(factor)[:, :rank]
        left = K[np.ix_(order, order)] - factor @ factor.T
        if np.abs(left).max() > 1e-8 * largest:
            values = eigvalsh(K) / len(K)
            check_positive_semidefinite(values[0], values[-1], describe_kernel(kernel))
        return cls(
            kernel, landmarks, order[:rank], np.asfortranarray(factor[:rank, :rank])
        )

    @property
    def rank(self):
        """Number of functions."""
        return len(self.pivots)

    def features(self, X, n_jobs=None):
        """Return ``Phi(X)`` of shape (rank, n), F-ordered, in double precision."""
        X = np.asarray(X, dtype=np.float64)
        K = evaluate_kernel(self.kernel, X, self.landmarks[self.pivots], n_jobs)
        K = np.array(K, dtype=np.float64, order="C")
        return dtrsm(1.0, self.factor, K.T, lower=1, overwrite_b=1)

    def dual_coef(self, c):
        """Coefficients of the kernel functions, for those of the basis in rows."""
        a = np.zeros((len(self.landmarks), *c.shape[1:]))
        if self.rank:
            a[self.pivots] = solve_triangular(self.factor, c, lower=True, trans="T")
        return a


@dataclass(frozen=True, eq=False)
class LandmarkSums:
    """What one pass over weighted rows leaves of them; sums of two passes add up.

    Attributes
    ----------
    gram : ndarray of shape (rank, rank)
        Lower triangle of ``Phi^T diag(w) Phi``.
    moments : ndarray of shape (rank, n_targets + 1)
        ``Phi^T diag(w) [y, 1]``.
    target_sums : ndarray of shape (n_targets,)
        ``sum_i w_i y_i``.
    total_weight : float
        ``sum_i w_i``.
    n_rows : int
    """

    gram: np.ndarray
    moments: np.ndarray
    target_sums: np.ndarray
    total_weight: float
    n_rows: int

    @classmethod
    def over(cls, basis, X, Y, weights=None, n_jobs=None):
        """Pass over some rows.

        Parameters
        ----------
        basis : LandmarkBasis
        X : ndarray of shape (n, n_features)
            Read in blocks of 2048 rows.
        Y : ndarray of shape (n, n_targets), float64
        weights : ndarray of shape (n,), default=None
            Non-negative; None means ones.
        n_jobs : int, default=None
            Threads that compute the kernel.

        Returns
        -------
        LandmarkSums
        """
        w = np.ones(len(Y)) if weights is None else weights
        gram = np.zeros((basis.rank, basis.rank), order="F")
        moments = np.zeros((basis.rank, Y.shape[1] + 1))
        for rows in gen_batches(len(Y), _ROWS) if basis.rank and len(Y) else ():
            phi = basis.features(X[rows], n_jobs)
            right = np.column_stack([Y[rows], np.ones(phi.shape[1])])
            # One BLAS: the threads of numpy's would wait on the cores of scipy's.
            moments += dgemm(1.0, phi, w[rows, None] * right)
            if weights is not None:
                phi *= np.sqrt(w[rows])
            gram = dsyrk(1.0, phi, beta=1.0, c=gram, lower=1, overwrite_c=1)
        return cls(gram, moments, w @ Y, float(w.sum()), len(Y))

    def __add__(self, other):
        """Return the sums over the rows of both."""
        return LandmarkSums(
            self.gram + other.gram,
            self.moments + other.moments,
            self.target_sums + other.target_sums,
            self.total_weight + other.total_weight,
            self.n_rows + other.n_rows,
        )


class LandmarkOperator:
    """The empirical integral operator on the span of the landmarks, in its eigenbasis.

    With ``D = diag(w) / sum(w)`` and ``A = Phi^T D Phi = U diag(lam) U^T``, the
    operator ``D^(1/2) Phi Phi^T D^(1/2)`` of all rows has the same eigenvalues, with
    eigenvectors ``Q = D^(1/2) Phi U lam^(-1/2)``. In the coordinates of Q it is
    ``diag(lam)``, the right-hand side is
    ``Q^T D^(1/2) y = lam^(-1/2) U^T Phi^T D y``, and coordinates c
    give the dual coefficients ``K_LL^(-1/2) U lam^(1/2) c``: norms are those over the
    rows. Directions whose eigenvalue is rounding are left out. It has the interface of
    `KernelOperator`; what it calls targets are coordinates already.

    Parameters
    ----------
    basis : LandmarkBasis
    sums : LandmarkSums
    """

    is_diagonal = True
    rounding = 0.0
    dtype = np.dtype(np.float64)

    def __init__(self, basis, sums):
        self.total_weight = sums.total_weight
        # An operator has one direction at least, were it of rate zero.
        eigenvalues, vectors = np.zeros(1), np.zeros((basis.rank, 1))
        if basis.rank:
            values, all_vectors = full_eigh(sums.gram / sums.total_weight)
            values, all_vectors = values[::-1], all_vectors[:, ::-1]
            kept = values > basis.rank * _EPS * values[0]
            if kept.any():
                eigenvalues, vectors = values[kept], all_vectors[:, kept]
        roots = np.sqrt(eigenvalues)
        self.eigenvalues = eigenvalues
        self.dual_basis = basis.dual_coef(vectors * roots)
        self._from_features = vectors / np.where(roots > 0, roots, 1.0)
        self.scale = float(eigenvalues[0]) or 1.0
        self.n_distinct = len(eigenvalues)
        self.rank_floor = self.n_distinct * _EPS

    @property
    def shape(self):
        """Shape of A, which has a row for each direction."""
        return (len(self.eigenvalues), len(self.eigenvalues))

    def targets(self, sums, mean):
        """Coordinates of the targets less their mean.

        Parameters
        ----------
        sums : LandmarkSums
        mean : ndarray of shape (n_targets,)

        Returns
        -------
        ndarray of shape (rank, n_targets)
        """
        centred = sums.moments[:, :-1] - sums.moments[:, -1:] * mean
        return self._from_features.T @ (centred / self.total_weight)

    def right_hand_side(self, y):
        """Return the coordinates of the targets, which are the right-hand side."""
        return y

    def diagonal(self):
        """Diagonal of A."""
        return self.eigenvalues

    def noise(self, largest):
        """Size of the eigenvalues that rounding alone can make."""
        return self.rank_floor * largest

    def __matmul__(self, V):
        """Return ``A @ V`` for V of shape (n,) or (n, m)."""
        return (self.eigenvalues * V.T).T

    def dense(self):
        """Return A as a new array."""
        return np.diag(self.eigenvalues)

    def decomposition(self):
        """Eigenvalues of ``A / scale``, ascending, and its eigenvectors as columns."""
        identity = np.eye(len(self.eigenvalues))
        return self.eigenvalues[::-1] / self.scale, identity[:, ::-1]

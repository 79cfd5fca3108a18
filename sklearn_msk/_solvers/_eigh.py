"""Paths from the full decomposition of M."""

import numpy as np
from scipy.linalg import qr

from sklearn_msk._array_api import (
    Array,
    identity,
    namespace,
    put_like,
    scale_rows,
)
from sklearn_msk._filters import SpectralFilter, longest
from sklearn_msk._linalg import full_eigh
from sklearn_msk._operators import Operator
from sklearn_msk._preconditioner import Preconditioner
from sklearn_msk._solvers._path import ModalPath, Modes
from sklearn_msk._solvers._requests import Monitor, Request
from sklearn_msk._tuning import NEGATIVE_EIGENVALUE_FACTOR


def eigh_paths(
    A: Operator,
    y: np.ndarray,
    requests: list[Request],
    tol: float,
    monitor: Monitor = None,
) -> list[ModalPath]:
    """Exact paths from a full decomposition for each preconditioner."""
    return [_eigh_path(A, y, S, longest(filters)) for S, filters in requests]


def diagonal_paths(
    A: Operator,
    y: np.ndarray,
    requests: list[Request],
    tol: float,
    monitor: Monitor = None,
) -> list[ModalPath]:
    """Exact paths of a diagonal A, ``c_i = p_T(s_i lam_i) s_i b_i``.

    The pairs of every S are those of A, so that S is diagonal too, with entries s.
    """
    b = A.rhs(y)
    return [_diagonal_path(A, b, S, longest(filters)) for S, filters in requests]


def _eigh_path(
    A: Operator, y: np.ndarray, S: Preconditioner, filter: SpectralFilter
) -> ModalPath:
    """Exact path for any S: every eigenpair of ``M = S^(1/2) A S^(1/2)``.

    In an orthonormal basis Z that begins with the eigenvectors of S, S is diagonal and
    ``Z^T M Z = diag(s) (Z^T A Z) diag(s)`` with ``s^2`` its eigenvalues. Scaled entry
    by entry, the leading directions keep their digits, which the rounding of A would
    drown if M were formed from products with S.

    Costs O(n^3) time and a few n x n arrays.
    """
    b = A.rhs(y)
    Z, roots = _diagonalise(S, A.put(np.ones(A.shape[0])))
    M = Z.T @ (A.dense() / A.scale) @ Z
    M *= roots[:, None] * roots
    eigenvalues, vectors = full_eigh(M)
    weights = vectors.T @ scale_rows(roots, Z.T @ b)

    eigenvalues = A.scale * eigenvalues
    # A negative eigenvalue is rounding, and shows the size of it.
    rounding = -NEGATIVE_EIGENVALUE_FACTOR * float(np.min(eigenvalues))
    floor = max(A.eigenvalue_error(S.spectrum.largest), rounding)
    gain = put_like(eigenvalues * filter(eigenvalues, floor=floor), weights)
    fitted = Z @ scale_rows(1.0 / roots, vectors @ scale_rows(gain, weights))
    directions = Z @ (roots[:, None] * vectors)
    path = _exact_path(A, filter, floor, Modes(eigenvalues, directions, weights))
    return path.verified(A, y, fitted)


def _diagonalise(S: Preconditioner, ones: Array) -> tuple[Array, Array]:
    """Orthonormal basis in which S is diagonal, and the roots of its eigenvalues.

    Where `ones`, which has an entry for every row, is.
    """
    xp, k, V = namespace(ones), len(S.ratios), S.spectrum.eigenvectors
    if not k:
        return identity(ones), ones
    if isinstance(V, np.ndarray):
        basis = qr(V)[0]
    else:
        basis = xp.linalg.qr(V, mode="complete")[0]
    basis[:, :k] = V
    return basis, xp.concat([put_like(np.sqrt(S.ratios), ones), ones[k:]])


def _diagonal_path(
    A: Operator, b: np.ndarray, S: Preconditioner, filter: SpectralFilter
) -> ModalPath:
    """Exact path of a diagonal A, without a product or a decomposition."""
    # Not by products with S: 1 + (g / lam - 1) cancels where g / lam is small.
    s = np.ones(A.shape[0])
    s[: len(S.ratios)] = S.ratios
    floor = A.eigenvalue_error(S.spectrum.largest)
    return _exact_path(A, filter, floor, Modes(s * A.diagonal(), None, (s * b.T).T))


def _exact_path(
    A: Operator, filter: SpectralFilter, floor: float, modes: Modes
) -> ModalPath:
    """Path of all modes, which took no product."""
    return ModalPath(
        filter=filter,
        coef_map=A.coef_map,
        total_weight=A.total_weight,
        n_products=0,
        error_estimate=0.0,
        rounding_error=0.0,
        eigenvalue_floor=floor,
        modes=(modes,),
    )

"""Trajectory from the full decomposition of M."""

import numpy as np
from scipy.linalg import qr

from sklearn_msk._compat import full_eigh
from sklearn_msk._dynamics._schedule import longest
from sklearn_msk._dynamics._trajectory import ModalTrajectory, Modes


def eigh_trajectories(A, y, requests, tol, monitor=None):
    """Exact paths from a full decomposition for each preconditioner.

    Parameters as in `trajectories`; tol is not needed.
    """
    return [_eigh_trajectory(A, y, S, longest(schedules)) for S, schedules in requests]


def _eigh_trajectory(A, y, S, schedule):
    """Exact path for any S: every eigenpair of ``M = S^(1/2) A S^(1/2)``.

    In an orthonormal basis Z that begins with the eigenvectors of S, S is diagonal and
    ``Z^T M Z = diag(s) (Z^T A Z) diag(s)`` with ``s^2`` its eigenvalues. Scaled entry
    by entry, the leading directions keep their digits, which the rounding of A would
    drown if M were formed from products with S.

    Costs O(n^3) time and a few n x n arrays.
    """
    Z, roots = _diagonalise(S, A.shape[0])
    M = Z.T @ (A.dense() / A.scale) @ Z
    M *= roots[:, None] * roots
    rates, vectors = full_eigh(M)
    weights = vectors.T @ (roots * (Z.T @ A.right_hand_side(y)).T).T

    rates = A.scale * rates
    # A negative rate is rounding, and shows the size of it.
    noise = max(A.noise(S.spectrum.largest), -4.0 * float(np.min(rates)))
    progress = (rates * schedule.gain(rates, noise) * weights.T).T
    fitted = Z @ ((vectors @ progress).T / roots).T
    directions = Z @ (roots[:, None] * vectors)
    columns = weights[:, None] if y.ndim == 1 else weights
    path = ModalTrajectory(
        schedule=schedule,
        dual_basis=A.dual_basis,
        total_weight=A.total_weight,
        n_products=0,
        error_estimate=0.0,
        rounding_error=0.0,
        modes=tuple(Modes(rates, directions, column) for column in columns.T),
        noise=noise,
        single_target=y.ndim == 1,
    )
    return path.verified(A, y, fitted)


def _diagonalise(S, n):
    """Orthonormal basis in which S is diagonal, and the roots of its eigenvalues."""
    k = len(S.ratios)
    roots = np.ones(n)
    if not k:
        return np.eye(n), roots
    roots[:k] = np.sqrt(S.ratios)
    basis = qr(S.spectrum.eigenvectors)[0]
    basis[:, :k] = S.spectrum.eigenvectors
    return basis, roots

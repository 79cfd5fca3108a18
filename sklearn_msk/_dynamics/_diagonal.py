"""Trajectory where the operator is diagonal, and the preconditioner with it."""

from dataclasses import dataclass

import numpy as np

from sklearn_msk._dynamics._schedule import longest
from sklearn_msk._dynamics._trajectory import Trajectory


def diagonal_trajectories(A, y, requests, tol, monitor=None):
    """Exact paths, mode by mode, without a product or a decomposition.

    Parameters as in `trajectories`; the pairs of every S are those of A.
    """
    b = A.right_hand_side(y)
    return [_diagonal_trajectory(A, b, S, longest(of)) for S, of in requests]


def _diagonal_trajectory(A, b, S, schedule):
    # Not by products with S: 1 + (g / lam - 1) cancels where g / lam is small.
    squares = np.ones(A.shape[0])
    squares[: len(S.ratios)] = S.ratios
    return DiagonalTrajectory(
        schedule=schedule,
        dual_basis=A.dual_basis,
        total_weight=A.total_weight,
        n_products=0,
        error_estimate=0.0,
        rounding_error=0.0,
        rates=squares * A.eigenvalues,
        weights=(squares * b.T).T,
        noise=A.noise(S.spectrum.largest),
    )


@dataclass(frozen=True, eq=False)
class DiagonalTrajectory(Trajectory):
    """``c_i = p_T(s_i lam_i) s_i b_i``, s the diagonal of S and lam that of A.

    Attributes
    ----------
    rates : ndarray of shape (n,)
        ``s lam``.
    weights : ndarray of shape (n,) or (n, n_targets)
        ``s b``.
    noise : float
        Rates up to here are rounding.
    """

    rates: np.ndarray
    weights: np.ndarray
    noise: float

    def _coordinates(self, schedule):
        return (schedule.gain(self.rates, self.noise) * self.weights.T).T

    def n_dropped(self, ridge):
        """Count the modes that are no more than rounding."""
        return int(np.sum(self.rates + ridge <= self.noise))

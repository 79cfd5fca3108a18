"""Trajectory from the full decomposition of M."""

import numpy as np
from scipy.linalg import eigh

from sklearn_msk._dynamics._trajectory import ModalTrajectory, Modes


def eigh_trajectory(A, y, S, schedule, tol):
    """Exact path for any S: every eigenpair of ``M = S^(1/2) A S^(1/2)``.

    Costs O(n^3) time and three n x n arrays. Parameters as in `trajectory`; tol is not
    needed.
    """
    M = A.dense()
    M /= A.scale
    M = S.power(0.5, S.power(0.5, M).T)
    rates, vectors = eigh(M, driver="evd", overwrite_a=True, check_finite=False)
    weights = vectors.T @ S.power(0.5, A.right_hand_side(y))
    rates = A.scale * rates
    # A negative rate is rounding, and shows the size of it.
    noise = max(A.noise(S.spectrum.largest), -4.0 * float(np.min(rates)))
    progress = (rates * schedule.gain(rates, noise) * weights.T).T
    fitted = S.power(-0.5, vectors @ progress)
    vectors = S.power(0.5, vectors)
    columns = weights[:, None] if y.ndim == 1 else weights
    path = ModalTrajectory(
        schedule=schedule,
        roots=A.roots,
        total_weight=A.total_weight,
        n_products=0,
        error_estimate=0.0,
        rounding_error=0.0,
        modes=tuple(Modes(rates, vectors, column) for column in columns.T),
        noise=noise,
        single_target=y.ndim == 1,
    )
    return path.verified(A, y, fitted)

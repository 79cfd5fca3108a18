"""Leave-one-out errors of ridge regression on features, from leverages."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sklearn_msk._batches import batches
from sklearn_msk._selection._distinct_rows import DistinctRows
from sklearn_msk._selection._full_decomposition import floored_eigh
from sklearn_msk._selection._left_out_targets import LeftOutTargets, left_out_targets

_ROWS = 2048
# Up to here a row alone determines a direction of the features, to rounding.
_ALONE = 1e-12


def feature_errors(
    features: Callable[[slice], np.ndarray],
    rows: DistinctRows,
    y: np.ndarray,
    alphas: np.ndarray,
    *,
    fit_intercept: bool = True,
) -> np.ndarray:
    """Errors of ridge regression on features at every row, by the model without it.

    With Phi the features of the rows (for landmarks ``K_nL K_LL^(-1/2)``, the landmarks
    being held), D the shares of the weights, ``z = y - m`` and d the change of the
    mean (`LeftOutTargets`)::

        B = Phi^T D Phi + alpha / W,    c = B^(-1) Phi^T D z,    o = B^(-1) Phi^T D 1
        h_i = D_i phi_i^T B^(-1) phi_i
        e_i = (z_i - phi_i^T c - d_i (1 - phi_i^T o)) / (1 - h_i)

    exactly (Allen, Technometrics 16, 1974; the terms in d are ours), to a relative
    rounding of ``1e-16 / (1 - h_i)``. A row of ``1 - h_i < 1e-12`` is alone in the
    direction ``q = B^(-1) phi_i``, and the model without the row has no coefficient
    along q.

    One decomposition of the size of the features serves all alphas. The rows are read
    twice, in blocks of 2048.

    Parameters
    ----------
    features : callable
        ``features(slice)`` returns Phi of those rows, of shape (n_rows, n_features);
        ``Phi.__getitem__`` of an array does.
    rows : DistinctRows
    y : ndarray of shape (n,) or (n, n_targets)
    alphas : ndarray of shape (n_alphas,)
        Non-negative, in the units of `KernelRidge`.
    fit_intercept : bool, default=True
        Whether the weighted mean of y is taken off, anew without each row.

    Returns
    -------
    ndarray of shape (n_alphas, n) or (n_alphas, n, n_targets)
        ``y_i - f_{-i}(x_i)``; NaN where no row is left to take a mean of.
    """
    targets = left_out_targets(rows, y, fit_intercept)
    basis = _feature_basis(features, targets)
    damping = basis.eigenvalues + np.asarray(alphas)[:, None] / rows.total_weight
    # Directions of rounding gain nothing.
    gains = np.where(damping > basis.floor, 1.0 / np.maximum(damping, basis.floor), 0.0)
    errors = np.empty((len(gains), *targets.z.shape))
    fitted = np.empty((len(gains), len(rows.outside), targets.z.shape[1]))
    for block in batches(len(rows.group), _ROWS):
        phi = features(block) @ basis.vectors
        held, inside = _within(rows.first, block)
        errors[:, held] = _block_errors(phi[inside], gains, basis, targets, held)
        held, inside = _within(rows.outside, block)
        for f, gain in zip(fitted, gains, strict=True):
            f[held] = phi[inside] @ (gain[:, None] * basis.moments[:, :-1])
    return targets.row_errors(errors, fitted)


@dataclass(frozen=True, eq=False)
class _FeatureBasis:
    """``Phi^T D Phi = U diag(mu) U^T``.

    Attributes
    ----------
    eigenvalues : ndarray of shape (n_features,)
        mu, none below 0.
    vectors : ndarray of shape (n_features, n_features)
        U, in columns.
    moments : ndarray of shape (n_features, n_targets + 1)
        ``U^T Phi^T D [z, 1]``.
    floor : float
        Eigenvalues up to here are rounding.
    """

    eigenvalues: np.ndarray
    vectors: np.ndarray
    moments: np.ndarray
    floor: float


def _feature_basis(
    features: Callable[[slice], np.ndarray], targets: LeftOutTargets
) -> _FeatureBasis:
    """First pass over the rows."""
    rows = targets.rows
    gram, moments = np.zeros(()), np.zeros(())
    for block in batches(len(rows.group), _ROWS):
        used = rows.row_shares[block] > 0
        phi = features(block)[used]
        D = rows.row_shares[block][used, None]
        right = np.hstack([targets.centred[block][used], np.ones_like(D)])
        moments = moments + phi.T @ (D * right)
        phi = np.sqrt(D) * phi
        gram = gram + phi.T @ phi
    eigenvalues, U, floor = floored_eigh(np.asfortranarray(gram), gram.dtype)
    eigenvalues = np.maximum(eigenvalues, 0.0)
    return _FeatureBasis(eigenvalues, U, U.T @ moments, floor)


def _within(places: np.ndarray, block: slice) -> tuple[slice, np.ndarray]:
    """Which of some ascending places are in a block, and where in the block."""
    start, stop = np.searchsorted(places, [block.start, block.stop])
    return slice(start, stop), places[start:stop] - block.start


def _block_errors(
    phi: np.ndarray,
    gains: np.ndarray,
    basis: _FeatureBasis,
    targets: LeftOutTargets,
    groups: slice,
) -> np.ndarray:
    """Errors of shape (n_alphas, n_groups, n_targets), phi being ``phi_i^T U``."""
    z, d = targets.z[groups], targets.d[groups]
    shares = targets.rows.shares[groups]
    h = shares * ((phi * phi) @ gains.T).T
    errors = np.empty((len(gains), *z.shape))
    for e, gain, leverage in zip(errors, gains, h, strict=True):
        coef = gain[:, None] * basis.moments
        values = phi @ coef
        residuals = z - values[:, :-1] - d * (1.0 - values[:, -1:])
        rest = 1.0 - leverage
        alone = rest < _ALONE
        rest[alone] = 1.0
        e[...] = residuals / rest[:, None]
        q = gain * phi[alone]
        along = q @ coef[:, :-1] - d[alone] * (q @ coef[:, -1:])
        part = (q * phi[alone]).sum(1) / (q * q).sum(1)
        e[alone] += part[:, None] * along
    return errors

"""Leave-one-out errors from one full decomposition: ridge, and any time of training."""

from dataclasses import dataclass, replace

import numpy as np

from sklearn_msk._batches import batches
from sklearn_msk._filters import SpectralFilter
from sklearn_msk._selection._contours import contours
from sklearn_msk._selection._full_decomposition import FullDecomposition
from sklearn_msk._selection._left_out_targets import LeftOutTargets, left_out_targets

# Rows and columns of one product, so that temporaries stay small beside K.
_ROWS = 256
_COLUMNS = 512


def ridge_errors(
    decomposition: FullDecomposition,
    y: np.ndarray,
    alphas: np.ndarray,
    *,
    fit_intercept: bool = True,
) -> np.ndarray:
    """Errors of kernel ridge regression at every row, by the model without the row.

    With W the sum of the weights, ``D = diag(w) / W``, ``z = y - m`` and d the change
    of the mean (`LeftOutTargets`)::

        G = (K + (alpha / W) D^(-1))^(-1)
        e_i = ([G z]_i - d_i [G 1]_i) / G_ii

    exactly (Allen, Technometrics 16, 1974; Golub, Heath, Wahba, Technometrics 21, 1979;
    the terms in d are ours). At ``alpha = 0`` the errors are those of ``K^+ y``.

    28 alphas take .01 s at 1000 rows, .02 s at 2000 and .09 s at 4000, where the
    decomposition takes .14, .9 and 8 s (one thread).

    Parameters
    ----------
    decomposition : FullDecomposition
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
    targets = left_out_targets(decomposition.rows, y, fit_intercept)
    z = _in_eigenbasis(decomposition, targets)
    ridges = np.asarray(alphas, dtype=np.float64) / decomposition.rows.total_weight
    ridges = ridges / decomposition.scale
    errors = np.empty((len(ridges), *targets.z.shape))
    width = max(1, _COLUMNS // z.shape[1])
    for part in batches(len(ridges), width):
        resolvents = _resolvents(decomposition, z, np.empty(0), ridges[part])
        for block in batches(len(targets.z), _ROWS):
            errors[part, block] = resolvents.errors(targets, block)
    gains = 1.0 / _damping(decomposition, np.empty(0), ridges)
    fitted = decomposition.outside @ (gains.T[:, :, None] * z[:, :-1])
    return targets.row_errors(errors, fitted)


def path_errors(
    decomposition: FullDecomposition,
    y: np.ndarray,
    ratios: np.ndarray,
    filter: SpectralFilter,
    iterations: np.ndarray,
    *,
    fit_intercept: bool = True,
) -> np.ndarray:
    """Errors of preconditioned training at every row, without the row, at many times.

    The preconditioner S, the step and the sum of the weights are held: of ``S^(-1)``,
    the row and the column of i are left out. Leaving row i out is then a control that
    keeps its coefficient at 0, and acts on the errors by the inverse Laplace transform.
    With ``A = s K s = V diag(lam) V^T``, ``sigma = g(lam) / lam`` for the leading pairs
    and 1 for the others, ``b_i = s (z - d_i)`` (d_i in every row) and::

        G(r) = V diag(sigma / (sigma lam + r)) V^T
        H(r) = V diag(1 / (sigma lam + r)) V^T
        q_i = [G b_i]_i / G_ii
        rho_i(r) = (q_i + r ([H b_i]_i - H_ii q_i)) / s_i

    the transform of ``e_i`` is ``rho_i(s + alpha / W) / s`` under flow, at time
    ``eta T``; under descent the generating function is the same with
    ``1 + eta s = 1 / zeta``; in the limit, ``e_i = rho_i(alpha / W)``. At k = 0,
    ``rho = q / s``. The formulas are ours; the contours are those of `contours`.

    Refits with S and the step computed anew have errors that differ by .1 % at k = 0
    and by up to 2.4 % at k = 50, early in training (500 rows).
    The sums are exact to 1e-6 of the spread of y, at any time, up to ``eta lam < 2``.
    100 times take .012 s at 1000 rows (one thread): times within a factor of ten share
    their nodes.

    Parameters
    ----------
    decomposition : FullDecomposition
    y : ndarray of shape (n,) or (n, n_targets)
    ratios : ndarray of shape (k,)
        sigma of the k leading pairs, in descending order of lam, positive.
    filter : SpectralFilter
        Dynamics, step and ridge, on the eigenvalues of A; its `max_iter` is not used.
    iterations : ndarray of shape (n_iterations,)
        T > 0, inf allowed; whole numbers under descent.
    fit_intercept : bool, default=True
        Whether the weighted mean of y is taken off, anew without each row.

    Returns
    -------
    ndarray of shape (n_iterations, n) or (n_iterations, n, n_targets)
        ``y_i - f_{-i}(x_i)``; NaN where no row is left to take a mean of.
    """
    targets = left_out_targets(decomposition.rows, y, fit_intercept)
    z = _in_eigenbasis(decomposition, targets)
    filter = replace(
        filter,
        learning_rate=filter.learning_rate * decomposition.scale,
        ridge=filter.ridge / decomposition.scale,
    )
    rates = _rates(decomposition, ratios)
    radius = float(rates.max()) + filter.ridge
    errors = np.zeros((len(iterations), *targets.z.shape))
    width = max(1, _COLUMNS // z.shape[1])
    for contour in contours(iterations, filter.learning_rate, filter.dynamics, radius):
        for part in batches(len(contour.nodes), width):
            shifts, weights = contour.nodes[part] + filter.ridge, contour.weights[part]
            resolvents = _resolvents(decomposition, z, ratios, shifts)
            for block in batches(len(targets.z), _ROWS):
                rho = resolvents.errors(targets, block)
                values = np.tensordot(weights, rho, (0, 0))
                errors[contour.times, block] += values.real
    fitted = _fitted_outside(decomposition, z[:, :-1], ratios, filter, iterations)
    return targets.row_errors(errors, fitted)


@dataclass(frozen=True, eq=False)
class _Resolvents:
    """G and H at some shifts r, in the eigenbasis.

    Attributes
    ----------
    vectors : ndarray of shape (n_groups, n_groups)
    n_rest : int
        Directions, the first of the eigenvectors, whose sigma is 1.
    ratios : ndarray of shape (k, 1)
        sigma of the other directions.
    shifts : ndarray of shape (n_shifts,)
    inverse : ndarray of shape (n_groups, n_shifts)
        ``1 / (sigma lam + r)``.
    products : ndarray of shape (n_groups, n_shifts * (n_targets + 1))
        `inverse` times the coordinates of ``s z`` and of s.
    """

    vectors: np.ndarray
    n_rest: int
    ratios: np.ndarray
    shifts: np.ndarray
    inverse: np.ndarray
    products: np.ndarray

    def errors(self, targets: LeftOutTargets, block: slice) -> np.ndarray:
        """``rho_i(r)`` of shape (n_shifts, n_rows, n_targets) for a block of rows."""
        V = self.vectors[block]
        G_ii, H_ii = self._apply(V * V, self.inverse)
        G_b, H_b = (
            self._without(x, targets.d[block]) for x in self._apply(V, self.products)
        )
        s = np.sqrt(targets.rows.shares[block])[:, None, None]
        q = G_b / G_ii[:, :, None]
        rho = q
        # Else G = H, and the terms that follow cancel.
        if len(self.ratios):
            r = self.shifts[:, None]
            rho = q + r * (H_b - H_ii[:, :, None] * q)
        return (rho / s).transpose(1, 0, 2)

    def _apply(self, V: np.ndarray, C: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``V diag(sigma) C`` and ``V C``; a difference of the two would cancel."""
        rest = _real_times(V[:, : self.n_rest], C[: self.n_rest])
        if not len(self.ratios):
            return rest, rest
        lead, C = V[:, self.n_rest :], C[self.n_rest :]
        return rest + _real_times(lead, self.ratios * C), rest + _real_times(lead, C)

    def _without(self, x: np.ndarray, d: np.ndarray) -> np.ndarray:
        """``[G z]_i - d_i [G 1]_i`` of shape (n_rows, n_shifts, n_targets)."""
        x = x.reshape(len(x), len(self.shifts), -1)
        return x[:, :, :-1] - d[:, None, :] * x[:, :, -1:]


def _resolvents(
    decomposition: FullDecomposition,
    z: np.ndarray,
    ratios: np.ndarray,
    shifts: np.ndarray,
) -> _Resolvents:
    """Return G and H at some shifts, for right-hand sides in the eigenbasis."""
    inverse = 1.0 / _damping(decomposition, ratios, shifts)
    products = (inverse[:, :, None] * z[:, None, :]).reshape(len(z), -1)
    n_rest = len(z) - len(ratios)
    return _Resolvents(
        decomposition.eigenvectors,
        n_rest,
        ratios[::-1, None],
        shifts,
        inverse,
        products,
    )


def _damping(
    decomposition: FullDecomposition, ratios: np.ndarray, shifts: np.ndarray
) -> np.ndarray:
    """``sigma lam + r`` of shape (n_groups, n_shifts); not below rounding if real."""
    damping = _rates(decomposition, ratios)[:, None] + shifts
    if np.iscomplexobj(damping):
        return damping
    return np.maximum(damping, decomposition.floor)


def _rates(decomposition: FullDecomposition, ratios: np.ndarray) -> np.ndarray:
    """``sigma lam``, in the order of the eigenvectors."""
    rates = decomposition.eigenvalues.copy()
    rates[len(rates) - len(ratios) :] *= ratios[::-1]
    return rates


def _in_eigenbasis(
    decomposition: FullDecomposition, targets: LeftOutTargets
) -> np.ndarray:
    """``V^T s [z, 1]``."""
    s = np.sqrt(targets.rows.shares)[:, None]
    right = np.hstack([targets.z, np.ones_like(s)])
    return decomposition.eigenvectors.T @ (s * right)


def _fitted_outside(
    decomposition: FullDecomposition,
    z: np.ndarray,
    ratios: np.ndarray,
    filter: SpectralFilter,
    iterations: np.ndarray,
) -> np.ndarray:
    """``k(x, X) s V diag(sigma p_T) V^T s z`` at the rows that no model is made of."""
    sigma = np.ones(len(z))
    sigma[len(z) - len(ratios) :] = ratios[::-1]
    if not len(decomposition.outside):
        return np.empty((len(iterations), 0, z.shape[1]))
    rates, floor = _rates(decomposition, ratios), decomposition.floor
    gains = [replace(filter, max_iter=T)(rates, floor=floor) for T in iterations]
    return decomposition.outside @ ((sigma * np.array(gains))[:, :, None] * z)


def _real_times(V: np.ndarray, C: np.ndarray) -> np.ndarray:
    """``V @ C`` for a real V, which is not to be made complex."""
    if not np.iscomplexobj(C):
        return V @ C
    C = np.ascontiguousarray(C)
    return (V @ C.view(np.float64)).view(np.complex128)

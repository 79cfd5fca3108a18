"""Kernel ridge regression, chosen by leave-one-out, whose gradients make a metric."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist

from sklearn_msk._selection._distinct_rows import distinct_rows
from sklearn_msk._selection._full_decomposition import full_decomposition
from sklearn_msk._selection._leave_one_out import ridge_errors
from sklearn_msk.kernels._adapters import PairwiseKernel
from sklearn_msk.kernels._evaluation import evaluate_kernel
from sklearn_msk.kernels._gradients import weighted_gradients
from sklearn_msk.kernels._resolution import ResolvedKernel

# Ridges in units of `KernelRidge` on the rows that choose, of weight 1 on average.
_ALPHAS = np.logspace(-7, 2, 28)

# Rows on which length scale and ridge are chosen: each candidate is decomposed. With
# 1000 rows the metrics are no better.
_CHOICE_ROWS = 500

# Over the median squared distance of the rows.
_SCALES = (0.25, 1.0, 4.0)


@dataclass(frozen=True, eq=False)
class Expansion:
    """``f(x) = sum_j a_j k(x, x_j)``, up to a constant.

    Attributes
    ----------
    kernel : object returned by `resolve_kernel`
    rows : ndarray of shape (n, n_features)
    coef : ndarray of shape (n,) or (n, n_targets)
    """

    kernel: ResolvedKernel
    rows: np.ndarray
    coef: np.ndarray

    def gradients(self, X: np.ndarray) -> np.ndarray:
        """Gradients of f at rows."""
        return weighted_gradients(self.kernel, self.rows, self.coef, rows=X)


@dataclass(frozen=True, eq=False)
class RidgeChoice:
    """A candidate, and the ridge that leaves it the least error.

    Attributes
    ----------
    kernel : object returned by `resolve_kernel`
    alpha : float
        Over the sum of the weights.
    error : float
        Mean square leave-one-out error.
    """

    kernel: ResolvedKernel
    alpha: float
    error: float


def fit_chosen_ridge(
    X: np.ndarray,
    y: np.ndarray,
    weights: np.ndarray,
    *,
    seed: int,
    choice_rows: int = _CHOICE_ROWS,
) -> Expansion:
    """Fit a Gaussian kernel of the scale and ridge of least leave-one-out error.

    The candidates are three length scales relative to the median distance. At most
    `choice_rows` rows choose: length scale and ridge over the sum of the weights carry
    over to all rows. Laplacian kernels, whose gradients have kinks at the rows, made
    metrics that were no better for a diagonal and worse for a full one.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
        Distinct rows, at least two.
    y : ndarray of shape (n, n_targets)
    weights : ndarray of shape (n,)
        Positive.
    seed : int
        Of the rows that choose.
    choice_rows : int

    Returns
    -------
    Expansion
    """
    some = np.arange(len(X))
    if len(X) > choice_rows:
        some = np.random.default_rng(seed).permutation(len(X))[:choice_rows]
    choices = (
        best_ridge(kernel, X[some], y[some], weights[some])
        for kernel in _candidates(X[some])
    )
    best = min(choices, key=lambda choice: choice.error)
    K = np.array(evaluate_kernel(best.kernel, X), dtype=np.float64)
    K[np.diag_indices_from(K)] += best.alpha * weights.sum() / weights
    z = y - np.average(y, axis=0, weights=weights)
    factor = cho_factor(K, lower=True, overwrite_a=True, check_finite=False)
    return Expansion(best.kernel, X, cho_solve(factor, z))


def best_ridge(
    kernel: ResolvedKernel, X: np.ndarray, y: np.ndarray, weights: np.ndarray
) -> RidgeChoice:
    """Ridge of least weighted mean square leave-one-out error, with that error."""
    rows = distinct_rows(len(X), weights)
    decomposition = full_decomposition(evaluate_kernel(kernel, X), rows)
    alphas = _ALPHAS * weights.mean()
    squares = np.square(ridge_errors(decomposition, y, alphas)).sum(axis=2)
    errors = squares @ rows.row_shares
    best = int(np.argmin(errors))
    return RidgeChoice(kernel, float(alphas[best] / weights.sum()), float(errors[best]))


def _candidates(X: np.ndarray) -> list[ResolvedKernel]:
    """Gaussian kernels of length scales relative to the median distance of the rows."""
    squared = _middle(cdist(X, X, "sqeuclidean"))
    return [
        PairwiseKernel("rbf", {"gamma": 1.0 / (factor * squared)}) for factor in _SCALES
    ]


def _middle(distances: np.ndarray) -> float:
    """Median of the distances, their mean where it is 0, 1 where all are."""
    return float(np.median(distances)) or float(distances.mean()) or 1.0

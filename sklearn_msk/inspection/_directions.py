"""The eigen-directions of an estimator's kernel on some rows, and targets in them."""

from numbers import Integral

import numpy as np
from sklearn.utils.validation import check_is_fitted, check_X_y, validate_data

from sklearn_msk._estimators import BaseMSK, MSKKernel
from sklearn_msk._estimators._training import kernel_operator
from sklearn_msk._spectrum import leading_spectrum
from sklearn_msk.finite_width import WideNetworkRegressor
from sklearn_msk.spectral_maps._evaluation import (
    modified_eigenvalues,
    resolve_spectral_map,
)

# Rows of which the kernel matrix, and its decomposition, are a matter of seconds.
_MAX_ROWS = 10_000

_SHOWN = (BaseMSK, MSKKernel, WideNetworkRegressor)


class Directions:
    """Leading directions of ``K/n`` on some rows, and how they are learned.

    Parameters
    ----------
    estimator : fitted estimator of this package
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
    n_directions : int or None
        None is twice the directions that g re-scales, and 50 at least.

    Attributes
    ----------
    eigenvalues : ndarray of shape (n_directions,)
        Of K/n, descending.
    rates : ndarray of shape (n_directions,)
        ``g(eigenvalues)`` for the first `k_`, the eigenvalues beyond.
    vectors : ndarray of shape (n_samples, n_directions)
        Orthonormal.
    targets : ndarray of shape (n_samples, n_targets) or None
        Less their mean where the estimator has an intercept.
    """

    def __init__(self, estimator, X, y=None, n_directions=None):
        if not isinstance(estimator, _SHOWN):
            raise TypeError(
                "A display takes a fitted MSKRegressor, MSKClassifier, MSKKernel or "
                f"WideNetworkRegressor. Got {type(estimator).__name__} instead; of a "
                "pipeline pass the last step and the transformed rows, of a search its "
                "best_estimator_."
            )
        check_is_fitted(estimator)
        X = _check_rows(estimator, X)
        if n_directions is None:
            n_directions = max(2 * estimator.k_, 50)
        elif not (isinstance(n_directions, Integral) and n_directions >= 1):
            raise ValueError(
                "The 'n_directions' parameter must be an int in the range [1, inf) or "
                f"None. Got {n_directions!r} instead."
            )
        A = _operator(estimator, X)
        spectrum = leading_spectrum(A, min(n_directions, len(X)))
        self.eigenvalues = spectrum.eigenvalues
        self.vectors = spectrum.eigenvectors
        head = self.eigenvalues[: estimator.k_]
        self.rates = self.eigenvalues.copy()
        self.rates[: len(head)] = modified_eigenvalues(
            resolve_spectral_map(estimator.g), head, allow_zero=True
        )
        self.targets = None if y is None else _targets(estimator, X, y)

    def energies(self):
        """Part of the sum of squares of the targets in every direction."""
        total = np.sum(self.targets**2)
        coordinates = self.vectors.T @ self.targets
        return np.sum(coordinates**2, axis=1) / (total if total > 0 else 1.0)


def _check_rows(estimator, X):
    X = validate_data(estimator, X, dtype=[np.float64, np.float32], reset=False)
    if len(X) > _MAX_ROWS:
        raise ValueError(
            f"A display decomposes the kernel matrix of at most {_MAX_ROWS} rows. Got "
            f"{len(X)} instead; pass a random part of them, as the spectrum of K/n and "
            "the parts of y are the same for every number of rows."
        )
    return X


def _operator(estimator, X):
    if isinstance(estimator, WideNetworkRegressor):
        return estimator._operator(X)
    return kernel_operator(estimator, X)


def _targets(estimator, X, y):
    """Numeric targets as columns, as the estimator is trained on them."""
    if isinstance(estimator, BaseMSK):
        y = estimator._check_data(X, y, None, reset=False)[1]
    else:
        y = check_X_y(X, y, multi_output=True, y_numeric=True)[1]
    y = y.reshape(len(y), -1).astype(np.float64)
    centred = getattr(estimator, "fit_intercept", True)
    return y - y.mean(axis=0) if centred else y

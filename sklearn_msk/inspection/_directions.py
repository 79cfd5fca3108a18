"""The eigen-directions of an estimator's kernel on some rows, and targets in them."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import is_classifier
from sklearn.utils import (
    check_array,
    check_consistent_length,
    column_or_1d,
    get_tags,
)
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_msk._array_api import to_host
from sklearn_msk._estimators import (
    MSKClassifier,
    MSKClassifierCV,
    MSKKernel,
    MSKRegressor,
    kernel_config,
)
from sklearn_msk._operators import KernelOperator
from sklearn_msk._scaling import power_of_two
from sklearn_msk._spectrum import leading_spectrum
from sklearn_msk._training import build_operator
from sklearn_msk._tuning import DISPLAY_MAX_ROWS
from sklearn_msk.finite_width import WideNetworkRegressor
from sklearn_msk.finite_width._empirical_kernel import empirical_operator
from sklearn_msk.spectral_maps._evaluation import (
    modified_eigenvalues,
    resolve_spectral_map,
)

# Number of directions to show at the least, unless the user says how many.
_MIN_DIRECTIONS = 50


@dataclass(frozen=True, eq=False)
class Directions:
    """Leading directions of ``K/n`` on some rows, and how they are learned.

    Attributes
    ----------
    eigenvalues : ndarray of shape (n_directions,)
        Of K/n, descending.
    rates : ndarray of shape (n_directions,)
        ``g(eigenvalues)`` for the first `k_`, the eigenvalues beyond.
    vectors : ndarray of shape (n_samples, n_directions)
        Orthonormal columns.
    """

    eigenvalues: np.ndarray
    rates: np.ndarray
    vectors: np.ndarray

    def energies(self, targets: "Targets") -> np.ndarray:
        """Part of the sum of squares of the targets in every direction."""
        total = np.sum(np.square(targets.centred))
        coordinates = self.vectors.T @ targets.centred
        return np.sum(np.square(coordinates), axis=1) / (total or 1.0)


@dataclass(frozen=True, eq=False)
class Targets:
    """Numeric targets as an estimator is trained on them, in units of `unit`.

    Attributes
    ----------
    values : ndarray of shape (n_samples, n_targets)
        ``y / unit``, or +-1 of a classifier.
    centred : ndarray of shape (n_samples, n_targets)
        Less their mean where the estimator has an intercept.
    unit : float
        A power of two, next to the largest size of y: squares do not overflow.
    """

    values: np.ndarray
    centred: np.ndarray
    unit: float


def check_fitted(estimator: Any) -> None:
    """Raise an error where an estimator is not one to show, or is not fitted."""
    shown = MSKRegressor | MSKClassifier | MSKKernel | WideNetworkRegressor
    if not isinstance(estimator, shown):
        raise TypeError(
            "A display takes a fitted MSKRegressor, MSKClassifier, MSKKernel or "
            "WideNetworkRegressor, a pipeline that ends in one, or a search of them "
            f"with refit=True. Got {type(estimator).__name__} instead"
            f"{_instead_of_mean(estimator)}."
        )
    check_is_fitted(estimator)


def _instead_of_mean(estimator: Any) -> str:
    """Say which of its models to show for an estimator that is their mean."""
    if isinstance(estimator, MSKClassifierCV):
        return ", the mean of several; pass one of its estimators_, as estimators_[0]"
    return ""


def find_directions(
    estimator: Any, X: ArrayLike, n_directions: int | None = None
) -> Directions:
    """Decompose the kernel of a fitted estimator on rows of the user's."""
    rows = _check_rows(estimator, X)
    if n_directions is None:
        n_directions = max(2 * estimator.k_, _MIN_DIRECTIONS)
    elif not (isinstance(n_directions, Integral) and n_directions >= 1):
        raise ValueError(
            "The 'n_directions' parameter must be an int in the range [1, inf) or "
            f"None. Got {n_directions!r} instead."
        )
    A = _build_operator(estimator, rows)
    spectrum = leading_spectrum(A, min(n_directions, A.shape[0]))
    head = spectrum.eigenvalues[: estimator.k_]
    rates = spectrum.eigenvalues.copy()
    g = resolve_spectral_map(estimator.g)
    rates[: len(head)] = modified_eigenvalues(g, head, allow_zero=True)
    return Directions(spectrum.eigenvalues, rates, spectrum.eigenvectors)


def find_targets(estimator: Any, X: ArrayLike, y: ArrayLike) -> Targets:
    """Turn labels or values of the user's into the targets of a fitted estimator."""
    y = to_host(y)
    check_consistent_length(X, y)
    if is_classifier(estimator):
        values = _encode(estimator.classes_, column_or_1d(y))
    else:
        values = check_array(y, dtype=np.float64, ensure_2d=False, input_name="y")
        values = values.reshape(len(values), -1)
    unit = float(power_of_two(np.abs(values).max()))
    values = values / unit
    has_intercept = getattr(estimator, "fit_intercept", True)
    centred = values - values.mean(axis=0) if has_intercept else values
    return Targets(values, centred, unit)


def _encode(classes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return +1 and -1, in one column for two classes, one for each of more."""
    unknown = np.setdiff1d(labels, classes)
    if len(unknown):
        raise ValueError(
            f"y must hold the labels {classes} only, which the classifier was trained "
            f"on. Got {unknown} too."
        )
    columns = classes[1:] if len(classes) == 2 else classes
    return np.where(labels[:, None] == columns, 1.0, -1.0)


def _check_rows(estimator: Any, X: ArrayLike) -> Any:
    """Validate rows as the estimator does before it predicts."""
    rows = validate_data(
        estimator,
        X,
        accept_sparse="csr" if get_tags(estimator).input_tags.sparse else False,
        dtype=[np.float64, np.float32],
        reset=False,
    )
    if rows.shape[0] > DISPLAY_MAX_ROWS:
        raise ValueError(
            f"A display decomposes the kernel matrix of at most {DISPLAY_MAX_ROWS} "
            f"rows. Got {rows.shape[0]} instead; pass a random part of them, as the "
            "spectrum of K/n and the parts of y are the same for every number of rows."
        )
    return rows


def _build_operator(estimator: Any, rows: Any) -> KernelOperator:
    """Return the operator ``K/n`` of the estimator's kernel on validated rows."""
    if isinstance(estimator, WideNetworkRegressor):
        return empirical_operator(estimator.initial_network_, rows)
    return build_operator(rows, None, kernel_config(estimator))

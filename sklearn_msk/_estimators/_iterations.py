"""Checks of the steps that a user asks for along a path."""

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from sklearn_msk._array_api import to_host


def check_has_path(estimator: Any, what: str) -> None:
    """Raise an error where an estimator has not been fitted, or not kept its path.

    Parameters
    ----------
    estimator : estimator
    what : str
        What needs the path.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If `fit` has not been called.
    ValueError
        If it was called with ``store_trajectory=False``.
    """
    check_is_fitted(estimator)
    if not hasattr(estimator, "path_iterations_"):
        raise ValueError(
            f"{what} needs the path: fit with store_trajectory=True. Got a model "
            "fitted with store_trajectory=False instead."
        )


def check_iterations(
    iterations: ArrayLike, max_iter: float, dynamics: str
) -> np.ndarray:
    """Validate the steps that a user asks for.

    Parameters
    ----------
    iterations : array-like of shape (n_iterations,)
        Under "descent" whole numbers from 1 to `max_iter`, or inf; under "flow" any
        numbers in (0, `max_iter`].
    max_iter : int, float or inf
    dynamics : {"flow", "descent"}

    Returns
    -------
    ndarray of shape (n_iterations,), float64

    Raises
    ------
    ValueError
        If one of them is not.
    """
    iterations = to_host(iterations)
    if not np.size(iterations):
        raise ValueError("The 'iterations' must hold at least one step. Got none.")
    flow = dynamics == "flow"
    for value in np.ravel(np.asarray(iterations, dtype=object)):
        if not (isinstance(value, Real) and _is_on_path(float(value), max_iter, flow)):
            kind = "numbers > 0, up to" if flow else "whole numbers from 1 to"
            raise ValueError(
                f"The 'iterations' must be {kind} max_iter={max_iter}"
                f"{'' if np.isinf(max_iter) else ', the length of the path'}. "
                f"Got {value!r} instead."
            )
    return np.ravel(np.asarray(iterations, dtype=np.float64))


def _is_on_path(value: float, max_iter: float, flow: bool) -> bool:
    """Whether a path of `max_iter` steps has this one: a time, or a whole number."""
    if flow:
        return 0 < value <= max_iter
    return 1 <= value <= max_iter and (np.isinf(value) or value % 1 == 0)

"""Which steps of a path to look at."""

from numbers import Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

_EVERY = 1000


def default_iterations(schedule, slowest_rate):
    """Every step up to 1000 of them, log-spaced beyond; inf comes last.

    Parameters
    ----------
    schedule : Schedule
    slowest_rate : float
        Smallest rate that matters: the steps before inf end where it has been learned.
        At 0 there is nothing to learn, and one step.

    Returns
    -------
    ndarray of shape (n_iterations,), increasing
    """
    last = schedule.max_iter
    if np.isinf(last):
        per_step = schedule.learning_rate * slowest_rate
        last = np.ceil(10.0 / per_step) if per_step > 0 else 1.0
    steps = _log_spaced(last) if last > _EVERY else np.arange(1.0, last + 1)
    return np.append(steps, np.inf) if np.isinf(schedule.max_iter) else steps


def _log_spaced(last):
    """1000 whole numbers to `last`: every one at first, then log-spaced."""
    for every in range(1, _EVERY):
        factor = (last / every) ** (1.0 / (_EVERY - every))
        if every * (factor - 1.0) >= 1.0:
            break
    spaced = np.geomspace(every, last, _EVERY - every + 1)[1:]
    return np.append(np.arange(1.0, every + 1), np.rint(spaced))


def check_has_path(estimator, what):
    """Raise an error where an estimator has not been fitted, or not kept its path.

    Parameters
    ----------
    estimator : estimator
    what : str
        What needs the path.
    """
    check_is_fitted(estimator)
    if not hasattr(estimator, "path_iterations_"):
        raise ValueError(
            f"{what} needs the path: fit with store_trajectory=True. Got a model "
            "fitted with store_trajectory=False instead."
        )


def check_iterations(iterations, max_iter):
    """Validate the steps that a user asks for.

    Parameters
    ----------
    iterations : array-like of shape (n_iterations,)
        Whole numbers, or inf, from 1 to `max_iter`.
    max_iter : int or inf

    Returns
    -------
    ndarray of shape (n_iterations,), float64

    Raises
    ------
    ValueError
        If one of them is not.
    """
    if not np.size(iterations):
        raise ValueError("The 'iterations' must hold at least one step. Got none.")
    for value in np.ravel(np.asarray(iterations, dtype=object)):
        whole = isinstance(value, Real) and (np.isinf(value) or value % 1 == 0)
        if not whole or not 1 <= value <= max_iter:
            raise ValueError(
                f"The 'iterations' must be whole numbers from 1 to max_iter={max_iter}"
                f"{'' if np.isinf(max_iter) else ', the length of the path'}. "
                f"Got {value!r} instead."
            )
    return np.ravel(np.asarray(iterations, dtype=np.float64))

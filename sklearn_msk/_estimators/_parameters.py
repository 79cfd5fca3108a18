"""Parameters that exclude each other, and what they mean together."""

import math
from typing import Any

import numpy as np

from sklearn_msk._training import TrainingConfig
from sklearn_msk._tuning import DEFAULT_STEPS
from sklearn_msk._validation import check_not_bool
from sklearn_msk.spectral_maps._evaluation import resolve_spectral_map

# Largest integer that is exact in float64.
_MOST_STEPS = 2**53


def training_config(estimator: Any) -> TrainingConfig:
    """Read the parameters of a training from an estimator, checked together.

    Parameters
    ----------
    estimator : MSKRegressor or MSKClassifier
        Each of its parameters is in its own range.

    Returns
    -------
    TrainingConfig

    Raises
    ------
    ValueError
        If parameters exclude each other.
    """
    check_not_bool(estimator, "k", "max_iter", "landmarks")
    g = resolve_spectral_map(estimator.g)
    if estimator.dynamics == "descent" and not estimator.learning_rate < 2:
        raise ValueError(
            f"The 'learning_rate' of {type(estimator).__name__} must be in the range "
            "(0, 2) for dynamics='descent', in units of 1 / (largest rate): "
            f"descent diverges from 2 on. Got {estimator.learning_rate!r} instead; "
            "lower it or use dynamics='flow'."
        )
    max_iter = steps_of(estimator)
    if estimator.dynamics == "descent" and not _is_whole(max_iter):
        raise ValueError(
            f"The 'max_iter' of {type(estimator).__name__} must be a whole number for "
            "dynamics='descent', or inf, because it counts steps. Got "
            f"{estimator.max_iter!r} instead; round it, or use dynamics='flow', where "
            "max_iter is a time."
        )
    if estimator.solver == "gd" and estimator.dynamics != "descent":
        raise ValueError(
            "solver='gd' runs dynamics='descent' only. Got dynamics="
            f"{estimator.dynamics!r} instead; use solver='auto', 'lanczos' or 'eigh'."
        )
    if estimator.solver == "gd" and math.isinf(max_iter):
        raise ValueError(
            "solver='gd' needs a finite 'max_iter'. Got inf instead; use "
            "solver='auto', 'lanczos' or 'eigh' for the limit."
        )
    return TrainingConfig(
        g=g,
        k=estimator.k,
        alpha=estimator.alpha,
        learning_rate=estimator.learning_rate,
        max_iter=max_iter,
        dynamics=estimator.dynamics,
        solver=estimator.solver,
        tol=estimator.tol,
    )


def stopping_rule(estimator: Any, *, asked: bool = False) -> bool | str:
    """Return how the number of steps is chosen, from `early_stopping` and `max_iter`.

    Parameters
    ----------
    estimator : MSKRegressor or MSKClassifier
    asked : bool, default=False
        Whether `fit` was passed arguments that are for early stopping only.

    Returns
    -------
    bool or str
        False, True or "loo" where the parameters or the arguments say so; "auto" where
        rows are held out if they can be.
    """
    if estimator.early_stopping != "auto":
        return estimator.early_stopping
    if asked:
        return True
    return "auto" if estimator.max_iter is None else False


def steps_of(estimator: Any) -> float:
    """Return the number of steps to take, at the most where some are chosen."""
    if estimator.max_iter is None:
        return DEFAULT_STEPS
    return as_steps(estimator.max_iter)


def as_steps(max_iter: float) -> float:
    """Return a number of steps as an int where it is whole, as a float otherwise."""
    if _is_whole(max_iter) and max_iter < np.inf:
        return int(max_iter)
    return float(max_iter)


def _is_whole(value: float) -> bool:
    """Whether a number counts steps: a whole number from 1 to 2^53, or inf."""
    return math.isinf(value) or (1 <= value <= _MOST_STEPS and value % 1 == 0)

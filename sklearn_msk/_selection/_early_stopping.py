"""Choosing the number of steps on rows that are held out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from sklearn_msk._training import FittedModel, values_along
from sklearn_msk._validation import check_seed

# The score of one row has no spread to compare with.
_FEWEST_HELD = 2


@dataclass(frozen=True, eq=False)
class StoppedPath:
    """Scores of the steps of a path on rows held out.

    Attributes
    ----------
    iterations : ndarray of shape (n_iterations,)
        Steps, increasing.
    scores : ndarray of shape (n_iterations,)
        Higher is better; NaN where predictions overflow.
    """

    iterations: np.ndarray
    scores: np.ndarray

    @property
    def best(self) -> float:
        """The first of the best steps; the last step where no score is a number."""
        if np.isnan(self.scores).all():
            return float(self.iterations[-1])
        return float(self.iterations[np.nanargmax(self.scores)])


def hold_out(
    n: int, fraction: float, random_state: Any, y: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Split row numbers into those to train on and those to hold out.

    Parameters
    ----------
    n : int
        Number of rows.
    fraction : float
        Part of the rows to hold out, in (0, 1).
    random_state : int, RandomState instance or None
    y : ndarray of shape (n,), default=None
        Labels, of which every class gives its part where each can.

    Returns
    -------
    train, held : ndarray of int

    Raises
    ------
    ValueError
        If no row is left to train on.
    """
    n_held = max(_FEWEST_HELD, int(np.ceil(fraction * n)))
    if n <= n_held:
        raise ValueError(
            f"early_stopping=True holds out {n_held} rows (validation_fraction="
            f"{fraction}, at least {_FEWEST_HELD}), which leaves none "
            f"to train on. Got n_samples={n} instead."
        )
    train, held = train_test_split(
        np.arange(n),
        test_size=n_held,
        random_state=check_seed(random_state),
        stratify=y if y is not None and _can_stratify(y, n_held) else None,
    )
    return train, held


def score_path(
    model: FittedModel,
    X: np.ndarray,
    score: Callable[[np.ndarray], float],
    n_jobs: int | None,
) -> StoppedPath:
    """Score every step of the path of a model on rows that it has not seen.

    Parameters
    ----------
    model : FittedModel
    X : ndarray or csr_matrix of shape (n_held, n_features)
        Rows held out.
    score : callable
        ``score(values)`` of the values of the model at the rows, higher being better.
    n_jobs : int or None

    Returns
    -------
    StoppedPath
    """
    problem, iterations = model.problem, model.iterations
    values = values_along(
        problem.kernel,
        X,
        problem.X_fit,
        problem.intercept,
        model.path,
        model.filter,
        iterations,
        n_jobs,
    )
    return StoppedPath(iterations, np.array([score(v) for v in values]))


def _can_stratify(y: np.ndarray, n_held: int) -> bool:
    """Whether every class has rows for both parts."""
    counts = np.unique(y, return_counts=True)[1]
    return bool(counts.min() >= 2 and len(counts) <= min(n_held, len(y) - n_held))

"""The number of steps by folds, where there are too many rows to leave out one."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn import get_config

from sklearn_msk._array_api import Array, to_host
from sklearn_msk._batches import batches
from sklearn_msk._filters import SpectralFilter
from sklearn_msk._operators import ArrayRows
from sklearn_msk._selection._distinct_rows import DistinctRows
from sklearn_msk._selection._early_stopping import Measure, StoppedPath, judge_errors
from sklearn_msk._solvers import Path
from sklearn_msk._training import ProblemConfig, TrainingConfig, train, values_along
from sklearn_msk._validation import check_seed
from sklearn_msk.kernels._adapters import PrecomputedKernel

N_FOLDS = 5


def fold_numbers(
    distinct: DistinctRows, labels: np.ndarray | None, random_state: Any
) -> np.ndarray:
    """Fold of every row; equal rows share it, and every class is in all folds.

    Parameters
    ----------
    distinct : DistinctRows
        Of rows of positive weight.
    labels : ndarray of shape (n,) or None
    random_state : int, RandomState instance or None

    Returns
    -------
    ndarray of shape (n,), int
    """
    rng = check_seed(random_state)
    shuffled = rng.permutation(len(distinct.first))
    if labels is not None:
        codes = np.unique(labels, return_inverse=True)[1][distinct.first]
        shuffled = shuffled[np.argsort(codes[shuffled], kind="stable")]
    fold = np.empty(len(shuffled), dtype=int)
    fold[shuffled] = np.arange(len(shuffled)) % N_FOLDS
    # A row that no model is made of, by the weight of its class, can be anywhere.
    return fold[np.maximum(distinct.group, 0)]


def score_folds(
    rows: ArrayRows,
    folds: np.ndarray,
    training: TrainingConfig,
    config: ProblemConfig,
    measure: Measure,
) -> StoppedPath:
    """Score every step by the errors at all rows, of models without their folds.

    The models go in lock step: the errors at all rows after the same number of steps
    are scored together.

    Parameters
    ----------
    rows : ArrayRows
    folds : ndarray of shape (n,), int
        Fold of every row.
    training : TrainingConfig
        Its `max_iter` is the last of the steps.
    config : ProblemConfig
        Without landmarks. One kernel matrix is held at a time.
    measure : callable
        Of the errors at all rows.

    Returns
    -------
    StoppedPath
    """
    pairwise = isinstance(config.kernel, PrecomputedKernel)
    held = [np.flatnonzero(folds == fold) for fold in np.unique(folds)]
    paths, iterations = [], np.empty(0)
    for numbers in held:
        train_rows = np.flatnonzero(~np.isin(np.arange(len(folds)), numbers))
        model = train(_part(rows, train_rows, pairwise), training, config)
        if not len(iterations):
            iterations = model.iterations
        X = rows.X[np.ix_(numbers, train_rows)] if pairwise else rows.X[numbers]
        paths.append(
            _HeldPath(
                X,
                model.problem.X_fit,
                model.problem.intercept,
                model.path,
                model.filter,
            )
        )
    y = rows.Y[:, 0] if rows.single_target else rows.Y

    def left_out() -> Iterator[np.ndarray]:
        room = get_config()["working_memory"] * 2**20
        for batch in batches(len(iterations), max(1, int(room // (8 * y.size)))):
            steps = iterations[batch]
            together = np.empty((len(steps), *y.shape))
            for numbers, path in zip(held, paths, strict=True):
                along = path.values(config, steps)
                for errors, values in zip(together, along, strict=True):
                    errors[numbers] = y[numbers] - to_host(values)
            yield from together

    return judge_errors(iterations, left_out(), measure)


@dataclass(frozen=True, eq=False)
class _HeldPath:
    """The path of a model, without its kernel matrix, and the rows that it misses."""

    X: np.ndarray
    X_fit: Array | None
    intercept: float | np.ndarray
    path: Path
    filter: SpectralFilter

    def values(self, config: ProblemConfig, steps: np.ndarray) -> Iterator[np.ndarray]:
        """Values at the rows after each of some steps."""
        along = partial(values_along, config.kernel, self.X, self.X_fit)
        return along(self.intercept, self.path, self.filter, steps, config.n_jobs)


def _part(rows: ArrayRows, numbers: np.ndarray, pairwise: bool) -> ArrayRows:
    """Return some rows; of a kernel matrix the columns of the same numbers too."""
    X = rows.X[np.ix_(numbers, numbers)] if pairwise else rows.X[numbers]
    weights = None if rows.weights is None else rows.weights[numbers]
    return ArrayRows(X, rows.Y[numbers], weights, rows.single_target)

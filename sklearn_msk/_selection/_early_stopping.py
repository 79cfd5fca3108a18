"""Choosing the number of steps by rows that a model has not seen."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from sklearn_msk._array_api import to_host
from sklearn_msk._solvers import smallest_tol
from sklearn_msk._training import (
    SILENT,
    FitFailure,
    FittedModel,
    Report,
    TrainingConfig,
    solve_paths,
    values_along,
)
from sklearn_msk._tuning import FEWEST_STOPPING_ROWS
from sklearn_msk._validation import check_seed

# The score of one row has no spread to compare with.
_FEWEST_HELD = 2

# Errors this close, relative to the least, differ by rounding; so do scores that are
# as close as the other number says.
_TIE = float(np.sqrt(np.finfo(np.float64).eps))
_ROUNDING = 64.0 * float(np.finfo(np.float64).eps)

# From errors, or values, of shape (n,) or (n, n_targets) to a score, higher being
# better, and a loss that decides between steps of the same score.
Measure = Callable[[np.ndarray], tuple[float, float]]


@dataclass(frozen=True, eq=False)
class StoppedPath:
    """Scores of the steps of a path on rows that no model was trained on.

    Attributes
    ----------
    iterations : ndarray of shape (n_iterations,)
        Steps, increasing.
    scores : ndarray of shape (n_iterations,)
        Higher is better; NaN where predictions overflow.
    losses : ndarray of shape (n_iterations,), default=None
        Lower is better, among steps of the same score.
    values : ndarray, default=None
        What was measured after the best step, up to rounding.
    """

    iterations: np.ndarray
    scores: np.ndarray
    losses: np.ndarray | None = None
    values: np.ndarray | None = None

    @property
    def best(self) -> float:
        """The first of the best steps; the last step where no score is a number.

        Scores, and losses, that agree to `_TIE` are the same: rounding, and with it
        the unit of y, does not choose among them.
        """
        steps = float(self.iterations[self._best_place])
        return int(steps) if steps.is_integer() else steps

    @property
    def _best_place(self) -> int:
        """Place of the best step."""
        if np.isnan(self.scores).all():
            return -1
        best = _largest(self.scores)
        if self.losses is not None and np.isfinite(self.losses[best]).any():
            best = best[_largest(-self.losses[best])]
        return int(best[0])


def _largest(values: np.ndarray) -> np.ndarray:
    """Places of the values that tie with the largest one.

    Of scores below 1, such as R2, it is the distance from 1 that errors move.
    """
    largest = np.nanmax(values)
    margin = _TIE * min(abs(largest), abs(1.0 - largest))
    return np.flatnonzero(values >= largest - margin - _ROUNDING * abs(largest))


def judge_errors(
    iterations: np.ndarray, values: Iterator[np.ndarray], measure: Measure
) -> StoppedPath:
    """Measure the errors, or values, of a model after each of some steps."""
    measured, best, kept = [], (-np.inf, -np.inf), None
    for found in values:
        score, loss = measure(found)
        measured.append((score, loss))
        if (score, -loss) > best:
            best, kept = (score, -loss), np.array(found)
    scores, losses = np.array(measured).T
    return StoppedPath(iterations, scores, losses, kept)


def hold_out(
    units: np.ndarray,
    fraction: float,
    random_state: Any,
    y: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Split row numbers into those to train on and those to hold out.

    Parameters
    ----------
    units : ndarray of shape (n,), int
        Numbers from 0 of the distinct rows, in the order that they are drawn from; rows
        of the same number are not parted.
    fraction : float
        Part of the distinct rows, or of the groups, to hold out, in (0, 1).
    random_state : int, RandomState instance or None
    y : ndarray of shape (n,), default=None
        Labels, of which every class gives its part where each can.
    groups : ndarray of shape (n,), default=None
        Rows of the same group are not parted either; the labels then play no role.

    Returns
    -------
    train, held : ndarray of int

    Raises
    ------
    ValueError
        If no row is left to train on.
    """
    seed = check_seed(random_state)
    if groups is not None:
        joined = _joined(units, groups)
        if joined.min() == joined.max():
            raise ValueError(
                "Early stopping holds out whole groups, and 'groups' has one only (or "
                "equal rows join all of them). Pass at least 2 groups, or X_val."
            )
        splitter = GroupShuffleSplit(1, test_size=fraction, random_state=seed)
        return next(splitter.split(units, groups=joined))
    n_units, n_held = _counts(units, fraction)
    if n_units <= n_held:
        raise ValueError(
            f"early_stopping=True holds out {n_held} rows (validation_fraction="
            f"{fraction}, at least {_FEWEST_HELD}), which leaves none to train on. Got "
            f"n_samples={len(units)} with {n_units} distinct rows instead."
        )
    stratify = None
    if y is not None and _can_stratify(units, fraction, y):
        stratify = _unit_codes(units, y)
    _, held_units = train_test_split(
        np.arange(n_units), test_size=n_held, random_state=seed, stratify=stratify
    )
    is_held = np.isin(units, held_units)
    return np.flatnonzero(~is_held), np.flatnonzero(is_held)


def can_hold_out(
    units: np.ndarray,
    fraction: float,
    y: np.ndarray | None = None,
    *,
    fewest_left: int = 1,
) -> bool:
    """Whether rows that are held out tell the steps of a model of the others apart.

    Parameters
    ----------
    units, fraction, y
        As in `hold_out`. With labels, both parts have to have all of several classes.
    fewest_left : int, default=1
        Distinct rows that the model needs.

    Returns
    -------
    bool
    """
    n_units, n_held = _counts(units, fraction)
    if n_units < max(FEWEST_STOPPING_ROWS, n_held + fewest_left):
        return False
    return y is None or (len(np.unique(y)) > 1 and _can_stratify(units, fraction, y))


def _can_stratify(units: np.ndarray, fraction: float, y: np.ndarray) -> bool:
    """Whether every class has distinct rows for both parts."""
    n_units, n_held = _counts(units, fraction)
    n_classes = len(np.unique(y))
    counts = np.bincount(_unit_codes(units, y), minlength=n_classes)
    return bool(counts.min() >= 2 and n_classes <= min(n_held, n_units - n_held))


def _counts(units: np.ndarray, fraction: float) -> tuple[int, int]:
    """Numbers of the distinct rows, and of those to hold out."""
    n_units = int(units.max()) + 1
    return n_units, max(_FEWEST_HELD, int(np.ceil(fraction * n_units)))


def _unit_codes(units: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the class of every distinct row, as a number; the first of several."""
    codes = np.unique(y, return_inverse=True)[1]
    first = np.full(int(units.max()) + 1, len(codes))
    np.minimum.at(first, units, codes)
    return first


def _joined(units: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the smallest sets of rows that part neither equal rows nor a group."""
    codes = np.unique(groups, return_inverse=True)[1] + int(units.max()) + 1
    size = int(codes.max()) + 1
    links = coo_matrix((np.ones(len(units)), (units, codes)), shape=(size, size))
    return connected_components(links, directed=False)[1][units]


def score_path(
    model: FittedModel,
    X: np.ndarray,
    measure: Measure,
    n_jobs: int | None,
) -> StoppedPath:
    """Score every step of the path of a model on rows that it has not seen.

    Parameters
    ----------
    model : FittedModel
    X : ndarray or csr_matrix of shape (n_held, n_features)
        Rows held out.
    measure : callable
        Score and loss of the values of the model at the rows.
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
    return judge_errors(iterations, map(to_host, values), measure)


def shorten(
    model: FittedModel,
    max_iter: float,
    training: TrainingConfig,
    report: Report = SILENT,
) -> FittedModel:
    """Return the model after fewer steps, by the solver that was asked for.

    The path is followed anew where its error was that of the steps that are not taken,
    or where it came from another solver than the literal loop.
    """
    path, A = model.path, model.problem.operator
    tol = max(model.tol, smallest_tol(A))
    is_exact = path.error_estimate <= tol and path.rounding_error <= tol
    if is_exact and training.solver != "gd":
        return model.stopped_at(max_iter)
    spectrum = model.preconditioner.spectrum
    shorter = [replace(training, max_iter=max_iter)]
    (_, result), *_ = solve_paths(model.problem, spectrum, shorter, report)
    if isinstance(result, FitFailure):
        raise result.error
    return result

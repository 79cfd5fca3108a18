"""Tables that hold something else than numbers: which column does, and what to do."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy.sparse import issparse

_DATES = (datetime.date, datetime.time, np.datetime64)
_DURATIONS = (datetime.timedelta, np.timedelta64)

_ENCODE = (
    "encode it, as by sklearn.preprocessing.OneHotEncoder in a ColumnTransformer, or "
    "leave the column out"
)
_COUNT_DAYS = (
    "make numbers of them, as the days (dates - dates.min()) / np.timedelta64(1, 'D')"
)
_DIVIDE = "make numbers of them, as the days durations / np.timedelta64(1, 'D')"


@contextmanager
def numbers_expected(estimator: Any, X: Any, y: Any = None) -> Iterator[None]:
    """Refuse dates, and say in which column text or dates ended the block.

    Other errors of the block are raised as they are.

    Parameters
    ----------
    estimator : estimator
        Messages name its class.
    X : array-like of shape (n, n_features)
    y : array-like of shape (n,) or (n, n_targets), default=None
        Targets; None stands for labels, and for none at all.

    Raises
    ------
    TypeError
        For dates and durations, which NumPy would take for integers.
    ValueError
        For text.
    """
    owner = type(estimator).__name__
    for name, table in (("X", X), ("y", y)):
        if is_of_dates(table):
            raise TypeError(_message(owner, name, table))
    try:
        yield
    except (TypeError, ValueError) as error:
        for name, table in (("X", X), ("y", y)):
            message = _message(owner, name, table)
            if message is not None:
                kind = TypeError if isinstance(error, TypeError) else ValueError
                raise kind(message) from error
        raise


def is_of_dates(table: Any) -> bool:
    """Whether NumPy makes an array of dates of a table, by its first rows."""
    if isinstance(table, (list, tuple)):
        table = table[:1]
    elif not hasattr(table, "dtype") and hasattr(table, "head"):
        table = table.head(1)
    try:
        dtype = table.dtype if hasattr(table, "dtype") else np.asarray(table).dtype
    except (TypeError, ValueError):
        return False
    return getattr(dtype, "kind", "O") in "mM"


def _message(owner: str, name: str, table: Any) -> str | None:
    """Say what a table holds instead of numbers; None where nothing is known."""
    for place, column in _columns(table):
        value = _first_that_is_no_number(column)
        if isinstance(value, str | bytes):
            held, advice = "text", _ENCODE
            if name == "y":
                suffix = "CV" if owner == "MSKRegressorCV" else ""
                advice = f"MSKClassifier{suffix} predicts labels"
        elif isinstance(value, _DURATIONS):
            held, advice = "durations", _DIVIDE
        elif isinstance(value, _DATES) or hasattr(value, "strftime"):
            held, advice = "dates", _COUNT_DAYS
        else:
            continue
        return (
            f"{name} of {owner} must hold numbers. Got {held}{place}, such as "
            f"{str(value)!r}, instead; {advice}."
        )
    return None


def _columns(table: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the columns that may hold no numbers, each with how messages call it."""
    if issparse(table):
        return
    if hasattr(table, "columns"):
        for column in table.columns:
            yield f" in column {column!r}", np.asarray(table[column])
        return
    try:
        array = np.asarray(table)
    except (TypeError, ValueError):
        return
    if array.ndim == 1:
        yield "", array
    elif array.ndim == 2 and array.dtype.kind not in "biuf":
        for number, values in enumerate(array.T):
            yield f" in column {number}", values


def _first_that_is_no_number(column: np.ndarray) -> Any:
    """Return the first entry that cannot be a float, or a date; else None."""
    if column.dtype.kind in "biuf":
        return None
    if column.dtype.kind in "mM":
        return next(iter(column.ravel()), None)
    return next((value for value in column.ravel() if not _is_number(value)), None)


def _is_number(value: Any) -> bool:
    """Whether an entry is a float, or a missing one; of other kinds nothing is said."""
    if isinstance(value, str | bytes):
        try:
            float(value)
        except ValueError:
            return False
        return True
    dated = isinstance(value, (*_DATES, *_DURATIONS)) or hasattr(value, "strftime")
    return not dated

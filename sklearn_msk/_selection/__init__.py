"""What the data choose: the number of steps, by rows that a model has not seen."""

from sklearn_msk._selection._distinct_rows import distinct_rows, label_equal_rows
from sklearn_msk._selection._early_stopping import (
    Measure,
    StoppedPath,
    hold_out,
    score_path,
    shorten,
)
from sklearn_msk._selection._stopping_folds import fold_numbers, score_folds
from sklearn_msk._selection._stopping_rows import train_by_leave_one_out

__all__ = [
    "Measure",
    "StoppedPath",
    "distinct_rows",
    "fold_numbers",
    "hold_out",
    "label_equal_rows",
    "score_folds",
    "score_path",
    "shorten",
    "train_by_leave_one_out",
]

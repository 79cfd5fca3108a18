"""The spine: a problem, its spectrum, the models on its paths."""

from sklearn_msk._training._config import (
    LandmarkConfig,
    ProblemConfig,
    TrainingConfig,
)
from sklearn_msk._training._decompose import decompose, find_pairs
from sklearn_msk._training._landmarks import LandmarkPass
from sklearn_msk._training._model import FitFailure, FittedModel
from sklearn_msk._training._predict import apply_kernel, predict_rows, values_along
from sklearn_msk._training._problem import (
    Problem,
    build_operator,
    build_problem,
    extend,
    rows_of,
    working_rows,
)
from sklearn_msk._training._report import SILENT, Report
from sklearn_msk._training._solve_paths import (
    solve_paths,
    spectral_filter,
    threads_for,
    train,
    train_on,
)

__all__ = [
    "SILENT",
    "FitFailure",
    "FittedModel",
    "LandmarkConfig",
    "LandmarkPass",
    "Problem",
    "ProblemConfig",
    "Report",
    "TrainingConfig",
    "apply_kernel",
    "build_operator",
    "build_problem",
    "decompose",
    "extend",
    "find_pairs",
    "predict_rows",
    "rows_of",
    "solve_paths",
    "spectral_filter",
    "threads_for",
    "train",
    "train_on",
    "values_along",
    "working_rows",
]

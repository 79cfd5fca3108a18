"""What the data choose, by rows that are left out: steps, kernels, metrics, ridges."""

from sklearn_msk._selection._calibration import (
    Calibration,
    calibrate,
    class_probabilities,
    fit_slope,
    scaled_probabilities,
    usual_slope,
)
from sklearn_msk._selection._distinct_rows import (
    distinct_rows,
    label_equal_rows,
    number_rows,
)
from sklearn_msk._selection._early_stopping import (
    Measure,
    StoppedPath,
    can_hold_out,
    hold_out,
    score_path,
    shorten,
)
from sklearn_msk._selection._jackknife import (
    jackknife_plus,
    quantile_interval,
    quantile_rank,
)
from sklearn_msk._selection._kernel_families import KernelFamily, kernel_family
from sklearn_msk._selection._leverages import feature_errors
from sklearn_msk._selection._model_choice import (
    ChoiceConfig,
    Finalist,
    JudgedModel,
    Progress,
    best_places,
    compare_finalists,
    compared_rows,
    fold_finalists,
    judge_candidates,
    metric_folds,
    screened_rows,
)
from sklearn_msk._selection._quick_choice import near_rows, refine_quickly
from sklearn_msk._selection._ridge_inverse import LeftOutModels
from sklearn_msk._selection._ridge_models import (
    RidgeModel,
    SearchRows,
    cross_metric_errors,
    gradient_product,
    learn_again,
)
from sklearn_msk._selection._stopping_folds import fold_numbers, score_folds
from sklearn_msk._selection._stopping_rows import train_by_leave_one_out

__all__ = [
    "Calibration",
    "ChoiceConfig",
    "Finalist",
    "JudgedModel",
    "KernelFamily",
    "LeftOutModels",
    "Measure",
    "Progress",
    "RidgeModel",
    "SearchRows",
    "StoppedPath",
    "best_places",
    "calibrate",
    "can_hold_out",
    "class_probabilities",
    "compare_finalists",
    "compared_rows",
    "cross_metric_errors",
    "distinct_rows",
    "feature_errors",
    "fit_slope",
    "fold_finalists",
    "fold_numbers",
    "gradient_product",
    "hold_out",
    "jackknife_plus",
    "judge_candidates",
    "kernel_family",
    "label_equal_rows",
    "learn_again",
    "metric_folds",
    "near_rows",
    "number_rows",
    "quantile_interval",
    "quantile_rank",
    "refine_quickly",
    "scaled_probabilities",
    "score_folds",
    "score_path",
    "screened_rows",
    "shorten",
    "train_by_leave_one_out",
    "usual_slope",
]

"""What the data choose, by rows that are left out: steps, kernels, metrics, ridges."""

from sklearn_msk._selection._distinct_rows import label_equal_rows
from sklearn_msk._selection._early_stopping import StoppedPath, hold_out, score_path
from sklearn_msk._selection._jackknife import (
    jackknife_plus,
    quantile_interval,
    quantile_rank,
)
from sklearn_msk._selection._kernel_families import KernelFamily, kernel_family
from sklearn_msk._selection._model_choice import (
    ChoiceConfig,
    JudgedModel,
    compare_finalists,
    compared_rows,
    finish_choice,
    judge_candidates,
    metric_folds,
    screened_rows,
)
from sklearn_msk._selection._ridge_inverse import LeftOutModels
from sklearn_msk._selection._ridge_models import (
    RidgeModel,
    SearchRows,
    cross_metric_errors,
    gradient_product,
)

__all__ = [
    "ChoiceConfig",
    "JudgedModel",
    "KernelFamily",
    "LeftOutModels",
    "RidgeModel",
    "SearchRows",
    "StoppedPath",
    "compare_finalists",
    "compared_rows",
    "cross_metric_errors",
    "finish_choice",
    "gradient_product",
    "hold_out",
    "jackknife_plus",
    "judge_candidates",
    "kernel_family",
    "label_equal_rows",
    "metric_folds",
    "quantile_interval",
    "quantile_rank",
    "score_path",
    "screened_rows",
]

"""The scikit-learn estimators."""

from sklearn_msk._estimators._base import BaseMSK
from sklearn_msk._estimators._classifier import MSKClassifier
from sklearn_msk._estimators._classifier_cv import MSKClassifierCV
from sklearn_msk._estimators._kernel import MSKKernel
from sklearn_msk._estimators._kernel_mixin import kernel_config
from sklearn_msk._estimators._learned_metric import LearnedMetric
from sklearn_msk._estimators._partitioned_classifier import PartitionedClassifier
from sklearn_msk._estimators._partitioned_regressor import PartitionedRegressor
from sklearn_msk._estimators._progress import FitTask
from sklearn_msk._estimators._regressor import MSKRegressor
from sklearn_msk._estimators._regressor_cv import MSKRegressorCV

__all__ = [
    "BaseMSK",
    "FitTask",
    "LearnedMetric",
    "MSKClassifier",
    "MSKClassifierCV",
    "MSKKernel",
    "MSKRegressor",
    "MSKRegressorCV",
    "PartitionedClassifier",
    "PartitionedRegressor",
    "kernel_config",
]

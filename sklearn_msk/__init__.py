"""Kernel regression whose training follows the spectrum that you choose."""

from sklearn_msk._estimators import (
    LearnedMetric,
    MSKClassifier,
    MSKClassifierCV,
    MSKKernel,
    MSKRegressor,
    MSKRegressorCV,
    PartitionedClassifier,
    PartitionedRegressor,
)
from sklearn_msk._search import MSKGridSearchCV, MSKRandomizedSearchCV
from sklearn_msk._version import __version__

__all__ = [
    "LearnedMetric",
    "MSKClassifier",
    "MSKClassifierCV",
    "MSKGridSearchCV",
    "MSKKernel",
    "MSKRandomizedSearchCV",
    "MSKRegressor",
    "MSKRegressorCV",
    "PartitionedClassifier",
    "PartitionedRegressor",
    "__version__",
]

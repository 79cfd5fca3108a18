"""Kernel regression whose training follows the spectrum that you choose."""

from sklearn_msk._estimators import (
    LearnedMetric,
    MSKClassifier,
    MSKKernel,
    MSKRegressor,
)
from sklearn_msk._search import MSKGridSearchCV

__all__ = [
    "LearnedMetric",
    "MSKClassifier",
    "MSKGridSearchCV",
    "MSKKernel",
    "MSKRegressor",
]
__version__ = "0.1.0"

"""Kernel regression whose training follows the spectrum that you choose."""

from sklearn_msk._estimators import MSKClassifier, MSKKernel, MSKRegressor
from sklearn_msk._search import MSKGridSearchCV

__all__ = ["MSKClassifier", "MSKGridSearchCV", "MSKKernel", "MSKRegressor"]
__version__ = "0.1.0"

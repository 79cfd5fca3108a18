"""The scikit-learn estimators."""

from sklearn_msk._estimators._kernel import MSKKernel
from sklearn_msk._estimators._regressor import MSKRegressor

__all__ = ["MSKKernel", "MSKRegressor"]

"""The scikit-learn estimators."""

from sklearn_msk._estimators._regressor import MSKRegressor

__all__ = ["MSKRegressor"]

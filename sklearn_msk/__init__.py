"""Kernel regression whose training follows the spectrum that you choose."""

from sklearn_msk._estimators import MSKKernel, MSKRegressor

__all__ = ["MSKKernel", "MSKRegressor"]
__version__ = "0.1.0"

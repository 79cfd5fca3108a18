"""Networks of finite width, trained along a spectrum that you choose."""

from sklearn_msk.finite_width._network import WideNetwork
from sklearn_msk.finite_width._regressor import WideNetworkRegressor

__all__ = ["WideNetwork", "WideNetworkRegressor"]

"""How the empirical integral operator is held."""

from sklearn_msk._operators._dense import DenseOperator

__all__ = ["DenseOperator"]

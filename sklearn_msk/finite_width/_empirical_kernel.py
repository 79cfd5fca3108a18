"""The empirical integral operator of a network."""

import numpy as np

from sklearn_msk._operators import DenseOperator
from sklearn_msk._validation import check_matrix_finite, count_distinct_rows
from sklearn_msk.finite_width._network import WideNetwork


def empirical_operator(
    network: WideNetwork, X: np.ndarray, weights: np.ndarray | None = None
) -> DenseOperator:
    """Operator ``D^(1/2) K D^(1/2)`` of the empirical kernel K of a network."""
    with np.errstate(over="ignore", invalid="ignore"):
        K = network.empirical_ntk(X)
    check_matrix_finite(K, "empirical kernel of the network")
    # K and its transpose are summed in another order.
    return DenseOperator((K + K.T) / 2, weights, count_distinct_rows(X))

"""Every operator, for the tests that all of them have to pass."""

import numpy as np
from sklearn.gaussian_process.kernels import Matern, WhiteKernel
from sklearn.metrics.pairwise import laplacian_kernel

from sklearn_msk._operators import (
    BlockedOperator,
    DenseOperator,
    NystroemFeatures,
    NystroemOperator,
    SufficientStatistics,
    mixed_precision,
)
from sklearn_msk.kernels import NTK
from sklearn_msk.kernels._adapters import PairwiseKernel


def dense_operator(X, weights):
    return DenseOperator(NTK()(X), weights)


def blocked_operator(X, weights):
    return BlockedOperator(NTK(), X, weights)


def noisy_operator(X, weights):
    """White noise is on the diagonal of k(X), not between the rows of two blocks."""
    return BlockedOperator(NTK() + WhiteKernel(0.3), X, weights)


def pairwise_operator(X, weights):
    return BlockedOperator(PairwiseKernel("laplacian"), X, weights)


def mixed_operator(X, weights):
    """Its remainder is in float64: the factor holds most of a smooth kernel."""
    A = mixed_precision(BlockedOperator(NTK(), X, weights), 5, tile_side=25)
    assert A.remainder_dtype == np.float64
    return A


def rough_operator(X, weights):
    """Its remainder is in float32: the factor misses most of a rough kernel."""
    source = BlockedOperator(ROUGH, X, weights)
    A = mixed_precision(source, 1, tile_side=25, min_rank=8)
    # Rows in float32 have no tiles that are faster in float32.
    assert (A.remainder_dtype == np.float32) == (X.dtype == np.float64)
    return A


def refined_operator(X, weights):
    A = rough_operator(X, weights)
    return A.with_float64_remainder() if X.dtype == np.float64 else A


def landmark_operator(X, weights):
    basis = NystroemFeatures.of(NTK(), X[:20])
    return NystroemOperator(basis, SufficientStatistics.over(basis, X, X, weights))


ROUGH = Matern(0.3, nu=0.5)


KERNELS = {
    noisy_operator: lambda X: NTK()(X) + 0.3 * np.eye(len(X)),
    pairwise_operator: laplacian_kernel,
    rough_operator: ROUGH,
    refined_operator: ROUGH,
}


def kernel_of(operator, X):
    """Kernel matrix behind an operator on all rows."""
    return KERNELS.get(operator, NTK())(X)


ON_ROWS = [
    dense_operator,
    blocked_operator,
    noisy_operator,
    pairwise_operator,
    mixed_operator,
    rough_operator,
    refined_operator,
]

EVERY_OPERATOR = [*ON_ROWS, landmark_operator]

"""Tiles of kernels of the distance, against scikit-learn's matrices."""

import math

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.spatial.distance import cdist
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel
from sklearn.metrics.pairwise import pairwise_kernels

from sklearn_msk.kernels._adapters import PairwiseKernel
from sklearn_msk.kernels._distances import distance_tiles
from sklearn_msk.kernels._evaluation import evaluate_kernel, kernel_tiles

KERNELS = [
    RBF(0.7),
    RBF(np.array([0.5, 1.0, 2.0, 0.1])),
    *(Matern(1.3, nu=nu) for nu in (0.5, 1.5, 2.5, math.inf)),
    Matern(np.array([0.5, 1.0, 2.0, 0.1]), nu=1.5),
]


def rows(n=300, n_features=4, spread=1.0, offset=0.0):
    X = np.random.RandomState(0).standard_normal((n, n_features))
    return spread * X + offset


def assert_tiles(kernel, X, expected, atol):
    evaluate = distance_tiles(kernel, X)
    for some, others in (
        (slice(0, 50), slice(0, 50)),
        (slice(100, 250), slice(0, 100)),
        (slice(299, 300), slice(3, 4)),
    ):
        tile = evaluate(some, others)
        np.testing.assert_allclose(tile, expected[some, others], rtol=0.0, atol=atol)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("spread", [1e-3, 1.0, 30.0])
@pytest.mark.parametrize("offset", [0.0, 10.0])
def test_kernel_objects(kernel, spread, offset):
    X = rows(spread=spread, offset=offset)
    assert_tiles(kernel, X, kernel(X), 1e-13 + 1e-15 * offset / spread)


@pytest.mark.parametrize("gamma", [None, 0.0, 0.3])
@pytest.mark.parametrize("metric", ["rbf", "laplacian"])
def test_pairwise_kernels(metric, gamma):
    X = rows(n_features=12)
    params = {} if gamma is None else {"gamma": gamma}
    expected = pairwise_kernels(X, metric=metric, **params)
    assert_tiles(PairwiseKernel(metric, params), X, expected, 1e-13)


PAIRWISE = [PairwiseKernel(name, {"gamma": 0.3}) for name in ("rbf", "laplacian")]


@pytest.mark.parametrize("kernel", [*KERNELS, *PAIRWISE])
@pytest.mark.parametrize("shift", [0.0, 100.0])
@pytest.mark.parametrize("n_columns", [1, 7, 300])
def test_two_sets_of_rows(kernel, shift, n_columns):
    X, Y = rows(n=700), rows(n=n_columns, spread=0.5) + 0.1
    Y[: n_columns // 2] = X[: n_columns // 2]
    X[600:] += shift
    K = evaluate_kernel(kernel, X, Y)
    assert K.shape == (700, n_columns)
    atol = 1e-13 * (1.0 + 1e-3 * shift)
    np.testing.assert_allclose(K, kernel(X, Y), rtol=0.0, atol=atol)
    close = np.diagonal(K)[: n_columns // 2]
    np.testing.assert_array_equal(close, np.ones_like(close))
    np.testing.assert_array_equal(K, evaluate_kernel(kernel, X, Y, n_jobs=2))


@pytest.mark.parametrize("far", [1e160, -1e308])
def test_two_sets_that_are_too_far_apart(far):
    X, Y = rows(n=300), rows(n=20)
    X[7] = far
    K = evaluate_kernel(RBF(), X, Y)
    assert not K[7].any()
    np.testing.assert_array_equal(K, RBF()(X, Y))
    laplacian = PairwiseKernel("laplacian", {"gamma": 4.0})
    Y[3] = X[7]
    assert evaluate_kernel(laplacian, X, Y)[7, 3] == 1.0


@pytest.mark.parametrize("kernel", [*KERNELS, *PAIRWISE])
@pytest.mark.parametrize("spread", [1e-3, 0.3, 1.0, 30.0])
def test_single_precision(kernel, spread):
    X = rows(spread=spread)
    evaluate = distance_tiles(kernel, X, dtype=np.float32)
    tile = evaluate(slice(100, 250), slice(0, 100))
    assert tile.dtype == np.float32
    eps = np.finfo(np.float32).eps
    np.testing.assert_allclose(tile, kernel(X[100:250], X[:100]), rtol=0, atol=4 * eps)


def test_rows_beyond_the_range_of_single_precision():
    X, kernel = rows(spread=1e25), Matern(nu=1.5)
    assert distance_tiles(kernel, X) is not None
    assert distance_tiles(kernel, X, dtype=np.float32) is None
    tile = kernel_tiles(kernel, X, np.float32)(slice(0, 10), slice(0, 10))
    np.testing.assert_array_equal(tile, np.eye(10))


@pytest.mark.parametrize("kernel", [Matern(nu=0.5), RBF()])
@pytest.mark.parametrize("distance", [1e-12, 1e-6, 1e-2, 0.1])
def test_close_rows_keep_their_digits(kernel, distance):
    X = rows(n_features=40)
    X[150:] = X[:150] + distance * rows(150, 40) / math.sqrt(40)
    evaluate, expected = distance_tiles(kernel, X), kernel(X)
    tile = evaluate(slice(150, 300), slice(0, 150))
    np.testing.assert_allclose(tile, expected[150:, :150], rtol=0.0, atol=2e-14)
    assert (
        distance_tiles(kernel, np.tile(X[:5], (2, 1)))(
            slice(5, 10), slice(0, 5)
        ).diagonal()
        == 1.0
    ).all()


@pytest.mark.parametrize("n_features", [4, 40])
def test_products_are_used_where_rows_are_apart(n_features):
    """Their rounding differs from that of sums of squared differences."""
    X = rows(n_features=n_features)
    centred = X - X.mean(axis=0)
    tile = distance_tiles(RBF(), X)(slice(0, 100), slice(100, 300))
    squares = cdist(centred[:100], centred[100:300], "sqeuclidean")
    expected = np.exp(-0.5 * squares)
    assert np.array_equal(tile, expected) == (n_features == 4)
    np.testing.assert_allclose(tile, expected, atol=1e-13)


@pytest.mark.parametrize(
    ("kernel", "X"),
    [
        (ConstantKernel(2.0) * RBF(), rows()),
        (RBF() + WhiteKernel(), rows()),
        (Matern(nu=0.7), rows()),
        (RBF(np.ones(3)), rows()),
        (PairwiseKernel("polynomial", {}), rows()),
        (PairwiseKernel("rbf", {"gamma": np.ones(4)}), rows()),
        (PairwiseKernel("rbf", {"gamma": -1.0}), rows()),
        (RBF(), rows().astype(np.float32)),
        (RBF(), rows(spread=1e160)),
        (PairwiseKernel("rbf", {}), csr_matrix(rows())),
        (type("Half", (RBF,), {})(), rows()),
    ],
)
def test_others_are_left_to_their_own(kernel, X):
    assert distance_tiles(kernel, X) is None
    assert distance_tiles(kernel, rows(), X) is None


def test_huge_rows_do_not_overflow():
    X = rows(spread=1e160)
    tile = kernel_tiles(Matern(nu=0.5), X)(slice(0, 10), slice(0, 10))
    np.testing.assert_array_equal(tile, np.eye(10))

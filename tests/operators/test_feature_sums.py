"""Sums over rows in mixed precision against those in double precision."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern

from sklearn_msk._operators import NystroemFeatures, SufficientStatistics
from sklearn_msk.kernels import NTK
from sklearn_msk.kernels._adapters import PairwiseKernel

KERNELS = {
    "laplacian": (PairwiseKernel("laplacian"), True),
    "ntk": (NTK(), True),
    "matern": (Matern(1.0, nu=1.5), True),
    "rbf": (PairwiseKernel("rbf"), False),
    "rbf of a large length scale": (RBF(5.0), False),
    "narrow": (PairwiseKernel("laplacian", {"gamma": 60.0}), True),
    "tiny": (ConstantKernel(1e-200) * Matern(1.0, nu=0.5), True),
    "huge": (ConstantKernel(1e200) * Matern(1.0, nu=0.5), True),
}


@pytest.fixture(scope="module")
def many():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((2700, 6))
    Y = np.column_stack([np.sin(X[:, 0]), 7 + X[:, 1] ** 2])
    return X, Y, np.where(np.arange(2700) % 9 == 5, 0.0, rng.uniform(0.1, 2.0, 2700))


def both(kernel, landmarks, *rows):
    """Statistics of the same rows in mixed and in double precision."""
    features = NystroemFeatures.of(kernel, landmarks, single=True, min_rank=10)
    assert features.deflation is not None
    double = replace(features, deflation=None)
    return (SufficientStatistics.over(f, *rows) for f in (features, double))


def relative_error(mixed, double):
    """Largest error of an entry, relative to the sizes of its two functions."""
    sizes = np.sqrt(double.gram.diagonal() / double.weight_sum)
    error = np.tril(mixed.gram - double.gram) / double.weight_sum
    return np.abs(error / np.outer(sizes, sizes)).max()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", list(KERNELS))
def test_mixed_sums_are_those_in_double_precision(name, weighted, many):
    """To the rounding of float32, of functions whose sizes differ by 1e6."""
    X, Y, weights = many
    kernel, of_kernel = KERNELS[name]
    features = NystroemFeatures.of(kernel, X[::9], single=True, min_rank=10)
    assert features.deflation.of_kernel == of_kernel
    mixed, double = both(kernel, X[::9], X, Y, weights if weighted else None)
    assert 0 < relative_error(mixed, double) < 2e-6
    size = np.abs(double.moments).max()
    np.testing.assert_allclose(mixed.moments, double.moments, atol=1e-9 * size)
    np.testing.assert_array_equal(mixed.target_sums, double.target_sums)


def test_single_precision_rows(many):
    X, Y, _ = many
    single = X.astype(np.float32)
    features = NystroemFeatures.of(NTK(), X[::9], single=True, min_rank=10)
    sums = SufficientStatistics.over(features, single, Y)
    double = SufficientStatistics.over(features, single.astype(float), Y)
    np.testing.assert_array_equal(sums.gram, double.gram)


@pytest.mark.parametrize("factor", [1e3, 1e30])
def test_rows_unlike_the_landmarks_are_multiplied_in_double_precision(factor, many):
    """Rounded beside such rows, the others would lose their digits; or overflow."""
    X, Y, _ = many
    mixed, double = both(NTK(), X[::9], factor * X, Y)
    assert relative_error(mixed, double) < 1e-10


def test_few_rows_are_summed_in_double_precision(many):
    """The solve at the end takes as long as that of as many rows as functions."""
    X, Y, _ = many
    mixed, double = both(NTK(), X[::9], X[:500], Y[:500])
    np.testing.assert_array_equal(mixed.gram, double.gram)


def test_directions_are_those_of_the_rows(many):
    """Orthonormal, the leading ones, and what they leave is measured."""
    X, _, _ = many
    for kernel in (NTK(), RBF(5.0)):
        features = NystroemFeatures.of(kernel, X[::9], single=True, min_rank=10)
        V = features.deflation.vectors
        np.testing.assert_allclose(V.T @ V, np.eye(V.shape[1]), atol=1e-12)
        columns = features.features(X[::9]).T
        if features.deflation.of_kernel:
            columns = features.kernel_functions(X[::9])
        rest = columns - columns @ V @ V.T
        values = np.linalg.svd(columns, compute_uv=False)
        assert np.linalg.norm(rest, 2) < 1.3 * values[V.shape[1]]
        size = np.mean(np.sum((rest / features.deflation.unit) ** 2, axis=1))
        np.testing.assert_allclose(features.deflation.size, size, rtol=1e-3)


def test_double_precision_where_asked_or_where_few(many):
    X, _, _ = many
    assert NystroemFeatures.of(NTK(), X[:50], min_rank=10).deflation is None
    few = NystroemFeatures.of(NTK(), X[:50], single=True)
    assert few.deflation is None
    dependent = np.vstack([X[:50], X[:50]])
    features = NystroemFeatures.of(NTK(), dependent, single=True, min_rank=10)
    assert (features.rank, features.deflation.of_kernel) == (50, False)

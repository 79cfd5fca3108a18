"""The operator on landmarks, and the sums over the rows that it is made of."""

import numpy as np
import pytest

from sklearn_msk._operators import (
    NystroemFeatures,
    NystroemOperator,
    SufficientStatistics,
)
from sklearn_msk.kernels import NTK
from sklearn_msk.kernels._adapters import PairwiseKernel


@pytest.mark.parametrize("weighted", [False, True])
def test_landmark_operator_is_that_of_all_rows(weighted, data):
    """On the rows it is ``D^(1/2) K_nL K_LL^(-1) K_Ln D^(1/2)``, in its eigenbasis."""
    X, Y, weights = data
    w = weights if weighted else np.ones(60)
    basis = NystroemFeatures.of(NTK(), X[:20])
    sums = SufficientStatistics.over(basis, X, Y, weights if weighted else None)
    A = NystroemOperator(basis, sums)
    root = np.sqrt(w / w.sum())[:, None]
    cross = root * NTK()(X, X[:20])
    matrix = cross @ np.linalg.solve(NTK()(X[:20]), cross.T)
    np.testing.assert_allclose(
        A.eigenvalues, np.linalg.eigvalsh(matrix)[:-21:-1], rtol=1e-9
    )
    np.testing.assert_allclose(A @ np.eye(20), np.diag(A.eigenvalues))
    # Coordinates c stand for the values root * K_nL (dual basis c) = Q lam c.
    Q = cross @ A.coef_map / A.eigenvalues
    np.testing.assert_allclose(Q.T @ Q, np.eye(20), atol=1e-10)
    mean = np.average(Y, axis=0, weights=w)
    np.testing.assert_allclose(
        A.targets(sums, mean), Q.T @ (root * (Y - mean)), atol=1e-10
    )


def test_landmarks_that_depend_on_others_are_left_out(data):
    """Repeated and nearly equal landmarks, which a plain factorisation fails on."""
    X, Y, _ = data
    kernel = PairwiseKernel("rbf", {"gamma": 1.0})
    nearly = X[:20] + 1e-9 * np.random.RandomState(0).standard_normal((20, 3))
    few = NystroemFeatures.of(kernel, X[:20])
    many = NystroemFeatures.of(kernel, np.vstack([X[:20], X[:20], nearly]))
    assert (few.rank, many.rank) == (20, 20)
    assert many.dual_coef(np.ones((20, 1))).shape == (60, 1)
    spectra = [
        NystroemOperator(basis, SufficientStatistics.over(basis, X, Y)).eigenvalues
        for basis in (few, many)
    ]
    np.testing.assert_allclose(*spectra, rtol=1e-6)


def test_sums_over_parts_add_up(data):
    X, Y, weights = data
    basis = NystroemFeatures.of(NTK(), X[:10])
    whole = SufficientStatistics.over(basis, X, Y, weights)
    first = SufficientStatistics.over(basis, X[:7], Y[:7], weights[:7])
    others = X[7:], Y[7:], weights[7:]
    for units in (None, first.units):
        parts = first + SufficientStatistics.over(basis, *others, units=units)
        parts = parts.in_units(whole.units)
        for name in ("gram", "moments", "target_sums", "total_weight", "n_rows"):
            np.testing.assert_allclose(getattr(parts, name), getattr(whole, name))
    phi = np.linalg.solve(basis.factor, NTK()(X, X[:10][basis.pivots]).T)
    gram = whole.units.weight_scale * whole.gram
    np.testing.assert_allclose(
        np.tril(gram), np.tril((phi * weights) @ phi.T), atol=1e-11
    )


@pytest.mark.parametrize("offset", [0.0, 1.7e9, -1e15])
@pytest.mark.parametrize("scale", [1e-300, 1.0, 60.0, 1e290])
@pytest.mark.parametrize("size", [1e-300, 1.0, 1e307])
@pytest.mark.parametrize("n_parts", [1, 4])
def test_statistics_in_any_units(offset, scale, size, n_parts, data):
    """Those of ``scale (offset + y)`` are those of y, to the rounding of the sums."""
    X, Y, weights = data
    # Targets that are exact in a sum with the offset.
    Y = np.round(Y * 64) / 64 if offset < 1e10 else np.round(4 * Y)
    Y = np.round(Y) if offset < -1e10 else Y
    scale = 2.0 ** np.round(np.log2(scale))
    basis = NystroemFeatures.of(NTK(), X[:10])
    plain = SufficientStatistics.over(basis, X, Y, weights)
    targets, w = scale * (offset + Y), size * (weights / weights.max())
    rows = [slice(i, None, n_parts) for i in range(n_parts)]
    # A chunk of weight zero, whose targets are out of range, tells nothing.
    empty = np.full((5, 2), 1e308), np.zeros(5)
    parts = [SufficientStatistics.over(basis, X[:5], *empty)]
    parts += [SufficientStatistics.over(basis, X[r], targets[r], w[r]) for r in rows]
    total = sum(parts[1:], parts[0])
    assert total.n_rows == 65
    means = total.target_means()
    eps = np.finfo(float).eps
    np.testing.assert_allclose(
        means / scale, offset + plain.target_means(), rtol=4 * eps, atol=1e-15
    )
    found = NystroemOperator(basis, total).targets(total, means)
    # This difference of numbers that are alike is exact.
    expected = NystroemOperator(basis, plain).targets(plain, means / scale - offset)
    np.testing.assert_allclose(
        found / scale, expected, atol=1e-13 * np.abs(expected).max()
    )


def test_statistics_of_rows_of_no_weight(data):
    X, Y, weights = data
    basis = NystroemFeatures.of(NTK(), X[:10])
    none = SufficientStatistics.over(basis, X[:5], Y[:5], np.zeros(5))
    assert none.units is None
    assert none.total_weight == (none + none).total_weight == 0.0
    some = SufficientStatistics.over(basis, X, Y, weights)
    for total in (none + some, some + none):
        assert total.n_rows == 65
        np.testing.assert_array_equal(total.moments, some.moments)
        np.testing.assert_array_equal(total.target_means(), some.target_means())


def test_kernel_that_is_zero():
    basis = NystroemFeatures.of(PairwiseKernel("linear"), np.zeros((3, 2)))
    assert basis.rank == 0
    X, Y = np.ones((5, 2)), np.ones((5, 1))
    A = NystroemOperator(basis, SufficientStatistics.over(basis, X, Y))
    assert A.coef_map.shape == (3, 1)
    assert not A.diagonal().any()

"""Draws of landmarks: uniform over distinct rows, or by pivots."""

import numpy as np
import pytest

from sklearn_msk._operators import randomly_pivoted_rows
from sklearn_msk._operators._row_sample import RowSample
from sklearn_msk.kernels import NTK
from sklearn_msk.kernels._adapters import PairwiseKernel


def sample(X, weights=None, size=10, seed=0):
    return RowSample.of(X, weights, size, seed)


@pytest.fixture
def X():
    return np.random.RandomState(0).standard_normal((500, 3))


def test_rows_are_drawn_whatever_their_order_and_number(X):
    rng = np.random.RandomState(1)
    order = rng.permutation(np.repeat(np.arange(500), rng.randint(1, 4, 500)))
    np.testing.assert_array_equal(sample(X[order]).rows, sample(X).rows)
    # The same numbers in single precision, and zeros of either sign, are the same rows.
    whole = np.rint(-10 * X)
    rows = sample(whole.astype(np.float32)).rows
    np.testing.assert_array_equal(rows, sample(np.where(whole == 0, 0.0, whole)).rows)
    assert sample(X).n_rows == 500


def test_sample_of_the_whole_is_that_of_its_parts(X):
    parts = sample(X[:50]) + (sample(X[50:53]) + sample(X[53:]))
    np.testing.assert_array_equal(parts.rows, sample(X).rows)
    assert parts.n_rows == 500


def test_rows_of_zero_weight_are_not_drawn(X):
    weights = np.zeros(500)
    weights[::7] = 0.3
    drawn = sample(X, weights, size=200)
    assert drawn.n_rows == len(drawn.rows) == 72
    np.testing.assert_array_equal(np.sort(drawn.rows, 0), np.sort(X[::7], 0))


def test_every_row_is_as_likely():
    """Counts over 2000 seeds are binomial: 400 each, of standard deviation 18."""
    X = np.arange(50.0)[:, None]
    counts = np.zeros(50)
    for seed in range(2000):
        counts[sample(X, seed=seed).rows.astype(int).ravel()] += 1
    assert np.abs(counts - 400).max() < 4.5 * np.sqrt(2000 * 0.2 * 0.8)
    assert counts.std() > 0.5 * np.sqrt(2000 * 0.2 * 0.8)


def test_pivots_cover_better_than_a_uniform_draw():
    """Two clusters, one of 20 rows in 2000: its pivots are found."""
    rng = np.random.RandomState(0)
    X = 0.1 * rng.standard_normal((2000, 2))
    X[:20] += 5.0
    kernel = PairwiseKernel("rbf", {"gamma": 1.0})
    rows = randomly_pivoted_rows(kernel, X, 30, rng)
    assert len(set(rows)) == 30
    assert np.count_nonzero(rows < 20) >= 3

    def left(chosen):
        cross = kernel(X, X[chosen])
        core = np.linalg.pinv(kernel(X[chosen]), rcond=1e-12, hermitian=True)
        return 2000 - np.sum((cross @ core) * cross)

    assert left(rows) < 0.2 * left(rng.choice(2000, 30, replace=False))


def test_pivots_have_the_distribution_of_one_at_a_time():
    """First pivots of many draws against their probability, given the first of all."""
    X = np.array([[0.0], [0.1], [1.0], [3.0]])
    kernel = PairwiseKernel("rbf", {"gamma": 1.0})
    K = kernel(X)
    expected = np.zeros((4, 4))
    for i in range(4):
        left = np.diag(K) - K[:, i] ** 2 / K[i, i]
        left[i] = 0.0
        expected[i] = left / left.sum() / 4
    counts = np.zeros((4, 4))
    for seed in range(4000):
        rows = randomly_pivoted_rows(kernel, X, 2, np.random.RandomState(seed))
        counts[tuple(rows)] += 1
    deviation = np.abs(counts - 4000 * expected)
    assert np.all(deviation <= 5 * np.sqrt(4000 * expected) + 1e-9)


def test_pivots_of_a_kernel_of_low_rank_are_filled_up():
    X = np.random.RandomState(0).standard_normal((50, 3))
    rows = randomly_pivoted_rows(
        PairwiseKernel("linear"), X, 20, np.random.RandomState(0)
    )
    assert len(set(rows)) == 20
    assert np.linalg.matrix_rank(X[rows[:3]]) == 3
    rows = randomly_pivoted_rows(NTK(), X, 50, np.random.RandomState(0))
    assert sorted(rows) == list(range(50))


@pytest.mark.parametrize("seed", range(20))
def test_pivots_end_where_the_rest_of_a_kernel_is_rounding(seed):
    X = np.random.RandomState(seed).standard_normal((300, 3))
    kernel = PairwiseKernel("rbf", {"gamma": 1e-2})
    pivots = randomly_pivoted_rows(kernel, X, 150, np.random.RandomState(seed))
    assert len(np.unique(pivots)) == 150

"""Rows that are equal, and their order."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from sklearn_msk._selection import number_rows


def _numbers(X):
    """Numbers of rows, by sorting tuples."""
    rows = [tuple(row) for row in X]
    order = sorted(set(rows))
    return [order.index(row) for row in rows]


@pytest.mark.parametrize("seed", range(50))
def test_rows_are_numbered_in_lexicographic_order(seed):
    rng = np.random.default_rng(seed)
    n, n_features = rng.integers(1, 40), rng.integers(1, 30)
    X = rng.integers(-1, 2, (n, n_features)) * rng.choice([1.0, 2.5], (n, n_features))
    X *= rng.random((n, n_features)) < rng.random()
    # Rows that are there more than once.
    X = X[rng.integers(0, n, n + 5)]
    expected = _numbers(X)
    np.testing.assert_array_equal(number_rows(X), expected)
    np.testing.assert_array_equal(number_rows(csr_matrix(X)), expected)
    np.testing.assert_array_equal(number_rows(X.astype(np.float32)), expected)


def test_stored_zeros_and_signs_of_zero_are_zeros():
    dense = np.array([[0.0, 1.0], [-0.0, 1.0], [1.0, 0.0], [-1.0, 0.0]])
    sparse = csr_matrix(
        ([0.0, 1.0, 1.0, 1.0, -1.0], [0, 1, 1, 0, 0], [0, 2, 3, 4, 5]), shape=(4, 2)
    )
    np.testing.assert_array_equal(number_rows(dense), [1, 1, 2, 0])
    np.testing.assert_array_equal(number_rows(sparse), [1, 1, 2, 0])
    # The matrix is not changed.
    assert sparse.nnz == 5


def test_rows_without_an_entry_and_without_a_feature():
    np.testing.assert_array_equal(number_rows(csr_matrix((3, 4))), 0)
    np.testing.assert_array_equal(number_rows(np.zeros((3, 0))), 0)

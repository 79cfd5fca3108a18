"""Checks of rows and weights, and the number of distinct rows."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse

from sklearn_msk._validation import check_weights, count_distinct_rows


def peak_of(function):
    """Result of a function, and the largest size of what it held, in bytes."""
    tracemalloc.start()
    try:
        return function(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("form", ["C", "F", "float32", "csr"])
def test_counting_rows_takes_no_copy_of_them(form, weighted, repeated):
    n = 2000
    K = np.random.RandomState(0).standard_normal((n, n))
    K[5, -1] = 0.0
    K[6] = K[5]
    K[6, -1] = -0.0
    # Rows of which but the last number tells them apart.
    K[8] = K[7]
    K[8, -1] += 1.0
    expected = n - 1
    if repeated:
        K[n // 2 :] = K[: n // 2]
        expected = n // 2 - 1
    weights = None
    if weighted:
        weights = np.ones(n)
        weights[7::2] = 0.0
        distinct = np.unique(K[weights > 0] + 0.0, axis=0)
        expected = len(distinct)
    stored = {
        "C": np.asarray,
        "F": np.asfortranarray,
        "float32": np.float32,
        "csr": scipy.sparse.csr_matrix,
    }
    X = stored[form](K)
    held = X.data.nbytes + X.indices.nbytes if form == "csr" else X.nbytes
    count_distinct_rows(X[:10])
    count, peak = peak_of(lambda: count_distinct_rows(X, weights))
    assert count == expected
    assert peak < 0.1 * held


def test_counts_of_sparse_rows():
    X = scipy.sparse.csr_matrix(
        np.array([[0, 1, 2], [0, 1, 2], [1, 0, 2], [0, 0, 0], [2, 1, 0], [0, 0, 0.0]])
    )
    assert count_distinct_rows(X) == 4
    # Zeros that are stored, and entries in another order, make no other row.
    rows, columns = [0, 0, 1, 1, 1, 2], [2, 1, 1, 0, 2, 0]
    values = [2.0, 1.0, 1.0, -0.0, 2.0, 0.0]
    X = scipy.sparse.csr_matrix((values, columns, [0, 2, 5, 6]), shape=(3, 3))
    before = X.data.copy()
    assert count_distinct_rows(X) == 2
    np.testing.assert_array_equal(X.data, before)
    assert count_distinct_rows(X[:0]) == 0
    assert count_distinct_rows(scipy.sparse.csr_matrix((4, 3))) == 1
    assert rows == sorted(rows)


def test_counts_of_no_rows_and_no_columns():
    assert count_distinct_rows(np.empty((0, 3))) == 0
    assert count_distinct_rows(np.empty((3, 0))) == 1
    assert count_distinct_rows(np.ones((3, 100))) == 1


def test_sparse_rows_that_repeat_count_once():
    rows = scipy.sparse.csr_array([[1.0, 0.0], [0.0, 2.0], [1.0, 0.0]])
    rows.data[1] = 0.0
    from sklearn_msk._validation import count_distinct_rows

    assert count_distinct_rows(rows) == 2


@pytest.mark.parametrize("size", [1e-300, 1e307, 1.7e308, 5e-324])
def test_checked_weights_of_any_size(size, data):
    for given in (size, np.full(60, size)):
        checked = check_weights(given, data[0])
        np.testing.assert_array_equal(checked, np.full(60, size))

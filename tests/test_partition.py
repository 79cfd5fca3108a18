"""The partition of rows: shares, bands, ties, sizes."""

import numpy as np
import pytest

from sklearn_msk._partition import grow_partition


@pytest.fixture
def Z():
    return np.random.default_rng(0).normal(size=(3000, 3)) * [3.0, 1.0, 0.3]


def test_leaves_halve_the_rows(Z):
    partition = grow_partition(Z, 400, 0.1)
    assert partition.n_leaves == 8
    sizes = np.bincount(partition.leaf_of(Z))
    assert sizes.min() >= 370 and sizes.max() <= 380
    # The first split is along the longest direction.
    assert abs(partition.directions[0, 0]) > 0.99


def test_shares_are_the_product_over_the_splits_above(Z):
    partition = grow_partition(Z, 400, 0.5)

    def below(place, z):
        if place < 0:
            return {-1 - place: 1.0}
        x = z @ partition.directions[place] - partition.thresholds[place]
        t = min(max(0.5 * (x / partition.half_widths[place] + 1), 0), 1)
        right = t * t * (3 - 2 * t)
        left_leaves, right_leaves = (
            below(child, z) for child in partition.children[place]
        )
        return {
            **{leaf: (1 - right) * share for leaf, share in left_leaves.items()},
            **{leaf: right * share for leaf, share in right_leaves.items()},
        }

    shares = partition.shares(Z).toarray()
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-14)
    assert (shares > 0).sum(axis=1).max() > 1
    for z, row in zip(Z[:50], shares, strict=False):
        expected = below(0, z)
        np.testing.assert_allclose(
            row, [expected.get(leaf, 0.0) for leaf in range(8)], atol=1e-13
        )
    # Where a row has the largest share, it is on that side of every split.
    clear = shares.max(axis=1) > 0.75
    np.testing.assert_array_equal(
        shares.argmax(axis=1)[clear], partition.leaf_of(Z)[clear]
    )


def test_shares_have_no_jump(Z):
    partition = grow_partition(Z, 400, 0.2)
    line = np.linspace(-6, 6, 20_001)[:, None] * [1.0, 0.3, 0.1]
    shares = partition.shares(line).toarray()
    assert np.abs(np.diff(shares, axis=0)).max() < 0.01
    hard = grow_partition(Z, 400, 0.0).shares(line).toarray()
    assert set(np.unique(hard)) == {0.0, 1.0}


@pytest.mark.parametrize("overlap", [0.1, 0.4])
def test_bands_are_as_wide_as_asked(overlap):
    x = np.linspace(0, 1, 4000)[:, None]
    partition = grow_partition(x, 1000, overlap)
    # Leaves of a uniform distribution are a quarter wide.
    np.testing.assert_allclose(2 * partition.half_widths, overlap / 4, rtol=1e-2)
    rows = np.diff(partition.shares(x).indptr)
    np.testing.assert_allclose(
        rows, 1000 * (1 + overlap / 2 * np.array([1, 2, 2, 1])), rtol=0.02
    )


def test_equal_rows_stay_together():
    x = np.repeat([0.0, 1.0, 2.0], [10, 300, 20])[:, None]
    partition = grow_partition(x, 50, 0.1)
    assert partition.n_leaves == 3
    np.testing.assert_array_equal(
        np.sort(np.bincount(partition.leaf_of(x))), [10, 20, 300]
    )
    assert grow_partition(np.ones((100, 2)), 10, 0.1).n_leaves == 1
    # Neighbouring numbers have no number between them.
    near = np.repeat([1.0, np.nextafter(1.0, 2.0)], 50)[:, None]
    assert grow_partition(near, 60, 0.1).n_leaves == 2


def test_few_rows_are_one_leaf(Z):
    partition = grow_partition(Z, 3000, 0.1)
    assert partition.n_leaves == 1
    np.testing.assert_array_equal(partition.leaf_of(Z[:4]), 0)
    np.testing.assert_array_equal(partition.shares(Z[:4]).toarray(), 1.0)


def test_directions_that_do_not_split_are_passed_over():
    # Along the longest direction most rows are the same.
    rng = np.random.default_rng(0)
    Z = np.column_stack([np.zeros(400), rng.normal(size=400)])
    Z[:3, 0] = 1e6
    sizes = np.bincount(grow_partition(Z, 100, 0.1).leaf_of(Z))
    assert sizes.max() <= 100

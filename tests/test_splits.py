"""Splits of rows: along the longest direction, and for the least error."""

import numpy as np
import pytest

from sklearn_msk._partition import grow_partition
from sklearn_msk._splits import LeastError, LongestDirection, _linear_error
from sklearn_msk._tuning import SPLIT_MODEL_FEATURES, SPLIT_RIDGE


def least_error(Z, targets, weights=None, metric=None):
    """Splits of rows that all matter the same, unless said otherwise."""
    weights = np.ones(len(Z)) if weights is None else weights
    metric = np.eye(Z.shape[1]) if metric is None else metric
    return LeastError.of(Z, targets, weights, metric)


def hinge(n=1000, seed=0):
    """Targets whose slope along one feature changes its sign along another."""
    Z = np.random.default_rng(seed).normal(size=(n, 4)) * [3.0, 1.0, 1.0, 1.0]
    return Z, Z[:, 0] * np.sign(Z[:, 2])


def test_linear_errors_are_those_of_refits_without_each_row():
    rng = np.random.default_rng(0)
    X, t, w = rng.normal(size=(30, 3)), rng.normal(size=(30, 2)), rng.uniform(size=30)
    X *= [1.0, 100.0, 1e-3]
    centred = X - w @ X / w.sum()
    ridge = SPLIT_RIDGE * (w @ centred**2)
    total = 0.0
    for i in range(30):
        rest = np.arange(30) != i
        F = np.column_stack([np.ones(29), centred[rest]])
        G = F.T @ (w[rest, None] * F) + np.diag([0, *ridge])
        coef = np.linalg.solve(G, F.T @ (w[rest, None] * t[rest]))
        left_out = t[i] - np.append(1.0, centred[i]) @ coef
        total += w[i] * left_out @ left_out
    assert _linear_error(X, t, w) == pytest.approx(total, rel=1e-10)


def test_errors_of_leaves_are_those_of_their_rows():
    Z, t = hinge(200)
    labels = np.random.default_rng(1).integers(0, 3, 200)
    found = least_error(Z, t).errors(labels, 4)
    for leaf in range(3):
        some = labels == leaf
        alone = _linear_error(Z[some], t[some, None], np.ones(some.sum()))
        assert found[leaf] == pytest.approx(alone, rel=1e-12)
    assert found[3] == 0.0


def test_the_feature_along_which_the_slope_changes_is_split():
    Z, t = hinge()
    split = least_error(Z, t)(np.arange(1000))
    np.testing.assert_array_equal(split.direction, [0, 0, 1, 0])
    assert 0.45 < split.balance <= 0.5
    assert abs(LongestDirection(Z)(np.arange(1000)).direction[0]) > 0.99
    # What the targets say decides, not their unit.
    scaled = least_error(Z, np.column_stack([1e-9 * t, 0 * t]))(np.arange(1000))
    np.testing.assert_array_equal(scaled.left, split.left)


def test_the_tails_of_one_feature_do_not_hide_another():
    rng = np.random.default_rng(0)
    Z = np.column_stack([rng.normal(size=4000), np.exp(5 * rng.normal(size=4000))])
    split = least_error(Z, np.abs(Z[:, 0]))(np.arange(4000))
    np.testing.assert_array_equal(split.direction, [1, 0])


def test_the_longest_direction_of_the_metric_is_tried():
    Z = np.random.default_rng(0).normal(size=(2000, 3))
    u = np.array([0.6, 0.8, 0.0])
    metric = 5.0 * u[None] + 0.01 * np.eye(3)
    split = least_error(Z, np.abs(Z @ u), metric=metric)(np.arange(2000))
    assert split.direction @ u > 0.999


def test_heavy_rows_decide():
    Z, _ = hinge(300)
    weights = np.where(Z[:, 1] > 0, 1000.0, 1e-3)
    slopes = np.where(Z[:, 1] > 0, np.sign(Z[:, 2]), 5 * np.sign(Z[:, 3]))
    for w, direction in ((weights, [0, 0, 1, 0]), (1 / weights, [0, 0, 0, 1])):
        split = least_error(Z, Z[:, 0] * slopes, w)(np.arange(300))
        np.testing.assert_array_equal(split.direction, direction)


def test_a_feature_with_few_rows_on_one_side_is_split_last():
    rng = np.random.default_rng(0)
    rare = rng.permutation(np.repeat([0.0, 1.0], [980, 20]))
    Z = np.column_stack([rng.normal(size=1000), rare])
    t = Z[:, 0] * np.where(rare > 0, 50.0, 1.0)
    split = least_error(Z, t, metric=np.diag([1.0, 0.1]))(np.arange(1000))
    assert split.balance > 0.4
    alone = least_error(Z[:, 1:], t)(np.arange(1000))
    assert alone.left.sum() == 980


def test_rows_that_differ_where_the_metric_is_0_are_split():
    Z = np.column_stack([np.ones(100), np.arange(100.0)])
    split = least_error(Z, np.zeros(100), metric=np.diag([1.0, 0.0]))(np.arange(100))
    assert split.left.sum() == 50
    assert least_error(np.ones((50, 2)), np.arange(50.0))(np.arange(50)) is None


def test_of_many_features_those_of_the_metric_are_taken():
    n_features = SPLIT_MODEL_FEATURES + 10
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(3000, n_features))
    metric = np.diag(np.arange(n_features, dtype=float))
    t = Z[:, -1] * np.sign(Z[:, -2]) + 3 * Z[:, 1] * np.sign(Z[:, 0])
    splitter = least_error(Z, t, metric=metric)
    np.testing.assert_array_equal(splitter.features, np.arange(10, n_features))
    assert abs(splitter(np.arange(3000)).direction[-2]) == 1.0
    # Features that the metric does not know are split where nothing else is left.
    Z[:, 10:] = 0.0
    assert least_error(Z, t, metric=metric)(np.arange(3000)) is not None


def test_partition_of_least_error_has_small_leaves():
    Z, t = hinge(4000)
    partition = grow_partition(Z, 300, 0.1, least_error(Z, t))
    sizes = np.bincount(partition.leaf_of(Z))
    assert sizes.max() <= 300 and sizes.min() >= 30
    np.testing.assert_array_equal(partition.directions[0], [0, 0, 1, 0])

"""Leaves that stand for a partition: draws and estimates."""

import numpy as np
import pytest

from sklearn_msk._estimators._leaves import LeafModel
from sklearn_msk._estimators._probes import Probes


def leaf(error):
    return LeafModel(None, 1.0, error, np.empty((2, 0)), np.zeros(1), np.ones(1))


def test_the_estimate_is_without_bias():
    rng = np.random.default_rng(0)
    linear, weights = rng.pareto(1.5, 40), rng.integers(1, 9, 40).astype(float)
    errors = rng.uniform(0.2, 2.0, (40, 2)) * np.sqrt(linear)[:, None]
    unit = np.array([2.0, 0.5])
    fitted = {i: leaf(error) for i, error in enumerate(errors)}
    true = (weights * np.square(errors / unit).sum(axis=1)).sum()
    starts = (np.arange(4000) + 0.5) / 4000
    found = [
        Probes.draw(linear, weights, 8, start).total_error(fitted, unit)
        for start in starts
    ]
    assert np.mean(found) == pytest.approx(true, rel=2e-3)
    assert np.std(found) > 0.01 * true


def test_proportional_errors_are_estimated_exactly():
    linear, weights = np.array([1.0, 9.0, 0.0, 4.0]), np.array([2.0, 1.0, 5.0, 1.0])
    for start in (0.0, 0.4, 0.999):
        probes = Probes.draw(linear, weights, 6, start)
        sizes = linear + 0.01 * 14 * weights / 9
        np.testing.assert_allclose(probes.sizes, sizes)
        fitted = {i: leaf(0.3 * np.sqrt(sizes[i] / weights[i])) for i in range(4)}
        found = probes.total_error(fitted, np.array(1.0))
        assert found == pytest.approx(0.09 * sizes.sum())
    # The largest is there most often.
    assert np.bincount(probes.drawn).argmax() == 1


def test_leaves_without_error_are_drawn_by_their_rows():
    probes = Probes.draw(np.zeros(3), np.array([0.0, 10.0, 0.0]), 4, 0.5)
    np.testing.assert_array_equal(probes.leaves, [1])
    assert probes.total_error({1: leaf(0.0)}, np.array(1.0)) == 0.0

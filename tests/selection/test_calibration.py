"""Temperature and shifts of classes, against a search over all of them."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax

from sklearn_msk._selection import (
    calibrate,
    class_probabilities,
    fit_slope,
    scaled_probabilities,
)


def _values(n=80, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_classes, n)
    labels[:n_classes] = np.arange(n_classes)
    signs = np.where(labels[:, None] == np.arange(n_classes), 1.0, -1.0)
    return 0.4 * signs + 0.5 * rng.normal(size=(n, n_classes)), labels


def _objective(values, labels, weights, log_slope, shifts):
    """What the docstring says, row by row."""
    n_classes, total = values.shape[1], 0.0
    counts = [weights[labels == c].sum() for c in range(n_classes)]
    for v, label, w in zip(values, labels, weights, strict=True):
        log_p = log_softmax(np.exp(log_slope) * v + shifts)
        own = (counts[label] + 1) / (counts[label] + 2)
        for c in range(n_classes):
            t = own if c == label else (1 - own) / (n_classes - 1)
            total -= w * t * log_p[c]
    return total + (np.sum(np.square(shifts)) + (log_slope - np.log(2)) ** 2) / 2


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_least_penalised_log_loss(n_classes):
    values, labels = _values(n_classes=n_classes)
    weights = np.random.default_rng(1).uniform(0.2, 3.0, len(labels))
    if n_classes == 2:
        columns = np.c_[np.zeros(len(values)), values[:, 1]]
        found = calibrate(values[:, 1], labels, weights)
        assert np.ndim(found.shifts) == 0

        def loss(p):
            # The shift of the first class is 0, and so is its value.
            return _objective(columns, labels, weights, p[0], np.array([0.0, p[1]]))

        start = np.zeros(2)
    else:
        found = calibrate(values, labels, weights)

        def loss(p):
            return _objective(values, labels, weights, p[0], p[1:])

        start = np.zeros(1 + n_classes)
    # Slopes by differences, which know nothing of the formulas under test.
    expected = minimize(loss, start, method="BFGS", options={"gtol": 1e-4})
    at = np.r_[np.log(found.slope), np.ravel(found.shifts)]
    assert loss(at) <= expected.fun * (1 + 1e-6)
    np.testing.assert_allclose(at, expected.x, atol=5e-3)


def test_weights_equal_repetition():
    values, labels = _values()
    weights = np.random.default_rng(0).integers(1, 4, len(labels))
    weighted = calibrate(values, labels, weights.astype(float))
    repeated = calibrate(
        values.repeat(weights, 0), labels.repeat(weights), np.ones(weights.sum())
    )
    assert weighted.slope == pytest.approx(repeated.slope, rel=1e-4)
    np.testing.assert_allclose(weighted.shifts, repeated.shifts, atol=1e-4)


def test_values_that_part_the_classes():
    labels = np.arange(40) % 2
    found = calibrate(2.0 * labels - 1.0, labels, np.ones(40))
    p = class_probabilities(found.log_odds(np.array([-1.0, 1.0])))
    # Smoothed labels of 20 rows are 21 / 22.
    np.testing.assert_allclose(p[[0, 1], [0, 1]], 21 / 22, atol=0.01)


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("size", [1e-3, 1.0, 30.0])
def test_slope_of_the_least_penalised_log_loss(n_classes, size):
    values, labels = _values(n_classes=n_classes)
    values = size * values
    weights = np.random.default_rng(1).uniform(0.2, 3.0, len(labels))
    if n_classes == 2:
        values = values[:, 1] - values[:, 0]

    def loss(log_slope):
        p = scaled_probabilities(values, np.exp(log_slope))
        own = np.maximum(p[np.arange(len(labels)), labels], 1e-300)
        usual = np.log(3 + np.log(n_classes - 1) / 2)
        return -weights @ np.log(own) + 2 * (log_slope - usual) ** 2

    grid = np.linspace(-8, 12, 20001)
    best = grid[np.argmin([loss(log_slope) for log_slope in grid])]
    assert abs(np.log(fit_slope(values, labels, weights)) - best) < 2e-3


def test_slope_of_values_that_part_the_classes_and_of_wrong_ones():
    labels = np.repeat([0, 1], 20)
    values = np.where(labels == 1, 1.0, -1.0)
    assert 3 < fit_slope(values, labels, np.ones(40)) < 10
    assert 0 < fit_slope(-values, labels, np.ones(40)) < 0.5
    assert fit_slope(0 * values, labels, np.ones(40)) == pytest.approx(3.0)
    assert fit_slope(np.inf * values, labels, np.ones(40)) == 3.0

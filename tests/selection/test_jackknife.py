"""Prediction intervals from leave-one-out errors."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from sklearn_msk._selection._distinct_rows import distinct_rows
from sklearn_msk._selection._jackknife import (
    jackknife_plus,
    quantile_interval,
    quantile_rank,
)
from sklearn_msk._selection._ridge_inverse import left_out_models, ridge_inverse


def test_rank_is_a_whole_number_of_the_level():
    # 0.9 * 10 and 0.95 * 20 are not whole in floating point, or are by chance.
    for n, level, rank in (
        (9, 0.9, 9),
        (19, 0.95, 19),
        (8, 0.9, 9),
        (99, 0.29, 29),
        (99, 0.57, 57),
        (5, 1e-12, 1),
    ):
        assert quantile_rank(n, level) == rank


@pytest.mark.parametrize("n_targets", [None, 2])
def test_ends_are_order_statistics(n_targets):
    rng = np.random.default_rng(0)
    shape = () if n_targets is None else (n_targets,)
    without, errors = rng.normal(size=(4, 19, *shape)), rng.normal(size=(19, *shape))
    kept = without.copy()
    ends = jackknife_plus(without, errors, 0.9)
    upper = np.sort(without + np.abs(errors), axis=1)[:, 17]
    lower = np.sort(without - np.abs(errors), axis=1)[:, 1]
    np.testing.assert_array_equal(ends, np.stack([lower, upper], -1))
    np.testing.assert_array_equal(without, kept)
    q = np.sort(np.abs(errors), axis=0)[17]
    f = without[:, 0]
    np.testing.assert_array_equal(
        quantile_interval(f, errors, 0.9), np.stack([f - q, f + q], -1)
    )


def test_few_rows_have_infinite_ends():
    without, errors = np.zeros((3, 8, 2)), np.ones((8, 2))
    for ends in (
        jackknife_plus(without, errors, 0.9),
        quantile_interval(without[:, 0], errors, 0.9),
    ):
        assert ends.shape == (3, 2, 2)
        np.testing.assert_array_equal(ends[..., 0], -np.inf)
        np.testing.assert_array_equal(ends[..., 1], np.inf)
    assert np.isfinite(jackknife_plus(np.zeros((3, 9)), np.ones(9), 0.9)).all()


def test_errors_that_do_not_exist_have_no_bound():
    without, errors = np.zeros((2, 9)), np.ones(9)
    without[:, 3] = errors[3] = np.nan
    for ends in (
        jackknife_plus(without, errors, 0.9),
        quantile_interval(np.zeros(2), errors, 0.9),
    ):
        np.testing.assert_array_equal(ends, [[-np.inf, np.inf]] * 2)
    for ends in (
        jackknife_plus(without, errors, 0.8),
        quantile_interval(np.zeros(2), errors, 0.8),
    ):
        np.testing.assert_array_equal(ends, [[-1.0, 1.0]] * 2)


def test_coverage():
    """Exchangeable rows: about the level, over 40 draws of 60 rows.

    800 queries a method; the draws share nothing.
    """
    rng = np.random.default_rng(0)
    covered = np.zeros(2)
    for _ in range(40):
        X = rng.normal(size=(80, 3))
        y = np.sin(2 * X[:, 0]) + 0.3 * rng.standard_t(4, size=80)
        K = np.exp(-cdist(X, X[:60]) / 2)
        inverse = ridge_inverse(K[:60], distinct_rows(60), 0.1)
        models = left_out_models(inverse, y[:60])
        plus = jackknife_plus(models.predict_without(K[60:]), models.errors, 0.9)
        f = models.intercept + K[60:] @ models.dual_coef
        for m, ends in enumerate((plus, quantile_interval(f, models.errors, 0.9))):
            covered[m] += np.mean((ends[:, 0] <= y[60:]) & (y[60:] <= ends[:, 1])) / 40
    assert np.all(np.abs(covered - 0.9) < 0.03)

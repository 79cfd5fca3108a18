"""Leave-one-out errors against models that are fitted without each row."""

import numpy as np
import pytest
from scipy.linalg import lstsq
from scipy.sparse import csr_matrix
from scipy.spatial.distance import cdist

from sklearn_msk._filters import SpectralFilter
from sklearn_msk._operators import NystroemFeatures
from sklearn_msk._selection._distinct_rows import distinct_rows, label_equal_rows
from sklearn_msk._selection._full_decomposition import full_decomposition
from sklearn_msk._selection._leave_one_out import path_errors, ridge_errors
from sklearn_msk._selection._leverages import feature_errors
from sklearn_msk._selection._ridge_inverse import (
    dual_coef,
    left_out_models,
    ridge_inverse,
)
from sklearn_msk.kernels._resolution import resolve_kernel

ALPHAS = np.array([0.0, 1e-6, 1e-3, 0.3, 10.0])


def problem(n=40, seed=0):
    """Rows, two targets far from 0, weights and a kernel matrix of full rank."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    Y = np.column_stack([np.sin(2 * X[:, 0]), X[:, 1] ** 2])
    Y = Y + 0.2 * rng.normal(size=Y.shape) + [5.0, -3.0]
    return X, Y, rng.uniform(0.3, 2.0, n), np.exp(-cdist(X, X))


def ridge_refit(K, Y, w, alpha, fit_intercept, keep, query):
    """Predictions at rows `query` of ridge regression on the rows `keep`."""
    mean = np.average(Y[keep], axis=0, weights=w[keep]) if fit_intercept else 0.0
    A = K[np.ix_(keep, keep)] + alpha * np.diag(1 / w[keep])
    return mean + K[np.ix_(query, keep)] @ np.linalg.solve(A, Y[keep] - mean)


def refitted_errors(K, Y, w, alpha, fit_intercept=True, labels=None):
    """Errors of rows by models without them, their copies and rows of weight 0."""
    labels = np.arange(len(Y)) if labels is None else labels
    errors = np.empty_like(Y)
    for i in range(len(Y)):
        keep = np.flatnonzero((labels != labels[i]) & (w > 0))
        errors[i] = Y[i] - ridge_refit(K, Y, w, alpha, fit_intercept, keep, [i])[0]
    return errors


def errors_of_all_kinds(K, Y, w, fit_intercept=True, labels=None):
    """Errors of all alphas: by a decomposition, and by an inverse for each."""
    rows = distinct_rows(len(Y), w, labels)
    options = {"fit_intercept": fit_intercept}
    yield ridge_errors(full_decomposition(K, rows), Y, ALPHAS, **options)
    inverses = [ridge_inverse(K, rows, alpha) for alpha in ALPHAS]
    yield np.array([left_out_models(G, Y, **options).errors for G in inverses])


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_ridge_is_that_of_refits(weighted, fit_intercept):
    _, Y, w, K = problem()
    w = w if weighted else np.ones(len(w))
    expected = [refitted_errors(K, Y, w, alpha, fit_intercept) for alpha in ALPHAS]
    given = w if weighted else None
    for errors in errors_of_all_kinds(K, Y, given, fit_intercept):
        np.testing.assert_allclose(errors, expected, atol=1e-12)
    for errors in errors_of_all_kinds(K, Y[:, 0], given, fit_intercept):
        np.testing.assert_allclose(errors, np.array(expected)[..., 0], atol=1e-12)


def test_equal_rows_and_rows_of_weight_zero():
    """Rows 0, 1, 2 are equal; 3 has no weight and is equal to 4; 5 has no weight."""
    X, Y, w, _ = problem()
    X[1] = X[2] = X[0]
    X[4] = X[3]
    w[[1, 3, 5]] = 0.0
    Y[5] = 1e6
    K, labels = np.exp(-cdist(X, X)), label_equal_rows(X)
    for of in (labels, label_equal_rows(K), label_equal_rows(csr_matrix(X))):
        same = np.argwhere(np.triu(of[:, None] == of, 1))
        np.testing.assert_array_equal(same, [[0, 1], [0, 2], [1, 2], [3, 4]])
    some = ALPHAS[1:]
    expected = [refitted_errors(K, Y, w, alpha, labels=labels) for alpha in some]
    for errors in errors_of_all_kinds(K, Y, w, labels=labels):
        np.testing.assert_allclose(errors[1:], expected, rtol=1e-12, atol=1e-9)


def test_integer_weights_are_repetition():
    X, Y, _, K = problem(25)
    times = np.random.default_rng(1).integers(1, 4, 25)
    copies = np.repeat(np.arange(25), times)
    labels = label_equal_rows(X[copies])
    filter = SpectralFilter("flow", 1.0, 3.0, 0.01)
    for weighted, repeated in zip(
        errors_of_all_kinds(K, Y, times.astype(float)),
        errors_of_all_kinds(K[np.ix_(copies, copies)], Y[copies], None, labels=labels),
        strict=True,
    ):
        np.testing.assert_allclose(weighted[:, copies], repeated, atol=1e-9)
    rows = distinct_rows(25, times), distinct_rows(len(copies), None, labels)
    weighted, repeated = (
        path_errors(full_decomposition(k, r), y, np.array([0.1, 0.5]), filter, [3, 50])
        for r, k, y in zip(
            rows, (K, K[np.ix_(copies, copies)]), (Y, Y[copies]), strict=True
        )
    )
    np.testing.assert_allclose(weighted[:, copies], repeated, atol=1e-12)


def test_predictions_of_new_rows_without_each_row():
    X, Y, w, _ = problem()
    X[1], w[2] = X[0], 0.0
    K, labels = np.exp(-cdist(X, X)), label_equal_rows(X)
    query = np.random.default_rng(1).normal(size=(7, 3))
    both = np.exp(-cdist(np.vstack([X, query]), np.vstack([X, query])))
    new = np.arange(40, 47)
    Y_both, w_both = np.vstack([Y, np.zeros((7, 2))]), np.append(w, np.zeros(7))
    rows = distinct_rows(40, w, labels)
    for fit_intercept in (True, False):
        models = left_out_models(
            ridge_inverse(K, rows, 0.3), Y, fit_intercept=fit_intercept
        )
        values = models.predict_without(both[new, :40])
        assert values.shape == (7, 40, 2)
        for i in range(40):
            keep = np.flatnonzero((labels != labels[i]) & (w > 0))
            expected = ridge_refit(both, Y_both, w_both, 0.3, fit_intercept, keep, new)
            np.testing.assert_allclose(values[:, i], expected, atol=1e-12)
        keep = np.flatnonzero(w > 0)
        expected = ridge_refit(both, Y_both, w_both, 0.3, fit_intercept, keep, new)
        f = models.intercept + both[new, :40] @ models.dual_coef
        np.testing.assert_allclose(f, expected, atol=1e-10)
        # The model without a row, at the row, is what its error is taken of.
        itself = models.predict_without(K)[np.arange(40), np.arange(40)]
        np.testing.assert_allclose(itself, Y - models.errors, atol=1e-12)
    single = left_out_models(ridge_inverse(K, rows, 0.3), Y[:, 0], fit_intercept=False)
    np.testing.assert_allclose(
        single.predict_without(both[new, :40]), values[:, :, 0], atol=1e-14
    )
    assert single.dual_coef.shape == (40,)


@pytest.mark.parametrize("weighted", [True, False])
def test_limit_of_a_kernel_of_low_rank_is_the_least_norm(weighted):
    X, Y, w, _ = problem()
    w = w if weighted else np.ones(40)
    # The last column is of one row only, which alone determines its coefficient.
    Phi = np.column_stack([X, X[:, 0] * X[:, 1], np.arange(40) == 7])
    expected = np.empty_like(Y)
    for i in range(40):
        keep = np.delete(np.arange(40), i)
        mean, s = np.average(Y[keep], axis=0, weights=w[keep]), np.sqrt(w[keep, None])
        c = lstsq(s * Phi[keep], s * (Y[keep] - mean))[0]
        expected[i] = Y[i] - mean - Phi[i] @ c
    rows = distinct_rows(40, w)
    K, filter = Phi @ Phi.T, SpectralFilter("flow", 1.0, 1.0, 0.0)
    decomposition, none = full_decomposition(K, rows), np.empty(0)
    for errors in (
        ridge_errors(decomposition, Y, [0.0])[0],
        left_out_models(ridge_inverse(K, rows, 0.0), Y).errors,
        path_errors(decomposition, Y, none, filter, [np.inf])[0],
        feature_errors(Phi.__getitem__, rows, Y, [0.0])[0],
    ):
        np.testing.assert_allclose(errors, expected, atol=1e-9)


# --- any time -------------------------------------------------------------------------

TIMES = np.array([1, 2, 5, 20, 32, 33, 40, 150, 1000, 1e5, np.inf])


def path_refit(K, Y, w, ratios, filter, T):
    """Errors of refits on ``W = sum(w)`` and the row and column of ``S^(-1)``."""
    n = len(Y)
    s = np.sqrt(w / w.sum())
    A = s[:, None] * K * s
    V = np.linalg.eigh(A)[1][:, ::-1][:, : len(ratios)]
    S_inverse = np.eye(n) + (V * (1 / ratios - 1)) @ V.T
    errors = np.empty((len(T), *Y.shape))
    for i in range(n):
        j = np.delete(np.arange(n), i)
        mean = np.average(Y[j], axis=0, weights=w[j])
        lam, U = np.linalg.eigh(S_inverse[np.ix_(j, j)])
        S_half = (U / np.sqrt(lam)) @ U.T
        mu, Q = np.linalg.eigh(S_half @ A[np.ix_(j, j)] @ S_half)
        b = Q.T @ S_half @ (s[j, None] * (Y[j] - mean))
        for e, t in zip(errors, T, strict=True):
            p = SpectralFilter(filter.dynamics, t, filter.learning_rate, filter.ridge)
            c = S_half @ (Q @ (p(mu, floor=1e-14)[:, None] * b))
            e[i] = Y[i] - mean - K[i, j] @ (s[j, None] * c)
    return errors


@pytest.mark.parametrize("k", [0, 8, "wild"])
@pytest.mark.parametrize("ridge", [0.0, 0.01])
@pytest.mark.parametrize("learning_rate", [0.5, 1.0, 1.99])
@pytest.mark.parametrize("dynamics", ["flow", "descent"])
def test_every_time_is_that_of_refits(dynamics, learning_rate, ridge, k):
    _, Y, w, K = problem(30)
    decomposition = full_decomposition(K, distinct_rows(30, w))
    lam = decomposition.eigenvalues[::-1] * decomposition.scale
    if k == "wild":
        ratios = 10.0 ** np.random.default_rng(0).uniform(-3, 2, 8)
    else:
        ratios = lam[k] / lam[:k]
    largest = max(np.max(ratios * lam[: len(ratios)], initial=0.0), lam[len(ratios)])
    filter = SpectralFilter(dynamics, 1.0, learning_rate / (largest + ridge), ridge)
    expected = path_refit(K, Y, w, ratios, filter, TIMES)
    errors = path_errors(decomposition, Y, ratios, filter, TIMES)
    np.testing.assert_allclose(errors[:-1], expected[:-1], atol=1e-6)
    np.testing.assert_allclose(errors[-1], expected[-1], atol=1e-9)
    single = path_errors(decomposition, Y[:, 1], ratios, filter, TIMES[[8, 1]])
    np.testing.assert_allclose(single, errors[[8, 1], :, 1], atol=1e-9)


def test_limit_without_a_preconditioner_is_ridge():
    _, Y, w, K = problem()
    decomposition = full_decomposition(K, distinct_rows(40, w))
    filter = SpectralFilter("flow", np.inf, 1.0, 0.3 / w.sum())
    np.testing.assert_allclose(
        path_errors(decomposition, Y, np.empty(0), filter, [np.inf])[0],
        ridge_errors(decomposition, Y, [0.3])[0],
        atol=1e-13,
    )


def test_rows_of_weight_zero_have_the_errors_of_all_other_rows():
    """Where a row of weight 0 is left out, nothing changes."""
    _, Y, w, K = problem()
    w[[3, 9]] = 0.0
    used = np.flatnonzero(w)
    decomposition = full_decomposition(K, distinct_rows(40, w))
    filter = SpectralFilter("descent", 1.0, 2.0, 0.001)
    errors = path_errors(decomposition, Y, np.array([0.2]), filter, [3, 100])
    s = np.sqrt(w[used] / w.sum())
    mean = np.average(Y, axis=0, weights=w)
    lam, V = np.linalg.eigh(s[:, None] * K[np.ix_(used, used)] * s)
    sigma = np.where(np.arange(38) == 37, 0.2, 1.0)
    for e, T in zip(errors, [3, 100], strict=True):
        p = SpectralFilter("descent", T, 2.0, 0.001)(sigma * lam, floor=1e-14)
        c = (V * sigma * p) @ V.T @ (s[:, None] * (Y[used] - mean))
        f = mean + K[np.ix_([3, 9], used)] @ (s[:, None] * c)
        np.testing.assert_allclose(e[[3, 9]], Y[[3, 9]] - f, atol=1e-12)


@pytest.mark.parametrize(("k", "bound"), [(0, 0.005), (20, 0.03)])
def test_what_the_held_preconditioner_and_step_change(k, bound):
    """Against refits with everything computed anew, 200 rows.

    Measured: .2 % of the error at k = 0 and 1.2 % at k = 20; .1 and 2.4 % at 500 rows
    and k = 50.
    """
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 5))
    y = np.sin(2 * X[:, 0]) + X[:, 1] + 0.3 * rng.normal(size=200)
    T = np.array([1, 3, 10, 30, 100, 1000, np.inf])
    for K in (np.exp(-cdist(X, X) / 3), np.exp(-(cdist(X, X) ** 2) / 8)):
        decomposition = full_decomposition(K, distinct_rows(200))
        lam = decomposition.eigenvalues[::-1] * decomposition.scale
        filter = SpectralFilter("flow", 1.0, 1 / lam[k], 0.0)
        errors = path_errors(decomposition, y, lam[k] / lam[:k], filter, T)
        some = range(0, 200, 8)
        anew = np.empty((len(T), len(some)))
        for column, i in zip(anew.T, some, strict=True):
            j = np.delete(np.arange(200), i)
            lam, V = np.linalg.eigh(K[np.ix_(j, j)] / 199)
            sigma = np.append(np.ones(199 - k), lam[-1 - k] / lam[199 - k :])
            b, x = V.T @ (y[j] - y[j].mean()), np.maximum(sigma * lam, 0.0)
            for m, t in enumerate(T):
                p = SpectralFilter("flow", t, 1 / x.max(), 0.0)(x, floor=1e-15)
                column[m] = y[i] - y[j].mean() - K[i, j] @ (V @ (sigma * p * b)) / 199
        difference = np.sqrt(np.mean((errors[:, some] - anew) ** 2, axis=1))
        assert np.all(difference < bound * np.sqrt(np.mean(anew**2, axis=1)))


# --- features -------------------------------------------------------------------------


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("block", [2048, 7])
def test_features_are_those_of_refits(block, fit_intercept, monkeypatch):
    from sklearn_msk._selection import _leverages

    monkeypatch.setattr(_leverages, "_ROWS", block)
    X, Y, w, _ = problem()
    X[1] = X[2] = X[0]
    w[[1, 5]] = 0.0
    Phi = np.column_stack([X, X**2, X[:, :1] * X])
    labels = label_equal_rows(X)
    K, some = Phi @ Phi.T, ALPHAS[2:]
    expected = [
        refitted_errors(K, Y, w, alpha, fit_intercept, labels) for alpha in some
    ]
    rows = distinct_rows(40, w, labels)
    errors = feature_errors(Phi.__getitem__, rows, Y, some, fit_intercept=fit_intercept)
    np.testing.assert_allclose(errors, expected, atol=1e-9)


def test_landmarks():
    """The dictionary is held: the kernel is ``K_nL K_LL^(-1) K_Ln``."""
    X, Y, w, _ = problem()
    L = X[::4]
    nystroem = NystroemFeatures.of(resolve_kernel("laplacian", gamma=1 / 3), L)
    rows, alphas = distinct_rows(40, w), np.array([1e-3, 0.3])
    K_nL = np.exp(-cdist(X, L, "cityblock") / 3)
    K = K_nL @ np.linalg.solve(K_nL[::4], K_nL.T)
    np.testing.assert_allclose(
        feature_errors(lambda rows: nystroem.features(X[rows]).T, rows, Y, alphas),
        [refitted_errors(K, Y, w, alpha) for alpha in alphas],
        atol=1e-9,
    )


def test_more_features_than_rows():
    Phi = np.random.default_rng(0).normal(size=(40, 60))
    _, Y, w, _ = problem()
    rows, alphas = distinct_rows(40, w), np.array([0.0, 1e-2, 1.0])
    np.testing.assert_allclose(
        feature_errors(Phi.__getitem__, rows, Y, alphas),
        ridge_errors(full_decomposition(Phi @ Phi.T, rows), Y, alphas),
        atol=1e-9,
    )


# --- what must not matter -------------------------------------------------------------


def every_error(K, y, w=None, labels=None, fit_intercept=True):
    """All the ways to errors, in one array of shape (n_ways, n)."""
    rows = distinct_rows(len(y), w, labels)
    options = {"fit_intercept": fit_intercept}
    decomposition = full_decomposition(K, rows)
    size = decomposition.eigenvalues.max() * decomposition.scale
    scale = np.abs(K.diagonal()).max() or 1.0
    alphas = np.array([1e-3, 0.3]) * scale
    ratios = np.full(min(2, len(rows.first) - 1), 0.5)
    with np.errstate(all="raise", under="ignore"):
        parts = [ridge_errors(decomposition, y, alphas, **options)]
        for dynamics in ("flow", "descent"):
            filter = SpectralFilter(dynamics, 1.0, 1 / (size or 1.0), 0.0)
            parts.append(
                path_errors(decomposition, y, ratios, filter, [3, 50], **options)
            )
        inverse = ridge_inverse(K, rows, alphas[1])
        parts.append(left_out_models(inverse, y, **options).errors[None])
        lam, V = np.linalg.eigh(K / scale)
        features = (V * np.sqrt(np.maximum(lam, 0.0))).__getitem__
        parts.append(feature_errors(features, rows, y, alphas / scale, **options))
    return np.concatenate(parts)


def test_order_of_rows():
    X, Y, w, _ = problem()
    X[1] = X[0]
    w[2] = 0.0
    K, y = np.exp(-cdist(X, X)), Y[:, 0]
    labels = label_equal_rows(X)
    p = np.random.default_rng(0).permutation(40)
    np.testing.assert_allclose(
        every_error(K[np.ix_(p, p)], y[p], w[p], labels[p]),
        every_error(K, y, w, labels)[:, p],
        atol=1e-9,
    )


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_units_of_targets_weights_and_kernel(scale):
    _, Y, w, K = problem()
    y = Y[:, 0]
    expected = every_error(K, y, w)
    two = 2.0 ** np.rint(np.log2(scale))
    np.testing.assert_array_equal(every_error(K, two * y, w), two * expected)
    np.testing.assert_allclose(
        every_error(K, scale * y, w) / scale, expected, atol=1e-12
    )
    rows = distinct_rows(40, w), distinct_rows(40, scale * w)
    np.testing.assert_allclose(rows[1].shares, rows[0].shares, rtol=1e-14)
    np.testing.assert_allclose(
        ridge_errors(full_decomposition(K, rows[1]), y, [scale * 0.3]),
        ridge_errors(full_decomposition(K, rows[0]), y, [0.3]),
        atol=1e-12,
    )
    np.testing.assert_allclose(every_error(scale * K, y, w), expected, atol=1e-9)


def test_offset_of_targets():
    _, Y, w, K = problem()
    y = np.round(Y[:, 0] * 2**10) / 2**10
    np.testing.assert_allclose(
        every_error(K, y + 2.0**30, w), every_error(K, y, w), atol=1e-9
    )


def test_constant_targets_have_no_error():
    _, _, w, K = problem()
    for c in (0.0, 0.1, -1e300):
        np.testing.assert_array_equal(every_error(K, np.full(40, c), w), 0.0)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_rows(n):
    X, Y, w, _ = problem()
    K, y, w = np.exp(-cdist(X[:n], X[:n])), Y[:n, 0], w[:n]
    errors = every_error(K, y, w)
    if n == 1:
        assert np.isnan(errors).all()
    elif n == 2:
        expected = np.tile([y[0] - y[1], y[1] - y[0]], (len(errors), 1))
        # The model of one row is its mean: there is nothing else to learn.
        np.testing.assert_allclose(errors, expected, atol=1e-6)
    expected = refitted_errors(K, Y[:n], w, 0.3)[:, 0] if n > 1 else [np.nan]
    np.testing.assert_allclose(errors[1], expected, atol=1e-12)
    without = every_error(K, y, w, fit_intercept=False)
    assert np.isfinite(without).all()
    if n == 1:
        np.testing.assert_allclose(without[:, 0], y[0], rtol=1e-6)


def test_all_rows_are_equal():
    y = np.arange(5.0)
    K, labels = np.ones((5, 5)), np.zeros(5, int)
    assert np.isnan(every_error(K, y, None, labels)).all()
    without = every_error(K, y, None, labels, fit_intercept=False)
    np.testing.assert_allclose(without, np.tile(y, (len(without), 1)), atol=1e-5)


def test_one_row_has_nearly_all_the_weight():
    _, Y, _, K = problem()
    w = np.full(40, 1e-3)
    for w[4] in (1e12, 1e3):
        rows = distinct_rows(40, w)
        expected = refitted_errors(K, Y, w, 0.3)
        errors = left_out_models(ridge_inverse(K, rows, 0.3), Y).errors
        np.testing.assert_allclose(errors, expected, atol=1e-9)
    # A decomposition is exact to the rounding of its largest eigenvalue only.
    errors = ridge_errors(full_decomposition(K, rows), Y, [0.3])[0]
    np.testing.assert_allclose(errors, expected, atol=1e-9)


def test_kernel_of_zeros_predicts_the_mean():
    _, Y, w, K = problem()
    y = Y[:, 0]
    expected = [
        y[i] - np.average(y[w != v], weights=w[w != v]) for i, v in enumerate(w)
    ]
    rows = distinct_rows(40, w)
    decomposition = full_decomposition(0 * K, rows)
    filter = SpectralFilter("flow", 1.0, 1.0, 0.0)
    for errors in (
        ridge_errors(decomposition, y, [0.0, 1.0]),
        path_errors(decomposition, y, np.empty(0), filter, [3, np.inf]),
        left_out_models(ridge_inverse(0 * K, rows, 0.0), y).errors[None],
        feature_errors(np.zeros((40, 2)).__getitem__, rows, y, [0.0]),
    ):
        np.testing.assert_allclose(errors, [expected] * len(errors), atol=1e-9)


def test_single_precision_kernels_are_not_changed():
    _, Y, w, K = problem()
    K32 = K.astype(np.float32)
    copy = K32.copy()
    y = Y[:, 0]
    rows = distinct_rows(40, w)
    decomposition = full_decomposition(K32, rows)
    errors = ridge_errors(decomposition, y, ALPHAS[2:])
    assert errors.dtype == np.float64
    expected = ridge_errors(full_decomposition(K32.astype(float), rows), y, ALPHAS[2:])
    np.testing.assert_allclose(errors, expected, atol=1e-12)
    for e, alpha in zip(expected, ALPHAS[2:], strict=True):
        models = left_out_models(ridge_inverse(K32, rows, alpha), y)
        np.testing.assert_allclose(models.errors, e, atol=1e-12)
        assert models.predict_without(K32[:3]).dtype == np.float64
    np.testing.assert_array_equal(K32, copy)


def test_factor_of_a_singular_matrix_that_rounding_makes_positive():
    for seed in range(30):
        rng = np.random.default_rng(seed)
        Phi, y, rows = rng.normal(size=(6, 3)), rng.normal(size=6), distinct_rows(6)
        K = Phi @ Phi.T
        np.testing.assert_allclose(
            left_out_models(ridge_inverse(K, rows, 0.0), y).errors,
            ridge_errors(full_decomposition(K, rows), y, [0.0])[0],
            atol=1e-9,
        )


@pytest.mark.parametrize("alpha", [0.0, 0.3])
@pytest.mark.parametrize("rank", [3, 40])
def test_coefficients_without_an_inverse(alpha, rank):
    rng = np.random.default_rng(0)
    Phi, (_, Y, w, _) = rng.normal(size=(40, rank)), problem()
    K, rows = Phi @ Phi.T, distinct_rows(40, w)
    inverse = ridge_inverse(K, rows, alpha)
    expected = left_out_models(inverse, Y)
    coef = dual_coef(K, rows, alpha, Y)
    size = np.abs(expected.dual_coef).max()
    np.testing.assert_allclose(coef, expected.dual_coef, atol=1e-9 * size)
    # Both may take the memory of K.
    again = dual_coef(K.copy(), rows, alpha, Y, overwrite_K=True)
    np.testing.assert_array_equal(again, coef)
    taken = ridge_inverse(K.copy(), rows, alpha, overwrite_K=True)
    np.testing.assert_array_equal(np.tril(taken.G), np.tril(inverse.G))


def test_the_memory_of_a_kernel_matrix_is_taken():
    _, _, _, K = problem()
    inverse = ridge_inverse(K, distinct_rows(40), 0.3, overwrite_K=True)
    assert np.may_share_memory(inverse.G, K)

"""Fits, scores and choices do not depend on the scale and the offset of y, or of X."""

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.metrics import r2_score

from sklearn_msk import MSKGridSearchCV, MSKRegressor
from sklearn_msk.finite_width import WideNetworkRegressor
from sklearn_msk.kernels import NTK

N = 100
RNG = np.random.RandomState(0)
X = RNG.uniform(-1, 1, (N, 3))
Q = RNG.uniform(-1, 1, (40, 3))
Y = np.column_stack(
    [
        np.sin(3 * X[:, 0]) + 0.3 * RNG.standard_normal(N),
        1e3 * (X[:, 1] + 0.5 * X[:, 2] ** 2 + 0.3 * RNG.standard_normal(N)),
    ]
)


def _tight(**params: Any) -> MSKRegressor:
    """Rounding of y moves a path by part of its tolerance: here, by next to nothing."""
    return MSKRegressor(k=10, max_iter=100, tol=1e-6, **params)


def _streamed(X: np.ndarray, y: np.ndarray) -> MSKRegressor:
    model = MSKRegressor(landmarks=30, k=10)
    model.partial_fit(X[:60], y[:60])
    return model.partial_fit(X[60:], y[60:])


def _early(X: np.ndarray, y: np.ndarray, **params: Any) -> MSKRegressor:
    params = {"k": 5, "max_iter": 60, "validation_fraction": 0.3} | params
    return MSKRegressor(early_stopping=True, random_state=0, **params).fit(X, y)


def _search(X: np.ndarray, y: np.ndarray, **params: Any) -> MSKGridSearchCV:
    grid = {"max_iter": [1, 10, 100], "k": [5]}
    return MSKGridSearchCV(MSKRegressor(tol=1e-6, **params), grid, cv=3).fit(X, y)


MODES: dict[str, Callable[[np.ndarray, np.ndarray], Any]] = {
    "exact": lambda X, y: _tight(store_trajectory=True).fit(X, y),
    "no intercept": lambda X, y: _tight(fit_intercept=False).fit(X, y),
    "landmarks": lambda X, y: MSKRegressor(landmarks=30, k=10, max_iter=100).fit(X, y),
    "partial_fit": _streamed,
    "early stopping": _early,
    "early stopping, landmarks": lambda X, y: _early(X, y, landmarks=30),
    "early stopping, descent": lambda X, y: _early(X, y, dynamics="descent"),
    "descent": lambda X, y: _tight(dynamics="descent").fit(X, y),
    "loop": lambda X, y: MSKRegressor(
        k=10, max_iter=100, dynamics="descent", solver="gd"
    ).fit(X, y),
    "full": lambda X, y: MSKRegressor(k=10, max_iter=100, solver="eigh").fit(X, y),
    "default": lambda X, y: MSKRegressor(tol=1e-6).fit(X, y),
    "limit": lambda X, y: MSKRegressor(k=10, max_iter=np.inf, alpha=0.1).fit(X, y),
    "search": _search,
    "search, landmarks": lambda X, y: _search(X, y, landmarks=30),
    "network": lambda X, y: WideNetworkRegressor(32, k=5, max_iter=20).fit(X, y),
}
# Precision of the rows, offset, scale, number of targets.
UNITS = [
    ("float64", 0.0, 1e-300, 1),
    ("float64", 0.0, 1e-162, 2),
    ("float64", 0.0, 1e160, 1),
    ("float64", 0.0, 1e300, 2),
    ("float64", 1.7e9, 60.0, 1),
    ("float32", 0.0, 1e-300, 2),
    ("float32", 0.0, 1e-170, 1),
    ("float32", 0.0, 1e153, 2),
    ("float32", 1.7e9, 60.0, 1),
    ("float32", -1e7, 1.0, 2),
]


def _quiet(work: Callable[[], Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return work()


@cache
def _right(mode: str, dtype: str, targets: int) -> BaseEstimator:
    y = Y if targets == 2 else Y[:, 0]
    return MODES[mode](X.astype(dtype), y)


# A model without intercept is another one at an offset.
CASES = [
    (mode, *u) for mode in MODES for u in UNITS if mode != "no intercept" or not u[1]
]


@pytest.mark.parametrize(
    ("mode", "dtype", "offset", "scale", "targets"),
    CASES,
    ids=[f"{mode}-{dtype} {a:g} + {b:g} y" for mode, dtype, a, b, _ in CASES],
)
def test_targets_in_other_units(
    mode: str, dtype: str, offset: float, scale: float, targets: int
) -> None:
    right, y = _right(mode, dtype, targets), Y if targets == 2 else Y[:, 0]
    rows, queries, moved = X.astype(dtype), Q.astype(dtype), offset + scale * y
    found = _quiet(lambda: MODES[mode](rows, moved))
    # The spacing of float64 at the offset, beside what is learned.
    rounding = abs(offset) * 2.3e-16 / (scale * np.std(y, axis=0).min())
    # Rounding of scaled targets moves a path by some part of its tolerance, 1e-4.
    atol = 1000 * rounding + 2e-5
    predictions = _quiet(lambda: found.predict(queries))
    assert predictions.dtype == np.float64
    sd = np.std(y, axis=0)
    back = (predictions - offset) / scale
    np.testing.assert_allclose(back / sd, right.predict(queries) / sd, atol=atol)
    for name in ("n_iter_", "best_params_", "k_"):
        assert getattr(found, name, None) == getattr(right, name, None)
    if hasattr(right, "validation_scores_"):
        scores = right.validation_scores_
        np.testing.assert_allclose(found.validation_scores_, scores, atol=10 * atol)
    if hasattr(right, "trajectory_"):
        staged = np.stack(list(found.staged_predict(queries, [2, 50])))
        assert staged.dtype == np.float64
        others = np.stack(list(right.staged_predict(queries, [2, 50])))
        back = (staged - offset) / scale
        np.testing.assert_allclose(back / sd, others / sd, atol=atol)


@pytest.mark.parametrize(
    ("dtype", "offset", "scale", "targets"),
    UNITS,
    ids=[f"{dtype} {a:g} + {b:g} y" for dtype, a, b, _ in UNITS],
)
@pytest.mark.parametrize("mode", ["exact", "landmarks", "network"])
def test_score_in_other_units(
    mode: str, dtype: str, offset: float, scale: float, targets: int
) -> None:
    """R2 has no unit; its squares have one, which must neither over- nor underflow."""
    y = Y if targets == 2 else Y[:, 0]
    rows, moved = X.astype(dtype), offset + scale * y
    right = _right(mode, dtype, targets).score(rows, y)
    found = _quiet(lambda: MODES[mode](rows, moved))
    assert _quiet(lambda: found.score(rows, moved)) == pytest.approx(right, abs=1e-3)
    weights = np.linspace(0.0, 2.0, N)
    weighted = _right(mode, dtype, targets).score(rows, y, sample_weight=weights)
    assert _quiet(
        lambda: found.score(rows, moved, sample_weight=weights)
    ) == pytest.approx(weighted, abs=1e-3)


@pytest.mark.parametrize("scale", [1e-170, 1e-7, 0.3, 1e9, 1e154, 1e160])
@pytest.mark.parametrize(
    "settings",
    [
        {"early_stopping": True},
        {"early_stopping": "loo"},
        {"early_stopping": True, "landmarks": 40},
        {"early_stopping": True, "dynamics": "descent", "max_iter": 5000},
    ],
    ids=["held out", "leave-one-out", "landmarks", "descent"],
)
def test_number_of_steps_of_early_stopping(settings: dict, scale: float) -> None:
    """Scores late on the path agree to 1e-14: the unit of y chooses none of them."""
    rng = np.random.RandomState(0)
    rows = rng.randn(80, 4)
    y = np.sin(rows[:, 0]) + 0.1 * rng.randn(80)
    model = MSKRegressor(NTK(), **{"k": 10, "max_iter": np.inf, **settings})
    right = model.fit(rows, y)
    steps, scores = right.n_iter_, right.validation_scores_
    assert 20 < steps < np.inf
    found = _quiet(lambda: model.fit(rows, y * scale))
    assert found.n_iter_ == steps
    assert found.validation_scores_.max() == pytest.approx(scores.max(), abs=1e-9)


@pytest.mark.parametrize("scale", [1.0, 1e-170, 1e160])
def test_validation_targets_that_are_all_the_same(scale: float) -> None:
    """Less the mean squared error is the score there: a number of either sign."""
    y = np.zeros(N)
    y[:3] = 1.0
    model = MSKRegressor(early_stopping=True, k=5, validation_fraction=0.05)
    for seed in (0, 1):
        model.set_params(random_state=seed)
        right = model.fit(X, y).n_iter_
        assert _quiet(lambda: model.fit(X, scale * y)).n_iter_ == right


@pytest.mark.parametrize("offset", [1e5, 1e6, 1e7, 1e8])
def test_score_of_float32_rows_at_any_mean(offset: float) -> None:
    y = offset + Y[:, 0]
    wide = MSKRegressor().fit(X, y).score(X, y)
    assert MSKRegressor().fit(X.astype("float32"), y).score(
        X.astype("float32"), y
    ) == pytest.approx(wide, abs=1e-4)


ANY_KERNEL = ["ntk_relu", "nngp_relu", "laplacian", "rbf", "linear", "poly"]


@pytest.mark.parametrize(
    ("kernel", "mode"),
    [(kernel, mode) for kernel in ANY_KERNEL for mode in ("exact", "landmarks")]
    + [(kernel, mode) for kernel in ("ntk_relu", "rbf") for mode in ("early", "query")],
)
def test_float32_rows_far_from_the_origin(kernel: str, mode: str) -> None:
    """The digits that rows in float32 have are used: R2 is that of float64 rows."""
    rng = np.random.RandomState(0)
    offset = 1e4
    single = (offset + 3 * rng.standard_normal((250, 4))).astype("float32")
    rows = single.astype("float64") - offset
    y = np.sin(rows[:, 0]) + 0.5 * rows[:, 1] + 0.1 * rng.standard_normal(250)
    params = {"landmarks": 60, "random_state": 0} if mode == "landmarks" else {}
    if mode == "early":
        params = {"early_stopping": True, "random_state": 0}
    scores = []
    for X_fit in (single.astype("float64"), single):
        model = MSKRegressor(kernel, **params).fit(X_fit[:200], y[:200])
        queries = single if mode == "query" else X_fit
        scores.append(r2_score(y[200:], model.predict(queries[200:])))
    assert scores[1] == pytest.approx(scores[0], abs=1e-2)


@pytest.mark.parametrize("weights", [1e-300, 1e307, 1.7e308])
@pytest.mark.parametrize("ramp", [False, True])
@pytest.mark.parametrize(
    "mode", ["exact", "landmarks", "early stopping", "limit", "network", "search"]
)
def test_weights_of_any_size(mode: str, ramp: bool, weights: float) -> None:
    """Right, or refused by an error that says whose fault it is (alpha is 0)."""
    w = np.linspace(0.5, 1.0, N) if ramp else np.ones(N)
    y = Y[:, 0]
    models = {
        "exact": MSKRegressor(k=10, tol=1e-10),
        "landmarks": MSKRegressor(k=10, landmarks=30, tol=1e-10),
        "early stopping": MSKRegressor(
            k=5, tol=1e-10, early_stopping=True, random_state=0
        ),
        "limit": MSKRegressor("laplacian", max_iter=np.inf),
        "network": WideNetworkRegressor(32, k=5, max_iter=10),
        "search": MSKGridSearchCV(MSKRegressor(tol=1e-10), {"k": [0, 5]}, cv=2),
    }
    model = models[mode]
    right = model.fit(X, y, sample_weight=w).predict(Q)
    try:
        found = _quiet(lambda: model.fit(X, y, sample_weight=weights * w).predict(Q))
    except ValueError as error:
        assert "sample_weight" in str(error)
    else:
        np.testing.assert_allclose(found, right, atol=1e-7)

"""Under flow `max_iter` is a time: any real number > 0. Under descent it is whole."""

from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.stats import loguniform
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV

from sklearn_msk import MSKClassifier, MSKGridSearchCV, MSKRegressor
from sklearn_msk.kernels import NTK
from sklearn_msk.spectral_maps import Power

RNG = np.random.RandomState(0)
X = RNG.uniform(-1, 1, (60, 3))
Y = np.sin(3 * X[:, 0]) + X[:, 1] + 0.1 * RNG.standard_normal(60)
Q = RNG.uniform(-1, 1, (20, 3))
TIMES = [1e-3, 0.5, 1, np.int64(3), np.float32(4.5), np.float64(12.5), 37.2, 1e3, 1e7]
MODES = [{}, {"landmarks": 25}, {"solver": "eigh"}, {"alpha": 0.1, "g": Power(0.5)}]


@pytest.mark.parametrize("time", TIMES, ids=repr)
@pytest.mark.parametrize("params", MODES, ids=str)
def test_any_time_is_legal(params: dict[str, Any], time: float) -> None:
    model = MSKRegressor(max_iter=time, **params).fit(X, Y)
    assert model.n_iter_ == time
    labels = MSKClassifier(max_iter=time, **params).fit(X, Y > 0)
    assert labels.n_iter_ == time


@pytest.mark.parametrize("time", [0.5, 1.0, 37.2, 250.75])
@pytest.mark.parametrize("solver", ["auto", "lanczos", "eigh"])
@pytest.mark.parametrize(
    ("g", "k", "alpha"),
    [("identity", 0, 0.0), (Power(0.5), 6, 0.0), ("flatten", 9, 0.3)],
)
def test_against_the_matrix_exponential(
    g: Any, k: int, alpha: float, solver: str, time: float
) -> None:
    """a' = -(eta alpha / n) a - (eta / n) S (K a - z), from a = 0, as one expm."""
    model = MSKRegressor(
        NTK(), g=g, k=k, alpha=alpha, solver=solver, max_iter=time, tol=1e-12
    ).fit(X, Y)
    n, K = len(X), NTK()(X)
    eigenvalues, vectors = np.linalg.eigh(K / n)
    leading, V = eigenvalues[::-1][:k], vectors[:, ::-1][:, :k]
    targets = {
        "identity": leading,
        "flatten": np.full(k, leading[-1] if k else 0.0),
    }
    mapped = targets[g] if isinstance(g, str) else g(leading)
    S = np.eye(n) - (V * (1 - mapped / leading)) @ V.T
    eta = model.learning_rate_
    generator = np.zeros((n + 1, n + 1))
    generator[:n, :n] = -eta * (alpha / n * np.eye(n) + S @ K / n)
    generator[:n, n] = eta * S @ (Y - Y.mean()) / n
    coef = expm(time * generator)[:n, n]
    right = NTK()(Q, X) @ coef + Y.mean()
    np.testing.assert_allclose(model.predict(Q), right, atol=1e-7)


@pytest.mark.parametrize("params", MODES[:3], ids=str)
def test_continuous_and_monotone(params: dict[str, Any]) -> None:
    def residual(time: float) -> np.ndarray:
        model = MSKRegressor(k=4, max_iter=time, tol=1e-12, **params).fit(X, Y)
        return Y - model.predict(X)

    times = [0.1, 0.5, 0.9, 1.0, 1.1, 1.5, 2.0, 2.5, 10.0, 10.5, 99.5, 100.0]
    norms = [np.linalg.norm(residual(time)) for time in times]
    assert np.all(np.diff(norms) < 0)
    for time in (1.0, 2.0, 7.3):
        step = np.abs(residual(time + 1e-6) - residual(time)).max()
        assert 0 < step < 1e-5
        # No whole number is special: the slope on both sides of it is the same.
        after = (residual(time + 1e-4) - residual(time)) / 1e-4
        before = (residual(time) - residual(time - 1e-4)) / 1e-4
        np.testing.assert_allclose(after, before, atol=1e-3)


def test_stages_at_fractional_times() -> None:
    model = MSKRegressor(max_iter=37.2, store_trajectory=True, tol=1e-12).fit(X, Y)
    times = [0.25, 1.0, 1.5, 37.2]
    for time, values in zip(times, model.staged_predict(Q, times), strict=True):
        single = MSKRegressor(max_iter=time, tol=1e-12).fit(X, Y)
        np.testing.assert_allclose(values, single.predict(Q), atol=1e-8)
    path = model.path_iterations_
    assert path[-1] == 37.2 and np.all(np.diff(path) > 0) and path[0] > 0
    last = list(model.staged_predict(Q))[-1]
    np.testing.assert_allclose(last, model.predict(Q), atol=1e-10)
    for off in (37.3, 0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match="iterations"):
            list(model.staged_predict(Q, [off]))


@pytest.mark.parametrize("max_iter", [0.7, 7.5, 137.2])
@pytest.mark.parametrize("params", [{}, {"landmarks": 20}], ids=str)
def test_early_stopping_within_a_time(params: dict[str, Any], max_iter: float) -> None:
    model = MSKRegressor(
        k=3, early_stopping=True, max_iter=max_iter, random_state=0, **params
    ).fit(X, Y)
    assert 0 < model.n_iter_ <= max_iter
    assert model.n_iter_ in model.validation_iterations_
    assert model.validation_iterations_[-1] == max_iter


def test_streams_and_searches_over_times() -> None:
    stream = MSKRegressor(landmarks=20, max_iter=3.3)
    stream.partial_fit(X[:30], Y[:30]).partial_fit(X[30:], Y[30:])
    assert stream.n_iter_ == 3.3
    search = RandomizedSearchCV(
        MSKRegressor(),
        {"max_iter": loguniform(0.1, 1e4), "k": [0, 5, 20]},
        n_iter=8,
        cv=3,
        random_state=0,
        error_score="raise",
    ).fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    grid = {"max_iter": [0.5, 2.0, 7.3, 41.1, np.inf], "alpha": [0.1]}
    ours, theirs = (
        of(MSKRegressor(tol=1e-10), grid, cv=3, error_score="raise").fit(X, Y)
        for of in (MSKGridSearchCV, GridSearchCV)
    )
    np.testing.assert_allclose(
        ours.cv_results_["mean_test_score"],
        theirs.cv_results_["mean_test_score"],
        atol=1e-6,
    )


@pytest.mark.parametrize("solver", ["auto", "lanczos", "eigh", "gd"])
@pytest.mark.parametrize("steps", [1.0, 10.0, np.float64(30), np.int64(7), 1e3])
def test_whole_floats_of_descent(steps: float, solver: str) -> None:
    params = {"dynamics": "descent", "solver": solver, "k": 5}
    model = MSKRegressor(max_iter=steps, **params).fit(X, Y)
    other = MSKRegressor(max_iter=int(steps), **params).fit(X, Y)
    assert model.n_iter_ == other.n_iter_
    np.testing.assert_array_equal(model.predict(Q), other.predict(Q))


@pytest.mark.parametrize("make", [MSKRegressor, MSKClassifier])
@pytest.mark.parametrize("steps", [2.5, 0.5, 1e3 + 0.1])
def test_fractions_of_a_descent(steps: float, make: Any) -> None:
    y = Y > 0 if make is MSKClassifier else Y
    with pytest.raises(ValueError, match=r"(?s)max_iter.*(whole|integer)"):
        make(dynamics="descent", max_iter=steps).fit(X, y)


@pytest.mark.parametrize("dynamics", ["flow", "descent"])
@pytest.mark.parametrize(
    "wrong", [0, 0.0, -1, -0.5, np.nan, -np.inf, True, np.True_, "10"], ids=repr
)
def test_what_is_no_time(wrong: Any, dynamics: str) -> None:
    with pytest.raises((ValueError, TypeError), match="max_iter"):
        MSKRegressor(max_iter=wrong, dynamics=dynamics).fit(X, Y)

"""Any data: a prediction that agrees with the reference, or an error with its cause.

``HYPOTHESIS_PROFILE=long`` looks at 10 000 examples of each property.
"""

import os
import warnings

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from reference import fitted_values
from sklearn.exceptions import ConvergenceWarning

from sklearn_msk import MSKClassifier, MSKRegressor
from sklearn_msk._validation import count_distinct_rows
from sklearn_msk.kernels import NTK
from sklearn_msk.kernels._evaluation import evaluate_kernel
from sklearn_msk.spectral_maps import Flatten, Identity, Lift

settings.register_profile(
    "quick",
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
settings.register_profile(
    "long",
    settings.get_profile("quick"),
    max_examples=10_000,
    derandomize=False,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

KERNELS = [
    "ntk_relu",
    "ntk_erf",
    "nngp_gelu",
    NTK(depth=3, activation="abs", bias_variance=0.0),
    "rbf",
    "laplacian",
    "linear",
    "poly",
    "cosine",
]
MAPS = {"identity": Identity(), "flatten": Flatten(), "lift": Lift()}


@st.composite
def matrices(draw, min_rows=1, max_rows=14):
    """Rows at random, on a grid, repeated, constant or zero, at any scale."""
    n, d = draw(st.integers(min_rows, max_rows)), draw(st.integers(1, 4))
    rng = np.random.RandomState(draw(st.integers(0, 2**31 - 1)))
    X = rng.standard_normal((n, d))
    if draw(st.booleans()):
        X = np.rint(2 * X)
    change = draw(st.sampled_from(["none", "rows", "nearly", "column", "zero", "same"]))
    if change == "rows":
        X = X[rng.randint(0, n, n)]
    elif change == "nearly":
        X = X[rng.randint(0, n, n)] + 1e-9 * rng.standard_normal((n, d))
    elif change == "column":
        X[:, rng.randint(d)] = rng.randint(3)
    elif change == "zero":
        X[rng.randint(n)] = 0.0
    elif change == "same":
        X[:] = X[0]
    scale = 10.0 ** draw(
        st.sampled_from([0, 0, 0, 0, 1, -1, 3, -6, 30, -30, 120, -120])
    )
    return X * scale


@st.composite
def layouts(draw, X):
    """The same numbers, or what is left of them, as users hold them."""
    kind = draw(
        st.sampled_from(["as it is", "fortran", "read-only", "float32", "int", "list"])
    )
    if kind == "fortran":
        return np.asfortranarray(X)
    if kind == "read-only":
        X = X.copy()
        X.flags.writeable = False
        return X
    if kind == "float32":
        with np.errstate(over="ignore"):
            return X.astype(np.float32)
    if kind == "int":
        return np.clip(X, -1e6, 1e6).astype(np.int64)
    return X.tolist() if kind == "list" else X


@st.composite
def targets(draw, n):
    """Noise, constants, and a mean far above the spread, at any scale."""
    rng = np.random.RandomState(draw(st.integers(0, 2**31 - 1)))
    shape = draw(st.sampled_from([(n,), (n, 2)]))
    y = rng.standard_normal(shape)
    change = draw(st.sampled_from(["none", "none", "mean", "constant", "zero"]))
    if change == "mean":
        y = y + 1e6
    elif change == "constant":
        y[:] = 3.0
    elif change == "zero":
        y[:] = 0.0
    return y * 10.0 ** draw(st.sampled_from([0, 0, 0, 6, -6, 100, -100]))


@st.composite
def weightings(draw, n):
    """None, integers with zeros, or weights over many orders of magnitude."""
    rng = np.random.RandomState(draw(st.integers(0, 2**31 - 1)))
    kind = draw(st.sampled_from(["none", "none", "integers", "orders"]))
    if kind == "none":
        return None
    if kind == "orders":
        return 10.0 ** rng.uniform(-3, 3, n)
    weights = rng.randint(0, 3, n).astype(float)
    weights[rng.randint(n)] = 1.0
    return weights


PARAMETERS = st.fixed_dictionaries(
    {
        "kernel": st.sampled_from(KERNELS),
        "g": st.sampled_from(list(MAPS)),
        "k": st.integers(0, 20),
        "max_iter": st.sampled_from([1, 2, 10, 100, 1000, 10**6, np.inf]),
        "alpha": st.sampled_from([0.0, 0.0, 0.01, 1.0, 1e6]),
        "learning_rate": st.sampled_from([1.0, 1.0, 0.1, 1.9]),
        "dynamics": st.sampled_from(["flow", "descent"]),
        "fit_intercept": st.booleans(),
        "solver": st.sampled_from(["auto", "lanczos", "eigh"]),
    }
)

# What an error has to speak of, where the data or their scale do not allow a model.
CAUSES = (
    "every entry must be finite|overflow|must be positive semi-definite|"
    "too large for dtype|contains infinity|must be > 0|finite|loses its digits"
)


def fit(model, *data):
    """Fit, and tell whether a warning spoke of the result; errors name their cause."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model.fit(*data)
        except ValueError as error:
            event("error")
            assert any(cause in str(error) for cause in CAUSES.split("|")), error
            return None
    assert all(issubclass(w.category, ConvergenceWarning) for w in caught), caught
    return not caught


@given(st.data())
def test_fit_agrees_with_the_reference(data):
    X = data.draw(matrices())
    y = data.draw(targets(len(X)))
    weights = data.draw(weightings(len(X)))
    params = data.draw(PARAMETERS)
    rows = data.draw(layouts(X))
    model = MSKRegressor(tol=1e-9, **params)
    trusted = fit(model, rows, y, weights)
    if trusted is None:
        return
    predictions = model.predict(rows)
    assert np.all(np.isfinite(predictions))
    assert np.all(np.isfinite(model.dual_coef_))
    if not trusted:
        event("warning")
        return
    Z = np.asarray(rows)
    Z = Z if Z.dtype == np.float32 else Z.astype(float)
    K = evaluate_kernel(model.kernel_, Z)
    del params["kernel"], params["solver"]
    kept = Z if weights is None else Z[weights > 0]
    expected, gap, condition, spread = fitted_values(
        K,
        y,
        MAPS[params.pop("g")],
        params.pop("k"),
        params.pop("max_iter"),
        weights=weights,
        n_distinct=count_distinct_rows(kept),
        **params,
    )
    if gap < 1e-6:
        event("directions cut inside a multiplet")
        return
    # What single precision leaves of seven digits, and double of sixteen.
    single = K.dtype == np.float32
    worst = (1e3, 1e-3, 1e4) if single else (1e6, 1e-12, 1e13)
    floor = model.spectrum_.floor / (model.spectrum_.largest or 1.0)
    if condition > worst[0] or floor > worst[1] or spread > worst[2]:
        event(f"ill-conditioned: finite only, {K.dtype}")
        return
    # The norm of the design: rows count by their weights.
    w = np.ones(len(X)) if weights is None else weights
    roots = np.sqrt(w / w.sum()).reshape(-1, *(1,) * (y.ndim - 1))
    size = np.linalg.norm(roots * (y / (np.abs(y).max() or 1.0))) * np.abs(y).max()
    event(f"compared, {K.dtype}")
    error = np.linalg.norm(roots * (predictions - expected) / (size or 1.0))
    # Of rates near rounding, some digits are left: what a user need not hear of.
    bound = 1e-4 if spread < 1e10 and not single else 1e-2
    assert error < bound, (predictions, expected, model.dual_coef_, model.spectrum_)


@given(st.data())
def test_landmarks_agree_with_the_exact_model(data):
    X = data.draw(matrices(min_rows=2))
    y = data.draw(targets(len(X)))
    params = data.draw(PARAMETERS)
    exact, model = MSKRegressor(**params), MSKRegressor(landmarks=X, **params)
    trusted = fit(exact, X, y)
    if fit(model, X, y) is None:
        return
    predictions = model.predict(X)
    assert np.all(np.isfinite(predictions))
    if not trusted:
        return
    K = evaluate_kernel(exact.kernel_, np.unique(X, axis=0))
    roots = np.sqrt(np.diag(K))
    scale = np.outer(roots, roots)
    if not scale.all() or np.linalg.cond(K / scale.max()) > 1e6:
        event("ill-conditioned: finite only")
        return
    lam = exact.spectrum_
    k = len(lam.eigenvalues)
    if k and lam.next_eigenvalue > (1 - 1e-6) * lam.eigenvalues[-1]:
        event("directions cut inside a multiplet")
        return
    event("compared")
    size = np.abs(y).max() or 1.0
    np.testing.assert_allclose(predictions / size, exact.predict(X) / size, atol=1e-3)


@given(st.data())
def test_classes_are_predicted_or_refused(data):
    X = data.draw(matrices(min_rows=3))
    rng = np.random.RandomState(data.draw(st.integers(0, 2**31 - 1)))
    y = rng.randint(0, data.draw(st.integers(2, 4)), len(X))
    y[:2] = 0, 1
    params = data.draw(PARAMETERS)
    model = MSKClassifier(**params)
    if fit(model, X, y, data.draw(weightings(len(X)))) is None:
        return
    assert set(model.predict(X)) <= set(y)
    p = model.predict_proba(X)
    assert np.all(p >= 0)
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    # Values that are equal but for rounding next to 1 make equal probabilities.
    predicted = np.searchsorted(model.classes_, model.predict(X))
    np.testing.assert_array_equal(p[np.arange(len(X)), predicted], p.max(axis=1))


@given(st.data())
def test_strings_and_other_bad_rows(data):
    X = data.draw(matrices())
    bad = data.draw(st.sampled_from(["a", None, np.nan, np.inf, 1j]))
    rows = X.astype(object)
    rows[0, 0] = bad
    with pytest.raises((ValueError, TypeError)) as error:
        MSKRegressor().fit(rows, np.ones(len(X)))
    spoken = ("text", "NaN", "infinity", "Complex", "string", "complex", "NoneType")
    assert any(word in str(error.value) for word in spoken)

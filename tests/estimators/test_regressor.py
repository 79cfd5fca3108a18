"""MSKRegressor: what its predictions are, and that nothing else moves them."""

import pickle
import warnings

import numpy as np
import pytest
from problems import dense_preconditioner, recurrence
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.gaussian_process.kernels import RBF, Matern
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_msk import MSKRegressor
from sklearn_msk._preconditioner import Preconditioner
from sklearn_msk._tuning import DENSE_MAX
from sklearn_msk.kernels import NNGP, NTK
from sklearn_msk.spectral_maps import Flatten, Identity, Lift, Power

TIGHT = {"tol": 1e-11}
KERNELS = {
    "ntk": NTK(depth=2),
    "nngp_erf": "nngp_erf",
    "laplacian": "laplacian",
    "matern": Matern(nu=1.5),
    "sum": NTK() + 0.5 * RBF(),
}


def noisy_target(X, seed=1):
    rng = np.random.RandomState(seed)
    return np.sin(3 * X[:, 0]) + X[:, 1] + 0.1 * rng.standard_normal(len(X))


# What the model is


@pytest.mark.parametrize("T", [1, 25, 400])
@pytest.mark.parametrize("weighted", [False, True])
def test_descent_is_the_recurrence(T, weighted, data):
    X, Y, weights = data
    weights = weights if weighted else None
    settings = {"k": 8, "alpha": 0.4, "dynamics": "descent", "learning_rate": 1.7}
    model = MSKRegressor(NTK(), max_iter=T, **settings, **TIGHT)
    model.fit(X, Y, sample_weight=weights)
    K = NTK()(X)
    w = np.ones(60) if weights is None else weights
    S = dense_preconditioner(
        Preconditioner(model.spectrum_, model.modified_eigenvalues_)
    )
    mean = np.average(Y, axis=0, weights=w)
    a = recurrence(K, Y - mean, S, model.learning_rate_, T, 0.4, weights)
    np.testing.assert_allclose(model.predict(X), K @ a + mean, atol=1e-8)
    np.testing.assert_allclose(model.intercept_, mean)
    np.testing.assert_allclose(model.learning_rate_, 0.85 * model.max_learning_rate_)


def test_spectrum_is_that_of_the_matrix_divided_by_n(data):
    X, Y, _ = data
    model = MSKRegressor(NTK(), k=8, g=Power(exponent=0.5)).fit(X, Y[:, 0])
    values, vectors = np.linalg.eigh(NTK()(X) / 60)
    values, vectors = values[::-1], vectors[:, ::-1]
    np.testing.assert_allclose(model.spectrum_.eigenvalues, values[:8])
    overlap = np.abs(np.sum(model.spectrum_.eigenvectors * vectors[:, :8], axis=0))
    np.testing.assert_allclose(overlap, 1.0)
    g = values[0] * (values[:8] / values[0]) ** 0.5
    np.testing.assert_allclose(model.modified_eigenvalues_, g)
    np.testing.assert_allclose(model.max_learning_rate_, 2 / max(g[0], values[8]))
    assert model.k_ == 8


@pytest.mark.parametrize("solver", ["lanczos", "eigh"])
def test_limit_is_interpolation_whatever_g_and_k(solver, data):
    X, Y, _ = data
    K = NTK()(X)
    expected = np.linalg.solve(K, Y)
    common = dict(max_iter=np.inf, fit_intercept=False, solver=solver, tol=1e-12)
    for g, k in [("identity", 0), ("flatten", 10), ("lift", 3), (np.sqrt, 30)]:
        model = MSKRegressor(NTK(), g=g, k=k, **common).fit(X, Y)
        np.testing.assert_allclose(model.predict(X), Y, atol=1e-8)
        np.testing.assert_allclose(model.dual_coef_, expected, atol=1e-6)


@pytest.mark.parametrize("solver", ["lanczos", "eigh"])
@pytest.mark.parametrize("alpha", [1e-3, 1.0, 50.0])
def test_limit_with_ridge(solver, alpha, data):
    """``(K + alpha S^-1)^-1 y``; `KernelRidge` for g = identity."""
    X, Y, _ = data
    K = NTK()(X)
    common = dict(max_iter=np.inf, alpha=alpha, fit_intercept=False, solver=solver)
    for g in ("identity", "flatten", "lift"):
        model = MSKRegressor(NTK(), g=g, k=7, tol=1e-12, **common).fit(X, Y)
        S = dense_preconditioner(
            Preconditioner(model.spectrum_, model.modified_eigenvalues_)
        )
        expected = K @ np.linalg.solve(K + alpha * np.linalg.inv(S), Y)
        np.testing.assert_allclose(model.predict(X), expected, atol=1e-8)
    ridge = KernelRidge(kernel=NTK(), alpha=alpha).fit(X, Y)
    model = MSKRegressor(NTK(), g="identity", tol=1e-12, **common).fit(X, Y)
    Z = X + 0.1
    np.testing.assert_allclose(model.predict(Z), ridge.predict(Z), atol=1e-8)


def test_many_steps_approach_the_limit(data):
    X, Y, _ = data
    limit = MSKRegressor(max_iter=np.inf).fit(X, Y).predict(X + 0.2)
    path = MSKRegressor(max_iter=10**7).fit(X, Y).predict(X + 0.2)
    np.testing.assert_allclose(path, limit, atol=1e-3)


def test_flow_and_descent_agree_for_small_steps(data):
    """Only ``learning_rate * max_iter`` matters where the steps are small."""
    X, Y, _ = data
    flow = MSKRegressor(max_iter=10, **TIGHT).fit(X, Y).predict(X)
    for factor in (1e3, 1e4):
        descent = MSKRegressor(
            dynamics="descent", learning_rate=1 / factor, max_iter=int(10 * factor),
            **TIGHT,
        ).fit(X, Y)  # fmt: skip
        assert np.abs(descent.predict(X) - flow).max() < 1.0 / factor


# Nothing else moves it


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("T", [1, 10, 100, np.inf])
def test_every_pair_of_solvers_agrees_on_few_rows(kernel, T):
    """With clusters and duplicates of rows, and with every eigensolver."""
    rng = np.random.RandomState(0)
    X = np.vstack([rng.standard_normal((60, 2)), 0.01 * rng.standard_normal((30, 2))])
    X = np.vstack([X, X[:20]])
    y = noisy_target(X[:, ::-1])
    y[-20:] = y[:20]
    common = dict(kernel=KERNELS[kernel], k=15, max_iter=T, tol=1e-6, alpha=1e-6)
    reference = MSKRegressor(solver="eigh", eigen_solver="dense", **common).fit(X, y)
    expected = reference.predict(X)
    for eigen_solver in ("dense", "arpack", "lobpcg", "randomized", "auto"):
        for solver in ("lanczos", "eigh", "auto"):
            model = MSKRegressor(solver=solver, eigen_solver=eigen_solver, **common)
            actual = model.fit(X, y).predict(X)
            bound = 2e-6 if eigen_solver == "dense" else 1e-3
            assert np.abs(actual - expected).max() < bound * y.std() * np.sqrt(len(y))
        if np.isfinite(T):
            rate = dict(dynamics="descent", learning_rate=0.01, max_iter=100 * T)
            loop, krylov = (
                MSKRegressor(**{**common, **rate}, eigen_solver=eigen_solver,
                             solver=solver).fit(X, y).predict(X)
                for solver in ("gd", "lanczos")
            )  # fmt: skip
            assert np.abs(loop - krylov).max() < 2e-6 * y.std() * np.sqrt(len(y))


@pytest.mark.parametrize("g", ["flatten", "lift", Power(exponent=0.5)])
@pytest.mark.parametrize("T", [1, 10, 100, np.inf])
def test_auto_is_within_its_bound_beyond_the_dense_threshold(g, T):
    """No prediction at any T moves by more than 1e-2 sd(y), new rows included."""
    rng = np.random.RandomState(0)
    X = rng.standard_normal((DENSE_MAX + 300, 4))
    y = noisy_target(X)
    train, new = slice(0, DENSE_MAX + 100), slice(DENSE_MAX + 100, None)
    # alpha keeps the limit comparable: lanczos stops at tol, eigh does not.
    models = [
        MSKRegressor(g=g, k=60, max_iter=T, alpha=1e-3, eigen_solver=eigen_solver)
        .fit(X[train], y[train])
        for eigen_solver in ("dense", "auto")
    ]  # fmt: skip
    assert [model.spectrum_.method for model in models] == ["dense", "randomized"]
    difference = models[0].predict(X[new]) - models[1].predict(X[new])
    assert np.abs(difference).max() < 1e-2 * y.std()


@pytest.mark.parametrize("max_iter", [20, np.inf])
@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("kernel", ["ntk_relu", "linear", "rbf"])
def test_integer_weights_equal_repetition(max_iter, alpha, kernel, data):
    X, Y, _ = data
    rng = np.random.RandomState(0)
    weights = rng.randint(0, 4, len(X))
    common = dict(kernel=kernel, k=12, max_iter=max_iter, alpha=alpha, tol=1e-10)
    with warnings.catch_warnings():
        # The limit of a linear kernel without ridge is ill-conditioned, and says so.
        warnings.simplefilter("ignore", ConvergenceWarning)
        weighted = MSKRegressor(**common).fit(X, Y, sample_weight=weights)
        repeated = MSKRegressor(**common).fit(
            np.repeat(X, weights, axis=0), np.repeat(Y, weights, axis=0)
        )
    assert weighted.k_ == repeated.k_
    assert weighted.dual_coef_.shape == Y.shape
    assert not weighted.dual_coef_[weights == 0].any()
    Z = X + 0.1
    np.testing.assert_allclose(weighted.predict(Z), repeated.predict(Z), atol=1e-6)


def test_scale_of_the_weights_does_not_matter_without_ridge(data):
    X, Y, weights = data
    one = MSKRegressor(**TIGHT).fit(X, Y, sample_weight=weights).predict(X)
    other = MSKRegressor(**TIGHT).fit(X, Y, sample_weight=1e3 * weights).predict(X)
    np.testing.assert_allclose(one, other, atol=1e-9)


def test_targets_are_independent(data):
    X, Y, _ = data
    both = MSKRegressor(**TIGHT).fit(X, Y).predict(X)
    for target in range(2):
        alone = MSKRegressor(**TIGHT).fit(X, Y[:, target]).predict(X)
        assert alone.shape == (60,)
        np.testing.assert_allclose(both[:, target], alone, atol=1e-9)
    column = MSKRegressor(**TIGHT).fit(X, Y[:, :1]).predict(X)
    assert column.shape == (60, 1)


def test_two_fits_are_bit_equal_and_threads_change_nothing():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((DENSE_MAX + 50, 3))
    y = noisy_target(X)
    first = MSKRegressor().fit(X, y)
    for other in (MSKRegressor(), MSKRegressor(n_jobs=2), clone(first)):
        np.testing.assert_array_equal(first.dual_coef_, other.fit(X, y).dual_coef_)


def test_precomputed_and_callable_equal_the_kernel(data):
    X, Y, _ = data
    Z = X[:9] + 0.3
    kernel = NTK(depth=2)
    steps = {"k": 50, "max_iter": 100}
    expected = MSKRegressor(kernel, **steps).fit(X, Y).predict(Z)
    K = kernel(X)
    precomputed = MSKRegressor("precomputed", **steps).fit(K, Y)
    np.testing.assert_allclose(precomputed.predict(kernel(Z, X)), expected, atol=1e-10)
    assert precomputed.X_fit_ is None
    function = MSKRegressor(lambda A, B, depth: NTK(depth)(A, B),
                            kernel_params={"depth": 2}, **steps)  # fmt: skip
    np.testing.assert_allclose(function.fit(X, Y).predict(Z), expected, atol=1e-10)
    params = {"depth": 2, "normalized": False, "bias_variance": 0.1}
    named = MSKRegressor("ntk_relu", kernel_params=params, **steps)
    np.testing.assert_array_equal(named.fit(X, Y).predict(Z), expected)


@pytest.mark.parametrize(
    ("kernel", "params"),
    [
        ("rbf", {"gamma": 0.3}),
        ("polynomial", {"gamma": 0.2, "degree": 2, "coef0": 0.5}),
        ("laplacian", {"gamma": None}),
        ("cosine", {}),
    ],
)
def test_pairwise_kernels_take_their_parameters(kernel, params, data):
    X, Y, _ = data
    K = pairwise_kernels(X, metric=kernel, filter_params=True, **params)
    # Rounding of K moves a path by as much as its tolerance allows.
    common = {"k": 5, "max_iter": 100, "tol": 1e-9}
    expected = MSKRegressor("precomputed", **common).fit(K, Y).predict(K)
    model = MSKRegressor(kernel, **common, **params).fit(X, Y)
    np.testing.assert_allclose(model.predict(X), expected, atol=1e-7)


def test_nothing_of_the_user_is_written_to(data):
    X, Y, weights = data
    K = NTK()(X)
    for array in (X, Y, weights, K):
        array.flags.writeable = False
    for eigen_solver in ("dense", "arpack", "lobpcg", "randomized"):
        for solver in ("lanczos", "eigh"):
            common = dict(solver=solver, eigen_solver=eigen_solver, k=5)
            MSKRegressor(**common).fit(X, Y, sample_weight=weights).predict(X)
            MSKRegressor("precomputed", **common).fit(K, Y).predict(K)


# dtypes, scales and degenerate data


def test_float32(data):
    X, Y, _ = data
    double = MSKRegressor().fit(X, Y)
    single = MSKRegressor().fit(X.astype(np.float32), Y)
    assert single.X_fit_.dtype == np.float32
    assert single.dual_coef_.dtype == np.float64
    assert single.predict(X.astype(np.float32)).dtype == np.float64
    assert single.spectrum_.eigenvectors.dtype == np.float64
    np.testing.assert_allclose(single.predict(X), double.predict(X), atol=2e-4)


@pytest.mark.parametrize("scale", [1e-120, 1e-60, 1e60, 1e120])
def test_scale_of_the_rows(scale, data):
    X, Y, _ = data
    kernel = NTK(bias_variance=0.0)
    expected = MSKRegressor(kernel).fit(X, Y).predict(X)
    actual = MSKRegressor(kernel).fit(scale * X, Y).predict(scale * X)
    np.testing.assert_allclose(actual, expected, atol=1e-6)


@pytest.mark.parametrize("solver", ["lanczos", "eigh", "gd"])
@pytest.mark.parametrize("scale", [1e-290, 1e-200, 1e-160, 1e160, 1e290])
def test_scale_of_the_targets(scale, solver, data):
    X, Y, weights = data
    scales = np.array([scale, 1.0])
    settings = dict(solver=solver, dynamics="descent", max_iter=20, k=5)
    expected = MSKRegressor(**settings).fit(X, Y, weights).predict(X)
    model = MSKRegressor(**settings).fit(X, Y * scales, weights)
    np.testing.assert_allclose(model.predict(X) / scales, expected, rtol=1e-9)
    single = MSKRegressor(**settings).fit(X, Y[:, 0] * scale, weights)
    np.testing.assert_allclose(single.predict(X) / scale, expected[:, 0], rtol=1e-9)


def test_targets_whose_sum_overflows(data):
    X = data[0]
    y = np.where(X[:, 0] > 0, 4e306, 3.8e306)
    predicted = MSKRegressor(max_iter=1).fit(X, y).predict(X)
    expected = MSKRegressor(max_iter=1).fit(X, y / 1e306).predict(X)
    np.testing.assert_allclose(predicted / 1e306, expected, rtol=1e-9)


@pytest.mark.parametrize("solver", ["lanczos", "eigh", "gd"])
def test_zero_kernel_predicts_the_intercept(solver):
    X = np.zeros((6, 2))
    y = np.arange(6.0)
    for alpha in (0.0, 1.0):
        model = MSKRegressor("linear", solver=solver, dynamics="descent", alpha=alpha)
        model.fit(X, y)
        assert model.k_ == 0
        np.testing.assert_array_equal(model.predict(X), 2.5)


def test_constant_target_and_one_row(data):
    X, _, _ = data
    np.testing.assert_allclose(MSKRegressor().fit(X, np.full(60, 7.0)).predict(X), 7.0)
    np.testing.assert_allclose(MSKRegressor().fit(X[:1], [3.0]).predict(X), 3.0)


def test_large_mean_of_the_target(data):
    X, Y, _ = data
    expected = MSKRegressor(**TIGHT).fit(X, Y).predict(X)
    shifted = MSKRegressor(**TIGHT).fit(X, Y + 1e6).predict(X)
    np.testing.assert_allclose(shifted - 1e6, expected, atol=1e-7)


# The path


@pytest.mark.parametrize("max_iter", [12, np.inf])
@pytest.mark.parametrize("multi", [False, True])
def test_staged_predict_follows_the_path(max_iter, multi, data):
    X, Y, _ = data
    y = Y if multi else Y[:, 0]
    model = MSKRegressor(max_iter=max_iter, store_trajectory=True, **TIGHT).fit(X, y)
    steps = [1, 5, 12] if np.isfinite(max_iter) else [1, 5, 12, np.inf]
    for step, stage in zip(steps, model.staged_predict(X + 0.1, steps), strict=True):
        expected = MSKRegressor(max_iter=step, **TIGHT).fit(X, y).predict(X + 0.1)
        np.testing.assert_allclose(stage, expected, atol=1e-6)
    everything = list(model.staged_predict(X))
    assert everything[0].shape == y.shape
    np.testing.assert_allclose(everything[-1], model.predict(X), atol=1e-9)
    if np.isfinite(max_iter):
        assert len(everything) == 12


def test_staged_predict_of_a_long_path_is_log_spaced(data):
    X, Y, _ = data
    model = MSKRegressor(max_iter=10**6, store_trajectory=True).fit(X, Y[:, 0])
    stages = list(model.staged_predict(X[:2]))
    assert len(stages) == 1000
    steps = model.path_iterations_
    assert steps[0] == 1
    assert steps[-1] == 10**6
    assert np.all(np.diff(steps) >= 1)
    np.testing.assert_array_equal(steps, np.rint(steps))
    np.testing.assert_allclose(stages[-1], model.predict(X[:2]), atol=1e-9)


def test_staged_predict_by_the_loop(data):
    X, Y, _ = data
    model = MSKRegressor(
        solver="gd", dynamics="descent", max_iter=9, store_trajectory=True
    ).fit(X, Y)
    *_, last = model.staged_predict(X)
    np.testing.assert_allclose(last, model.predict(X), atol=1e-12)


def test_staged_predict_errors(data):
    X, Y, _ = data
    with pytest.raises(NotFittedError):
        MSKRegressor(store_trajectory=True).staged_predict(X)
    with pytest.raises(ValueError, match="fit with store_trajectory=True"):
        MSKRegressor().fit(X, Y).staged_predict(X)
    model = MSKRegressor(max_iter=9, store_trajectory=True).fit(X, Y)
    for bad in (0, 10, -1.0, np.inf, np.nan, "two"):
        with pytest.raises(ValueError, match=r"> 0, up to max_iter=9, .* Got"):
            model.staged_predict(X, [3, bad])
    steps = MSKRegressor(dynamics="descent", max_iter=9, store_trajectory=True)
    steps.fit(X, Y)
    for bad in (0, 10, 2.5, np.inf, np.nan, "two"):
        with pytest.raises(ValueError, match=r"from 1 to max_iter=9, .* Got"):
            steps.staged_predict(X, [3, bad])
    model.set_params(store_trajectory=False).fit(X, Y)
    assert not hasattr(model, "trajectory_")


def test_trajectory_serves_other_rates_and_ridges(data):
    X, Y, _ = data
    y = Y[:, 0]
    model = MSKRegressor(store_trajectory=True, fit_intercept=False, **TIGHT).fit(X, y)
    path = model.trajectory_
    np.testing.assert_allclose(path.coef(), model.dual_coef_)
    ridge = MSKRegressor(alpha=2.0, fit_intercept=False, max_iter=30, **TIGHT).fit(X, y)
    a = path.coef(max_iter=30, learning_rate=ridge.learning_rate_, alpha=2.0)
    K = model.kernel_(X)
    np.testing.assert_allclose(K @ a, K @ ridge.dual_coef_, atol=1e-8)
    with pytest.raises(AttributeError):
        path.n_products = 0
    for name, bad in [
        ("max_iter", 0),
        ("max_iter", 101),
        ("max_iter", "a"),
        ("learning_rate", -1.0),
        ("alpha", -1.0),
        ("alpha", np.nan),
    ]:
        with pytest.raises(
            ValueError, match=f"{name!r} of a trajectory .* Got {bad!r}"
        ):
            path.coef(**{name: bad})


# Life in scikit-learn


def test_pipeline_and_grid_search(data):
    X, Y, _ = data
    pipeline = make_pipeline(StandardScaler(), MSKRegressor(NTK(), g=Power(1.0)))
    grid = {
        "mskregressor__k": [0, 10],
        "mskregressor__g": [Identity(), Flatten(), Lift(), Power(0.5), "flatten"],
        "mskregressor__kernel__depth": [1, 2],
    }
    search = GridSearchCV(pipeline, grid, cv=3).fit(X, Y[:, 0])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    nested = GridSearchCV(pipeline, {"mskregressor__g__exponent": [0.2, 0.5]}, cv=3)
    nested.fit(X, Y[:, 0])
    assert nested.best_estimator_[-1].g.exponent in (0.2, 0.5)


def test_pickle_keeps_every_bit(data):
    X, Y, _ = data
    for kernel in ("ntk_relu", NNGP(2, "erf"), "rbf"):
        model = MSKRegressor(kernel, store_trajectory=True).fit(X, Y)
        copy = pickle.loads(pickle.dumps(model))
        for name in ("dual_coef_", "intercept_", "X_fit_"):
            np.testing.assert_array_equal(getattr(copy, name), getattr(model, name))
        for one, other in zip(
            copy.staged_predict(X), model.staged_predict(X), strict=True
        ):
            # Where an array lies in memory can change the order of NumPy's sums.
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-10)


def test_prediction_keeps_to_the_working_memory(data, monkeypatch):
    import sklearn

    X, Y, _ = data
    blocks = []

    def kernel(A, B):
        blocks.append(len(A))
        return NTK()(A, B)

    model = MSKRegressor(kernel).fit(X, Y)
    expected = model.predict(X)
    blocks.clear()
    with sklearn.config_context(working_memory=0.02):
        actual = model.predict(X)
    assert max(blocks) * 60 * 8 < 0.02 * 2**20
    assert sum(blocks) == 60
    np.testing.assert_allclose(actual, expected, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-100, 1e-36, 1.0, 1e36, 1e100])
def test_float32_rows_have_targets_of_any_scale(scale):
    X = np.random.default_rng(0).normal(size=(30, 2)).astype(np.float32)
    y = np.sin(X[:, 0].astype(float))
    expected = MSKRegressor(k=5).fit(X, y).predict(X)
    predicted = MSKRegressor(k=5).fit(X, scale * y).predict(X)
    np.testing.assert_allclose(predicted / scale, expected, atol=1e-5)

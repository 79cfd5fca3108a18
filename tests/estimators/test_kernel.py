"""MSKKernel: the matrix it gives, and its life in front of other estimators."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_friedman1
from sklearn.decomposition import KernelPCA
from sklearn.exceptions import NotFittedError
from sklearn.gaussian_process.kernels import RBF, Matern
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from sklearn_msk import MSKKernel, MSKRegressor
from sklearn_msk._tuning import DENSE_MAX
from sklearn_msk.kernels import (
    NNGP,
    NTK,
    FourierBasis,
    MercerKernel,
    SphericalHarmonics,
)
from sklearn_msk.spectral_maps import Power

EIGEN_SOLVERS = ["dense", "arpack", "lobpcg", "randomized"]


def reference(kernel, X, Z, n_train, train, g, k):
    """The definition, by a dense decomposition: K + sum (g - lam) phi phi^T."""
    values, vectors = np.linalg.eigh(kernel(train) / n_train)
    values, vectors = values[::-1][:k], vectors[:, ::-1][:, :k]
    phi_x, phi_z = (
        kernel(rows, train) @ vectors / (np.sqrt(n_train) * values) for rows in (X, Z)
    )
    return kernel(X, Z) + (phi_x * (g(values) - values)) @ phi_z.T


# The matrix


@pytest.mark.parametrize("eigen_solver", EIGEN_SOLVERS)
@pytest.mark.parametrize("kernel", [NTK(), NNGP(2, "erf"), Matern(nu=0.5)])
@pytest.mark.parametrize("g", [np.sqrt, lambda lam: 0 * lam, lambda lam: lam + 1.0])
def test_matrix_is_the_definition(eigen_solver, kernel, g, data):
    X = data[0]
    Z, W = X[:7] + 0.2, X[9:14] - 0.3
    model = MSKKernel(kernel, g=g, k=8, eigen_solver=eigen_solver)
    fitted = model.fit_transform(X)
    args = (len(X), X, g, 8)
    np.testing.assert_allclose(fitted, reference(kernel, X, X, *args), atol=1e-8)
    np.testing.assert_allclose(
        model.transform(Z), reference(kernel, Z, X, *args), atol=1e-7
    )
    np.testing.assert_allclose(
        model.evaluate(Z, W), reference(kernel, Z, W, *args), atol=1e-7
    )
    np.testing.assert_allclose(model.evaluate(X), fitted, atol=1e-7)
    np.testing.assert_allclose(model.transform(X), fitted, atol=1e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("n", "eigen_solver"),
    [(n, solver) for n in (1, 2, 30, 200) for solver in EIGEN_SOLVERS]
    + [(DENSE_MAX + 10, "auto")],
)
def test_symmetric_and_positive_semidefinite(n, eigen_solver, dtype):
    """To rounding, where g takes directions away entirely too."""
    X = np.random.RandomState(0).standard_normal((n, 3)).astype(dtype)
    size, rounding = np.abs(NTK()(X)).max(), max(2 * n, 8) * np.finfo(dtype).eps
    maps = [lambda lam: 0.0 * lam, "flatten", "lift", Power(2.0)]
    for g in maps if n < DENSE_MAX else maps[:1]:
        model = MSKKernel(g=g, k=20, eigen_solver=eigen_solver)
        for K in (model.fit_transform(X), model.evaluate(X[:40])):
            assert K.dtype == dtype
            np.testing.assert_array_equal(K, K.T)
            smallest = np.linalg.eigvalsh(K.astype(float))[0]
            assert smallest >= -rounding * max(size, np.abs(K).max())


def test_spectrum_of_the_matrix(data):
    """``K_g / n`` has the eigenvalues ``g(lam_i)``, and ``lam_i`` beyond."""
    X = data[0]
    model = MSKKernel(NTK(), g=Power(0.5), k=9)
    values = np.linalg.eigvalsh(model.fit_transform(X) / 60)[::-1]
    plain = np.linalg.eigvalsh(NTK()(X) / 60)[::-1]
    expected = np.sort([*plain[0] * (plain[:9] / plain[0]) ** 0.5, *plain[9:]])[::-1]
    np.testing.assert_allclose(values, expected, atol=1e-12)
    np.testing.assert_allclose(model.spectrum_.eigenvalues, plain[:9])
    np.testing.assert_allclose(
        model.modified_eigenvalues_, plain[0] * (plain[:9] / plain[0]) ** 0.5
    )


CIRCLE = FourierBasis(60)
SPHERE = SphericalHarmonics(9)
LIPSCHITZ = {
    "root": lambda lam: np.sqrt(lam + 0.01) - 0.1,
    "cap": lambda lam: np.minimum(lam, 0.2),
    "half": lambda lam: 0.5 * lam + 0.1 * lam**2,
}


@pytest.mark.parametrize("g", LIPSCHITZ)
@pytest.mark.parametrize(("basis", "n_features"), [(CIRCLE, 2), (SPHERE, 3)])
def test_matrix_converges_to_the_target_kernel(basis, n_features, g):
    """Where the eigenfunctions are known: the error falls with n, slope below -0.3."""
    eigenvalues = 1.0 / (1.0 + basis.degrees) ** 2.5
    # A gap of the spectrum: after the functions of a whole degree.
    k = np.count_nonzero(basis.degrees <= 3)
    modified = eigenvalues.copy()
    modified[:k] = LIPSCHITZ[g](eigenvalues[:k])
    kernel, target = (MercerKernel(basis, values) for values in (eigenvalues, modified))
    sizes = [100, 400, 1400]
    errors = {"sample": [], "new": []}
    for n in sizes:
        draws = {"sample": [], "new": []}
        for seed in range(5):
            rng = np.random.RandomState(100 * n + seed)
            X, Z = (
                rng.standard_normal((n, n_features)),
                rng.standard_normal((100, n_features)),
            )
            model = MSKKernel(kernel, g=LIPSCHITZ[g], k=k)
            for name, K, rows in (
                ("sample", model.fit_transform(X), X),
                ("new", model.evaluate(Z), Z),
            ):
                expected = target(rows)
                error = np.linalg.norm(K - expected) / np.linalg.norm(expected)
                draws[name].append(error)
        for name, values in draws.items():
            errors[name].append(np.median(values))
    for name, medians in errors.items():
        slope = np.polyfit(np.log(sizes), np.log(medians), 1)[0]
        assert slope < -0.3, name
        assert medians[-1] < 0.2


# In front of other estimators


@pytest.mark.parametrize("alpha", [1e-2, 1.0])
@pytest.mark.parametrize("g", ["flatten", "lift", np.sqrt])
def test_before_kernel_ridge_it_is_the_limit_of_the_regressor(alpha, g, data):
    X, Y, _ = data
    Z = X[:9] + 0.2
    ridge = KernelRidge(kernel="precomputed", alpha=alpha)
    pipeline = make_pipeline(MSKKernel(g=g, k=9), ridge).fit(X, Y)
    limit = MSKRegressor(
        g=g, k=9, alpha=alpha, max_iter=np.inf, fit_intercept=False, tol=1e-12
    ).fit(X, Y)
    np.testing.assert_allclose(pipeline.predict(Z), limit.predict(Z), atol=1e-8)


def test_identity_changes_nothing(data):
    X = data[0]
    for model in (MSKKernel(NTK(), g="identity"), MSKKernel(NTK(), k=0, g="lift")):
        np.testing.assert_allclose(model.fit_transform(X), NTK()(X), atol=1e-12)


@pytest.mark.parametrize(
    "estimator",
    [
        KernelRidge(kernel="precomputed"),
        SVR(kernel="precomputed"),
        KernelPCA(3, kernel="precomputed"),
    ],
)
def test_pipelines(estimator, data):
    X, Y, _ = data
    pipeline = make_pipeline(StandardScaler(), MSKKernel(g="lift", k=5), estimator)
    pipeline.fit(X, Y[:, 0])
    rows = X[:4] + 0.1
    output = (
        pipeline.predict(rows)
        if hasattr(estimator, "predict")
        else pipeline.transform(rows)
    )
    assert np.isfinite(output).all()


def test_grid_search_over_its_parameters(data):
    X, Y, _ = data
    pipeline = Pipeline(
        [
            ("scale", StandardScaler()),
            ("msk", MSKKernel(NTK())),
            ("ridge", KernelRidge(kernel="precomputed")),
        ]
    )
    grid = {
        "msk__k": [0, 9],
        "msk__g": ["flatten", Power(0.5)],
        "msk__kernel__depth": [1, 2],
        "ridge__alpha": [0.01, 1.0],
    }
    search = GridSearchCV(pipeline, grid, cv=3).fit(X, Y[:, 0])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert len(set(search.cv_results_["mean_test_score"])) > 8


def test_precomputed(data):
    X = data[0]
    kernel = NTK(2)
    expected = MSKKernel(kernel, k=9).fit(X)
    model = MSKKernel("precomputed", k=9)
    K = kernel(X)
    K.flags.writeable = False
    fitted = model.fit_transform(K)
    np.testing.assert_allclose(fitted, expected.fit_transform(X), atol=1e-12)
    rows = X[:5] + 0.1
    np.testing.assert_allclose(
        model.transform(kernel(rows, X)), expected.transform(rows), atol=1e-12
    )
    with pytest.raises(ValueError, match=r"evaluate needs .* Got kernel='precomputed'"):
        model.evaluate(rows)


def test_slices_duplicates_and_one_row(data):
    X = data[0]
    one = MSKKernel(NTK()).fit(X[:1])
    np.testing.assert_allclose(one.transform(X[:1]), NTK()(X[:1]))
    once = MSKKernel(k=5, g="lift").fit(X[::2])
    np.testing.assert_allclose(
        once.transform(X), MSKKernel(k=5, g="lift").fit(X[::2].copy()).transform(X)
    )
    # Every row twice is the same measure, so the same kernel.
    twice = MSKKernel(k=5, g="lift").fit(np.vstack([X, X]))
    single = MSKKernel(k=5, g="lift").fit(X)
    np.testing.assert_allclose(twice.evaluate(X), single.evaluate(X), atol=1e-7)


def test_clone_and_pickle(data):
    X = data[0]
    model = MSKKernel(g=Power(0.5), k=9).fit(X)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.transform(X), model.transform(X))
    fresh = clone(model)
    assert not hasattr(fresh, "spectrum_")
    np.testing.assert_array_equal(fresh.fit(X).transform(X), model.transform(X))


# Bad input


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"k": -1}, r"'k' parameter of MSKKernel .* Got -1"),
        ({"g": "root"}, r"'g' parameter must be one of .* Got 'root'"),
        ({"g": lambda lam: lam - lam[0]}, r">= 0: at eigenvalue 1 .* returned -"),
        ({"kernel": "ntk"}, r"'kernel' parameter .* Got 'ntk'"),
        ({"eigen_solver": "svd"}, r"'eigen_solver' parameter .* Got 'svd'"),
        ({"kernel": "sigmoid", "gamma": 1.0}, r"'sigmoid' must be positive semi"),
        ({"kernel": lambda X, Y: X @ Y.T * np.nan}, r"'<lambda>' is nan in row 0"),
        ({"kernel": "precomputed"}, r"square kernel matrix .* Got shape \(60, 3\)"),
    ],
)
def test_bad_parameters(params, message, data):
    model = MSKKernel(**params)
    before = set(vars(model))
    with pytest.raises(ValueError, match=message):
        model.fit(data[0])
    assert set(vars(model)) == before


def test_bad_rows(data):
    X = data[0]
    with pytest.raises(NotFittedError):
        MSKKernel().transform(X)
    with pytest.raises(ValueError, match="NaN"):
        MSKKernel().fit(np.where(X > 2, np.nan, X))
    model = MSKKernel(RBF()).fit(X)
    for method in (model.transform, model.evaluate):
        with pytest.raises(ValueError, match="has 2 features, but MSKKernel"):
            method(X[:, :2])


def test_default_serves_what_comes_behind_it():
    """At the defaults of the next step, where "flatten" removes most of the signal."""
    X, y = make_friedman1(300, noise=0.5, random_state=0)
    y = (y - y.mean()) / y.std()

    def score(last, **params):
        steps = [StandardScaler(), MSKKernel(**params), last]
        return make_pipeline(*steps).fit(X[:200], y[:200]).score(X[200:], y[200:])

    for last in (KernelRidge(kernel="precomputed"), SVR(kernel="precomputed")):
        assert score(last) > score(last, k=0) - 0.05
        assert score(last) > score(last, g="flatten") + 0.1
    components = KernelPCA(3, kernel="precomputed", eigen_solver="arpack")
    parts = components.fit(MSKKernel().fit_transform(X)).eigenvalues_
    assert parts[0] > parts[1] > parts[2] > 0

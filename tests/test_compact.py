"""The operator in mixed precision, and pairs and models that are computed from it."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from problems import kernel_matrix
from sklearn.base import clone
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel
from sklearn.model_selection import GridSearchCV

from sklearn_msk import MSKGridSearchCV, MSKRegressor
from sklearn_msk._linalg import Status
from sklearn_msk._operators import (
    BlockedOperator,
    DenseOperator,
    MixedPrecisionOperator,
    _storage,
    mixed_precision,
)
from sklearn_msk._solvers import solve
from sklearn_msk._spectrum import PairAccuracy, _leading, leading_spectrum
from sklearn_msk._training import _decompose, _problem, _solve_paths
from sklearn_msk.kernels import NTK
from sklearn_msk.kernels._adapters import CallableKernel
from sklearn_msk.kernels._evaluation import kernel_tiles


def make(source, n_pairs, n_threads=1, **thresholds):
    """Several panels, the last one not full, for the few rows of a test."""
    return mixed_precision(source, n_pairs, n_threads, tile_side=40, **thresholds)


@pytest.fixture
def used(monkeypatch):
    """Matrices of any size, and the products that pairs were computed from."""
    made = []

    def recorded(*args):
        made.append(make(*args))
        return made[-1]

    monkeypatch.setattr(_leading, "MIXED_MIN_ROWS", 0)
    monkeypatch.setattr(_leading, "MIXED_MIN_PAIRS", 0)
    monkeypatch.setattr(_leading, "mixed_precision", recorded)
    monkeypatch.setattr(_storage, "mixed_precision", recorded)
    return made


def error_of(A, V, image):
    """Largest error of the images of unit vectors, in units of the scale of A."""
    exact = A.dense() @ V
    return np.linalg.norm(image - exact, axis=0).max() / A.scale


@pytest.mark.parametrize("n", [1, 39, 40, 41, 230])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("held", [False, True])
def test_products_equal_those_of_the_matrix(n, dtype, weighted, held):
    rng = np.random.RandomState(1)
    X, weights = rng.standard_normal((n, 3)).astype(dtype), None
    if weighted:
        weights = rng.uniform(0.5, 2.0, n)
        weights[1::7] = 0.0
    source = BlockedOperator(NTK(), X, weights)
    if held:
        source = DenseOperator(NTK()(X), weights)
    A = make(source, 10)
    assert A.dtype == dtype
    matrix = source.dense()
    assert 0.0 <= A.product_error < 1e-7 * np.linalg.norm(matrix / A.scale, 2)
    bound = 3.0 * A.product_error + 1e-14 * np.linalg.norm(matrix / A.scale, 2)
    for shape in ((n, 16), (n, 1), (n,)):
        V = rng.standard_normal(shape)
        V /= np.linalg.norm(V, axis=0)
        assert (A @ V).shape == shape
        assert error_of(source, V, A @ V) <= bound


def test_the_matrix_is_that_of_the_source():
    source = DenseOperator(kernel_matrix(50))
    np.testing.assert_array_equal(make(source, 5).dense(), source.dense())


def test_white_noise_is_on_the_diagonal():
    X = np.random.RandomState(0).standard_normal((100, 3))
    kernel = NTK() + WhiteKernel(0.3)
    A = make(BlockedOperator(kernel, X), 5)
    np.testing.assert_allclose(A @ np.eye(100), kernel(X) / 100, atol=1e-7)


def test_the_factor_keeps_the_rounding_from_the_leading_directions():
    A = DenseOperator(kernel_matrix(400))
    unfactored = make(A, 0, min_rank=0)
    assert unfactored.factor.shape[1] == 0
    assert make(A, 10).product_error < 0.05 * unfactored.product_error


def test_the_rounding_is_measured_where_it_is_largest():
    """Along the leading directions a product sums up entries of one sign."""
    A = DenseOperator(kernel_matrix(400))
    leading = np.linalg.eigh(A.dense())[1][:, :-60:-1]
    compact = make(A, 64)
    assert error_of(A, leading, compact @ leading) <= 4.0 * compact.product_error


def test_a_sample_of_entries_tells_the_rounding():
    A = DenseOperator(kernel_matrix(400))
    ratio = make(A, 64).product_error / make(A, 64, n_probed=400).product_error
    assert ratio != 1.0
    assert 0.7 < ratio < 1.4


@pytest.mark.parametrize("size", [1e-240, 1e-150, 1e150, 1e240])
@pytest.mark.parametrize("of", ["kernel", "vectors"])
def test_any_size(size, of):
    K = kernel_matrix(120)
    V = np.eye(120)[:, :16]
    expected = size * (make(DenseOperator(K), 5) @ V)
    large = make(DenseOperator(size * K if of == "kernel" else K), 5)
    image = large @ (size * V if of == "vectors" else V)
    np.testing.assert_allclose(image, expected, atol=1e-7 * size)


def test_no_entry_is_denormal():
    """Entries of a narrow kernel reach down to any size."""
    X = np.random.RandomState(0).standard_normal((300, 10))
    panels = make(DenseOperator(RBF(0.33)(X)), 5).remainder.panels
    entries = np.concatenate([np.abs(panel).ravel() for panel in panels])
    assert np.any(entries == 0.0)
    assert np.any((entries > 0.0) & (entries < 1e-30))
    assert not np.any((entries > 0.0) & (entries < np.finfo(np.float32).tiny))


@pytest.fixture
def tile_dtypes(monkeypatch):
    """Precisions that tiles were asked for, of one source after the other."""
    asked, tiles = [], BlockedOperator.tiles

    def recorded(source, dtype):
        asked.append(np.dtype(dtype))
        return tiles(source, dtype)

    monkeypatch.setattr(BlockedOperator, "tiles", recorded)
    return asked


ROUGH = [Matern(nu=0.5), Matern(0.5, nu=1.5), RBF(0.5), Matern(0.3, nu=2.5)]


@pytest.mark.parametrize("kernel", ROUGH)
@pytest.mark.parametrize("weighted", [False, True])
def test_rough_kernels_in_single_precision(kernel, weighted, tile_dtypes):
    rng = np.random.RandomState(0)
    X = rng.standard_normal((300, 10))
    weights = rng.uniform(0.0, 2.0, 300) if weighted else None
    source = BlockedOperator(kernel, X, weights)
    tile_dtypes.clear()
    A = make(source, 8)
    assert tile_dtypes == [np.float32]
    assert A.remainder_dtype == np.float32
    matrix, eps = source.dense(), np.finfo(np.float32).eps
    norm = np.linalg.norm(matrix / A.scale, 2)
    assert A.product_error < eps * norm
    V = np.linalg.qr(rng.standard_normal((300, 30)))[0]
    leading = np.linalg.eigh(matrix)[1][:, -30:]
    for vectors in (V, leading):
        error = error_of(source, vectors, A @ vectors)
        assert error <= 4.0 * A.product_error
        assert error < 2.0 * eps * norm


def test_smooth_kernels_in_double_precision(tile_dtypes):
    X = np.random.RandomState(0).standard_normal((300, 3))
    source = BlockedOperator(RBF(3.0), X)
    tile_dtypes.clear()
    A = make(source, 8)
    assert A.product_error < 1e-6
    assert A.with_float64_remainder() is None
    assert tile_dtypes == [np.float64]


def test_many_pairs_in_double_precision(tile_dtypes):
    X = np.random.RandomState(0).standard_normal((300, 10))
    source = BlockedOperator(Matern(nu=0.5), X)
    tile_dtypes.clear()
    make(source, 10)
    assert tile_dtypes == [np.float64]


@pytest.mark.parametrize("kernel", [Matern(10.0, nu=0.5), NTK(3, "abs")])
def test_other_kernels_have_nothing_to_refine(kernel):
    X = np.random.RandomState(0).standard_normal((300, 60))
    A = make(BlockedOperator(kernel, X), 8)
    assert A.remainder_dtype == np.float64
    assert A.with_float64_remainder() is None


@pytest.mark.parametrize("weighted", [False, True])
def test_a_rough_kernel_is_computed_again_in_double_precision(weighted, tile_dtypes):
    rng = np.random.RandomState(0)
    X = rng.standard_normal((300, 10))
    weights = rng.uniform(0.5, 2.0, 300) if weighted else None
    source = BlockedOperator(Matern(0.7, nu=1.5), X, weights)
    tile_dtypes.clear()
    A = make(source, 8)
    matrix = source.dense()
    before = np.linalg.norm(A @ np.eye(300) - matrix)
    image = A @ np.eye(300)
    refined = A.with_float64_remainder()
    assert refined.remainder_dtype == np.float64
    assert refined.with_float64_remainder() is None
    assert tile_dtypes == [np.float32, np.float64]
    np.testing.assert_array_equal(A @ np.eye(300), image)
    assert np.linalg.norm(refined @ np.eye(300) - matrix) < 0.5 * before
    A = refined
    leading = np.linalg.eigh(matrix)[1][:, -30:]
    assert error_of(source, leading, A @ leading) <= 4.0 * A.product_error


@pytest.mark.parametrize("phase", ["pairs", "path"])
def test_a_fit_computes_a_rough_kernel_again_before_it_holds_it(
    phase, used, tile_dtypes, monkeypatch
):
    X = np.random.RandomState(0).standard_normal((300, 10))
    y = X[:, 0] + np.sin(3 * X[:, 1])
    held, exact_products = [], _problem.more_exact

    def recorded(A, **settings):
        held.append(exact_products(A, **settings))
        return held[-1]

    monkeypatch.setattr(_problem, "more_exact", recorded)
    module, name = {
        "pairs": (_decompose, "leading_spectrum"),
        "path": (_solve_paths, "solve"),
    }[phase]
    find = getattr(module, name)

    def pretended(A, *args, **options):
        found = find(A, *args, **options)
        if getattr(A, "remainder_dtype", None) != np.float32:
            return found
        if phase == "pairs":
            return replace(found, status=Status.INEXACT_PRODUCTS)
        return [replace(path, status=Status.INEXACT_PRODUCTS) for path in found]

    monkeypatch.setattr(module, name, pretended)
    settings = {"k": 5, "eigen_solver": "randomized"}
    model = MSKRegressor(Matern(nu=0.5), **settings).fit(X, y)
    assert [A.remainder_dtype for A in held] == [np.float64]
    assert tile_dtypes[-2:] == [np.float32, np.float64]
    exact = MSKRegressor(Matern(nu=0.5), k=5, eigen_solver="dense", tol=1e-9).fit(X, y)
    np.testing.assert_allclose(model.predict(X), exact.predict(X), atol=1e-3)


def test_no_factor_of_a_rough_kernel_is_denormal():
    """Nor the products of two of them in single precision."""
    X = np.random.RandomState(0).standard_normal((300, 10))
    factor = make(BlockedOperator(RBF(0.33), X), 5).factor
    entries = np.abs(factor)
    assert np.any((entries > 0.0) & (entries < 1e-12))
    assert np.min(entries[entries > 0.0]) ** 2 > np.finfo(np.float32).tiny
    np.testing.assert_array_equal(factor.astype(np.float32), factor)


@pytest.mark.parametrize("size", [1e-240, 1e-30, 1e30, 1e240])
@pytest.mark.parametrize("weighted", [False, True])
def test_rough_kernels_of_any_size(size, weighted):
    X = np.random.RandomState(0).standard_normal((200, 10))
    weights = np.linspace(0.0, 1e-3, 200) if weighted else None
    expected = make(BlockedOperator(RBF(), X, weights), 5)
    assert expected.remainder_dtype == np.float32
    for source in (
        BlockedOperator(ConstantKernel(size) * RBF(), X, weights),
        DenseOperator(size * RBF()(X), weights),
    ):
        image = make(source, 5) @ np.eye(200) / size
        np.testing.assert_allclose(image, expected @ np.eye(200), atol=1e-8)


@pytest.mark.parametrize("size", [1e-21, 1e-10, 1.0, 1e15])
def test_float32_kernels_of_any_size(size):
    """Their numbers may be denormal, and become larger than single precision has."""
    X = size * np.random.RandomState(0).standard_normal((300, 40))
    kernel = NTK(3, "abs", bias_variance=0.0)
    source = BlockedOperator(kernel, X.astype(np.float32))
    A = make(source, 5)
    assert A.product_error < 1e-4
    matrix = source.dense() / A.scale
    np.testing.assert_allclose(A @ np.eye(300) / A.scale, matrix, atol=1e-6)


def test_a_matrix_of_low_rank_is_its_factor():
    X = np.random.RandomState(0).standard_normal((150, 5))
    for K in (X @ X.T, np.zeros((150, 150)), np.diag(np.arange(150.0) // 149)):
        A = make(DenseOperator(K), 5)
        assert A.product_error < 1e-13 * max(np.trace(K / (150 * A.scale)), 1.0)


@pytest.mark.parametrize("width", [1, 16])
def test_threads_change_nothing(width):
    X = np.random.RandomState(0).standard_normal((230, 4))
    V = np.random.RandomState(1).standard_normal((230, width))
    images = [
        make(BlockedOperator(NTK(), X), 5, n_threads) @ V for n_threads in (1, 2, 8)
    ]
    np.testing.assert_array_equal(images[0], images[1])
    np.testing.assert_array_equal(images[0], images[2])


@pytest.mark.parametrize("k", [1, 10, 50])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kernel", [NTK(), NTK(3, "erf"), Matern(nu=0.5), RBF(0.3)])
def test_pairs_are_those_of_the_full_decomposition(kernel, dtype, k, used):
    X = np.random.RandomState(0).uniform(size=(400, 3))
    A = DenseOperator(kernel(X).astype(dtype))
    expected = np.linalg.eigvalsh(A.dense())[::-1]
    spectrum = leading_spectrum(A, k, eigen_solver="randomized")
    assert len(used) == 1
    assert spectrum.method == "randomized"
    found = len(spectrum.eigenvalues)
    assert found == k or expected[found] < 2 * spectrum.floor
    values, V = spectrum.eigenvalues, spectrum.eigenvectors
    np.testing.assert_allclose(values, expected[:found], rtol=1e-6)
    np.testing.assert_allclose(V.T @ V, np.eye(found), atol=1e-12)
    residuals = np.linalg.norm(A.dense() @ V - V * values, axis=0)
    # What is reported holds for the rounding of single precision as measured.
    assert np.all(residuals <= 4.0 * spectrum.residual_norms)
    smallest = expected[k] if found == k else expected[found - 1]
    assert np.all(residuals <= 2e-5 * np.sqrt(values * smallest))


def test_double_precision_where_single_is_not_enough(used):
    """Eigenvalues of a wide rbf fall below what single precision leaves of others."""
    X = np.random.RandomState(0).uniform(size=(300, 2))
    A = DenseOperator(RBF(1.0)(X))
    spectrum = leading_spectrum(A, 30, eigen_solver="randomized")
    expected = np.linalg.eigvalsh(A.dense())[::-1][:30]
    kept = expected > 1e-12 * expected[0]
    assert len(used) == 1
    np.testing.assert_allclose(
        spectrum.eigenvalues[kept[: len(spectrum.eigenvalues)]],
        expected[kept],
        rtol=1e-3,
    )


def test_single_precision_is_not_tried_for_tight_tolerances(used):
    A = DenseOperator(kernel_matrix(300))
    spectrum = leading_spectrum(
        A, 20, eigen_solver="randomized", accuracy=PairAccuracy.for_residual(1e-9)
    )
    assert not used
    bound = 1e-9 * np.sqrt(spectrum.eigenvalues * spectrum.next_eigenvalue)
    assert np.all(spectrum.residual_norms <= bound + 1e-13 * spectrum.largest)


@pytest.mark.parametrize("k", [10, 30, 56, 100])
def test_every_copy_of_an_eigenvalue(k, used):
    X = np.array(list(itertools.product([-1.0, 1.0], repeat=9)))
    A = DenseOperator(NTK(depth=2)(X))
    expected = np.linalg.eigvalsh(A.dense())[::-1][:k]
    spectrum = leading_spectrum(A, k, eigen_solver="randomized")
    np.testing.assert_allclose(spectrum.eigenvalues, expected, rtol=1e-6)


def test_predictions_are_those_of_exact_pairs(used, data):
    X = np.random.RandomState(0).standard_normal((300, 3))
    y = np.sin(3 * X[:, 0]) + X[:, 1]
    for max_iter in (1, 30, 1000):
        exact, single = (
            MSKRegressor(k=20, max_iter=max_iter, tol=1e-6, eigen_solver=solver)
            .fit(X, y)
            .predict(X)
            for solver in ("dense", "randomized")
        )
        np.testing.assert_allclose(single, exact, atol=1e-4 * y.std())
    assert used


def test_a_matrix_that_is_not_positive_is_told(used):
    K = kernel_matrix(200)
    v = np.linalg.qr(np.random.RandomState(3).standard_normal((200, 1)))[0]
    A = DenseOperator(K - 30.0 * v @ v.T)
    spectrum = leading_spectrum(A, 5, eigen_solver="randomized")
    assert spectrum.smallest < -1e-3 * spectrum.largest


def test_deterministic(used):
    A = DenseOperator(kernel_matrix(300))
    first, second = (
        leading_spectrum(A, 20, eigen_solver="randomized") for _ in range(2)
    )
    np.testing.assert_array_equal(first.eigenvectors, second.eigenvectors)
    assert len(used) == 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kernel", ["ntk_relu", "laplacian", Matern(nu=0.5)])
@pytest.mark.parametrize("dynamics", ["flow", "descent"])
def test_models_are_those_of_the_matrix(used, data, kernel, dtype, dynamics):
    X, Y, weights = data
    model = MSKRegressor(kernel, k=10, dynamics=dynamics, eigen_solver="randomized")
    compact = clone(model).fit(X.astype(dtype), Y, weights).predict(X)
    assert [type(A.source) for A in used] == [BlockedOperator]
    exact = clone(model).set_params(eigen_solver="dense").fit(X, Y, weights)
    np.testing.assert_allclose(compact, exact.predict(X), atol=2e-4 * Y.std())


@pytest.mark.parametrize(
    "params",
    [
        {"tol": 1e-6},
        {"max_iter": np.inf, "alpha": 0.1},
        {"solver": "eigh"},
        {"solver": "gd", "dynamics": "descent"},
        {"eigen_solver": "arpack"},
        {"kernel": lambda X, Y: NTK()(X, Y)},
    ],
)
def test_the_matrix_is_held_where_its_digits_are_needed(used, data, params):
    params = {"k": 10, "eigen_solver": "randomized"} | params
    MSKRegressor(**params).fit(*data[:2])
    assert all(isinstance(A.source, DenseOperator) for A in used)


def test_pairs_that_single_precision_loses_are_found_in_double(used, monkeypatch):
    """Eigenvalues of a wide rbf fall below what single precision leaves of others."""

    def recorded(*args):
        used.append(make(*args, min_rank=5))
        return used[-1]

    monkeypatch.setattr(_storage, "mixed_precision", recorded)
    X = np.random.RandomState(0).uniform(size=(300, 2))
    y = np.sin(5 * X[:, 0]) + X[:, 1]
    model = MSKRegressor(RBF(1.0), k=20, eigen_solver="randomized").fit(X, y)
    assert [type(A.source) for A in used] == [BlockedOperator]
    assert model.spectrum_.method == "randomized"
    exact = MSKRegressor(RBF(1.0), k=20, eigen_solver="dense").fit(X, y)
    np.testing.assert_allclose(model.predict(X), exact.predict(X), atol=1e-2 * y.std())


def test_paths_that_single_precision_loses_are_followed_in_double(used, monkeypatch):
    """The longer the path, the smaller the eigenvalues that it sees."""
    X = np.random.RandomState(0).standard_normal((300, 5))
    Y = np.random.RandomState(1).standard_normal((300, 2))
    followed = []

    def recorded(A, *args, **options):
        followed.append(isinstance(A, MixedPrecisionOperator))
        return solve(A, *args, **options)

    monkeypatch.setattr(_solve_paths, "solve", recorded)
    for max_iter, compact in ((10, [True]), (10**9, [True, False])):
        followed.clear()
        model = MSKRegressor(
            "rbf", k=10, max_iter=max_iter, eigen_solver="randomized"
        ).fit(X, Y)
        assert followed == compact
        exact = clone(model).set_params(eigen_solver="dense", tol=1e-9).fit(X, Y)
        np.testing.assert_allclose(model.predict(X), exact.predict(X), atol=1e-4)


def test_little_memory_is_enough(used, data, monkeypatch):
    n = len(data[0])
    monkeypatch.setenv("SKLEARN_MSK_MEMORY_LIMIT", str(3 * n**2))
    MSKRegressor(k=10, eigen_solver="randomized").fit(*data[:2])
    assert [type(A.source) for A in used] == [BlockedOperator]


def test_an_entry_that_is_not_finite_is_told():
    def kernel(X, Y=None):
        K = NTK()(X, Y)
        K[(X[:, :1] > 1e3) & (X[:, :1] < (X if Y is None else Y)[:, 0])] = np.inf
        return K

    X = np.random.RandomState(0).standard_normal((100, 2))
    X[70, 0], X[30, 0] = 1e4, 1e5
    tile = kernel_tiles(CallableKernel(kernel), X)
    tile(slice(0, 40), slice(40, 80))
    with pytest.raises(ValueError, match=r"row 70, column 30 of .* \(100, 100\)"):
        tile(slice(40, 80), slice(0, 40))


def test_a_search_finds_the_scores_of_single_fits(used, data):
    X, y = data[0], data[1][:, 0]
    grid = {"k": [5, 10], "max_iter": [10, 100]}
    model = MSKRegressor(eigen_solver="randomized")
    shared = MSKGridSearchCV(model, grid, cv=3).fit(X, y)
    single = GridSearchCV(model, grid, cv=3).fit(X, y)
    # Folds hold what a single fit holds.
    assert {type(A.source) for A in used} == {BlockedOperator}
    assert len(used) == 3 + 1 + 4 * 3 + 1
    np.testing.assert_allclose(
        shared.cv_results_["mean_test_score"],
        single.cv_results_["mean_test_score"],
        atol=1e-4,
    )

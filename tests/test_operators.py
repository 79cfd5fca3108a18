"""Every operator against the matrix it stands for."""

import pickle

import numpy as np
import pytest
from problems import kernel_matrix
from sklearn import config_context
from sklearn.gaussian_process.kernels import Matern, WhiteKernel
from sklearn.metrics.pairwise import laplacian_kernel

from sklearn_msk._operators import (
    BlockedOperator,
    DenseOperator,
    NystroemFeatures,
    NystroemOperator,
    SufficientStatistics,
    mixed_precision,
)
from sklearn_msk._validation import check_matrix_symmetric, check_weights
from sklearn_msk.kernels import NTK
from sklearn_msk.kernels._adapters import PairwiseKernel


def dense_operator(X, weights):
    return DenseOperator(NTK()(X), weights)


def blocked_operator(X, weights):
    return BlockedOperator(NTK(), X, weights)


def noisy_operator(X, weights):
    """White noise is on the diagonal of k(X), not between the rows of two blocks."""
    return BlockedOperator(NTK() + WhiteKernel(0.3), X, weights)


def pairwise_operator(X, weights):
    return BlockedOperator(PairwiseKernel("laplacian"), X, weights)


def mixed_operator(X, weights):
    """Its remainder is in float64: the factor holds most of a smooth kernel."""
    A = mixed_precision(BlockedOperator(NTK(), X, weights), 5, tile_side=25)
    assert A.remainder_dtype == np.float64
    return A


def rough_operator(X, weights):
    """Its remainder is in float32: the factor misses most of a rough kernel."""
    source = BlockedOperator(ROUGH, X, weights)
    A = mixed_precision(source, 1, tile_side=25, min_rank=8)
    # Rows in float32 have no tiles that are faster in float32.
    assert (A.remainder_dtype == np.float32) == (X.dtype == np.float64)
    return A


def refined_operator(X, weights):
    A = rough_operator(X, weights)
    return A.with_float64_remainder() if X.dtype == np.float64 else A


def landmark_operator(X, weights):
    basis = NystroemFeatures.of(NTK(), X[:20])
    return NystroemOperator(basis, SufficientStatistics.over(basis, X, X, weights))


ROUGH = Matern(0.3, nu=0.5)

KERNELS = {
    noisy_operator: lambda X: NTK()(X) + 0.3 * np.eye(len(X)),
    pairwise_operator: laplacian_kernel,
    rough_operator: ROUGH,
    refined_operator: ROUGH,
}


def kernel_of(operator, X):
    """Kernel matrix behind an operator on all rows."""
    return KERNELS.get(operator, NTK())(X)


ON_ROWS = [
    dense_operator,
    blocked_operator,
    noisy_operator,
    pairwise_operator,
    mixed_operator,
    rough_operator,
    refined_operator,
]


@pytest.fixture(params=[1024, 0.05], ids=["one tile", "many tiles"])
def working_memory(request):
    with config_context(working_memory=request.param):
        yield


@pytest.mark.usefixtures("working_memory")
@pytest.mark.parametrize("operator", ON_ROWS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
def test_operator_equals_its_matrix(operator, dtype, weighted, data):
    X, Y = data[0].astype(dtype), data[1]
    w = data[2] if weighted else np.ones(60)
    root = np.diag(np.sqrt(w / w.sum()))
    A = operator(X, data[2] if weighted else None)
    K = kernel_of(operator, X)
    matrix = root @ K.astype(float) @ root
    atol = 10 * np.finfo(K.dtype).eps * np.diag(matrix).max()
    # What single precision rounds is measured, on other vectors than these.
    measured = 3 * A.scale * A.product_error * np.linalg.norm(Y, axis=0).max()
    assert measured < 1e-5 * np.abs(matrix @ Y).max()
    assert A.shape == (60, 60)
    assert A.dtype == K.dtype
    np.testing.assert_allclose(A.dense(), matrix, atol=atol)
    np.testing.assert_allclose(A.diagonal(), np.diag(matrix), atol=atol)
    np.testing.assert_allclose(A.scale, np.diag(matrix).max(), rtol=1e-6)
    np.testing.assert_allclose(A @ Y, matrix @ Y, atol=30 * atol + measured)
    np.testing.assert_allclose(A @ Y[:, 0], matrix @ Y[:, 0], atol=30 * atol + measured)
    np.testing.assert_allclose(A.rhs(Y), root @ Y)
    np.testing.assert_allclose(A.coef_map, np.diag(root))
    np.testing.assert_allclose(A.total_weight, w.sum())


@pytest.mark.parametrize("operator", [*ON_ROWS, landmark_operator])
def test_decomposition_is_of_the_scaled_operator(operator, data):
    A = operator(data[0], data[2])
    values, vectors = A.decomposition()
    assert np.all(np.diff(values) >= 0)
    np.testing.assert_allclose(
        A.scale * (vectors * values) @ vectors.T, A.dense(), atol=1e-13
    )


@pytest.mark.parametrize("operator", [*ON_ROWS, landmark_operator])
def test_operators_survive_pickling(operator, data):
    A = operator(data[0], data[2])
    V = np.random.RandomState(0).standard_normal((A.shape[0], 3))
    # After a product too, whatever it has computed.
    image = A @ V
    copy = pickle.loads(pickle.dumps(A))
    np.testing.assert_array_equal(copy @ V, image)
    np.testing.assert_array_equal(copy.dense(), A.dense())
    assert copy.fits_dense


def test_pickled_rows_take_no_matrix():
    X = np.random.RandomState(0).standard_normal((1000, 3))
    A = BlockedOperator(NTK(), X)
    A @ np.ones(1000)
    vectors = 3
    assert len(pickle.dumps(A)) < X.nbytes + vectors * 8 * 1000 + 10_000


@pytest.mark.parametrize("operator", ON_ROWS)
@pytest.mark.parametrize("size", [1e-300, 1.0, 1e300, 1e307, 1.7e308])
def test_weights_of_any_size(operator, size, data):
    """Their sum overflows; the operator is that of their ratios."""
    X, Y, weights = data
    ratios = weights / weights.max()
    expected, A = operator(X, ratios), operator(X, size * ratios)
    np.testing.assert_allclose(A.sqrt_weights, expected.sqrt_weights, rtol=1e-15)
    np.testing.assert_allclose(A @ Y, expected @ Y, rtol=1e-6)
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(A.total_weight, np.sum(size * ratios), rtol=1e-14)
    assert 1.0 / A.total_weight < 1.0 / size


@pytest.mark.parametrize("size", [1e-300, 1e307, 1.7e308, 5e-324])
def test_checked_weights_of_any_size(size, data):
    for given in (size, np.full(60, size)):
        checked = check_weights(given, data[0])
        np.testing.assert_array_equal(checked, np.full(60, size))


@pytest.mark.parametrize("operator", ON_ROWS)
def test_a_matrix_that_does_not_fit_is_refused(operator, data, monkeypatch):
    monkeypatch.setenv("SKLEARN_MSK_MEMORY_LIMIT", "1MiB")
    A = operator(data[0], None)
    A.fits_dense = False
    if hasattr(A, "source"):
        A.source.fits_dense = False
    for ask in (A.dense, A.decomposition):
        with pytest.raises(ValueError, match="landmarks") as error:
            ask()
        assert "n_samples=60" in str(error.value)
        assert f"{8 * 60**2 / 2**30:.3g} GiB" in str(error.value)
        assert "limit of 0.000732 GiB" in str(error.value)
        assert "SKLEARN_MSK_MEMORY_LIMIT" in str(error.value)
    assert (A @ data[1]).shape == data[1].shape


def test_threads_change_no_bit(data):
    with config_context(working_memory=0.05):
        products = [
            BlockedOperator(NTK(), data[0], n_jobs=n_jobs) @ data[1]
            for n_jobs in (1, 2, 5)
        ]
    for product in products[1:]:
        np.testing.assert_array_equal(product, products[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", ["C", "F", "strided"])
@pytest.mark.parametrize("m", [1, 2, 6, 7, 20])
def test_rounding_that_is_not_symmetric(dtype, layout, m):
    """Products, columns and tiles are those of the lower triangle."""
    n, rng = 300, np.random.RandomState(0)
    K = kernel_matrix(n, dtype=dtype)
    noise = 0.3 * np.sqrt(np.finfo(dtype).eps) * np.abs(K).max()
    K += noise * rng.uniform(-1, 1, (n, n)).astype(dtype)
    check_matrix_symmetric(K, "kernel")
    lower = np.tril(K).astype(float)
    matrix = lower + np.tril(lower, -1).T
    assert np.abs(matrix - K).max() > 0.3 * noise
    A = DenseOperator(held(K, layout))
    V = rng.standard_normal((n, m))
    exact = matrix @ V / n
    atol = 1e-15 * n * np.abs(exact).max()
    np.testing.assert_allclose(A @ V, exact, atol=atol)
    np.testing.assert_allclose(A @ V[:, 0], exact[:, 0], atol=atol)
    np.testing.assert_allclose(A @ V[:, :1], exact[:, :1], atol=atol)
    np.testing.assert_allclose(A.dense(), matrix / n, rtol=1e-15)
    np.testing.assert_array_equal(A.columns(np.arange(0, n, 7)), matrix[:, ::7])
    tile, rows = A.tiles(float), slice(100, 150)
    np.testing.assert_array_equal(tile(rows, rows), matrix[rows, rows])
    mixed = mixed_precision(A, 20, tile_side=70)
    error = np.linalg.norm((mixed @ V - exact) / mixed.scale, axis=0)
    assert np.all(error <= 4 * mixed.product_error * np.linalg.norm(V, axis=0))


@pytest.mark.parametrize("weighted", [False, True])
def test_landmark_operator_is_that_of_all_rows(weighted, data):
    """On the rows it is ``D^(1/2) K_nL K_LL^(-1) K_Ln D^(1/2)``, in its eigenbasis."""
    X, Y, weights = data
    w = weights if weighted else np.ones(60)
    basis = NystroemFeatures.of(NTK(), X[:20])
    sums = SufficientStatistics.over(basis, X, Y, weights if weighted else None)
    A = NystroemOperator(basis, sums)
    root = np.sqrt(w / w.sum())[:, None]
    cross = root * NTK()(X, X[:20])
    matrix = cross @ np.linalg.solve(NTK()(X[:20]), cross.T)
    np.testing.assert_allclose(
        A.eigenvalues, np.linalg.eigvalsh(matrix)[:-21:-1], rtol=1e-9
    )
    np.testing.assert_allclose(A @ np.eye(20), np.diag(A.eigenvalues))
    # Coordinates c stand for the values root * K_nL (dual basis c) = Q lam c.
    Q = cross @ A.coef_map / A.eigenvalues
    np.testing.assert_allclose(Q.T @ Q, np.eye(20), atol=1e-10)
    mean = np.average(Y, axis=0, weights=w)
    np.testing.assert_allclose(
        A.targets(sums, mean), Q.T @ (root * (Y - mean)), atol=1e-10
    )


def test_landmarks_that_depend_on_others_are_left_out(data):
    """Repeated and nearly equal landmarks, which a plain factorisation fails on."""
    X, Y, _ = data
    kernel = PairwiseKernel("rbf", {"gamma": 1.0})
    nearly = X[:20] + 1e-9 * np.random.RandomState(0).standard_normal((20, 3))
    few = NystroemFeatures.of(kernel, X[:20])
    many = NystroemFeatures.of(kernel, np.vstack([X[:20], X[:20], nearly]))
    assert (few.rank, many.rank) == (20, 20)
    assert many.dual_coef(np.ones((20, 1))).shape == (60, 1)
    spectra = [
        NystroemOperator(basis, SufficientStatistics.over(basis, X, Y)).eigenvalues
        for basis in (few, many)
    ]
    np.testing.assert_allclose(*spectra, rtol=1e-6)


def test_sums_over_parts_add_up(data):
    X, Y, weights = data
    basis = NystroemFeatures.of(NTK(), X[:10])
    whole = SufficientStatistics.over(basis, X, Y, weights)
    first = SufficientStatistics.over(basis, X[:7], Y[:7], weights[:7])
    others = X[7:], Y[7:], weights[7:]
    for units in (None, first.units):
        parts = first + SufficientStatistics.over(basis, *others, units=units)
        parts = parts.in_units(whole.units)
        for name in ("gram", "moments", "target_sums", "total_weight", "n_rows"):
            np.testing.assert_allclose(getattr(parts, name), getattr(whole, name))
    phi = np.linalg.solve(basis.factor, NTK()(X, X[:10][basis.pivots]).T)
    gram = whole.units.weight_scale * whole.gram
    np.testing.assert_allclose(
        np.tril(gram), np.tril((phi * weights) @ phi.T), atol=1e-11
    )


@pytest.mark.parametrize("offset", [0.0, 1.7e9, -1e15])
@pytest.mark.parametrize("scale", [1e-300, 1.0, 60.0, 1e290])
@pytest.mark.parametrize("size", [1e-300, 1.0, 1e307])
@pytest.mark.parametrize("n_parts", [1, 4])
def test_statistics_in_any_units(offset, scale, size, n_parts, data):
    """Those of ``scale (offset + y)`` are those of y, to the rounding of the sums."""
    X, Y, weights = data
    # Targets that are exact in a sum with the offset.
    Y = np.round(Y * 64) / 64 if offset < 1e10 else np.round(4 * Y)
    Y = np.round(Y) if offset < -1e10 else Y
    scale = 2.0 ** np.round(np.log2(scale))
    basis = NystroemFeatures.of(NTK(), X[:10])
    plain = SufficientStatistics.over(basis, X, Y, weights)
    targets, w = scale * (offset + Y), size * (weights / weights.max())
    rows = [slice(i, None, n_parts) for i in range(n_parts)]
    # A chunk of weight zero, whose targets are out of range, tells nothing.
    empty = np.full((5, 2), 1e308), np.zeros(5)
    parts = [SufficientStatistics.over(basis, X[:5], *empty)]
    parts += [SufficientStatistics.over(basis, X[r], targets[r], w[r]) for r in rows]
    total = sum(parts[1:], parts[0])
    assert total.n_rows == 65
    means = total.target_means()
    eps = np.finfo(float).eps
    np.testing.assert_allclose(
        means / scale, offset + plain.target_means(), rtol=4 * eps, atol=1e-15
    )
    found = NystroemOperator(basis, total).targets(total, means)
    # This difference of numbers that are alike is exact.
    expected = NystroemOperator(basis, plain).targets(plain, means / scale - offset)
    np.testing.assert_allclose(
        found / scale, expected, atol=1e-13 * np.abs(expected).max()
    )


def test_statistics_of_rows_of_no_weight(data):
    X, Y, weights = data
    basis = NystroemFeatures.of(NTK(), X[:10])
    none = SufficientStatistics.over(basis, X[:5], Y[:5], np.zeros(5))
    assert none.units is None
    assert none.total_weight == (none + none).total_weight == 0.0
    some = SufficientStatistics.over(basis, X, Y, weights)
    for total in (none + some, some + none):
        assert total.n_rows == 65
        np.testing.assert_array_equal(total.moments, some.moments)
        np.testing.assert_array_equal(total.target_means(), some.target_means())


def test_kernel_that_is_zero():
    basis = NystroemFeatures.of(PairwiseKernel("linear"), np.zeros((3, 2)))
    assert basis.rank == 0
    X, Y = np.ones((5, 2)), np.ones((5, 1))
    A = NystroemOperator(basis, SufficientStatistics.over(basis, X, Y))
    assert A.coef_map.shape == (3, 1)
    assert not A.diagonal().any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernel_matrix_is_not_copied_or_written_to(dtype):
    K = kernel_matrix(dtype=dtype)
    K.flags.writeable = False
    A = DenseOperator(K)
    assert A.K is K
    A @ np.ones(60)
    A.dense()[:] = 0.0


def test_noise_bounds_the_eigenvalues_that_rounding_makes():
    """Of a matrix of rank 3 in either precision, no other eigenvalue exceeds it."""
    X = np.random.RandomState(0).standard_normal((300, 3))
    for dtype in (np.float32, np.float64):
        A = DenseOperator((X @ X.T).astype(dtype))
        eigenvalues = np.linalg.eigvalsh(A.dense())[::-1]
        noise = A.eigenvalue_error(eigenvalues[0])
        assert np.abs(eigenvalues[3:]).max() < noise < 1e-3 * eigenvalues[2]


def test_zero_matrix():
    A = DenseOperator(np.zeros((5, 5)))
    assert A.scale == 1.0


def held(K, layout):
    """The same matrix in another layout in memory."""
    if layout == "C":
        return K
    if layout == "F":
        return np.asfortranarray(K)
    return np.repeat(K, 2, axis=1)[:, ::2]


@pytest.mark.parametrize("layout", ["C", "F", "strided"])
def test_products_of_every_memory_layout(layout, data):
    """One vector reads one triangle where it can; the result is the same."""
    K = kernel_matrix()
    A = DenseOperator(held(K, layout))
    for V in (data[1], data[1][:, :1], data[1][:, 0]):
        assert (A @ V).shape == V.shape
        np.testing.assert_allclose(A @ V, K @ V / 60, atol=1e-14)


@pytest.mark.parametrize("working_memory", [1, 64, 1024])
def test_tiles_of_all_threads_fit_in_the_working_memory(working_memory):
    """Eight threads, each with a tile and three temporaries of its size."""
    A = BlockedOperator(PairwiseKernel("linear"), np.ones((5000, 1)))
    with config_context(working_memory=working_memory):
        tiles = A._tiles()
    sizes = [(a.stop - a.start) * (b.stop - b.start) for a, b in tiles]
    assert 8 * 4 * 8 * max(sizes) <= working_memory * 2**20
    covered = sum(
        size * (1 if a == b else 2) for size, (a, b) in zip(sizes, tiles, strict=True)
    )
    assert covered == 5000**2

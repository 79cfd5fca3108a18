"""What is said, or done, where a kernel loses the digits of the rows."""

import numpy as np
import pytest
from scipy.sparse import csr_array, csr_matrix
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct, Matern

from sklearn_msk import MSKClassifier, MSKKernel, MSKRegressor
from sklearn_msk.kernels import NNGP, NTK
from sklearn_msk.kernels._adapters import CallableKernel, PrecomputedKernel
from sklearn_msk.kernels._digits import check_digits_kept, loses_digits_in_float32
from sklearn_msk.kernels._evaluation import evaluate_kernel, kernel_tiles
from sklearn_msk.kernels._resolution import kernel_names, resolve_kernel

X = np.random.RandomState(0).standard_normal((80, 4))
NAMES = [name for name in kernel_names() if name != "precomputed"]


def _single(n=500, n_features=10, name="", offset=0.0):
    """Rows of single precision, positive where the kernel wants it."""
    rows = np.random.RandomState(1).standard_normal((n, n_features)) + offset
    return (np.abs(rows) if "chi2" in name else rows).astype(np.float32)


def _linear(A, B):
    return A @ B.T


class TestScale:
    @pytest.mark.parametrize(
        "kernel",
        [NTK(bias_variance=0.0), NNGP(2, "erf", bias_variance=0.0), DotProduct(0.0)],
        ids=str,
    )
    @pytest.mark.parametrize("scale", [1e-160, 1e-170, 1e-300])
    def test_underflow_blames_the_scale_of_the_rows(self, kernel, scale):
        message = r"underflows on rows as small as these.* Scale the features"
        with pytest.raises(ValueError, match=message):
            check_digits_kept(kernel, X * scale)
        for rows in (X * scale, csr_matrix(X * scale)):
            with pytest.raises(ValueError, match=f"kernel 'linear' {message}"):
                check_digits_kept(resolve_kernel("linear"), rows)
        with pytest.raises(ValueError, match=f"kernel 'cosine' {message}"):
            check_digits_kept(resolve_kernel("cosine"), X * 1e-200)

    def test_underflow_in_single_precision(self):
        kernel, rows = NTK(bias_variance=0.0), (X * 1e-22).astype(np.float32)
        with pytest.raises(ValueError, match=r"float32 loses digits below 1\.2e-38"):
            check_digits_kept(kernel, rows)
        check_digits_kept(kernel, rows.astype(float))

    @pytest.mark.parametrize(
        "kernel",
        [
            NTK(),
            NTK(weight_variance=0.0, bias_variance=0.0),
            RBF(),
            ConstantKernel(0.0) * RBF(),
            *map(resolve_kernel, ("rbf", "laplacian", "poly")),
        ],
        ids=str,
    )
    def test_other_kernels_are_as_they_were(self, kernel):
        for scale in (0.0, 1e-300, 1e-120, 1.0):
            check_digits_kept(kernel, X * scale)

    @pytest.mark.parametrize("scale", [0.0, 1e-140, 1.0, 1e100])
    def test_rows_of_a_legal_scale(self, scale):
        check_digits_kept(NTK(bias_variance=0.0), X * scale)
        check_digits_kept(resolve_kernel("linear"), X * scale)


class TestDistances:
    @pytest.mark.parametrize("n", [80, 600])
    @pytest.mark.parametrize("name", ["rbf", "laplacian"])
    @pytest.mark.parametrize("offset", [2.0**20, -(2.0**30)])
    def test_centred_rows_lose_nothing(self, name, offset, n):
        # Rows whose sums with the offset are exact.
        rows = np.random.RandomState(0).standard_normal((n, 4))
        rows = np.round(rows * 2**16) / 2**16
        kernel = resolve_kernel(name, gamma=0.3)
        near, far = (
            evaluate_kernel(kernel, rows),
            evaluate_kernel(kernel, rows + offset),
        )
        np.testing.assert_allclose(far, near, rtol=0, atol=1e-13)
        cross = evaluate_kernel(kernel, rows + offset, rows[:50] + offset)
        np.testing.assert_allclose(cross, near[:, :50], rtol=0, atol=1e-13)
        tile = kernel_tiles(kernel, rows + offset)(slice(40, 80), slice(0, 40))
        np.testing.assert_allclose(tile, near[40:80, :40], rtol=0, atol=1e-13)
        check_digits_kept(kernel, rows + offset)

    @pytest.mark.parametrize("offset", [3e5, 1e6, 1e9])
    def test_sparse_rows_far_from_the_origin(self, offset):
        message = r"'rbf' loses its digits on rows as far .* size .* dense float64"
        with pytest.raises(ValueError, match=message):
            check_digits_kept(resolve_kernel("rbf"), csr_matrix(X + offset))
        with pytest.raises(ValueError, match=message):
            check_digits_kept(resolve_kernel("rbf", gamma=0.1), csr_array(X + offset))

    @pytest.mark.parametrize("rows", [X, csr_matrix(X + 10.0), X.astype(np.float32)])
    @pytest.mark.parametrize("gamma", [None, 0.3, 1e3])
    def test_rows_near_the_origin(self, rows, gamma):
        check_digits_kept(resolve_kernel("rbf", gamma=gamma), rows)

    def test_a_large_gamma_is_blamed(self):
        message = r"loses its digits with gamma=1e\+308, .* Choose a smaller 'gamma'"
        with pytest.raises(ValueError, match=message):
            check_digits_kept(resolve_kernel("rbf", gamma=1e308), X)
        far = csr_matrix(X + 1e3)
        check_digits_kept(resolve_kernel("rbf"), far)
        close = csr_matrix(1.0 + X * 1e-5)
        with pytest.raises(ValueError, match=r"with gamma=1e\+10, .*smaller 'gamma'"):
            check_digits_kept(resolve_kernel("rbf", gamma=1e10), close)

    def test_a_gamma_whose_distances_fit_is_legal(self):
        """The formula gives 0 for different rows, and 1 for equal ones."""
        kernel = resolve_kernel("rbf", gamma=1e300)
        check_digits_kept(kernel, X)
        np.testing.assert_array_equal(evaluate_kernel(kernel, X), np.eye(80))
        np.testing.assert_array_equal(evaluate_kernel(kernel, X, X.copy()), np.eye(80))


class TestSinglePrecision:
    @pytest.mark.parametrize("name", NAMES)
    def test_normal_rows_lose_nothing(self, name):
        for n, n_features in ((500, 10), (30, 2), (150, 100)):
            rows = _single(n, n_features, name)
            assert loses_digits_in_float32(resolve_kernel(name), rows) is False

    @pytest.mark.parametrize("depth", [3, 6])
    @pytest.mark.parametrize("name", ["ntk_relu", "ntk_abs", "ntk_gelu", "nngp_erf"])
    def test_nor_do_they_in_deep_networks(self, name, depth):
        kernel = resolve_kernel(name, kernel_params={"depth": depth})
        assert loses_digits_in_float32(kernel, _single()) is False

    @pytest.mark.parametrize("kernel", [RBF(), Matern(nu=0.5), RBF(0.1), _linear])
    def test_nor_do_those_of_objects_and_callables(self, kernel):
        assert loses_digits_in_float32(resolve_kernel(kernel), _single()) is False

    @pytest.mark.parametrize(
        "kernel", ["ntk_relu", "nngp_abs", "linear", "poly", "chi2", _linear]
    )
    def test_rows_far_from_the_origin(self, kernel):
        name = kernel if isinstance(kernel, str) else ""
        kernel, rows = resolve_kernel(kernel), _single(offset=1e4, name=name)
        assert loses_digits_in_float32(kernel, rows) is True
        assert loses_digits_in_float32(kernel, rows.astype(float)) is False

    def test_tiny_length_scales(self):
        def by_products(A, B, gamma):
            sizes = (A**2).sum(axis=1)[:, None] + (B**2).sum(axis=1)
            return np.exp(-A.dtype.type(gamma) * (sizes - 2.0 * A @ B.T))

        rows = (5.0 + 1e-3 * _single()).astype(np.float32)
        kernel = CallableKernel(by_products, {"gamma": 1e5})
        assert loses_digits_in_float32(kernel, rows) is True
        kernel = CallableKernel(by_products, {"gamma": 0.1})
        assert loses_digits_in_float32(kernel, _single()) is False
        # Kernels of scikit-learn take distances in double precision.
        for kernel in ("rbf", "laplacian"):
            kernel = resolve_kernel(kernel, gamma=1e5)
            assert loses_digits_in_float32(kernel, rows) is False
        # RBF divides the rows by a float64 first, which NumPy 1 does in float32.
        numpy_1 = np.lib.NumpyVersion(np.__version__) < "2.0.0"
        assert loses_digits_in_float32(RBF(1e-3), rows) is numpy_1

    def test_sparse_rows(self):
        linear = resolve_kernel("linear")
        assert loses_digits_in_float32(linear, csr_matrix(_single())) is False
        assert loses_digits_in_float32(linear, csr_matrix(_single(offset=1e4))) is True

    def test_what_only_float32_overflows(self):
        rows = 1e25 * _single()
        assert loses_digits_in_float32(resolve_kernel("ntk_relu"), rows) is True

    def test_what_cannot_be_compared(self):
        def single_only(A, B):
            assert A.dtype == np.float32
            return A @ B.T

        K = _single(offset=1e4) @ _single(offset=1e4).T
        assert loses_digits_in_float32(PrecomputedKernel(), K) is False
        far = _single(offset=1e4)
        assert loses_digits_in_float32(CallableKernel(single_only), far) is False
        assert loses_digits_in_float32(resolve_kernel("linear"), far[:1]) is False

    def test_a_hundred_rows_from_all_over_are_looked_at(self):
        seen = []

        def watched(A, B):
            seen.append(A)
            return A @ B.T

        rows = _single(5000)
        loses_digits_in_float32(CallableKernel(watched), rows)
        assert {len(A) for A in seen} == {100}
        assert np.array_equal(seen[0][[0, -1]], rows[[0, -1]])


class TestSparseIndices:
    @pytest.mark.parametrize("kind", [csr_array, csr_matrix])
    @pytest.mark.parametrize("name", ["rbf", "linear", "poly", "cosine", "laplacian"])
    def test_of_64_bits(self, name, kind):
        dense = np.random.RandomState(0).uniform(size=(300, 30))
        dense[dense < 0.8] = 0.0
        rows = kind(dense)
        rows.indices = rows.indices.astype(np.int64)
        rows.indptr = rows.indptr.astype(np.int64)
        kernel = resolve_kernel(name)
        expected = evaluate_kernel(kernel, dense)
        for some in (rows, rows[:40]):
            K = evaluate_kernel(kernel, some)
            np.testing.assert_allclose(K, expected[: len(K), : len(K)], atol=1e-12)
        cross = evaluate_kernel(kernel, rows[:7], rows)
        np.testing.assert_allclose(cross, expected[:7], atol=1e-12)
        tile = kernel_tiles(kernel, rows)(slice(10, 20), slice(0, 10))
        np.testing.assert_allclose(tile, expected[10:20, :10], atol=1e-12)
        # The rows of the user are as they were.
        assert rows.indices.dtype == rows.indptr.dtype == np.int64

    @pytest.mark.parametrize("estimator", [MSKRegressor, MSKClassifier, MSKKernel])
    @pytest.mark.parametrize("name", ["rbf", "laplacian"])
    def test_of_64_bits_in_estimators(self, name, estimator):
        rows, columns = np.repeat(np.arange(60), 5), np.arange(300) * 7 % 30
        large = csr_array((np.ones(300), (rows, columns)), shape=(60, 30))
        assert large.indices.dtype == np.int64
        y = np.arange(60) % 2
        results = []
        for X in (large, large.toarray()):
            # Six rows differ: fewer pairs would cut through equal eigenvalues.
            model = estimator(name, k=6).fit(X, y)
            apply = model.transform if estimator is MSKKernel else model.predict
            results.append(apply(X[:7]))
        np.testing.assert_allclose(*results, atol=1e-4)

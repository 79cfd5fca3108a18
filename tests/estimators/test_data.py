"""Rows, targets and kernel matrices that are refused: the message says why."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.gaussian_process.kernels import RBF, CompoundKernel

from sklearn_msk import MSKRegressor
from sklearn_msk.kernels import NTK


def fails(data, message, *, X=None, y=None, sample_weight=None, **params):
    """Fit, expect the message, and no trace of the attempt on the object."""
    X = data[0] if X is None else X
    y = data[1][:, 0] if y is None else y
    model = MSKRegressor(**params)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, sample_weight=sample_weight)
    assert vars(model).keys() == before.keys()


KERNELS = [
    ({"kernel": "ntk"}, r"'kernel' parameter must be one of .*'ntk_relu'.* Got 'ntk'"),
    ({"kernel": 3}, r"'kernel' parameter .* Got 3"),
    ({"kernel": NTK}, r"Pass an instance, NTK\(\)"),
    ({"kernel": NTK(depth=0)}, r"'depth' of NTK must be an int >= 1.* Got 0"),
    ({"kernel": NTK(activation="tanh")}, r"'activation' of NTK .*'erf'.* Got 'tanh'"),
    ({"kernel": NTK(bias_variance=-1)}, r"'bias_variance' of NTK .* Got -1"),
    (
        {"kernel": "ntk_relu", "kernel_params": {"width": 3}},
        r"Unknown keys \['width'\] in 'kernel_params'.*'depth'",
    ),
    (
        {"kernel": "ntk_relu", "kernel_params": {"depth": 0}},
        r"'depth' of NTK must be an int >= 1.* Got 0",
    ),
    ({"kernel": "rbf", "kernel_params": {"depth": 1}}, r"\['depth'\].*'gamma'"),
    ({"kernel": RBF(), "kernel_params": {"length_scale": 1}}, r"'RBF' takes none"),
    ({"kernel": "precomputed", "kernel_params": {"a": 1}}, r"'precomputed' takes none"),
    (
        {"kernel": lambda X, Y: X @ Y.T[:, :5]},
        r"\(n_samples_X, n_samples_Y\) = \(60, 60\).* Got an array of shape \(60, 5\)",
    ),
    (
        {"kernel": lambda x, z: float(np.exp(-np.sum((x - z) ** 2)))},
        r"called once with two matrices.* compares two rows. Pass `lambda X, Y",
    ),
    (
        {"kernel": lambda x, z: float(x[0] * z[0])},
        r"called once with two matrices.* compares two rows",
    ),
    ({"kernel": lambda X, Y: None}, r"array of real numbers. Got NoneType"),
    ({"kernel": CompoundKernel([RBF(), RBF(2.0)])}, r"\(60, 60\). Got .*\(60, 60, 2\)"),
    (
        {"kernel": lambda X, Y: X @ Y.T * np.nan},
        r"callable kernel '<lambda>' is nan in row 0, column 0",
    ),
    (
        {"kernel": lambda X, Y: X @ Y[::-1].T},
        r"callable kernel '<lambda>' must be symmetric",
    ),
    (
        {"kernel": lambda X, Y: X @ Y.T + 0j},
        r"array of real numbers. Got ndarray .* complex128",
    ),
    (
        {"kernel": "sigmoid", "gamma": 1.0},
        r"kernel 'sigmoid' must be positive semi-definite.* eigenvalue of -",
    ),
    (
        {"kernel": lambda X, Y: -(X @ Y.T)},
        r"callable kernel '<lambda>' must be positive semi-definite",
    ),
]


@pytest.mark.parametrize(("params", "message"), KERNELS)
def test_kernels(params, message, data):
    # No row is held out, so that messages tell the shape of the whole matrix.
    fails(data, message, max_iter=100, **params)


@pytest.mark.parametrize("eigen_solver", ["dense", "arpack", "lobpcg", "randomized"])
def test_precomputed_matrices(eigen_solver, data):
    K = NTK()(data[0])
    common = dict(kernel="precomputed", eigen_solver=eigen_solver, k=3)
    fails(data, r"square kernel matrix .* Got shape \(60, 59\)", X=K[:, :-1], **common)
    crooked = K.copy()
    crooked[3, 8] += 1e-3
    fails(data, r"must be symmetric.*K\[3, 8\] = .* K\[8, 3\]", X=crooked, **common)
    fails(data, r"differ by 1.0e-03 \(legal .*make it \(K \+ K", X=crooked, **common)
    v = np.ones((60, 1)) / np.sqrt(60)
    indefinite = K - 2 * (v.T @ K @ v) * v @ v.T
    fails(data, r"precomputed kernel must be positive semi", X=indefinite, **common)
    holed = K.copy()
    holed[2, 2] = np.nan
    fails(data, "NaN", X=holed, **common)


def test_asymmetry_of_rounding_is_legal(data):
    K = NTK()(data[0])
    K += 1e-13 * np.random.RandomState(0).standard_normal(K.shape)
    MSKRegressor("precomputed", k=3).fit(K, data[1])


def test_data(data):
    X, Y, weights = data
    for bad in (np.nan, np.inf):
        holed = X.copy()
        holed[3, 1] = bad
        fails(data, "NaN|infinity", X=holed)
        fails(data, "NaN|infinity", y=np.where(np.arange(60) == 3, bad, Y[:, 0]))
        fails(data, "NaN|infinity", sample_weight=np.where(weights > 1, bad, weights))
    fails(data, "y contains NaN", y=np.array([None, *Y[1:, 0]], dtype=object))
    fails(data, "inconsistent numbers of samples", y=Y[:-1, 0])
    fails(data, "sample_weight", sample_weight=weights[:-1])
    fails(data, r"must be non-negative. .* of -1 instead", sample_weight=weights - 1)
    fails(data, "must not be all zero.* Got 60 zeros", sample_weight=np.zeros(60))
    fails(data, "Got text in column 0", X=np.full((60, 2), "a"))
    with pytest.raises(
        ValueError, match="has 2 features, but MSKRegressor is expecting"
    ):
        MSKRegressor().fit(X, Y).predict(X[:, :2])


def test_overflow_of_the_kernel_is_an_error(data):
    big = 1e160 * data[0]
    with np.errstate(over="ignore"):
        fails(data, r"kernel NTK\(.*float64 matrix .* finite. Scale the feat", X=big)


def test_rows_that_overflow_in_float32_are_computed_in_float64(data):
    big = (1e30 * data[0]).astype(np.float32)
    single = MSKRegressor().fit(big, data[1]).predict(big)
    double = MSKRegressor().fit(big.astype(float), data[1]).predict(big.astype(float))
    np.testing.assert_allclose(single, double, rtol=1e-9)


@pytest.mark.parametrize("solver", ["lanczos", "eigh", "gd"])
def test_overflow_of_the_coefficients_is_an_error(solver, data):
    """A kernel of 1e-240 and targets of 1e120 ask for coefficients of 1e360."""
    fails(
        data,
        r"dual coefficients overflow.* and 1.*e-240. Scale the features or y",
        X=1e-120 * data[0] / np.abs(data[0]).max(),
        y=1e120 * data[1][:, 0],
        kernel="linear",
        solver=solver,
        dynamics="descent",
    )


def test_a_failed_fit_keeps_the_model_that_was_there(data):
    X, Y, _ = data
    model = MSKRegressor().fit(X, Y)
    expected = model.predict(X)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(np.full((5, 2), np.nan), np.ones(5))
    np.testing.assert_array_equal(model.predict(X), expected)


@pytest.mark.parametrize("offset", [1e6, -1e6, 1e9])
def test_distances_of_sparse_rows_that_cancel_far_from_the_origin(offset, data):
    X, Y, _ = data
    far = csr_matrix(X + offset)
    # An eigenvalue of -5e-7 is what rounding leaves: the message is not about it.
    with pytest.raises(ValueError, match=r"'rbf' loses its digits .*StandardScaler"):
        MSKRegressor("rbf").fit(far, Y)
    MSKRegressor("laplacian").fit(far, Y)


@pytest.mark.parametrize("kernel", ["rbf", "laplacian"])
def test_distances_far_from_the_origin(kernel, data):
    """Rows are centred in double precision, whatever their number."""
    X, Y, _ = data
    X = np.round(X * 2**20) / 2**20
    near = MSKRegressor(kernel, tol=1e-10).fit(X, Y)
    for offset in (2.0**20, 2.0**26):
        far = MSKRegressor(kernel, tol=1e-10).fit(X + offset, Y)
        np.testing.assert_allclose(far.predict(X + offset), near.predict(X), rtol=1e-7)
        MSKRegressor(kernel, landmarks=20).fit(X + offset, Y)
    for landmarks in (None, 20):
        MSKRegressor(kernel, landmarks=landmarks).fit(X * 1e30, Y)

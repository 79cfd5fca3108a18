"""Bad input: the message names the parameter, what is legal and what came."""

import warnings
from functools import partial

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process.kernels import RBF, CompoundKernel

from sklearn_msk import MSKRegressor
from sklearn_msk._solvers._lanczos import lanczos_paths
from sklearn_msk._solvers._solve import SOLVERS
from sklearn_msk.kernels import NTK
from sklearn_msk.spectral_maps import Flatten, Power


def fails(data, message, *, X=None, y=None, sample_weight=None, **params):
    """Fit, expect the message, and no trace of the attempt on the object."""
    X = data[0] if X is None else X
    y = data[1][:, 0] if y is None else y
    model = MSKRegressor(**params)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, sample_weight=sample_weight)
    assert vars(model).keys() == before.keys()


def exploding(X, Y):
    raise AssertionError("the kernel must not be computed")


PARAMETERS = [
    ({"k": -1}, r"'k' parameter of MSKRegressor must be an int .* \[0, inf\). Got -1"),
    ({"k": 2.5}, r"'k' parameter .* Got 2.5"),
    ({"k": True}, r"'k' parameter .* Got True"),
    ({"max_iter": True}, r"'max_iter' parameter .* Got True"),
    ({"alpha": -1.0}, r"'alpha' parameter .* \[0.0, inf\). Got -1.0"),
    ({"alpha": np.inf}, r"'alpha' parameter .* Got inf"),
    ({"alpha": np.nan}, r"'alpha' parameter .* Got nan"),
    ({"max_iter": 0}, r"'max_iter' parameter .* \(0.0, inf\]. Got 0"),
    ({"max_iter": np.nan}, r"'max_iter' parameter .* \(0.0, inf\]. Got nan"),
    (
        {"max_iter": 10**40, "dynamics": "descent"},
        r"'max_iter' .* a whole number .* Got 1000",
    ),
    ({"max_iter": -3}, r"'max_iter' parameter .* Got -3"),
    (
        {"max_iter": 2.5, "dynamics": "descent"},
        r"'max_iter' .* a whole number .* Got 2.5",
    ),
    ({"learning_rate": 0}, r"'learning_rate' parameter .* \(0.0, inf\). Got 0"),
    ({"learning_rate": -1.0}, r"'learning_rate' parameter .* Got -1.0"),
    (
        {"learning_rate": 2.0, "dynamics": "descent"},
        r"'learning_rate' .* \(0, 2\) for dynamics='descent'.* Got 2.0",
    ),
    ({"dynamics": "adam"}, r"'dynamics' parameter .*'descent'.* Got 'adam'"),
    ({"solver": "cg"}, r"'solver' parameter .*'lanczos'.* Got 'cg'"),
    ({"solver": "gd"}, r"solver='gd' .*dynamics='descent' only. Got dynamics='flow'"),
    (
        {"solver": "gd", "dynamics": "descent", "max_iter": np.inf},
        r"solver='gd' needs a finite 'max_iter'. Got inf .*'lanczos' or 'eigh'",
    ),
    ({"eigen_solver": "svd"}, r"'eigen_solver' parameter .*'arpack'.* Got 'svd'"),
    ({"tol": 0}, r"'tol' parameter .* Got 0"),
    ({"g": "power"}, r"'g' parameter must be one of .*'flatten'.* Got 'power'"),
    ({"g": Flatten}, r"Pass an instance, as in Flatten\(...\)"),
    ({"g": 3}, r"'g' parameter .* Got 3"),
    ({"kernel_params": [1]}, r"'kernel_params' parameter .*dict.* Got \[1\]"),
    ({"fit_intercept": "yes"}, r"'fit_intercept' parameter .* Got 'yes'"),
    ({"random_state": "x"}, r"'random_state' parameter .* Got 'x'"),
]


@pytest.mark.parametrize(("params", "message"), PARAMETERS)
def test_parameters_are_checked_before_the_kernel_is_computed(params, message, data):
    kernel = params.get("kernel", exploding)
    fails(data, message, **{**params, "kernel": kernel})


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
    fails(data, message, **params)


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


@pytest.mark.parametrize(
    ("g", "message"),
    [
        (lambda lam: lam[:-1], r"shape of the eigenvalues, \(9,\). Got shape \(8,\)"),
        (lambda lam: lam - lam[-1], r"> 0: at eigenvalue 8 .*it returned 0"),
        (lambda lam: lam * np.nan, r"at eigenvalue 0 .*it returned nan"),
        (Power(exponent="half"), r"'exponent' of Power .* Got 'half'"),
        (Flatten(level=-1.0), r"'level' of Flatten .* Got -1.0"),
    ],
)
def test_maps(g, message, data):
    fails(data, message, g=g, k=9)


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
    fails(data, "could not convert string", X=np.full((60, 2), "a"))
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


def test_warning_where_tol_is_not_met(data, monkeypatch):
    short = partial(lanczos_paths, max_basis=6)
    monkeypatch.setitem(SOLVERS, "lanczos", short)
    message = r"after 14 products at a relative error of .*, above tol=1.0e-09.*'eigh'"
    with pytest.warns(ConvergenceWarning, match=message) as caught:
        MSKRegressor(k=0, tol=1e-9).fit(*data[:2])
    assert caught[0].filename == __file__


@pytest.mark.parametrize("solver", ["lanczos", "eigh"])
def test_warning_where_the_limit_is_ill_conditioned(solver, data):
    X, Y, _ = data
    smooth = RBF(length_scale=50.0)
    message = r"too ill-conditioned .* of its 60 eigenvalues are below .* Set alpha > 0"
    with pytest.warns(ConvergenceWarning, match=message):
        MSKRegressor(smooth, max_iter=np.inf, solver=solver).fit(X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MSKRegressor(smooth, max_iter=100, solver=solver).fit(X, Y)
        MSKRegressor(smooth, max_iter=np.inf, alpha=0.1, solver=solver).fit(X, Y)
        # Repeated rows are no fault of the kernel.
        twice = np.vstack([X, X])
        MSKRegressor(max_iter=np.inf, solver=solver).fit(twice, np.tile(Y, (2, 1)))


def test_stopping_at_max_iter_is_no_warning(data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MSKRegressor(k=0, max_iter=1).fit(*data[:2])


def test_warning_where_rounding_shows(data):
    """Rates a hundred million times the eigenvalues ask more than K's digits give."""
    X, Y, _ = data

    def steep(lam):
        return lam[0] * (lam[-1] / lam) ** 2

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        MSKRegressor(RBF(length_scale=20.0), g=steep, k=30).fit(X, Y)
    assert all(w.category is ConvergenceWarning for w in caught)
    messages = [str(w.message) for w in caught]
    assert any("too ill-conditioned: rounding alone" in text for text in messages)
    assert any("leading directions rates of" in text for text in messages)


def test_warning_where_g_gives_rates_below_rounding(data):
    with pytest.warns(ConvergenceWarning, match="g gives 5 of the 5 .* not learned"):
        MSKRegressor(k=5, g=lambda lam: 1e-20 * lam).fit(data[0], data[1])


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

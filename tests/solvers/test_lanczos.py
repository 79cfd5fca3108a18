"""The error that Lanczos paths estimate, and stop by."""

import numpy as np
import pytest
from problems import (
    dense,
    kernel_matrix,
    preconditioner,
    rough_preconditioner,
)

from sklearn_msk._filters import SpectralFilter
from sklearn_msk._solvers import solve
from sklearn_msk._solvers._lanczos import _KrylovBasis, lanczos_paths

MAPS = {
    "flatten": lambda lam: np.minimum(lam, lam.min(initial=np.inf)),
    "power": lambda lam: lam[0] * (lam / lam[0]) ** 0.5,
    "identity": lambda lam: lam,
}


def path_of(A, y, S, filter_, solver="auto", tol=1e-4):
    """Path of one preconditioner and one filter."""
    return solve(A, y, [(S, [filter_])], solver=solver, tol=tol)[0]


def fitted_error(K, a, reference, y):
    """``|K (a - reference)| / |y|``, the error that tol bounds, worst target."""
    difference = K @ (a - reference)
    return np.max(np.linalg.norm(difference, axis=0) / np.linalg.norm(y, axis=0))


@pytest.mark.parametrize("T", [1, 30, 1000, 10**6, np.inf])
@pytest.mark.parametrize("tol", [1e-2, 1e-4, 1e-7])
@pytest.mark.parametrize("k", [0, 20])
def test_error_estimate_is_kept(T, tol, k):
    """The error of lanczos stays below tol, in far fewer products than rows."""
    rng = np.random.RandomState(1)
    K = kernel_matrix(400)
    y = np.sin(4 * rng.standard_normal(400)) + rng.standard_normal(400)
    A = dense(K)
    S = preconditioner(A, k, MAPS["flatten"])
    filter_ = SpectralFilter("flow", T, 1.0 / S.spectral_radius_bound)
    exact = path_of(A, y, S, filter_, "eigh").coef()
    path = path_of(A, y, S, filter_, "lanczos", tol=tol)
    assert path.error_estimate <= tol
    assert fitted_error(K, path.coef(), exact, y) <= tol
    if T == 1000:
        assert path.n_products < 4 * np.sqrt(T)


def test_unmet_tolerance_is_reported():
    """A basis that may not grow long enough says how far it came."""
    K = kernel_matrix(400)
    y = np.random.RandomState(0).standard_normal(400)
    A = dense(K)
    S = preconditioner(A, 0, MAPS["flatten"])
    filter_ = SpectralFilter("flow", 10**5, 1.0 / S.spectral_radius_bound)
    [path] = lanczos_paths(A, y, [(S, [filter_])], 1e-6, max_basis=20)
    exact = path_of(A, y, S, filter_, "eigh").coef()
    assert path.n_products == 20 + 1
    assert path.error_estimate > 1e-6
    assert path.error_estimate > 0.3 * fitted_error(K, path.coef(), exact, y)


def test_targets_of_zero(data):
    """A target that is zero needs no step, beside one that does."""
    K = kernel_matrix()
    A = dense(K)
    S = preconditioner(A, 9, MAPS["flatten"])
    Y = np.column_stack([np.zeros(60), data[1][:, 0]])
    filter_ = SpectralFilter("flow", 30, 1.0 / S.spectral_radius_bound)
    a = path_of(A, Y, S, filter_, "lanczos").coef()
    assert not a[:, 0].any()
    assert a[:, 1].any()


@pytest.mark.parametrize("rough", [False, True])
def test_estimate_is_of_the_residual_and_the_change(rough, data):
    """Of the limit, both are known: ``|b - A c|`` and the change of ``A c``."""
    A = dense(kernel_matrix())
    S = rough_preconditioner(A, 9) if rough else preconditioner(A, 9, MAPS["flatten"])
    b = A.rhs(1000.0 * data[1][:, 0])
    limit = SpectralFilter("flow", np.inf, 1.0)
    basis = _KrylovBasis(A, S, b, [limit])
    values = []
    for size in (4, 7):
        while len(basis.diagonal) < size:
            basis.extend(A @ basis.next_factor())
        basis.estimate_error()
        modes = basis.modes()
        c = modes.vectors @ (
            limit(modes.eigenvalues, floor=basis.floor) * modes.weights
        )
        values.append(A @ c)
        np.testing.assert_allclose(basis.fitted(limit), A @ c, rtol=1e-9)
    change = np.linalg.norm(values[1] - values[0])
    residual = np.linalg.norm(b - values[1])
    expected = max(change, residual) / np.linalg.norm(b)
    np.testing.assert_allclose(basis.error, expected, rtol=1e-9)

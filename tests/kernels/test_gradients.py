"""Gradients of kernel expansions against differences of the kernels themselves."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.gaussian_process.kernels import (
    RBF,
    ConstantKernel,
    DotProduct,
    ExpSineSquared,
    Matern,
    RationalQuadratic,
    WhiteKernel,
)

from sklearn_msk.kernels import NNGP, NTK
from sklearn_msk.kernels._activations import ACTIVATIONS
from sklearn_msk.kernels._evaluation import evaluate_kernel
from sklearn_msk.kernels._gradients import weighted_gradients
from sklearn_msk.kernels._resolution import resolve_kernel

LENGTHS = np.array([0.7, 1.0, 2.0])
NAMED = ["linear", "poly", "sigmoid", "cosine", "rbf", "laplacian", "chi2"]
OBJECTS = [
    RBF(1.5),
    RBF(LENGTHS),
    Matern(LENGTHS, nu=0.5),
    Matern(1.3, nu=1.5),
    Matern(LENGTHS, nu=2.5),
    Matern(1.3, nu=np.inf),
    Matern(1.3, nu=0.8),
    RationalQuadratic(1.2, 0.7),
    DotProduct(0.5),
    ExpSineSquared(1.0, 3.0),
    2.0 * RBF(1.5) + WhiteKernel(0.1),
    Matern(1.0, nu=0.5) * DotProduct(1.0) + ConstantKernel(3.0),
    (RBF(2.0) + NTK(depth=2)) ** 2,
    ExpSineSquared(1.0, 3.0) * Matern(1.0, nu=1.5),
]
NETWORKS = [
    network(depth=depth, activation=activation, bias_variance=bias)
    for network in (NTK, NNGP)
    for activation in ACTIVATIONS
    for depth, bias in ((1, 0.0), (1, 1.0), (3, 0.1))
]


def problem(n_targets=2, n=24, d=3, seed=0):
    """Rows, coefficients, and other rows; positive ones, which chi2 needs."""
    rng = np.random.default_rng(seed)
    X, rows = rng.uniform(0.2, 2.0, (n, d)), rng.uniform(0.2, 2.0, (5, d))
    return X, rng.normal(size=(n, n_targets)), rows


def differences(evaluate, X, coef, rows, h=1e-4):
    """Central differences of sixth order of ``k(rows, X) @ coef``."""
    out = np.empty((*rows.shape, coef.shape[1]))
    for feature, unit in enumerate(np.eye(rows.shape[1])):
        steps = {
            count: (evaluate(rows + count * h * unit, X)) @ coef
            for count in (-3, -2, -1, 1, 2, 3)
        }
        out[:, feature] = (
            45 * (steps[1] - steps[-1])
            - 9 * (steps[2] - steps[-2])
            + (steps[3] - steps[-3])
        ) / (60 * h)
    return out


def check(kernel, X, coef, rows, rtol=1e-6, h=1e-4):
    found = weighted_gradients(kernel, X, coef, rows=rows)
    expected = differences(
        lambda a, b: evaluate_kernel(kernel, a, b), X, coef, rows, h=h
    )
    np.testing.assert_allclose(found, expected, atol=rtol * np.abs(expected).max())


@pytest.mark.parametrize("kernel", [*NAMED, *OBJECTS], ids=str)
def test_gradients(kernel):
    check(resolve_kernel(kernel), *problem())


@pytest.mark.parametrize("kernel", NETWORKS, ids=str)
def test_networks(kernel):
    check(kernel, *problem())


def test_callable():
    check(resolve_kernel(lambda X, Y: np.cos(X @ Y.T) ** 2), *problem())


@pytest.mark.parametrize("kernel", ["rbf", "laplacian", "poly", Matern(), NTK()])
def test_signed_rows(kernel):
    X, coef, rows = problem(d=6)
    check(resolve_kernel(kernel), X - 1.0, coef, rows - 1.0)


@pytest.mark.parametrize("kernel", NETWORKS, ids=str)
def test_normalized_networks(kernel):
    """By the quotient rule; at rows themselves, the mean of both sides of a kink."""
    X, coef, rows = problem()
    kernel = clone(kernel).set_params(normalized=True)
    check(kernel, X, coef, rows)
    # A kink times a slope leaves an error of the order of h.
    check(kernel, X, coef, X[:2], rtol=1e-5, h=1e-6)
    alone = weighted_gradients(kernel, X[:1], np.ones(1))
    np.testing.assert_allclose(alone, 0.0, atol=1e-12)


@pytest.mark.parametrize("kernel", ["ntk_relu", "nngp_gelu"])
def test_named_networks(kernel):
    check(resolve_kernel(kernel), *problem())


@pytest.mark.parametrize(
    "kernel",
    [
        "laplacian",
        Matern(nu=0.5),
        Matern(nu=1.5),
        NTK(bias_variance=0.0),
        NTK(depth=3, activation="abs"),
        NNGP(activation="leaky_relu"),
        Matern(nu=0.5) * NTK(),
    ],
    ids=str,
)
def test_the_rows_themselves(kernel):
    """The mean of both sides of a kink, which central differences give too."""
    X, coef, _ = problem()
    X[3] = X[7]
    kernel = resolve_kernel(kernel)
    # A kink times a slope leaves an error of the order of h.
    check(kernel, X, coef, X, rtol=1e-5, h=1e-6)
    at_rows = weighted_gradients(kernel, X, coef)
    np.testing.assert_array_equal(weighted_gradients(kernel, X, coef, rows=X), at_rows)


@pytest.mark.parametrize("kernel", ["laplacian", Matern(nu=0.5), "rbf"], ids=str)
def test_equal_rows_are_left_out(kernel):
    X, coef, _ = problem()
    X[3] = X[7]
    kernel, others = resolve_kernel(kernel), np.ones(len(X), bool)
    others[[3, 7]] = False
    found = weighted_gradients(kernel, X, coef)[3]
    expected = weighted_gradients(kernel, X[others], coef[others], rows=X[3:4])[0]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("kernel", ["rbf", "laplacian", Matern(nu=0.5), NTK()], ids=str)
def test_close_rows_keep_their_digits(kernel):
    """Rows 1e-7 apart, far from the origin."""
    rng = np.random.default_rng(0)
    X = 100.0 + rng.normal(size=(6, 3))
    rows = X + 1e-7 * rng.normal(size=X.shape)
    kernel = resolve_kernel(kernel)
    found = weighted_gradients(kernel, X, np.ones(6), rows=rows)
    expected = differences(
        lambda a, b: evaluate_kernel(kernel, a, b), X, np.ones((6, 1)), rows, h=1e-9
    )[..., 0]
    np.testing.assert_allclose(found, expected, atol=3e-4 * np.abs(expected).max())


@pytest.mark.parametrize("kernel", ["rbf", "laplacian", NTK(depth=2)], ids=str)
def test_blocks_threads_and_precision(kernel):
    X, coef, _ = problem(n=40)
    X = X.astype(np.float32)
    kernel = resolve_kernel(kernel)
    found = weighted_gradients(kernel, X, coef)
    assert found.dtype == np.float64
    assert found.shape == (40, 3, 2)
    double = weighted_gradients(kernel, X.astype(float), coef)
    np.testing.assert_array_equal(found, double)
    parts = weighted_gradients(kernel, X, coef, block_entries=100, n_jobs=2)
    np.testing.assert_allclose(parts, found, rtol=1e-9)
    single = weighted_gradients(kernel, X, coef[:, 1])
    np.testing.assert_allclose(single, found[..., 1], rtol=1e-12)


@pytest.mark.parametrize("activation", ["relu", "erf", "cos"])
@pytest.mark.parametrize("normalized", [False, True])
def test_rows_of_any_size(activation, normalized):
    kernel = NTK(activation=activation, bias_variance=0.0, normalized=normalized)
    X = np.array([[0.0, 0.0], [1e-120, 0.0], [1.0, 1.0], [2.0, 2.0], [1e60, 1.0]])
    assert np.isfinite(weighted_gradients(kernel, X, np.ones(5))).all()


def test_a_row_of_zeros_in_a_smooth_network():
    """Where erf has no kink: the derivative in x.z is left."""
    X, coef, _ = problem()
    kernel = NTK(depth=2, activation="erf", bias_variance=0.0)
    check(kernel, X, coef, np.zeros((1, 3)))


def test_precomputed_is_refused():
    with pytest.raises(ValueError, match="precomputed"):
        weighted_gradients(resolve_kernel("precomputed"), np.eye(2), np.ones(2))

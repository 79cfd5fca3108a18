"""Networks of cosine normalisation, in every engine."""

import numpy as np
import pytest
from sklearn.base import clone

from sklearn_msk import MSKRegressor
from sklearn_msk.kernels import NNGP, NTK
from sklearn_msk.kernels._activations import ACTIVATIONS, PiecewiseLinear
from sklearn_msk.kernels._network_inplace import InplaceEvaluator
from sklearn_msk.kernels._network_matrix import RecursionEvaluator, numba_evaluator

ENGINES = [RecursionEvaluator, InplaceEvaluator, numba_evaluator()]


def _inverse_roots(kernel, X):
    """``1 / sqrt(k(x, x))``, 0 where that is 0."""
    own = kernel.diag(X)
    return np.where(own > 0, 1.0 / np.sqrt(np.where(own > 0, own, 1.0)), 0.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bias_variance", [0.0, 0.3])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", [NTK, NNGP])
@pytest.mark.parametrize("engine", [e for e in ENGINES if e is not None])
def test_it_is_the_kernel_over_the_lengths(
    engine, kind, activation, bias_variance, dtype
):
    smooth = not isinstance(ACTIVATIONS[activation], PiecewiseLinear)
    if smooth and engine is not RecursionEvaluator:
        engine = RecursionEvaluator
    rng = np.random.RandomState(0)
    X, Z = (rng.standard_normal((n, 4)).astype(dtype) for n in (230, 17))
    X[5] = 0.0
    kernel = kind(2, activation, bias_variance=bias_variance)
    normalized = clone(kernel).set_params(normalized=True)
    roots = _inverse_roots(kernel, X.astype(float))
    expected = kernel(X.astype(float)) * roots[:, None] * roots
    eps = float(np.finfo(dtype).eps)
    found = normalized._matrix(X, None, None, engine)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, atol=8 * eps)
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_array_equal(np.diagonal(found), roots > 0)
    np.testing.assert_array_equal(normalized.diag(X), roots > 0)
    others = _inverse_roots(kernel, Z.astype(float))
    expected = kernel(X.astype(float), Z.astype(float)) * roots[:, None] * others
    found = normalized._matrix(X, Z, None, engine)
    np.testing.assert_allclose(found, expected, atol=8 * eps)


@pytest.mark.parametrize("size", [1e-120, 1e120])
def test_without_bias_it_does_not_see_the_size_of_rows(size):
    X = np.random.RandomState(0).standard_normal((30, 3))
    kernel = NTK(bias_variance=0.0, normalized=True)
    np.testing.assert_allclose(kernel(size * X), kernel(X), atol=1e-14)


def test_gradients_are_finite_differences():
    X = np.random.RandomState(0).standard_normal((12, 3))
    kernel = NTK(2, bias_variance=0.5, normalized=True)
    gradient = kernel(X, eval_gradient=True)[1]
    h = 1e-6
    for dimension in range(2):
        steps = []
        for sign in (1, -1):
            theta = kernel.theta.copy()
            theta[dimension] += sign * h
            steps.append(kernel.clone_with_theta(theta)(X))
        expected = (steps[0] - steps[1]) / (2 * h)
        np.testing.assert_allclose(gradient[..., dimension], expected, atol=1e-8)
    assert np.abs(gradient).max() > 1e-3
    np.testing.assert_array_equal(np.diagonal(gradient[..., 0]), 0.0)


def test_on_the_sphere_it_is_the_kernel_up_to_a_constant():
    X = np.random.RandomState(0).standard_normal((50, 3))
    X /= np.linalg.norm(X, axis=1)[:, None]
    ratio = NTK(3, normalized=True)(X) / NTK(3)(X)
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-13)


def test_one_row_far_from_the_others_does_not_spoil_a_model():
    rng = np.random.RandomState(0)
    X, Q = rng.standard_normal((300, 3)), rng.standard_normal((100, 3))
    Q[0] *= 1000.0

    def truth(rows):
        return np.sin(rows[:, 0]) + np.tanh(rows[:, 1])

    errors = {
        normalized: np.abs(
            MSKRegressor(NTK(normalized=normalized)).fit(X, truth(X)).predict(Q)
            - truth(Q)
        ).max()
        for normalized in (False, True)
    }
    assert errors[True] < 3.0 < 10.0 < errors[False]


def test_parameters():
    assert "normalized=True" in repr(NTK(normalized=True))
    assert "normalized" not in repr(NTK())
    assert NTK(normalized=True) != NTK()
    with pytest.raises(ValueError, match="'normalized' of NNGP must be True or False"):
        NNGP(normalized="yes")([[1.0]])
    model = MSKRegressor(kernel_params={"normalized": True}).fit([[0.0], [1.0]], [0, 1])
    assert model.kernel_.normalized

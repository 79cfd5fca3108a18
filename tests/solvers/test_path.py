"""A path serves other times, steps and ridges, and refuses what is off it."""

import numpy as np
import pytest
from problems import (
    dense,
    dense_preconditioner,
    kernel_matrix,
    preconditioner,
    recurrence,
)

from sklearn_msk._filters import SpectralFilter
from sklearn_msk._solvers import solve

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


def largest_rate(A, S):
    """Largest eigenvalue of ``M = S^(1/2) A S^(1/2)``, from the matrices."""
    return np.linalg.eigvals(dense_preconditioner(S) @ A.dense()).real.max()


def test_one_trajectory_serves_other_filters(data):
    """Coefficients for less time, another step and another ridge, from one basis."""
    Y = data[1]
    K = kernel_matrix()
    A = dense(K)
    S = preconditioner(A, 9, MAPS["flatten"])
    eta = 1.0 / largest_rate(A, S)
    path = path_of(A, Y, S, SpectralFilter("descent", 300, eta), "lanczos", tol=1e-11)
    for T, step, alpha in [(5, eta, 0.0), (300, eta / 2, 0.0), (40, 0.9 * eta, 2.0)]:
        expected = recurrence(K, Y, dense_preconditioner(S), step, T, alpha)
        actual = path.coef(max_iter=T, learning_rate=step, alpha=alpha)
        assert fitted_error(K, actual, expected, Y) < 1e-8


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"max_iter": 11}, r"'max_iter' of a trajectory .* {times}. Got 11"),
        ({"max_iter": 0}, "'max_iter' of a trajectory .* {times}. Got 0"),
        ({"learning_rate": 0}, "'learning_rate' of a trajectory .* number > 0. Got 0"),
        ({"alpha": -1.0}, "'alpha' of a trajectory .* number >= 0. Got -1"),
    ],
)
@pytest.mark.parametrize(
    ("dynamics", "times"),
    [("flow", "> 0 and <= 10"), ("descent", "whole and from 1 to 10")],
)
def test_trajectory_refuses_what_is_off_its_path(
    changed, message, dynamics, times, data
):
    A = dense(kernel_matrix())
    S = preconditioner(A, 3, MAPS["flatten"])
    path = path_of(A, data[1], S, SpectralFilter(dynamics, 10, 1e-3))
    with pytest.raises(ValueError, match=message.replace("{times}", times)):
        path.coef(**changed)
    path.coef(max_iter=1, learning_rate=1e-6, alpha=0.0)

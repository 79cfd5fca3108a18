"""The quadrature that kernels are tested by: the rules themselves."""

import numpy as np
import pytest
from quadrature import ACTIVATIONS, expectations, polar_rule, trapezoidal_rule


@pytest.mark.parametrize("rule", [polar_rule, trapezoidal_rule])
@pytest.mark.parametrize("correlation", [-1.0, -0.3, 0.0, 0.999, 1.0])
def test_rules_integrate_moments_of_the_pair(rule, correlation):
    g_x, g_z, weights = rule(correlation, 1.0)
    moments = [1.0, g_x, g_z**2, g_x * g_z, (g_x * g_z) ** 2]
    expected = [1.0, 0.0, 1.0, correlation, 1.0 + 2.0 * correlation**2]
    for moment, value in zip(moments, expected, strict=True):
        assert np.sum(weights * moment) == pytest.approx(value, abs=1e-13)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_derivatives_belong_to_their_activations(activation):
    function, derivative = ACTIVATIONS[activation]
    f = np.array([-2.3, -0.7, -0.1, 0.2, 1.1, 3.0])
    slope = (function(f + 1e-6) - function(f - 1e-6)) / 2e-6
    np.testing.assert_allclose(derivative(f), slope, atol=1e-8)


@pytest.mark.parametrize("activation", ["relu", "erf", "gaussian", "gelu", "sin"])
def test_a_finer_rule_changes_nothing(activation):
    # Listing a length ten times the others makes the rule for all of them finer.
    for correlation in (-0.999, 0.3, 1.0):
        coarse = expectations(activation, [0.5, 10.0], [0.5, 10.0], correlation)
        fine = expectations(activation, [0.5, 10.0, 100.0], [0.5, 10.0], correlation)
        for values, reference in zip(coarse, fine, strict=True):
            np.testing.assert_allclose(values, reference[:2], rtol=1e-12, atol=1e-13)

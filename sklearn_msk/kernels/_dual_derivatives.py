"""How the Gaussian expectations of an activation change with the covariances.

With the variances a, b and the covariance c of two pre-activations, s, t the roots of
a, b, ``E = E[phi phi]`` and ``E' = E[phi' phi']``::

    dE  = E'     dc + E_a  da      E'  is dE / dc (Price's theorem)
    dE' = E'_c   dc + E'_a da

for changes of x alone, which leave b as it is. Both are linear in (dc, da), which
`network_pairs` carries from layer to layer.

References
----------
R. Price, *A Useful Theorem for Nonlinear Devices Having Gaussian Inputs*, IRE
Transactions on Information Theory, 1958.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sklearn_msk.kernels._activations import (
    ACTIVATIONS,
    Activation,
    Cos,
    Erf,
    Gaussian,
    Gelu,
    PiecewiseLinear,
    Sin,
)
from sklearn_msk.kernels._angles import Angles


class Differential(Protocol):
    """Changes of the expectations of a layer with those of its covariances."""

    def moment(self, dc: np.ndarray, da: np.ndarray) -> np.ndarray:
        """``dE``."""

    def slope(self, dc: np.ndarray, da: np.ndarray) -> np.ndarray:
        """``dE'``."""


@dataclass(frozen=True, eq=False)
class PiecewiseLinearDifferential:
    """``E_a da = m k s t sin(theta) da / 2a`` and ``dE' = -m k dtheta``.

    The mean square slope m and the kink k are those of `PiecewiseLinear`. E' has a kink
    where the rows are parallel, at which the mean of both sides is taken: dtheta is 0
    there. So are changes of rows of length 0.
    """

    dual: PiecewiseLinear
    slopes: np.ndarray
    s: np.ndarray
    t: np.ndarray
    angles: Angles

    def moment(self, dc: np.ndarray, da: np.ndarray) -> np.ndarray:
        """``E' dc + m k s t sin(theta) da / 2a``."""
        kink = self.dual.mean_square * self.dual.kink
        sine = np.sqrt(self.angles.versine * self.angles.vercosine)
        stretch = _ratio(da, 2.0 * np.square(self.s))
        return self.slopes * dc + kink * self.s * stretch * self.t * sine

    def slope(self, dc: np.ndarray, da: np.ndarray) -> np.ndarray:
        """``m k (dc / st - cos(theta) da / 2a) / sin(theta)``."""
        kink = self.dual.mean_square * self.dual.kink
        sine = np.sqrt(self.angles.versine * self.angles.vercosine)
        stretch = _ratio(da, 2.0 * np.square(self.s))
        turn = _ratio(dc, self.s * self.t) - self.angles.cosine * stretch
        return kink * _ratio(turn, sine)


@dataclass(frozen=True, eq=False)
class SmoothDifferential:
    """Partial derivatives of the expectations of a smooth activation.

    Attributes
    ----------
    slopes, moment_a, slope_c, slope_a : ndarray
        ``E'``, ``E_a``, ``E'_c`` and ``E'_a``.
    """

    slopes: np.ndarray
    moment_a: np.ndarray
    slope_c: np.ndarray
    slope_a: np.ndarray

    def moment(self, dc: np.ndarray, da: np.ndarray) -> np.ndarray:
        """``E' dc + E_a da``."""
        return self.slopes * dc + self.moment_a * da

    def slope(self, dc: np.ndarray, da: np.ndarray) -> np.ndarray:
        """``E'_c dc + E'_a da``."""
        return self.slope_c * dc + self.slope_a * da


def dual_differential(
    dual: Activation, slopes: np.ndarray, s: np.ndarray, t: np.ndarray, angles: Angles
) -> Differential:
    """Differential of a dual activation between lengths s, t; `slopes` are its E'."""
    if isinstance(dual, PiecewiseLinear):
        return PiecewiseLinearDifferential(dual, slopes, s, t, angles)
    partials = _PARTIALS[type(dual)]
    return SmoothDifferential(slopes, *partials(slopes, s, t, angles))


def variance_slope(dual: Activation, s: np.ndarray) -> np.ndarray:
    """``dE[phi(f)^2] / da``, which is ``E' + 2 E_a`` between equal pre-activations."""
    if isinstance(dual, PiecewiseLinear):
        return dual.mean_square_slope(s)
    angles = Angles.zero(s)
    slopes = dual.derivative(s, s, angles)
    moment_a, _, _ = _PARTIALS[type(dual)](slopes, s, s, angles)
    return slopes + 2.0 * moment_a


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Quotient, 0 where the denominator is."""
    zero = denominator == 0
    return np.where(zero, 0.0, numerator / np.where(zero, 1.0, denominator))


Partials = Callable[
    [np.ndarray, np.ndarray, np.ndarray, Angles],
    tuple[np.ndarray, np.ndarray, np.ndarray],
]


def _erf(
    slopes: np.ndarray, s: np.ndarray, t: np.ndarray, angles: Angles
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """With ``D = (1+2a)(1+2b) - 4c^2``, ``E' = (4/pi) D^(-1/2)``.

    ``E_a = -E' c / (1+2a)``, ``E'_c = 4 c E' / D``, ``E'_a = -E' (1+2b) / D``.
    """
    a, b, c, D = _variances(s, t, angles, 2.0)
    return (
        -slopes * c / (1.0 + 2.0 * a),
        4.0 * c * slopes / D,
        -slopes * (1.0 + 2.0 * b) / D,
    )


def _gaussian(
    slopes: np.ndarray, s: np.ndarray, t: np.ndarray, angles: Angles
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """With D as for erf, ``E = D^(-1/2)`` and ``E' = 4c D^(-3/2)``.

    ``E_a = -(1+2b) D^(-3/2)``, ``E'_c = 4 (1 + 12 c^2 / D) D^(-3/2)``,
    ``E'_a = -12 c (1+2b) D^(-5/2)``.
    """
    _, b, c, D = _variances(s, t, angles, 2.0)
    power = D**-1.5
    return (
        -(1.0 + 2.0 * b) * power,
        4.0 * (1.0 + 12.0 * c * c / D) * power,
        -12.0 * c * (1.0 + 2.0 * b) / D * power,
    )


def _gelu(
    slopes: np.ndarray, s: np.ndarray, t: np.ndarray, angles: Angles
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """With P = 1+a, Q = 1+b, ``D = PQ - c^2``, ``R = 1/D + (1-ab)/PQ + 1``.

    With ``M = (c^2 + a b D) / (P Q sqrt(D))``, all over ``2 pi``::

        E_a  = (b D + a b Q) / (P Q sqrt(D)) - M (1/P + Q/2D) - c^2 / (2 P sqrt(D))
        E'_c = (2 c^2 / D^2 + R P Q / D + 1) / sqrt(D)
        E'_a = -c (Q/D^2 + 1/P^2 + R Q / 2D + 1/2P) / sqrt(D)
    """
    a, b, c, D = _variances(s, t, angles, 1.0)
    P, Q, root = 1.0 + a, 1.0 + b, np.sqrt(D)
    R = 1.0 / D + (1.0 - a * b) / (P * Q) + 1.0
    M = (c * c + a * b * D) / (P * Q * root)
    moment_a = (b * D + a * b * Q) / (P * Q * root) - M * (1.0 / P + 0.5 * Q / D)
    moment_a -= c * c / (2.0 * P * root)
    slope_c = (2.0 * np.square(c / D) + R * P * Q / D + 1.0) / root
    slope_a = -(Q / D**2 + P**-2 + 0.5 * R * Q / D + 0.5 / P) * c / root
    turn = 2.0 * math.pi
    return moment_a / turn, slope_c / turn, slope_a / turn


def _sin(
    slopes: np.ndarray, s: np.ndarray, t: np.ndarray, angles: Angles
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``E_a = -E/2``, ``E'_c = E``, ``E'_a = -E'/2``; E is the derivative of cos."""
    moment = ACTIVATIONS["cos"].derivative(s, t, angles)
    return -0.5 * moment, moment, -0.5 * slopes


def _cos(
    slopes: np.ndarray, s: np.ndarray, t: np.ndarray, angles: Angles
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As those of sin, with E the derivative of sin."""
    moment = ACTIVATIONS["sin"].derivative(s, t, angles)
    return -0.5 * moment, moment, -0.5 * slopes


def _variances(
    s: np.ndarray, t: np.ndarray, angles: Angles, factor: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return a, b, c and ``(1 + f a)(1 + f b) - (f c)^2``, without cancellation."""
    a, b, product = np.square(s), np.square(t), factor * s * t
    D = np.square(product) * (angles.versine * angles.vercosine)
    D += 1.0 + factor * (a + b)
    return a, b, s * t * angles.cosine, D


_PARTIALS: dict[type[Activation], Partials] = {
    Erf: _erf,
    Gaussian: _gaussian,
    Gelu: _gelu,
    Sin: _sin,
    Cos: _cos,
}

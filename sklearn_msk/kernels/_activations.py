"""Dual activations: what a layer of infinite width does to lengths and angles.

References
----------
Y. Cho and L. Saul, *Kernel Methods for Deep Learning*, NIPS 2009 (relu);
C. Williams, *Computing with Infinite Networks*, NIPS 1996 (erf, gaussian);
R. Tsuchida, T. Pearce, C. van der Heide, F. Roosta, M. Gallagher, *Avoiding Kernel
Fixed Points*, AAAI 2021 (gelu);
I. Han, A. Zandieh, J. Lee, R. Novak, L. Xiao, A. Karbasi, *Fast Neural Kernel
Embeddings for General Activations*, NeurIPS 2022 (a catalogue).
"""

import math
from abc import ABC, abstractmethod

from sklearn_msk._array_api import Array, namespace
from sklearn_msk.kernels._angles import Angles, Lengths, append_constant


class Activation(ABC):
    """Gaussian expectations of an activation phi, in lengths and angles.

    Two jointly Gaussian pre-activations f_x, f_z have standard deviations ``s_x, s_z``,
    their lengths, and correlation ``cos(theta)``. A layer needs ``E[phi(f_x)
    phi(f_z)]``, as the lengths and the angle of its factors, and ``E[phi'(f_x)
    phi'(f_z)]``. A subclass defines `length`, `angles` and `derivative`; what has a
    body here may stay. Lengths are arrays that broadcast against the angles, float64
    or, where `needs_double` is False, float32 too. Every form is scaled, so that it
    overflows only where the kernel does.
    """

    # Whether float32 input is computed in float64. False only where `angles` and
    # `derivative` keep small angles in float32, which a stored cosine does not.
    needs_double: bool = True

    @abstractmethod
    def length(self, s: Array) -> Array:
        """``sqrt(E[phi(f)^2])`` of pre-activations of length s."""

    @abstractmethod
    def angles(self, s_x: Array, s_z: Array, angles: Angles) -> Angles:
        """Angles of cosine ``E[phi(f_x) phi(f_z)] / (length(s_x) length(s_z))``.

        Angles that are 0 stay exactly 0 between equal lengths.
        """

    @abstractmethod
    def derivative(self, s_x: Array, s_z: Array, angles: Angles) -> Array:
        """``E[phi'(f_x) phi'(f_z)]``, a new array of the shape of the angles."""

    def mean_square_slope(self, s: Array) -> Array:
        """``E[phi'(f)^2]``: the derivative between equal pre-activations."""
        return self.derivative(s, s, Angles.zero(s))


class PiecewiseLinear(Activation):
    """``phi(f) = negative_slope * f`` below zero and ``positive_slope * f`` above.

    With ``m = (negative_slope^2 + positive_slope^2) / 2`` and ``k``, the *kink*,
    ``(positive_slope - negative_slope)^2 / (2 pi m)``::

        E[phi phi]   = m s_x s_z (cos(theta) + k (sin(theta) - theta cos(theta)))
        E[phi' phi'] = m (1 - k theta)

    phi is positively homogeneous: lengths are multiplied by ``sqrt(m)``, and all else
    depends on the angle alone. In the acute angle ``a = min(theta, pi - theta)``, its
    versine ``v = 1 - cos(a)`` and ``fold = k a``, plus ``2 - k pi`` where theta is
    obtuse, both sides of a right angle read alike::

        1 - E[phi phi] / (m s_x s_z) = v + (1 - v) fold - k sin(a)
        E[phi' phi'] / m             = +-(1 - fold),   minus where theta is obtuse
    """

    # Angles are carried by their versines, which keep small angles in float32.
    needs_double = False

    def __init__(self, negative_slope: float, positive_slope: float) -> None:
        self.mean_square = 0.5 * (negative_slope**2 + positive_slope**2)
        kink = (positive_slope - negative_slope) ** 2 / (2.0 * math.pi)
        self.kink = kink / self.mean_square
        # `2 - k pi`, which is also the largest versine that `angles` returns.
        self.obtuse_fold = max(0.0, 2.0 - self.kink * math.pi)

    def length(self, s: Array) -> Array:
        """``s sqrt(m)``."""
        return s * math.sqrt(self.mean_square)

    def mean_square_slope(self, s: Array) -> Array:
        """``m``."""
        return namespace(s).full_like(s, self.mean_square)

    def angles(self, s_x: Array, s_z: Array, angles: Angles) -> Angles:
        """Evaluate the versine by the formula of the class."""
        v, fold = angles.acute_versine, self._fold(angles)
        xp = namespace(v)
        versine = v + (1.0 - v) * fold - self.kink * xp.sqrt(v * (2.0 - v))
        versine = xp.maximum(versine, xp.zeros_like(versine))
        return Angles.from_versines(versine, 2.0 - versine)

    def derivative(self, s_x: Array, s_z: Array, angles: Angles) -> Array:
        """Evaluate the formula of the class."""
        slope = self.mean_square * (1.0 - self._fold(angles))
        if angles.obtuse is None:
            return slope
        return namespace(slope).where(angles.obtuse, -slope, slope)

    def _fold(self, angles: Angles) -> Array:
        """``k a``, plus ``2 - k pi`` where the angle is obtuse."""
        xp = namespace(angles.acute_versine)
        fold = self.kink * 2.0 * xp.asin(xp.sqrt(0.5 * angles.acute_versine))
        if angles.obtuse is not None:
            fold = xp.where(angles.obtuse, fold + self.obtuse_fold, fold)
        return fold


class Smooth(Activation):
    """An activation whose angles come from its second moment, ``E[phi phi]``."""

    @abstractmethod
    def _moment(self, s_x: Array, s_z: Array, angles: Angles) -> Array:
        """``E[phi(f_x) phi(f_z)]``, or that over ``s_x s_z``."""

    def length(self, s: Array) -> Array:
        """Root of the moment between equal pre-activations."""
        return namespace(s).sqrt(self._moment(s, s, Angles.zero(s)))

    def angles(self, s_x: Array, s_z: Array, angles: Angles) -> Angles:
        """Angles whose cosine is a moment over the roots of those of equal rows."""
        cosine = self._moment(s_x, s_z, angles)
        xp = namespace(cosine)
        for s in (s_x, s_z):
            own = xp.sqrt(self._moment(s, s, Angles.zero(s)))
            cosine /= xp.where(own > 0, own, xp.ones_like(own))
        # Equal rows stay equal, whatever the rounding of their cosine.
        equal = (angles.versine == 0) & (s_x == s_z)
        versine = 1.0 - xp.abs(cosine)
        versine[equal] = 0.0
        return Angles(xp.clip(versine, 0.0, 1.0), cosine < 0.0)


class Erf(Smooth):
    """The error function.

    ``E[phi phi] = (2/pi) asin(2c / sqrt((1+2a)(1+2b)))`` and
    ``E[phi' phi'] = (4/pi) / sqrt((1+2a)(1+2b) - 4c^2)``.
    """

    def _moment(self, s_x: Array, s_z: Array, angles: Angles) -> Array:
        sine, cosine, _, _ = _angles_with_one(
            math.sqrt(2.0) * s_x, math.sqrt(2.0) * s_z, angles
        )
        return (2.0 / math.pi) * namespace(sine).atan2(cosine, sine)

    def derivative(self, s_x: Array, s_z: Array, angles: Angles) -> Array:
        """``(4/pi) c_x c_z / sin`` in the terms of `_angles_with_one`."""
        sine, _, x, z = _angles_with_one(
            math.sqrt(2.0) * s_x, math.sqrt(2.0) * s_z, angles
        )
        return (4.0 / math.pi) * (x.constant_share * (z.constant_share / sine))


class Gaussian(Smooth):
    """``phi(f) = exp(-f^2)``.

    With ``D = (1+2a)(1+2b) - 4c^2``: ``E[phi phi] = D^(-1/2)`` and
    ``E[phi' phi'] = 4c D^(-3/2)``.
    """

    def _moment(self, s_x: Array, s_z: Array, angles: Angles) -> Array:
        sine, _, x, z = _angles_with_one(
            math.sqrt(2.0) * s_x, math.sqrt(2.0) * s_z, angles
        )
        return x.constant_share * (z.constant_share / sine)

    def derivative(self, s_x: Array, s_z: Array, angles: Angles) -> Array:
        """``2 cos (c_x c_z / sin)^2 / sin`` in the terms of `_angles_with_one`."""
        sine, cosine, x, z = _angles_with_one(
            math.sqrt(2.0) * s_x, math.sqrt(2.0) * s_z, angles
        )
        ratio = x.constant_share * (z.constant_share / sine)
        return 2.0 * cosine * ratio * (ratio / sine)


class Gelu(Smooth):
    """``phi(f) = f Phi(f)``, Phi the standard normal distribution function.

    With ``P1 = (1+a)(1+b)``, ``dl = sqrt(P1 - c^2)`` and ``ps = atan2(c, dl)``::

        E[phi phi]   = ((c^2 + a b dl^2) / (P1 dl) + c ps) / (2 pi) + c / 4
        E[phi' phi'] = (1/dl^2 + (1 - a b)/P1 + 1) c / (2 pi dl) + 1/4 + ps / (2 pi)
    """

    def length(self, s: Array) -> Array:
        """``s`` times a bounded factor, so that ``s^2`` is never formed."""
        return s * super().length(s)

    def _moment(self, s_x: Array, s_z: Array, angles: Angles) -> Array:
        """``E[phi phi] / (s_x s_z)``."""
        sine, cosine, x, z = _angles_with_one(s_x, s_z, angles)
        xp, u = namespace(sine), angles.cosine
        ratio = xp.square(x.constant_share * z.constant_share) / sine
        inner = x.input_share * z.input_share * (u * u * ratio + sine)
        inner += u * xp.atan2(cosine, sine)
        return inner / (2.0 * math.pi) + 0.25 * u

    def derivative(self, s_x: Array, s_z: Array, angles: Angles) -> Array:
        """Evaluate the formula of the class in the terms of `_angles_with_one`."""
        sine, cosine, x, z = _angles_with_one(s_x, s_z, angles)
        xp = namespace(sine)
        ratio = x.constant_share * (z.constant_share / sine)
        x_square, z_square = xp.square(x.constant_share), xp.square(z.constant_share)
        inner = xp.square(ratio) + x_square + z_square
        inner *= cosine / sine
        inner += xp.atan2(cosine, sine)
        return inner / (2.0 * math.pi) + 0.25


def _angles_with_one(
    s_x: Array, s_z: Array, angles: Angles
) -> tuple[Array, Array, Lengths, Lengths]:
    """Sine and cosine between rows of lengths s, once a one is appended to each.

    The appended ones are orthogonal to each other. In the shares ``s, c`` of `Lengths`,
    returned too, the cosine is ``s_x s_z cos(theta)``, and ``sin^2 = c_x^2 + s_x^2
    c_z^2 + s_x^2 s_z^2 sin(theta)^2`` is a sum of non-negative terms.
    """
    x, z = append_constant(s_x, 1.0), append_constant(s_z, 1.0)
    xp = namespace(angles.acute_versine)
    product = x.input_share * z.input_share
    sine = xp.square(product) * (angles.versine * angles.vercosine)
    sine += xp.square(x.input_share) * xp.square(z.constant_share)
    sine += xp.square(x.constant_share)
    return xp.sqrt(sine), product * angles.cosine, x, z


class _Wave:
    """Sine and cosine, which are each other's derivative."""

    @staticmethod
    def _sine_moment(s_x: Array, s_z: Array, angles: Angles) -> Array:
        """``exp(-(a+b)/2) sinh(c)``; by ``expm1``, small ``c`` keeps its digits."""
        acute = angles.acute_versine
        xp = namespace(acute)
        decay = -0.5 * xp.square(s_x - s_z) - s_x * s_z * acute
        covariance = s_x * s_z * (1.0 - acute)
        moment = -0.5 * xp.exp(decay) * xp.expm1(-2.0 * covariance)
        return xp.copysign(moment, angles.vercosine - angles.versine)

    @staticmethod
    def _cosine_moment(s_x: Array, s_z: Array, angles: Angles) -> Array:
        """``exp(-(a+b)/2) cosh(c)``."""
        acute = angles.acute_versine
        xp = namespace(acute)
        decay = -0.5 * xp.square(s_x - s_z) - s_x * s_z * acute
        covariance = s_x * s_z * (1.0 - acute)
        return 0.5 * xp.exp(decay) * (1.0 + xp.exp(-2.0 * covariance))


class Sin(_Wave, Smooth):
    """``E[phi phi] = exp(-(a+b)/2) sinh(c)``, for the derivative cosh."""

    def _moment(self, s_x: Array, s_z: Array, angles: Angles) -> Array:
        return self._sine_moment(s_x, s_z, angles)

    def derivative(self, s_x: Array, s_z: Array, angles: Angles) -> Array:
        """Dual of the cosine."""
        return self._cosine_moment(s_x, s_z, angles)


class Cos(_Wave, Smooth):
    """``E[phi phi] = exp(-(a+b)/2) cosh(c)``, for the derivative sinh."""

    def _moment(self, s_x: Array, s_z: Array, angles: Angles) -> Array:
        return self._cosine_moment(s_x, s_z, angles)

    def derivative(self, s_x: Array, s_z: Array, angles: Angles) -> Array:
        """Dual of the sine."""
        return self._sine_moment(s_x, s_z, angles)


ACTIVATIONS: dict[str, Activation] = {
    "relu": PiecewiseLinear(0.0, 1.0),
    "leaky_relu": PiecewiseLinear(0.01, 1.0),
    "abs": PiecewiseLinear(-1.0, 1.0),
    "erf": Erf(),
    "sin": Sin(),
    "cos": Cos(),
    "gaussian": Gaussian(),
    "gelu": Gelu(),
}

"""Dual activations: what a layer of infinite width does to lengths and angles.

For two jointly Gaussian pre-activations with standard deviations ``s_x, s_z`` and
correlation ``u = cos(theta)``, a layer maps them to the Gaussian expectations
``E[phi(f_x) phi(f_z)]`` and ``E[phi'(f_x) phi'(f_z)]``. Every activation here is a
class of three pure functions:

``length(s)``
    ``sqrt(E[phi(f)^2])``.
``angles(s_x, s_z, angles)``
    `Angles` whose cosine is ``E[phi(f_x) phi(f_z)] / (length(s_x) length(s_z))``.
``derivative(s_x, s_z, angles)``
    ``E[phi'(f_x) phi'(f_z)]``.

Lengths come as arrays that broadcast against the angles. All forms are scaled, so
that none overflows before the kernel itself does. An activation whose angles come from
a normalised moment needs double precision: in single, small angles would be lost.

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

import numpy as np

from sklearn_msk.kernels._angles import Angles, append_constant
from sklearn_msk.kernels._piecewise_linear import PiecewiseLinear


class _Smooth:
    """An activation given by its normalised second moment rather than by its angles."""

    needs_double = True

    def length(self, s):
        return np.sqrt(self._moment(s, s, Angles.zero(s.shape, s.dtype)))

    def mean_square_slope(self, s):
        return self.derivative(s, s, Angles.zero(s.shape, s.dtype))

    def angles(self, s_x, s_z, angles):
        return self._normalise(self._moment, s_x, s_z, angles)

    @staticmethod
    def _normalise(moment, s_x, s_z, angles):
        """Angles whose cosine is a moment over the roots of those of equal rows."""
        cosine = moment(s_x, s_z, angles)
        for s in (s_x, s_z):
            own = np.sqrt(moment(s, s, Angles.zero(s.shape, s.dtype)))
            cosine /= np.where(own > 0, own, 1.0)
        # Equal rows stay equal, whatever the rounding of their cosine.
        np.copyto(cosine, 1.0, where=(angles.versine == 0) & (s_x == s_z))
        np.clip(cosine, -1.0, 1.0, out=cosine)
        return Angles(1.0 - np.abs(cosine), cosine < 0.0)


class Erf(_Smooth):
    """The error function.

    ``E[phi phi] = (2/pi) asin(2c / sqrt((1+2a)(1+2b)))`` and
    ``E[phi' phi'] = (4/pi) / sqrt((1+2a)(1+2b) - 4c^2)``.
    """

    def _moment(self, s_x, s_z, angles):
        sine, cosine, _, _ = _turned(math.sqrt(2.0) * s_x, math.sqrt(2.0) * s_z, angles)
        return (2.0 / math.pi) * np.arctan2(cosine, sine)

    def derivative(self, s_x, s_z, angles):
        """``(4/pi) c_x c_z / sin`` in the terms of `_turned`."""
        sine, _, x, z = _turned(math.sqrt(2.0) * s_x, math.sqrt(2.0) * s_z, angles)
        return (4.0 / math.pi) * (x.constant_share * (z.constant_share / sine))


class Gaussian(_Smooth):
    """``phi(f) = exp(-f^2)``.

    With ``D = (1+2a)(1+2b) - 4c^2``: ``E[phi phi] = D^(-1/2)`` and
    ``E[phi' phi'] = 4c D^(-3/2)``.
    """

    def _moment(self, s_x, s_z, angles):
        sine, _, x, z = _turned(math.sqrt(2.0) * s_x, math.sqrt(2.0) * s_z, angles)
        return x.constant_share * (z.constant_share / sine)

    def derivative(self, s_x, s_z, angles):
        """``2 cos (c_x c_z / sin)^2 / sin`` in the terms of `_turned`."""
        sine, cosine, x, z = _turned(math.sqrt(2.0) * s_x, math.sqrt(2.0) * s_z, angles)
        ratio = x.constant_share * (z.constant_share / sine)
        return 2.0 * cosine * ratio * (ratio / sine)


class Gelu(_Smooth):
    """``phi(f) = f Phi(f)``, Phi the standard normal distribution function.

    With ``P1 = (1+a)(1+b)``, ``dl = sqrt(P1 - c^2)`` and ``ps = atan2(c, dl)``::

        E[phi phi]   = ((c^2 + a b dl^2) / (P1 dl) + c ps) / (2 pi) + c / 4
        E[phi' phi'] = (1/dl^2 + (1 - a b)/P1 + 1) c / (2 pi dl) + 1/4 + ps / (2 pi)
    """

    def length(self, s):
        """``s`` times a bounded factor, so that ``s^2`` is never formed."""
        return s * np.sqrt(self._scaled_moment(s, s, Angles.zero(s.shape, s.dtype)))

    def angles(self, s_x, s_z, angles):
        return self._normalise(self._scaled_moment, s_x, s_z, angles)

    def _scaled_moment(self, s_x, s_z, angles):
        """``E[phi phi] / (s_x s_z)``."""
        sine, cosine, x, z = _turned(s_x, s_z, angles)
        u = angles.cosine
        ratio = np.square(x.constant_share * z.constant_share) / sine
        inner = x.input_share * z.input_share * (u * u * ratio + sine)
        inner += u * np.arctan2(cosine, sine)
        return inner / (2.0 * math.pi) + 0.25 * u

    def derivative(self, s_x, s_z, angles):
        """Evaluate the formula of the class in the terms of `_turned`."""
        sine, cosine, x, z = _turned(s_x, s_z, angles)
        ratio = x.constant_share * (z.constant_share / sine)
        x_square, z_square = np.square(x.constant_share), np.square(z.constant_share)
        inner = np.square(ratio) + x_square + z_square
        inner *= cosine / sine
        inner += np.arctan2(cosine, sine)
        return inner / (2.0 * math.pi) + 0.25


def _turned(s_x, s_z, angles):
    """Angles between rows of lengths ``s`` after a one was appended to each.

    The appended entries are orthogonal to each other, so that the cosine is ``s_x s_z
    cos(theta)`` with the shares ``s, c`` of `Lengths`, and ``sin^2 = c_x^2 + s_x^2
    c_z^2 + s_x^2 s_z^2 sin(theta)^2`` is a sum of non-negative terms.

    Returns
    -------
    sine, cosine : ndarray of the shape of the angles
    x, z : Lengths
    """
    x, z = (append_constant(s, 1.0) for s in (s_x, s_z))
    product = x.input_share * z.input_share
    sine = np.square(product) * (angles.versine * angles.vercosine)
    sine += np.square(x.input_share) * np.square(z.constant_share)
    sine += np.square(x.constant_share)
    return np.sqrt(sine), product * angles.cosine, x, z


class _Wave:
    """Sine and cosine, which are each other's derivative."""

    @staticmethod
    def _sine_moment(s_x, s_z, angles):
        """``exp(-(a+b)/2) sinh(c)``; by ``expm1``, small ``c`` keeps its digits."""
        acute = angles.acute_versine
        decay = -0.5 * np.square(s_x - s_z) - s_x * s_z * acute
        covariance = s_x * s_z * (1.0 - acute)
        moment = -0.5 * np.exp(decay) * np.expm1(-2.0 * covariance)
        return np.copysign(moment, angles.vercosine - angles.versine)

    @staticmethod
    def _cosine_moment(s_x, s_z, angles):
        """``exp(-(a+b)/2) cosh(c)``."""
        acute = angles.acute_versine
        decay = -0.5 * np.square(s_x - s_z) - s_x * s_z * acute
        covariance = s_x * s_z * (1.0 - acute)
        return 0.5 * np.exp(decay) * (1.0 + np.exp(-2.0 * covariance))


class Sin(_Wave, _Smooth):
    """``E[phi phi] = exp(-(a+b)/2) sinh(c)``, for the derivative cosh."""

    def _moment(self, s_x, s_z, angles):
        return self._sine_moment(s_x, s_z, angles)

    def derivative(self, s_x, s_z, angles):
        """Dual of the cosine."""
        return self._cosine_moment(s_x, s_z, angles)


class Cos(_Wave, _Smooth):
    """``E[phi phi] = exp(-(a+b)/2) cosh(c)``, for the derivative sinh."""

    def _moment(self, s_x, s_z, angles):
        return self._cosine_moment(s_x, s_z, angles)

    def derivative(self, s_x, s_z, angles):
        """Dual of the sine."""
        return self._sine_moment(s_x, s_z, angles)


ACTIVATIONS = {
    "relu": PiecewiseLinear(0.0, 1.0),
    "leaky_relu": PiecewiseLinear(0.01, 1.0),
    "abs": PiecewiseLinear(-1.0, 1.0),
    "erf": Erf(),
    "sin": Sin(),
    "cos": Cos(),
    "gaussian": Gaussian(),
    "gelu": Gelu(),
}

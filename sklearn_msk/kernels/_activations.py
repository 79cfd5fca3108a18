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

import numpy as np

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
    def length(self, s: np.ndarray) -> np.ndarray:
        """``sqrt(E[phi(f)^2])`` of pre-activations of length s."""

    @abstractmethod
    def angles(self, s_x: np.ndarray, s_z: np.ndarray, angles: Angles) -> Angles:
        """Angles of cosine ``E[phi(f_x) phi(f_z)] / (length(s_x) length(s_z))``.

        Angles that are 0 stay exactly 0 between equal lengths.
        """

    @abstractmethod
    def derivative(
        self, s_x: np.ndarray, s_z: np.ndarray, angles: Angles
    ) -> np.ndarray:
        """``E[phi'(f_x) phi'(f_z)]``, a new array of the shape of the angles."""

    def mean_square_slope(self, s: np.ndarray) -> np.ndarray:
        """``E[phi'(f)^2]``: the derivative between equal pre-activations."""
        return self.derivative(s, s, Angles.zero(s.shape, s.dtype))


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

    def length(self, s: np.ndarray) -> np.ndarray:
        """``s sqrt(m)``."""
        return s * math.sqrt(self.mean_square)

    def mean_square_slope(self, s: np.ndarray) -> np.ndarray:
        """``m``."""
        return np.full_like(s, self.mean_square)

    def angles(self, s_x: np.ndarray, s_z: np.ndarray, angles: Angles) -> Angles:
        """Evaluate the versine by the formula of the class."""
        v, fold = angles.acute_versine, self._fold(angles)
        versine = v + (1.0 - v) * fold - self.kink * np.sqrt(v * (2.0 - v))
        np.maximum(versine, 0.0, out=versine)
        return Angles.from_versines(versine, 2.0 - versine)

    def derivative(
        self, s_x: np.ndarray, s_z: np.ndarray, angles: Angles
    ) -> np.ndarray:
        """Evaluate the formula of the class."""
        slope = self.mean_square * (1.0 - self._fold(angles))
        return (
            slope if angles.obtuse is None else np.where(angles.obtuse, -slope, slope)
        )

    def _fold(self, angles: Angles) -> np.ndarray:
        """``k a``, plus ``2 - k pi`` where the angle is obtuse."""
        fold = self.kink * 2.0 * np.arcsin(np.sqrt(0.5 * angles.acute_versine))
        if angles.obtuse is not None:
            fold += self.obtuse_fold * angles.obtuse.astype(fold.dtype)
        return fold


class Smooth(Activation):
    """An activation whose angles come from its second moment, ``E[phi phi]``."""

    @abstractmethod
    def _moment(self, s_x: np.ndarray, s_z: np.ndarray, angles: Angles) -> np.ndarray:
        """``E[phi(f_x) phi(f_z)]``, or that over ``s_x s_z``."""

    def length(self, s: np.ndarray) -> np.ndarray:
        """Root of the moment between equal pre-activations."""
        return np.sqrt(self._moment(s, s, Angles.zero(s.shape, s.dtype)))

    def angles(self, s_x: np.ndarray, s_z: np.ndarray, angles: Angles) -> Angles:
        """Angles whose cosine is a moment over the roots of those of equal rows."""
        cosine = self._moment(s_x, s_z, angles)
        for s in (s_x, s_z):
            own = np.sqrt(self._moment(s, s, Angles.zero(s.shape, s.dtype)))
            cosine /= np.where(own > 0, own, 1.0)
        # Equal rows stay equal, whatever the rounding of their cosine.
        np.copyto(cosine, 1.0, where=(angles.versine == 0) & (s_x == s_z))
        np.clip(cosine, -1.0, 1.0, out=cosine)
        return Angles(1.0 - np.abs(cosine), cosine < 0.0)


class Erf(Smooth):
    """The error function.

    ``E[phi phi] = (2/pi) asin(2c / sqrt((1+2a)(1+2b)))`` and
    ``E[phi' phi'] = (4/pi) / sqrt((1+2a)(1+2b) - 4c^2)``.
    """

    def _moment(self, s_x: np.ndarray, s_z: np.ndarray, angles: Angles) -> np.ndarray:
        sine, cosine, _, _ = _angles_with_one(
            math.sqrt(2.0) * s_x, math.sqrt(2.0) * s_z, angles
        )
        return (2.0 / math.pi) * np.arctan2(cosine, sine)

    def derivative(
        self, s_x: np.ndarray, s_z: np.ndarray, angles: Angles
    ) -> np.ndarray:
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

    def _moment(self, s_x: np.ndarray, s_z: np.ndarray, angles: Angles) -> np.ndarray:
        sine, _, x, z = _angles_with_one(
            math.sqrt(2.0) * s_x, math.sqrt(2.0) * s_z, angles
        )
        return x.constant_share * (z.constant_share / sine)

    def derivative(
        self, s_x: np.ndarray, s_z: np.ndarray, angles: Angles
    ) -> np.ndarray:
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

    def length(self, s: np.ndarray) -> np.ndarray:
        """``s`` times a bounded factor, so that ``s^2`` is never formed."""
        return s * super().length(s)

    def _moment(self, s_x: np.ndarray, s_z: np.ndarray, angles: Angles) -> np.ndarray:
        """``E[phi phi] / (s_x s_z)``."""
        sine, cosine, x, z = _angles_with_one(s_x, s_z, angles)
        u = angles.cosine
        ratio = np.square(x.constant_share * z.constant_share) / sine
        inner = x.input_share * z.input_share * (u * u * ratio + sine)
        inner += u * np.arctan2(cosine, sine)
        return inner / (2.0 * math.pi) + 0.25 * u

    def derivative(
        self, s_x: np.ndarray, s_z: np.ndarray, angles: Angles
    ) -> np.ndarray:
        """Evaluate the formula of the class in the terms of `_angles_with_one`."""
        sine, cosine, x, z = _angles_with_one(s_x, s_z, angles)
        ratio = x.constant_share * (z.constant_share / sine)
        x_square, z_square = np.square(x.constant_share), np.square(z.constant_share)
        inner = np.square(ratio) + x_square + z_square
        inner *= cosine / sine
        inner += np.arctan2(cosine, sine)
        return inner / (2.0 * math.pi) + 0.25


def _angles_with_one(
    s_x: np.ndarray, s_z: np.ndarray, angles: Angles
) -> tuple[np.ndarray, np.ndarray, Lengths, Lengths]:
    """Sine and cosine between rows of lengths s, once a one is appended to each.

    The appended ones are orthogonal to each other. In the shares ``s, c`` of `Lengths`,
    returned too, the cosine is ``s_x s_z cos(theta)``, and ``sin^2 = c_x^2 + s_x^2
    c_z^2 + s_x^2 s_z^2 sin(theta)^2`` is a sum of non-negative terms.
    """
    x, z = append_constant(s_x, 1.0), append_constant(s_z, 1.0)
    product = x.input_share * z.input_share
    sine = np.square(product) * (angles.versine * angles.vercosine)
    sine += np.square(x.input_share) * np.square(z.constant_share)
    sine += np.square(x.constant_share)
    return np.sqrt(sine), product * angles.cosine, x, z


class _Wave:
    """Sine and cosine, which are each other's derivative."""

    @staticmethod
    def _sine_moment(s_x: np.ndarray, s_z: np.ndarray, angles: Angles) -> np.ndarray:
        """``exp(-(a+b)/2) sinh(c)``; by ``expm1``, small ``c`` keeps its digits."""
        acute = angles.acute_versine
        decay = -0.5 * np.square(s_x - s_z) - s_x * s_z * acute
        covariance = s_x * s_z * (1.0 - acute)
        moment = -0.5 * np.exp(decay) * np.expm1(-2.0 * covariance)
        return np.copysign(moment, angles.vercosine - angles.versine)

    @staticmethod
    def _cosine_moment(s_x: np.ndarray, s_z: np.ndarray, angles: Angles) -> np.ndarray:
        """``exp(-(a+b)/2) cosh(c)``."""
        acute = angles.acute_versine
        decay = -0.5 * np.square(s_x - s_z) - s_x * s_z * acute
        covariance = s_x * s_z * (1.0 - acute)
        return 0.5 * np.exp(decay) * (1.0 + np.exp(-2.0 * covariance))


class Sin(_Wave, Smooth):
    """``E[phi phi] = exp(-(a+b)/2) sinh(c)``, for the derivative cosh."""

    def _moment(self, s_x: np.ndarray, s_z: np.ndarray, angles: Angles) -> np.ndarray:
        return self._sine_moment(s_x, s_z, angles)

    def derivative(
        self, s_x: np.ndarray, s_z: np.ndarray, angles: Angles
    ) -> np.ndarray:
        """Dual of the cosine."""
        return self._cosine_moment(s_x, s_z, angles)


class Cos(_Wave, Smooth):
    """``E[phi phi] = exp(-(a+b)/2) cosh(c)``, for the derivative sinh."""

    def _moment(self, s_x: np.ndarray, s_z: np.ndarray, angles: Angles) -> np.ndarray:
        return self._cosine_moment(s_x, s_z, angles)

    def derivative(
        self, s_x: np.ndarray, s_z: np.ndarray, angles: Angles
    ) -> np.ndarray:
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

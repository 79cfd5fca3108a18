"""Networks of piecewise linear activations: their recursion over the layers, in place.

Every pass over a tile costs as much as the memory it moves, so the recursion runs in a
few buffers that stay in cache, in quantities that need few passes. With the lengths
``s`` of the rows, the angle theta between them and ``cos = cos(theta)``, an activation

    ``phi(f) = negative_slope * f`` below zero, ``positive_slope * f`` above

has, with ``m = (negative_slope^2 + positive_slope^2) / 2`` and ``k`` the share
``(positive_slope - negative_slope)^2 / (2 pi m)`` of its kink::

    E[phi phi]   = m s_x s_z (cos + k (sin(theta) - theta cos))
    E[phi' phi'] = m (1 - k theta)

It is positively homogeneous, so that its length is ``s sqrt(m)`` and all else depends
on the angle alone. In the acute angle ``a = min(theta, pi - theta)``, its versine ``v``
and ``fold = k a``, plus ``2 - k pi`` where theta is obtuse, both sides of a right
angle read alike::

    1 - E[phi phi] / (m s_x s_z) = v + (1 - v) fold - k sin(a)
    E[phi' phi'] / m             = +-(1 - fold),   minus where theta is obtuse

References
----------
Y. Cho and L. Saul, *Kernel Methods for Deep Learning*, NIPS 2009.
"""

import math

import numpy as np

from sklearn_msk.kernels._angles import half_turn

# a / sin(a) is analytic in cos(a) on [0, 1]: its only singularity is at -1, where a
# reaches pi. Numerator and denominator of its best rational approximation, by the Remez
# algorithm, highest power first; all but one coefficient are positive, so that nothing
# cancels. The errors are 2.3e-16 and 1.3e-9.
ANGLE_OVER_SINE = {
    np.dtype(np.float64): (
        (
            -0.0006319826669082042047,
            0.03743417538736534474,
            4.269772522719531228,
            44.31714120362467037,
            152.3832314035041703,
            207.6059693941406314,
            96.82955914808974073,
        ),
        (
            15.80088982533993757,
            80.27724975411406338,
            175.3111172263892974,
            171.4096071556458656,
            61.6436119033101534,
        ),
    ),
    np.dtype(np.float32): (
        (
            0.04885243716172771815,
            3.77732319867630139,
            17.33307674324693719,
            16.5771234265125919,
        ),
        (8.430018014582384105, 17.75303319330977599, 10.55332455066980261),
    ),
}


class PiecewiseLinear:
    """``phi(f) = negative_slope * f`` below zero and ``positive_slope * f`` above."""

    # Angles are carried by their versines, which single precision does not lose.
    needs_double = False

    def __init__(self, negative_slope, positive_slope):
        self.mean_square = 0.5 * (negative_slope**2 + positive_slope**2)
        kink = (positive_slope - negative_slope) ** 2 / (2.0 * math.pi)
        self.kink = kink / self.mean_square
        # What the fold of an obtuse angle adds, and the largest versine of an output.
        self.obtuse_fold = max(0.0, 2.0 - self.kink * math.pi)

    def length(self, s):
        """``sqrt(E[phi(f)^2])`` of pre-activations of standard deviation s."""
        return s * math.sqrt(self.mean_square)

    def mean_square_slope(self, s):
        """``E[phi'(f)^2]`` of pre-activations of standard deviation s."""
        return np.full_like(s, self.mean_square)


class Tile:
    """Kernels between some rows and columns, layer by layer.

    The tangent kernel is carried as ``t = Theta / (s_x s_z)``, normalised by the
    lengths that enter a layer; next to ``cos``, which is that of the covariance.

    Parameters
    ----------
    activation : PiecewiseLinear
    angles : Angles of shape (n_x, n_z)
        They enter the first layer; its arrays are overwritten.
    buffers : sequence of 5 ndarray of shape (n_x, n_z)
        Contiguous and of the dtype of the angles; what they hold is overwritten.
    """

    N_BUFFERS = 5

    def __init__(self, activation, angles, buffers):
        self.activation = activation
        self.versine, self.obtuse = angles.acute_versine, angles.obtuse
        self.tangent = None
        self._cosine, self._sine, self._fold, self._product, self._spare = buffers

    def pass_layer(self, tangent):
        """Take the kernels through the activations of a hidden layer.

        Parameters
        ----------
        tangent : bool
            Whether to compute the tangent kernel too.
        """
        self._fold_angles()
        product = np.multiply(self._cosine, self._fold, self._product)
        if tangent:
            self._pass_tangent(product)
        # 1 - E[phi phi] / (m s_x s_z)
        self.versine += product
        self.versine -= self._sine
        np.maximum(self.versine, 0.0, out=self.versine)

    def pass_last_layer(self, tangent):
        """Take the kernels through the last activations, and return their sum."""
        self._fold_angles()
        outgoing = np.subtract(1.0, self._fold, self._product)
        incoming = self._cosine
        if tangent and self.tangent is None:
            incoming *= 2.0
        elif tangent:
            self._apply_sign()
            incoming += self.tangent
        outgoing *= incoming
        outgoing += self._sine
        return outgoing

    def _fold_angles(self):
        """Compute cosine, k times sine, and fold of every angle from its versine."""
        sine, fold, denominator = self._sine, self._fold, self._product
        cosine = np.subtract(1.0, self.versine, self._cosine)
        np.subtract(2.0, self.versine, sine)
        sine *= self.versine
        np.sqrt(sine, sine)
        sine *= self.activation.kink

        above, below = ANGLE_OVER_SINE[fold.dtype]
        np.multiply(cosine, above[0], fold)
        for coefficient in above[1:-1]:
            fold += coefficient
            fold *= cosine
        fold += above[-1]
        np.add(cosine, below[0], denominator)
        for coefficient in below[1:]:
            denominator *= cosine
            denominator += coefficient
        fold /= denominator
        fold *= sine
        if self.obtuse is not None:
            np.copyto(denominator, self.obtuse)
            denominator *= self.activation.obtuse_fold
            fold += denominator

    def _pass_tangent(self, product):
        """Multiply the tangent kernel by ``E[phi' phi'] / m``."""
        if self.tangent is None:
            # Theta_1 = Sigma_1: t is the cosine, of either sign.
            self.tangent = np.subtract(self._cosine, product, self._spare)
            return
        self._apply_sign()
        np.subtract(1.0, self._fold, self._fold)
        self.tangent *= self._fold

    def _apply_sign(self):
        """Give the tangent kernel the sign that an obtuse slope has."""
        if self.obtuse is not None:
            np.negative(self.tangent, self.tangent, where=self.obtuse)

    def append_bias(self, x, z):
        """Add the bias of the next layer.

        ``cos' = s_x s_z cos + c_x c_z`` with the shares ``s`` and ``c`` of `Lengths`,
        in versines as in `angles_with_constant`.

        Parameters
        ----------
        x : Lengths of shape (n_x,)
        z : Lengths of shape (n_z,)
            Of the layer that is entered.
        """
        if x.constant_share.any() or z.constant_share.any():
            shares = outer(x.input_share, z.input_share, self._product)
            self.versine *= shares
            turn = half_turn(x, z, self._fold)
            np.square(turn, turn)
            turn *= 2.0
            self.versine += turn
            if self.tangent is not None:
                self.tangent *= shares
        if self.tangent is not None:
            self.tangent -= self.versine
            self.tangent += 1.0
        self.obtuse = None
        if self.activation.obtuse_fold > 1.0:
            self.obtuse = self.versine > 1.0
            np.subtract(2.0, self.versine, self._fold)
            np.minimum(self.versine, self._fold, out=self.versine)


def outer(x, z, out):
    """Products of two vectors; as a matrix product, faster than by broadcasting."""
    return np.dot(x[:, None], z[None, :], out)

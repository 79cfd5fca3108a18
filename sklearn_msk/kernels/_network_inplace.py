"""The recursion of networks of piecewise linear activations, in place by NumPy.

Every pass over a tile costs as much as the memory it moves, so the recursion runs in a
few buffers that stay in cache, in quantities that need few passes: the versine of the
acute angle, `fold` (of `PiecewiseLinear`), and the tangent kernel over the lengths
that enter a layer, ``t = Theta / (s_x s_z)``.
"""

import numpy as np

from sklearn_msk.kernels._activations import PiecewiseLinear
from sklearn_msk.kernels._angles import (
    Angles,
    Lengths,
    angles_between,
    sin_half_difference,
)
from sklearn_msk.kernels._layer_statistics import LayerStatistics, Network

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

# Arrays of the size of a tile in which the recursion runs.
_N_BUFFERS = 5


class InplaceEvaluator:
    """Evaluates tiles for piecewise linear activations, in memory allocated once."""

    def __init__(self, network: Network, side: int, dtype: np.dtype) -> None:
        assert isinstance(network.dual, PiecewiseLinear)
        self._network, self._activation = network, network.dual
        self._memory = [np.empty(side**2, dtype) for _ in range(1 + _N_BUFFERS)]
        # The product that angles come from is float64; float64 versines overwrite it.
        single = dtype != np.float64
        self._memory.insert(1, np.empty(side**2) if single else self._memory[0])

    def evaluate(self, x: LayerStatistics, z: LayerStatistics) -> np.ndarray:
        """Kernel of shape (len(x), len(z)), which the next call overwrites."""
        network, shape = self._network, (len(x), len(z))
        versine, product, *buffers = (
            memory[: len(x) * len(z)].reshape(shape) for memory in self._memory
        )
        angles = angles_between(x.unit_inputs, z.unit_inputs, versine, product)
        recursion = InplaceRecursion(self._activation, network.tangent, angles, buffers)
        x_layers, z_layers = x.layers, z.layers
        for layer in range(1, network.depth):
            recursion.pass_layer()
            recursion.append_bias(x_layers[layer], z_layers[layer])
        kernel = recursion.pass_last_layer()
        # What leaves the last layer is multiplied by the lengths without the last bias.
        signal_x, signal_z = (
            layers[-1].total * layers[-1].input_share for layers in (x_layers, z_layers)
        )
        kernel *= _outer(signal_x, signal_z, recursion.versine)
        kernel += network.bias_variance
        return kernel


class InplaceRecursion:
    """Angles and tangent kernel of a tile, taken from layer to layer.

    Attributes
    ----------
    versine, obtuse : ndarray of shape (n_x, n_z)
        The angles of the pre-activations, as `Angles` has them.
    theta : ndarray of shape (n_x, n_z), or None
        ``Theta / (s_x s_z)`` with the lengths s that enter the layer; None in the first
        layer, where it is the cosine of the angles, and for NNGP.
    """

    def __init__(
        self,
        activation: PiecewiseLinear,
        tangent: bool,
        angles: Angles,
        buffers: list[np.ndarray],
    ) -> None:
        """Overwrite the arrays of the angles and the buffers, all of one dtype."""
        self.activation = activation
        self._has_theta = tangent
        self.versine, self.obtuse = angles.acute_versine, angles.obtuse
        self.theta: np.ndarray | None = None
        self._cosine, self._sine, self._fold, self._product, self._spare = buffers

    def pass_layer(self) -> None:
        """Take the kernels through the activations of a hidden layer."""
        self._fold_angles()
        product = np.multiply(self._cosine, self._fold, self._product)
        if self._has_theta:
            self._multiply_by_slope(product)
        # 1 - E[phi phi] / (m s_x s_z)
        self.versine += product
        self.versine -= self._sine
        np.maximum(self.versine, 0.0, out=self.versine)

    def pass_last_layer(self) -> np.ndarray:
        """Take the kernels through the last activations, and return their sum."""
        self._fold_angles()
        outgoing = np.subtract(1.0, self._fold, self._product)
        incoming = self._cosine
        if self._has_theta and self.theta is None:
            incoming *= 2.0
        elif self.theta is not None:
            self._apply_sign(self.theta)
            incoming += self.theta
        outgoing *= incoming
        outgoing += self._sine
        return outgoing

    def _fold_angles(self) -> None:
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

    def _multiply_by_slope(self, product: np.ndarray) -> None:
        """Multiply theta by ``E[phi' phi'] / m``; the product is ``cos(a) fold``."""
        if self.theta is None:
            # Theta_1 = Sigma_1: theta is the cosine, of either sign.
            self.theta = np.subtract(self._cosine, product, self._spare)
            return
        self._apply_sign(self.theta)
        np.subtract(1.0, self._fold, self._fold)
        self.theta *= self._fold

    def _apply_sign(self, theta: np.ndarray) -> None:
        """Give theta the sign that the slope between obtuse angles has."""
        if self.obtuse is not None:
            np.negative(theta, theta, where=self.obtuse)

    def append_bias(self, x: Lengths, z: Lengths) -> None:
        """Add the bias of the layer that is entered, whose lengths these are.

        ``cos' = s_x s_z cos + c_x c_z`` with the shares ``s`` and ``c`` of `Lengths`,
        in versines as in `angles_with_constant`.
        """
        if x.constant_share.any() or z.constant_share.any():
            shares = _outer(x.input_share, z.input_share, self._product)
            self.versine *= shares
            difference = sin_half_difference(x, z, self._fold)
            np.square(difference, difference)
            difference *= 2.0
            self.versine += difference
            if self.theta is not None:
                self.theta *= shares
        if self.theta is not None:
            self.theta -= self.versine
            self.theta += 1.0
        self.obtuse = None
        if self.activation.obtuse_fold > 1.0:
            self.obtuse = self.versine > 1.0
            np.subtract(2.0, self.versine, self._fold)
            np.minimum(self.versine, self._fold, out=self.versine)


def _outer(x: np.ndarray, z: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Products of two vectors; as a matrix product, faster than by broadcasting."""
    return np.dot(x[:, None], z[None, :], out)

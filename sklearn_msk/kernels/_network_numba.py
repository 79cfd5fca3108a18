"""The recursion of networks of piecewise linear activations, compiled by numba.

That of `_network_inplace` entry by entry: a row of a tile passes through all layers
while it is in the fastest cache, where NumPy moves the whole tile for every operation.
"""

import math

import numpy as np

from sklearn_msk._tuning import CLOSE_VERSINE
from sklearn_msk.kernels._activations import PiecewiseLinear
from sklearn_msk.kernels._angles import Lengths
from sklearn_msk.kernels._jit import compiled
from sklearn_msk.kernels._layer_statistics import LayerStatistics, Network
from sklearn_msk.kernels._network_inplace import ANGLE_OVER_SINE

# The parts of `Lengths`, as `LayerStatistics.lengths` stacks them.
TOTAL, SHARE, HALF_COSINE, HALF_SINE = (
    Lengths._fields.index(part)
    for part in ("total", "input_share", "half_cosine", "half_sine")
)


class NumbaEvaluator:
    """Evaluates tiles for piecewise linear activations by compiled code."""

    def __init__(self, network: Network, side: int, dtype: np.dtype) -> None:
        dual, real = network.dual, np.dtype(dtype).type
        assert isinstance(dual, PiecewiseLinear)
        self._coefficients = tuple(
            tuple(real(value) for value in values)
            for values in ANGLE_OVER_SINE[np.dtype(dtype)]
        )
        half_fold, tangent = 0.5 * dual.obtuse_fold, float(network.tangent)
        numbers = (1.0, dual.kink, half_fold, network.bias_variance, tangent)
        self._numbers = tuple(real(number) for number in numbers)
        self._product, self._tile = np.empty(side**2), np.empty(side**2, dtype)

    def evaluate(self, x: LayerStatistics, z: LayerStatistics) -> np.ndarray:
        """Kernel of shape (len(x), len(z)), which the next call overwrites."""
        shape, n = (len(x), len(z)), len(x) * len(z)
        cosine, tile = (m[:n].reshape(shape) for m in (self._product, self._tile))
        np.matmul(x.unit_inputs, z.unit_inputs.T, cosine)
        _evaluate(
            cosine,
            x.unit_inputs,
            z.unit_inputs,
            x.lengths,
            z.lengths,
            *self._coefficients,
            *self._numbers,
            tile,
        )
        return tile


@compiled
def _evaluate(
    cosine: np.ndarray,
    X: np.ndarray,
    Z: np.ndarray,
    x: np.ndarray,
    z: np.ndarray,
    above: tuple[float, ...],
    below: tuple[float, ...],
    one: float,
    kink: float,
    half_fold: float,
    bias: float,
    tangent: float,
    tile: np.ndarray,
) -> None:
    """Fill a tile, from the cosines of the angles that enter the first layer.

    The formulas are those of `InplaceRecursion`; x and z are
    `LayerStatistics.lengths`, `sign` is -1 where an angle is obtuse. `tangent` is 1 for
    NTK and 0 for NNGP, and multiplies theta: a branch would make the stores masked,
    which takes as long as a layer. Numbers have the precision of the recursion: a
    literal would make single precision double.
    """
    two, zero = one + one, one - one
    n_layers = x.shape[0] - 1
    n_columns = cosine.shape[1]
    versine = np.empty(n_columns, x.dtype)
    theta = np.empty(n_columns, x.dtype)
    sign = np.empty(n_columns, x.dtype)
    for i in range(cosine.shape[0]):
        any_close = False
        for j in range(n_columns):
            v = max(1.0 - abs(cosine[i, j]), 0.0)
            any_close |= v < CLOSE_VERSINE
            versine[j] = v
            theta[j] = cosine[i, j]
            sign[j] = -one if cosine[i, j] < 0.0 else one
        # A product in double precision carries single precision angles by itself.
        if any_close and x.itemsize == 8:
            for j in range(n_columns):
                if versine[j] < CLOSE_VERSINE:
                    squares = 0.0
                    for feature in range(X.shape[1]):
                        squares += (X[i, feature] - sign[j] * Z[j, feature]) ** 2
                    versine[j] = 0.5 * squares
                    theta[j] = sign[j] * (one - versine[j])

        for layer in range(1, n_layers):
            share = x[layer, SHARE, i]
            half_cosine, half_sine = x[layer, HALF_COSINE, i], x[layer, HALF_SINE, i]
            for j in range(n_columns):
                v = versine[j]
                c, sine, fold = _terms(v, sign[j], above, below, one, kink, half_fold)
                v = max(v + c * fold - sine, zero)
                shares = share * z[layer, SHARE, j]
                difference = half_sine * z[layer, HALF_COSINE, j]
                difference -= half_cosine * z[layer, HALF_SINE, j]
                v = v * shares + two * difference * difference
                entering = sign[j] * theta[j]
                theta[j] = entering * (one - fold) * shares + (one - v)
                sign[j] = -one if v > one else one
                versine[j] = min(v, two - v)

        signal = x[n_layers, TOTAL, i] * x[n_layers, SHARE, i]
        for j in range(n_columns):
            v = versine[j]
            c, sine, fold = _terms(v, sign[j], above, below, one, kink, half_fold)
            entering = c + tangent * sign[j] * theta[j]
            scale = signal * (z[n_layers, TOTAL, j] * z[n_layers, SHARE, j])
            tile[i, j] = ((one - fold) * entering + sine) * scale + bias


@compiled
def _terms(
    versine: float,
    sign: float,
    above: tuple[float, ...],
    below: tuple[float, ...],
    one: float,
    kink: float,
    half_fold: float,
) -> tuple[float, float, float]:
    """Cosine, k times sine, and fold of an angle, as in `InplaceRecursion`."""
    cosine = one - versine
    sine = kink * math.sqrt(versine * (one + cosine))
    numerator = above[0]
    for i in range(1, len(above)):
        numerator = numerator * cosine + above[i]
    denominator = cosine + below[0]
    for i in range(1, len(below)):
        denominator = denominator * cosine + below[i]
    fold = sine * (numerator / denominator) + (one - sign) * half_fold
    return cosine, sine, fold

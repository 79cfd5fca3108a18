"""Tiles for networks of piecewise linear activations, compiled by numba.

The recursion of `_piecewise_linear` entry by entry: a row of a tile passes through all
layers while it is in the fastest cache, where NumPy moves the memory of the whole tile
for every operation.
"""

import math

import numpy as np

from sklearn_msk.kernels._angles import CLOSE, Lengths
from sklearn_msk.kernels._jit import compiled
from sklearn_msk.kernels._piecewise_linear import ANGLE_OVER_SINE
from sklearn_msk.kernels._transpose import copy_transposed

# The parts of `Lengths`, as `Rows.lengths` stacks them.
TOTAL, SHARE, HALF_COSINE, HALF_SINE = (
    Lengths._fields.index(part)
    for part in ("total", "input_share", "half_cosine", "half_sine")
)


class CompiledTiles:
    """Tiles evaluated by compiled code, as `Tiles` otherwise."""

    copy_transposed = staticmethod(copy_transposed)

    def __init__(self, kernel, side, dtype):
        dual, self._type = kernel.dual, np.dtype(dtype).type
        self._coefficients = tuple(
            tuple(self._type(value) for value in values)
            for values in ANGLE_OVER_SINE[np.dtype(dtype)]
        )
        half_fold, tangent = 0.5 * dual.obtuse_fold, float(kernel.tangent)
        numbers = (1.0, dual.kink, half_fold, kernel.bias_variance, tangent)
        self._numbers = tuple(self._type(number) for number in numbers)
        self._product, self._tile = np.empty(side**2), np.empty(side**2, dtype)

    def evaluate(self, x, z):
        """Kernel between two sets of rows, as of `Tiles.evaluate`."""
        shape = len(x), len(z)
        cosine, tile = (
            memory[: shape[0] * shape[1]].reshape(shape)
            for memory in (self._product, self._tile)
        )
        np.matmul(x.directions, z.directions.T, cosine)
        _evaluate(
            cosine,
            x.directions,
            z.directions,
            x.lengths,
            z.lengths,
            *self._coefficients,
            *self._numbers,
            tile,
        )
        return tile


@compiled
def _evaluate(
    cosine, X, Z, x, z, above, below, one, kink, half_fold, bias, tangent, tile
):
    """Fill a tile, from the cosines of the angles that enter the first layer.

    The formulas are those of `_piecewise_linear.Tile`; x and z are `Rows.lengths`,
    `side` is -1 where an angle is obtuse, `theta` is `Tile.tangent`. It is multiplied
    by `tangent`, 1 for the tangent kernel and 0 for the covariance: with a branch in
    its stead the stores would have masks, which take as long as a layer. Numbers have
    the precision of the recursion, as a literal would take single precision to double.
    """
    two, zero = one + one, one - one
    n_layers = x.shape[0] - 1
    n_columns = cosine.shape[1]
    versine = np.empty(n_columns, x.dtype)
    theta = np.empty(n_columns, x.dtype)
    side = np.empty(n_columns, x.dtype)
    for i in range(cosine.shape[0]):
        any_close = False
        for j in range(n_columns):
            v = max(1.0 - abs(cosine[i, j]), 0.0)
            any_close |= v < CLOSE
            versine[j] = v
            theta[j] = cosine[i, j]
            side[j] = -one if cosine[i, j] < 0.0 else one
        # A product in double precision carries single precision angles by itself.
        if any_close and x.itemsize == 8:
            for j in range(n_columns):
                if versine[j] < CLOSE:
                    squares = 0.0
                    for feature in range(X.shape[1]):
                        squares += (X[i, feature] - side[j] * Z[j, feature]) ** 2
                    versine[j] = 0.5 * squares
                    theta[j] = side[j] * (one - versine[j])

        for layer in range(1, n_layers):
            share = x[layer, SHARE, i]
            half_cosine, half_sine = x[layer, HALF_COSINE, i], x[layer, HALF_SINE, i]
            for j in range(n_columns):
                v = versine[j]
                c, sine, fold = _terms(v, side[j], above, below, one, kink, half_fold)
                v = max(v + c * fold - sine, zero)
                shares = share * z[layer, SHARE, j]
                turn = half_sine * z[layer, HALF_COSINE, j]
                turn -= half_cosine * z[layer, HALF_SINE, j]
                v = v * shares + two * turn * turn
                entering = side[j] * theta[j]
                theta[j] = entering * (one - fold) * shares + (one - v)
                side[j] = -one if v > one else one
                versine[j] = min(v, two - v)

        signal = x[n_layers, TOTAL, i] * x[n_layers, SHARE, i]
        for j in range(n_columns):
            v = versine[j]
            c, sine, fold = _terms(v, side[j], above, below, one, kink, half_fold)
            entering = c + tangent * side[j] * theta[j]
            scale = signal * (z[n_layers, TOTAL, j] * z[n_layers, SHARE, j])
            tile[i, j] = ((one - fold) * entering + sine) * scale + bias


@compiled
def _terms(versine, side, above, below, one, kink, half_fold):
    """Cosine, k times sine, and fold of an angle, as `Tile._fold_angles` has them."""
    cosine = one - versine
    sine = kink * math.sqrt(versine * (one + cosine))
    numerator = above[0]
    for i in range(1, len(above)):
        numerator = numerator * cosine + above[i]
    denominator = cosine + below[0]
    for i in range(1, len(below)):
        denominator = denominator * cosine + below[i]
    fold = sine * (numerator / denominator) + (one - side) * half_fold
    return cosine, sine, fold

"""Tiles of the kernel matrix of an infinitely wide network."""

import numpy as np

from sklearn_msk.kernels._angles import angles_between, angles_with_constant
from sklearn_msk.kernels._piecewise_linear import PiecewiseLinear, Tile, outer

# Layers times entries from where compiled tiles make up for loading numba.
COMPILE_FROM = 4_000_000


class Tiles:
    """Tiles evaluated by NumPy, in memory that is allocated once.

    Parameters
    ----------
    kernel : NTK or NNGP
    side : int
        Largest number of rows, and of columns, of a tile.
    dtype : dtype
        Precision of the recursion, float32 or float64.
    """

    def __init__(self, kernel, side, dtype):
        self.kernel = kernel
        self._memory = [np.empty(side**2, dtype) for _ in range(1 + Tile.N_BUFFERS)]
        # The product that angles come from is float64; versines may overwrite it.
        single = dtype != np.float64
        self._memory.insert(1, np.empty(side**2) if single else self._memory[0])

    def evaluate(self, x, z):
        """Kernel between two sets of rows.

        Parameters
        ----------
        x, z : Rows

        Returns
        -------
        ndarray of shape (len(x), len(z))
            Overwritten by the next call.
        """
        versine, product, *buffers = self._buffers(len(x), len(z))
        angles = angles_between(x.directions, z.directions, versine, product)
        if isinstance(self.kernel.dual, PiecewiseLinear):
            return self._piecewise_linear(x.layers, z.layers, angles, buffers)
        x_layers = [layer.as_column() for layer in x.layers]
        z_layers = [layer.as_row() for layer in z.layers]
        return self._smooth(x_layers, z_layers, angles)

    @staticmethod
    def copy_transposed(tile, out):
        """Write the mirror image of a tile."""
        np.copyto(out, tile.T)

    def _buffers(self, n_rows, n_columns):
        """Memory for versines, for the product that they come from, for the layers."""
        n = n_rows * n_columns
        return [memory[:n].reshape(n_rows, n_columns) for memory in self._memory]

    def _piecewise_linear(self, x, z, angles, buffers):
        tile = Tile(self.kernel.dual, angles, buffers)
        for layer in range(1, self.kernel.depth):
            tile.pass_layer(self.kernel.tangent)
            tile.append_bias(x[layer], z[layer])
        kernel = tile.pass_last_layer(self.kernel.tangent)
        signal_x, signal_z = (rows[-1].total * rows[-1].input_share for rows in (x, z))
        kernel *= outer(signal_x, signal_z, tile.versine)
        kernel += self.kernel.bias_variance
        return kernel

    def _smooth(self, x, z, angles):
        entering = angles
        tangent = _covariance(x[0], z[0], entering) if self.kernel.tangent else None
        for layer in range(self.kernel.depth):
            lengths = x[layer].total, z[layer].total
            leaving = self.kernel.dual.angles(*lengths, entering)
            leaving = angles_with_constant(x[layer + 1], z[layer + 1], leaving)
            if self.kernel.tangent:
                tangent *= self.kernel.dual.derivative(*lengths, entering)
                tangent *= self.kernel.weight_variance
                tangent += _covariance(x[layer + 1], z[layer + 1], leaving)
            entering = leaving
        return tangent if self.kernel.tangent else _covariance(x[-1], z[-1], entering)


def _covariance(x, z, angles):
    """``|x| |z| cos(theta)`` of rows with these lengths."""
    covariance = angles.cosine
    covariance *= x.total
    covariance *= z.total
    return covariance


def compiled_tiles():
    """Return the class that evaluates tiles by numba, or None where it is not there."""
    try:
        from sklearn_msk.kernels._compiled import CompiledTiles
    except ImportError:
        return None
    return CompiledTiles

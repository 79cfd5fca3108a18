"""What the kernel of an infinitely wide network needs to know of a set of rows."""

import math
from dataclasses import dataclass

import numpy as np

from sklearn_msk.kernels._angles import Lengths, append_constant, unit_rows


@dataclass(frozen=True, eq=False)
class Rows:
    """Directions of some rows, and their lengths layer by layer.

    Attributes
    ----------
    directions : ndarray of shape (n, n_features + 1), float64
        Unit rows of the weighted inputs and the bias: what enters the first layer.
    lengths : ndarray of shape (depth + 1, 5, n), float32 or float64
        The five parts of `Lengths` for the pre-activations, the read-out last.
    """

    directions: np.ndarray
    lengths: np.ndarray

    @classmethod
    def entering(cls, kernel, X, dtype):
        """Rows of shape (n, n_features), their lengths in this precision."""
        weight = math.sqrt(kernel.weight_variance)
        bias = math.sqrt(kernel.bias_variance)
        inputs = X.astype(np.float64) * (weight / math.sqrt(X.shape[1]))
        inputs = np.column_stack([inputs, np.full(len(X), bias)])
        lengths, directions = unit_rows(inputs)
        layers = [append_constant(lengths, 0.0)]
        for _ in range(kernel.depth):
            signal = weight * kernel.dual.length(layers[-1].total)
            layers.append(append_constant(signal, bias))
        return cls(directions, np.stack(layers).astype(dtype, copy=False))

    @property
    def dtype(self):
        """Precision of the recursion."""
        return self.lengths.dtype

    @property
    def layers(self):
        """Lengths of the rows in each layer, as `Lengths`."""
        return [Lengths(*layer) for layer in self.lengths]

    def __len__(self):
        return len(self.directions)

    def __getitem__(self, rows):
        """Return a slice of the rows."""
        lengths = np.ascontiguousarray(self.lengths[:, :, rows])
        return Rows(self.directions[rows], lengths)

"""What the kernel of an infinitely wide network needs to know of a set of rows."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sklearn_msk.kernels._activations import Activation
from sklearn_msk.kernels._angles import Angles, Lengths, append_constant, unit_rows


class Network(Protocol):
    """What an engine reads of `NTK` and `NNGP`."""

    depth: int
    weight_variance: float
    bias_variance: float
    # Whether the kernel is Theta, and not Sigma.
    tangent: bool
    # Whether it is divided by the square roots of k(x, x) and k(z, z).
    normalized: bool

    @property
    def dual(self) -> Activation:
        """The activation."""

    def recursion(
        self, x: list[Lengths], z: list[Lengths], angles: Angles
    ) -> np.ndarray:
        """Kernel from the lengths in each layer and the angles entering the first."""

    def recursion_diagonal(self, x: list[Lengths]) -> np.ndarray:
        """Kernel of rows with themselves, from their lengths in each layer."""


@dataclass(frozen=True, eq=False)
class LayerStatistics:
    """Unit inputs of some rows, and the lengths of their pre-activations.

    Attributes
    ----------
    unit_inputs : ndarray of shape (n, n_features + 1), float64
        The weighted inputs and the bias over their length: what enters the first layer.
    lengths : ndarray of shape (depth + 1, 5, n), float32 or float64
        The five parts of `Lengths` for the pre-activations, the read-out last.
    scale : ndarray of shape (n,), or None
        ``1 / sqrt(k(x, x))`` of a normalised kernel, 0 where ``k(x, x)`` is 0.
    """

    unit_inputs: np.ndarray
    lengths: np.ndarray
    scale: np.ndarray | None = None

    @classmethod
    def of_rows(
        cls, network: Network, X: np.ndarray, dtype: np.dtype
    ) -> "LayerStatistics":
        """Statistics of the rows of X, with lengths in this precision."""
        weight = math.sqrt(network.weight_variance)
        bias = math.sqrt(network.bias_variance)
        inputs = X.astype(np.float64) * (weight / math.sqrt(X.shape[1]))
        inputs = np.column_stack([inputs, np.full(len(X), bias)])
        lengths, unit_inputs = unit_rows(inputs)
        layers = [append_constant(lengths, 0.0)]
        for _ in range(network.depth):
            signal = weight * network.dual.length(layers[-1].total)
            layers.append(append_constant(signal, bias))
        scale = None
        if network.normalized:
            own = network.recursion_diagonal(layers)
            scale = np.divide(1.0, np.sqrt(own), where=own > 0, out=np.zeros_like(own))
            scale = scale.astype(dtype, copy=False)
        return cls(unit_inputs, np.stack(layers).astype(dtype, copy=False), scale)

    @property
    def dtype(self) -> np.dtype:
        """Precision of the recursion."""
        return self.lengths.dtype

    @property
    def layers(self) -> list[Lengths]:
        """Lengths of the rows in each layer, the read-out last."""
        return [Lengths(*layer) for layer in self.lengths]

    def __len__(self) -> int:
        return len(self.unit_inputs)

    def __getitem__(self, rows: slice) -> "LayerStatistics":
        """Return the statistics of a slice of the rows."""
        lengths = np.ascontiguousarray(self.lengths[:, :, rows])
        scale = None if self.scale is None else self.scale[rows]
        return LayerStatistics(self.unit_inputs[rows], lengths, scale)

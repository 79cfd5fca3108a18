"""What the kernel of an infinitely wide network needs to know of a set of rows."""

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sklearn_msk._array_api import Array, astype, namespace, widest_float
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

    def recursion(self, x: list[Lengths], z: list[Lengths], angles: Angles) -> Array:
        """Kernel from the lengths in each layer and the angles entering the first."""

    def recursion_diagonal(self, x: list[Lengths]) -> Array:
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

    unit_inputs: Array
    lengths: Array
    scale: Array | None = None

    @classmethod
    def of_rows(cls, network: Network, X: Array, dtype: Any) -> "LayerStatistics":
        """Statistics of the rows of X, with lengths in this precision."""
        xp, widest = namespace(X), widest_float(X)
        weight = math.sqrt(network.weight_variance)
        bias = math.sqrt(network.bias_variance)
        inputs = astype(X, widest) * (weight / math.sqrt(X.shape[1]))
        inputs = xp.concat([inputs, xp.full_like(inputs[:, :1], bias)], axis=1)
        lengths, unit_inputs = unit_rows(inputs)
        layers = [append_constant(lengths, 0.0)]
        for _ in range(network.depth):
            signal = weight * network.dual.length(layers[-1].total)
            layers.append(append_constant(signal, bias))
        scale = None
        if network.normalized:
            own = network.recursion_diagonal(layers)
            roots = xp.sqrt(xp.where(own > 0, own, xp.ones_like(own)))
            scale = astype(xp.where(own > 0, 1.0 / roots, xp.zeros_like(own)), dtype)
        stacked = xp.stack([xp.stack(list(layer)) for layer in layers])
        return cls(unit_inputs, astype(stacked, dtype), scale)

    @property
    def dtype(self) -> Any:
        """Precision of the recursion."""
        return self.lengths.dtype

    @property
    def layers(self) -> list[Lengths]:
        """Lengths of the rows in each layer, the read-out last."""
        return [
            Lengths(
                *(self.lengths[layer, part, :] for part in range(len(Lengths._fields)))
            )
            for layer in range(self.lengths.shape[0])
        ]

    def __len__(self) -> int:
        return self.unit_inputs.shape[0]

    def __getitem__(self, rows: slice) -> "LayerStatistics":
        """Return the statistics of a slice of the rows."""
        lengths = self.lengths[:, :, rows]
        if isinstance(lengths, np.ndarray):
            lengths = np.ascontiguousarray(lengths)
        scale = None if self.scale is None else self.scale[rows]
        return LayerStatistics(self.unit_inputs[rows, :], lengths, scale)

"""Kernels of infinitely wide neural networks."""

from sklearn_msk.kernels._infinite_width import NNGP, NTK

__all__ = ["NNGP", "NTK"]

"""Kernels of infinitely wide networks, and of known eigenfunctions."""

from sklearn_msk.kernels._bases import FourierBasis, SphericalHarmonics
from sklearn_msk.kernels._mercer import MercerKernel
from sklearn_msk.kernels._network import NNGP, NTK

__all__ = ["NNGP", "NTK", "FourierBasis", "MercerKernel", "SphericalHarmonics"]

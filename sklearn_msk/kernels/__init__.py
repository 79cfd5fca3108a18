"""Kernels of infinitely wide networks, and of known eigenfunctions."""

from sklearn_msk.kernels._bases import FourierBasis, SphericalHarmonics
from sklearn_msk.kernels._infinite_width import NNGP, NTK
from sklearn_msk.kernels._mercer import MercerKernel

__all__ = ["NNGP", "NTK", "FourierBasis", "MercerKernel", "SphericalHarmonics"]

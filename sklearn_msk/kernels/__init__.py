"""Kernels of infinitely wide networks, and of known eigenfunctions.

`NTK` and `NNGP` are the textbook kernels, which grow with the length of the rows. The
names that estimators take, such as "ntk_relu" and "nngp_erf", stand for these classes
with ``normalized=True, bias_variance=1.0``, which are bounded.
"""

from sklearn_msk.kernels._bases import FourierBasis, SphericalHarmonics
from sklearn_msk.kernels._mercer import MercerKernel
from sklearn_msk.kernels._network import NNGP, NTK

__all__ = ["NNGP", "NTK", "FourierBasis", "MercerKernel", "SphericalHarmonics"]

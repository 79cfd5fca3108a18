"""Gradients of the kernels of infinitely wide networks, by recursion over the layers.

The rows enter as ``x' = (sqrt(sw2 / d) x, sqrt(sb2))``, of length s and direction u_x,
z' of length t and direction u_z, at an angle theta. The kernel is a function of s, t
and ``cos(theta)``, hence::

    grad_x' k = (k_s - cos(theta) k_c) u_x + k_c u_z,   k_c = (1/s) dk / dcos(theta)

Two changes of the covariances ``A = Sigma(x, x)`` and ``C = Sigma(x, z)`` of the first
layer are carried through the recursion of `NTK`: ``dC = t, dA = 0`` gives k_c, and
``dC = t cos(theta), dA = 2 s`` gives k_s. Per hidden layer, with the changes dE, dE' of
`dual_differential`::

    dA     <- sw2 dE[phi(f)^2] / dA * dA
    dTheta <- sw2 dE + sw2 (dTheta E' + Theta dE')
    dC     <- sw2 dE

Between parallel rows, equal ones included, the NTK of a piecewise linear activation has
a kink, of which the mean of both sides is 0: what is left of the term is half of the
gradient of ``k(x, x)``, and nothing where the kernel is normalized. NNGP kernels have
no kink.
"""

from dataclasses import dataclass

import numpy as np

from sklearn_msk.kernels._angles import (
    Angles,
    Lengths,
    angles_between,
    angles_with_constant,
)
from sklearn_msk.kernels._dual_derivatives import dual_differential, variance_slope
from sklearn_msk.kernels._layer_statistics import LayerStatistics, Network
from sklearn_msk.kernels._network import covariance
from sklearn_msk.kernels._pair_derivatives import Pairs, PlaneTerm


@dataclass(frozen=True, eq=False)
class Slopes:
    """A kernel, and its derivatives in length and direction of the row x'.

    Attributes
    ----------
    value : ndarray of shape (n_x, n_z)
    length : ndarray of shape (n_x, n_z)
        ``k_s``.
    direction : ndarray of shape (n_x, n_z)
        ``k_c``.
    """

    value: np.ndarray
    length: np.ndarray
    direction: np.ndarray


def network_pairs(network: Network, X: np.ndarray, z: LayerStatistics) -> Pairs:
    """`NTK` or `NNGP` between the rows of X and those of z, and its gradient."""
    x = LayerStatistics.of_rows(network, X, np.dtype(np.float64))
    product = np.empty((len(x), len(z)))
    angles = angles_between(x.unit_inputs, z.unit_inputs, product, product)
    own_layers = [layer.as_column() for layer in x.layers]
    other_layers = [layer.as_row() for layer in z.layers]
    # Rows of 1e-120 and of 1e120 give what they can.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        slopes = layer_slopes(network, own_layers, other_layers, angles)
        if network.normalized:
            slopes = normalize(
                slopes, diagonal_slopes(network, x), diagonal_slopes(network, z)
            )
        own = slopes.length - angles.cosine * slopes.direction
    n_features = X.shape[1]
    scale = float(np.sqrt(network.weight_variance / n_features))
    inputs = (rows.unit_inputs[:, :n_features] for rows in (x, z))
    return Pairs(slopes.value, (PlaneTerm(scale, own, slopes.direction, *inputs),))


def layer_slopes(
    network: Network, x: list[Lengths], z: list[Lengths], angles: Angles
) -> Slopes:
    """Run the recursion of the module for the kernel as it is, not normalized."""
    dual, sw2 = network.dual, network.weight_variance
    theta = covariance(x[0], z[0], angles)
    ones = np.ones_like(theta)
    # (dC, dA) for a turn and for a stretch of the row x.
    changes = [
        (z[0].total * ones, np.zeros_like(x[0].total)),
        (z[0].total * angles.cosine, 2.0 * x[0].total),
    ]
    d_thetas = [d_covariance for d_covariance, _ in changes]
    for layer in range(network.depth):
        s, t = x[layer].total, z[layer].total
        slope = dual.derivative(s, t, angles)
        differential = dual_differential(dual, slope, s, t, angles)
        widening = sw2 * variance_slope(dual, s)
        for i, (dc, da) in enumerate(changes):
            moved = sw2 * differential.moment(dc, da)
            if network.tangent:
                d_slope = differential.slope(dc, da)
                d_thetas[i] = moved + sw2 * (d_thetas[i] * slope + theta * d_slope)
            else:
                d_thetas[i] = moved
            changes[i] = moved, widening * da
        angles = dual.angles(s, t, angles)
        angles = angles_with_constant(x[layer + 1], z[layer + 1], angles)
        sigma = covariance(x[layer + 1], z[layer + 1], angles)
        theta = sigma + sw2 * theta * slope if network.tangent else sigma
    turn, stretch = d_thetas
    return Slopes(theta, stretch, turn)


def diagonal_slopes(network: Network, x: LayerStatistics) -> Slopes:
    """``k(x, x)`` and half of its derivative in the length of x', shape (n_x, 1)."""
    layers = [layer.as_column() for layer in x.layers]
    angles = Angles.zero(np.zeros((len(x), 1)))
    return layer_slopes(network, layers, layers, angles)


def normalize(slopes: Slopes, own: Slopes, other: Slopes) -> Slopes:
    """Differentiate ``q = k(x, z) / sqrt(k(x, x) k(z, z))`` by the quotient rule.

    ``q_s = k_s / sqrt(k(x, x) k(z, z)) - q (dk(x, x) / ds) / 2 k(x, x)``; `own` and
    `other` are the `diagonal_slopes` of x and z. A row whose kernel is 0 gives 0.
    """
    own_root = np.where(own.value > 0, np.sqrt(own.value), np.inf)
    other_root = np.where(other.value > 0, np.sqrt(other.value), np.inf)
    value, length, direction = (
        part / own_root / other_root.T
        for part in (slopes.value, slopes.length, slopes.direction)
    )
    shrinking = own.length / np.where(own.value > 0, own.value, np.inf)
    return Slopes(value, length - value * shrinking, direction)

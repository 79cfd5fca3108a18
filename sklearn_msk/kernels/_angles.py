"""Angles between rows, held so that none is lost to cancellation.

``arccos`` of a stored cosine loses half of the digits at either end: an angle of 1e-4
keeps 8 of 16 in double precision and none in single. An angle theta is stored as the
*versine* ``1 - cos`` of the acute angle ``min(theta, pi - theta)`` and on which side of
a right angle it is, which keeps it to machine precision everywhere.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

from sklearn_msk._array_api import Array, namespace, squared_norms
from sklearn_msk._tuning import CLOSE_VERSINE, MANY_CLOSE_PAIRS


@dataclass(frozen=True)
class Angles:
    """Angles between the rows of two sets.

    Attributes
    ----------
    acute_versine : ndarray of shape (n_x, n_z)
        Versine of ``min(theta, pi - theta)``, in [0, 1].
    obtuse : ndarray of shape (n_x, n_z), bool, or None
        Which angles are beyond a right angle; None where there is none.
    """

    acute_versine: Array
    obtuse: Array | None

    @property
    def cosine(self) -> Array:
        """Cosine of each angle, to absolute machine precision."""
        return 1.0 - self.versine

    @cached_property
    def versine(self) -> Array:
        """``1 - cos(theta)``, to relative machine precision."""
        if self.obtuse is None:
            return self.acute_versine
        xp = namespace(self.obtuse)
        return xp.where(self.obtuse, 2.0 - self.acute_versine, self.acute_versine)

    @cached_property
    def vercosine(self) -> Array:
        """``1 + cos(theta)``, to relative machine precision."""
        vercosine = 2.0 - self.acute_versine
        if self.obtuse is None:
            return vercosine
        xp = namespace(self.obtuse)
        return xp.where(self.obtuse, self.acute_versine, vercosine)

    @classmethod
    def zero(cls, lengths: Array) -> "Angles":
        """Angles of rows of these lengths with themselves."""
        return cls(namespace(lengths).zeros_like(lengths), None)

    @classmethod
    def from_versines(cls, versine: Array, vercosine: Array) -> "Angles":
        """Angles whose versines and vercosines are known."""
        xp = namespace(versine)
        return cls(xp.minimum(versine, vercosine), versine > vercosine)


def unit_rows(X: Array) -> tuple[Array, Array]:
    """Lengths of rows, and the rows over their lengths, without over- or underflow.

    A row of zeros has length 0 and stays zero. X has a column at least; it and the
    results are of the widest float type.
    """
    xp = namespace(X)
    largest = xp.max(xp.abs(X), axis=1)
    ones = xp.ones_like(largest)
    scaled = X / xp.where(largest > 0, largest, ones)[:, None]
    norms = xp.sqrt(squared_norms(scaled))
    return largest * norms, scaled / xp.where(largest > 0, norms, ones)[:, None]


def angles_between(
    X: np.ndarray, Z: np.ndarray, out: np.ndarray, cosine: np.ndarray
) -> Angles:
    """Angles between two sets of rows of length 1 or 0, in float64.

    A row of zeros is at a right angle to every other. The versines are written to
    `out`, float32 or float64, and the product to `cosine`, float64, which may be `out`.
    The float64 product has every digit of a float32 angle, so that only a float64 `out`
    has its close pairs taken from their differences.
    """
    np.matmul(X, Z.T, cosine)
    obtuse = cosine < 0.0
    np.abs(cosine, cosine)
    versine = np.subtract(1.0, cosine, cosine)
    if versine.min() < CLOSE_VERSINE:
        if out.dtype == np.float64:
            _refine(versine, obtuse, X, Z)
        np.maximum(versine, 0.0, out=versine)
    if out.dtype != np.float64:
        np.copyto(out, versine, casting="same_kind")
    return Angles(out, obtuse if obtuse.any() else None)


def _refine(
    versine: np.ndarray, obtuse: np.ndarray, X: np.ndarray, Z: np.ndarray
) -> None:
    """Replace small versines by ``|x -+ z|^2 / 2``, which does not cancel."""
    close = versine < CLOSE_VERSINE
    if np.count_nonzero(close) > MANY_CLOSE_PAIRS * close.size:
        for sign, where in ((1.0, close & ~obtuse), (-1.0, close & obtuse)):
            if where.any():
                halved = 0.5 * cdist(X, sign * Z, "sqeuclidean")
                np.copyto(versine, halved, where=where)
    else:
        rows, columns = np.nonzero(close)
        signs = np.where(obtuse[rows, columns], -1.0, 1.0)
        difference = X[rows] - signs[:, None] * Z[columns]
        versine[rows, columns] = 0.5 * np.einsum("ij,ij->i", difference, difference)


class Lengths(NamedTuple):
    """Lengths of rows, and how each splits between the input and a constant.

    Attributes
    ----------
    total : ndarray of shape (n,)
        Length of the row after the constant was appended.
    input_share, constant_share : ndarray of shape (n,)
        Cosine and sine of the angle psi by which the constant turns the row.
    half_cosine, half_sine : ndarray of shape (n,)
        Cosine and sine of psi / 2.
    """

    total: Array
    input_share: Array
    constant_share: Array
    half_cosine: Array
    half_sine: Array

    def as_column(self) -> "Lengths":
        """Lengths shaped (n, 1), to broadcast along the first axis."""
        return Lengths(*(part[:, None] for part in self))

    def as_row(self) -> "Lengths":
        """Lengths shaped (1, n), to broadcast along the second axis."""
        return Lengths(*(part[None, :] for part in self))


def append_constant(lengths: Array, constant: float) -> Lengths:
    """Lengths of rows once the same ``constant >= 0`` is appended to each of them."""
    xp = namespace(lengths)
    constants = xp.full_like(lengths, constant)
    total = xp.hypot(lengths, constants)
    safe = xp.where(total > 0, total, xp.ones_like(total))
    half_psi = 0.5 * xp.atan2(constants, lengths)
    return Lengths(
        total, lengths / safe, constants / safe, xp.cos(half_psi), xp.sin(half_psi)
    )


def sin_half_difference(
    x: Lengths, z: Lengths, out: np.ndarray | None = None
) -> np.ndarray:
    """``sin((psi_x - psi_z) / 2)``, psi the angles by which a constant turned rows.

    The result has shape (n_x, n_z) for lengths of shape (n_x,) and (n_z,).
    """
    left = np.column_stack([x.half_sine, -x.half_cosine])
    return np.matmul(left, np.stack([z.half_cosine, z.half_sine]), out)


def angles_with_constant(x: Lengths, z: Lengths, angles: Angles) -> Angles:
    """Angles of rows once a constant was appended to them.

    ``cos' = s_x s_z cos + c_x c_z`` with the shares ``s`` and ``c`` of `Lengths`; in
    versines ``ver' = 2 sin^2((psi_x - psi_z) / 2) + s_x s_z ver`` with the angles psi
    of the shares, a sum of non-negative terms, and likewise the vercosine, which has
    ``2 c_x c_z`` more. Lengths are shaped (n_x, 1) and (1, n_z).
    """
    xp = namespace(angles.acute_versine)
    # Elsewhere than in NumPy's memory the question takes longer than the sums.
    if xp is namespace(np.empty(0)) and not (
        x.constant_share.any() or z.constant_share.any()
    ):
        return angles
    difference = x.half_sine * z.half_cosine - x.half_cosine * z.half_sine
    difference = 2.0 * xp.square(difference)
    shares = x.input_share * z.input_share
    versine = shares * angles.versine + difference
    vercosine = shares * angles.vercosine + difference
    vercosine += (2.0 * x.constant_share) * z.constant_share
    return Angles.from_versines(versine, vercosine)

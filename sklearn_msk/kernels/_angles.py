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

# Below this versine (an angle of 0.1) the rounding of a matrix product would show in
# the angle, and the versine is taken from the difference of the rows instead.
CLOSE = 0.005

# Above this share of close pairs, all differences by `cdist` cost less than a gather.
_MANY = 0.05


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

    acute_versine: np.ndarray
    obtuse: np.ndarray | None

    @property
    def cosine(self):
        """Cosine of each angle, to absolute machine precision."""
        return 1.0 - self.versine

    @cached_property
    def versine(self):
        """``1 - cos(theta)``, to relative machine precision."""
        if self.obtuse is None:
            return self.acute_versine
        return np.where(self.obtuse, 2.0 - self.acute_versine, self.acute_versine)

    @cached_property
    def vercosine(self):
        """``1 + cos(theta)``, to relative machine precision."""
        vercosine = 2.0 - self.acute_versine
        if self.obtuse is None:
            return vercosine
        return np.where(self.obtuse, self.acute_versine, vercosine)

    @classmethod
    def zero(cls, shape, dtype):
        """Angles of rows with themselves."""
        return cls(np.zeros(shape, dtype), None)

    @classmethod
    def from_versines(cls, versine, vercosine):
        """Angles whose versines and vercosines are known."""
        return cls(np.minimum(versine, vercosine), versine > vercosine)


def unit_rows(X):
    """Split rows into lengths and directions without overflow or underflow.

    Parameters
    ----------
    X : ndarray of shape (n, n_features), float64

    Returns
    -------
    lengths : ndarray of shape (n,), float64
    directions : ndarray of shape (n, n_features), float64
        Unit rows; a zero row stays zero.
    """
    largest = np.abs(X).max(axis=1, initial=0.0)
    scaled = X / np.where(largest > 0, largest, 1.0)[:, None]
    norms = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))
    return largest * norms, scaled / np.where(largest > 0, norms, 1.0)[:, None]


def angles_between(X, Z, out, cosine):
    """Angles between unit rows.

    Parameters
    ----------
    X : ndarray of shape (n_x, n_features), float64
    Z : ndarray of shape (n_z, n_features), float64
        Rows of unit length, or zero. A zero row is at a right angle to every other.
    out : ndarray of shape (n_x, n_z), float32 or float64
        What the versines are written to. A double precision product carries single
        precision angles by itself, so that only float64 looks at close pairs again.
    cosine : ndarray of shape (n_x, n_z), float64
        What the product is written to; it may be `out`.

    Returns
    -------
    Angles
    """
    np.matmul(X, Z.T, cosine)
    obtuse = cosine < 0.0
    np.abs(cosine, cosine)
    versine = np.subtract(1.0, cosine, cosine)
    if versine.min() < CLOSE:
        if out.dtype == np.float64:
            _refine(versine, obtuse, X, Z)
        np.maximum(versine, 0.0, out=versine)
    if out.dtype != np.float64:
        np.copyto(out, versine, casting="same_kind")
    return Angles(out, obtuse if obtuse.any() else None)


def _refine(versine, obtuse, X, Z):
    """Replace small versines by ``|x -+ z|^2 / 2``, which does not cancel."""
    close = versine < CLOSE
    if np.count_nonzero(close) > _MANY * close.size:
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
        Cosine and sine of the angle that the constant turns the row by.
    half_cosine, half_sine : ndarray of shape (n,)
        Cosine and sine of half of that angle.
    """

    total: np.ndarray
    input_share: np.ndarray
    constant_share: np.ndarray
    half_cosine: np.ndarray
    half_sine: np.ndarray

    def as_column(self):
        """Lengths shaped (n, 1), to broadcast along the first axis."""
        return Lengths(*(part[:, None] for part in self))

    def as_row(self):
        """Lengths shaped (1, n), to broadcast along the second axis."""
        return Lengths(*(part[None, :] for part in self))


def append_constant(lengths, constant):
    """Lengths of rows once the same ``constant >= 0`` is appended to each of them."""
    total = np.hypot(lengths, constant)
    safe = np.where(total > 0, total, 1.0)
    half_turn = 0.5 * np.arctan2(constant, lengths)
    return Lengths(
        total, lengths / safe, constant / safe, np.cos(half_turn), np.sin(half_turn)
    )


def half_turn(x, z, out=None):
    """``sin((psi_x - psi_z) / 2)``, psi the angles that a constant turned rows by.

    Parameters
    ----------
    x : Lengths of shape (n_x,)
    z : Lengths of shape (n_z,)
    out : ndarray of shape (n_x, n_z), default=None

    Returns
    -------
    ndarray of shape (n_x, n_z)
    """
    left = np.column_stack([x.half_sine, -x.half_cosine])
    return np.matmul(left, np.stack([z.half_cosine, z.half_sine]), out)


def angles_with_constant(x, z, angles):
    """Angles of rows once a constant was appended to them.

    ``cos' = s_x s_z cos + c_x c_z`` with the shares ``s`` and ``c`` of `Lengths`; in
    versines ``ver' = 2 sin^2((psi_x - psi_z) / 2) + s_x s_z ver`` with the angles psi
    of the shares, a sum of non-negative terms, and likewise the vercosine, which has
    ``2 c_x c_z`` more.

    Parameters
    ----------
    x : Lengths shaped (n_x, 1)
    z : Lengths shaped (1, n_z)
    angles : Angles of shape (n_x, n_z)

    Returns
    -------
    Angles
    """
    if not (x.constant_share.any() or z.constant_share.any()):
        return angles
    turn = x.half_sine * z.half_cosine - x.half_cosine * z.half_sine
    turn = 2.0 * np.square(turn)
    shares = x.input_share * z.input_share
    versine = shares * angles.versine + turn
    vercosine = shares * angles.vercosine + turn
    vercosine += (2.0 * x.constant_share) * z.constant_share
    return Angles.from_versines(versine, vercosine)

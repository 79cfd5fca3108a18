"""Angles between rows, held so that none is lost to cancellation.

An angle theta is stored as its *versine* ``1 - cos(theta)`` and its *vercosine*
``1 + cos(theta)``. ``arccos`` of a stored cosine loses half of the digits at either
end (an angle of 1e-4 keeps 8 of 16 in double precision and none in single); these two
keep theta to machine precision everywhere: the versine at 0, the vercosine at pi.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

# Below this versine (an angle of 0.2) the rounding of a matrix product would show in
# the angle, and the versine is taken from the difference of the rows instead.
_CLOSE = 0.02

# Above this share of close pairs, all differences by `cdist` cost less than a gather.
_MANY = 0.05


@dataclass(frozen=True)
class Angles:
    """Angles between the rows of two sets, ``versine + vercosine == 2``.

    Attributes
    ----------
    versine : ndarray of shape (n_x, n_z)
        ``1 - cos(theta)``, in [0, 2].
    vercosine : ndarray of shape (n_x, n_z)
        ``1 + cos(theta)``, in [0, 2].
    """

    versine: np.ndarray
    vercosine: np.ndarray

    @property
    def cosine(self):
        """Cosine of each angle, to absolute machine precision."""
        return 1.0 - self.versine

    @cached_property
    def acute_versine(self):
        """Versine of the acute angle ``min(theta, pi - theta)``."""
        return np.minimum(self.versine, self.vercosine)

    @cached_property
    def acute(self):
        """``min(theta, pi - theta)``, to relative machine precision."""
        half = np.multiply(self.acute_versine, 0.5)
        np.sqrt(half, out=half)
        np.arcsin(half, out=half)
        half *= 2.0
        return half

    @cached_property
    def obtuse(self):
        """Mask of the angles beyond a right angle, None where there is none."""
        mask = self.versine > self.vercosine
        return mask if mask.any() else None

    @classmethod
    def zero(cls, shape, dtype):
        """Angles of rows with themselves."""
        return cls(np.zeros(shape, dtype), np.full(shape, 2.0, dtype))


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


def angles_between(X, Z, dtype):
    """Angles between unit rows.

    Parameters
    ----------
    X : ndarray of shape (n_x, n_features), float64
    Z : ndarray of shape (n_z, n_features), float64
        Rows of unit length, or zero. A zero row is at a right angle to every other.
    dtype : {float32, float64}
        Precision wanted. A double precision product carries single precision angles
        by itself, so that only float64 looks at close pairs again.

    Returns
    -------
    Angles
    """
    cosine = X @ Z.T
    np.clip(cosine, -1.0, 1.0, out=cosine)
    versine, vercosine = 1.0 - cosine, 1.0 + cosine
    if dtype == np.float64:
        _refine(versine, X, Z)
        _refine(vercosine, X, -Z)
    return Angles(
        versine.astype(dtype, copy=False), vercosine.astype(dtype, copy=False)
    )


def _refine(versine, X, Z):
    """Replace small versines by ``|x - z|^2 / 2``, which does not cancel."""
    close = versine < _CLOSE
    n_close = np.count_nonzero(close)
    if n_close > _MANY * close.size:
        halved = 0.5 * cdist(X, Z, "sqeuclidean")
        np.copyto(versine, halved, where=close)
    elif n_close:
        rows, columns = np.nonzero(close)
        difference = X[rows] - Z[columns]
        versine[rows, columns] = 0.5 * np.einsum("ij,ij->i", difference, difference)


class Lengths(NamedTuple):
    """Lengths of rows, and how each splits between the input and a constant.

    Attributes
    ----------
    total : ndarray of shape (n,)
        Length of the row after the constant was appended.
    input_share, constant_share : ndarray of shape (n,)
        Cosine and sine of the angle that the constant turns the row by.
    """

    total: np.ndarray
    input_share: np.ndarray
    constant_share: np.ndarray

    def as_column(self, rows=slice(None)):
        """Lengths of some rows, shaped (n, 1) to broadcast along the first axis."""
        return Lengths(*(part[rows, None] for part in self))

    def as_row(self, rows=slice(None)):
        """Lengths of some rows, shaped (1, n) to broadcast along the second axis."""
        return Lengths(*(part[None, rows] for part in self))


def append_constant(lengths, constant):
    """Lengths of rows once the same ``constant >= 0`` is appended to each of them."""
    total = np.hypot(lengths, constant)
    safe = np.where(total > 0, total, 1.0)
    return Lengths(total, lengths / safe, constant / safe)


def angles_with_constant(x, z, angles):
    """Angles of rows once a constant was appended to them.

    ``cos' = s_x s_z cos + c_x c_z`` with the shares ``s`` and ``c`` of `Lengths`; in
    versines ``ver' = ((s_x - s_z)^2 + (c_x - c_z)^2) / 2 + s_x s_z ver``, a sum of
    non-negative terms, and likewise for the vercosine with ``c_x + c_z``.

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
    turn = np.square(x.input_share - z.input_share)
    turn += np.square(x.constant_share - z.constant_share)
    turn *= 0.5
    shares = x.input_share * z.input_share
    versine = shares * angles.versine
    versine += turn
    # ((s_x - s_z)^2 + (c_x + c_z)^2) / 2 is the turn plus 2 c_x c_z.
    vercosine = np.multiply(shares, angles.vercosine, out=shares)
    vercosine += turn
    vercosine += (2.0 * x.constant_share) * z.constant_share
    return Angles(versine, vercosine)

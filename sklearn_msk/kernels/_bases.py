"""Orthonormal eigenfunctions of the kernels that depend on the angle alone.

Orthonormal means: with respect to the uniform probability on the circle or the sphere.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sklearn_msk._compat import spherical_harmonic


@dataclass(frozen=True)
class FourierBasis:
    """Fourier basis on the circle: ``1, sqrt(2) cos(j t), sqrt(2) sin(j t), ...``.

    Parameters
    ----------
    n_frequencies : int
        Largest frequency j; there are ``2 n_frequencies + 1`` functions.

    Examples
    --------
    >>> from sklearn_msk.kernels import FourierBasis
    >>> FourierBasis(1)([[1.0, 0.0], [0.0, 1.0]]).round(3) + 0.0
    array([[1.   , 1.414, 0.   ],
           [1.   , 0.   , 1.414]])
    """

    n_frequencies: int

    @property
    def degrees(self) -> np.ndarray:
        """Frequency of each function, shape (n_functions,)."""
        return np.repeat(np.arange(self.n_frequencies + 1), 2)[1:]

    def __call__(self, X: ArrayLike) -> np.ndarray:
        """Evaluate on rows ``(cos t, sin t)``, of any length but 0.

        Parameters
        ----------
        X : array-like of shape (n_samples, 2)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_functions)
            Values of the functions.
        """
        X = _check_dimension(X, 2, self)
        angles = np.arctan2(X[:, 1], X[:, 0])[:, None]
        frequencies = np.arange(1, self.n_frequencies + 1)
        waves = np.stack([np.cos(frequencies * angles), np.sin(frequencies * angles)])
        waves = np.sqrt(2.0) * np.moveaxis(waves, 0, -1).reshape(len(X), -1)
        return np.column_stack([np.ones(len(X)), waves])


@dataclass(frozen=True)
class SphericalHarmonics:
    """Real spherical harmonics on the sphere S^2, by degree.

    Parameters
    ----------
    max_degree : int
        Largest degree l; there are ``(max_degree + 1)^2`` functions.

    Examples
    --------
    >>> from sklearn_msk.kernels import SphericalHarmonics
    >>> SphericalHarmonics(1)([[0.0, 0.0, 1.0]]).round(3) + 0.0
    array([[1.   , 0.   , 1.732, 0.   ]])
    """

    max_degree: int

    @property
    def degrees(self) -> np.ndarray:
        """Degree of each function, shape (n_functions,)."""
        counts = 2 * np.arange(self.max_degree + 1) + 1
        return np.repeat(np.arange(self.max_degree + 1), counts)

    def __call__(self, X: ArrayLike) -> np.ndarray:
        """Evaluate on rows of R^3, of any length but 0.

        Parameters
        ----------
        X : array-like of shape (n_samples, 3)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_functions)
            Values of the functions.
        """
        X = _check_dimension(X, 3, self)
        polar = np.arctan2(np.hypot(X[:, 0], X[:, 1]), X[:, 2])
        azimuth = np.arctan2(X[:, 1], X[:, 0])
        columns = []
        for degree in range(self.max_degree + 1):
            for order in range(-degree, degree + 1):
                values = spherical_harmonic(degree, abs(order), polar, azimuth)
                part = values.imag if order < 0 else values.real
                columns.append(part if order == 0 else np.sqrt(2.0) * part)
        return np.sqrt(4.0 * np.pi) * np.column_stack(columns)


def _check_dimension(X: ArrayLike, n_features: int, basis: object) -> np.ndarray:
    """Rows as a float64 array of so many features."""
    X = np.asarray(X, dtype=np.float64)
    if X.ndim != 2 or X.shape[1] != n_features:
        raise ValueError(
            f"{type(basis).__name__} takes rows of {n_features} coordinates, an array "
            f"of shape (n_samples, {n_features}). Got shape {X.shape} instead."
        )
    return X

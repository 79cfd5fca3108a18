"""Bases of eigenfunctions are orthonormal."""

import numpy as np
import pytest
from scipy.integrate import dblquad

from sklearn_msk.kernels import (
    FourierBasis,
    SphericalHarmonics,
)


def circle(n):
    angles = 2 * np.pi * np.arange(n) / n
    return np.column_stack([np.cos(angles), np.sin(angles)])


def test_fourier_basis_is_orthonormal():
    phi = FourierBasis(7)(circle(64))
    np.testing.assert_allclose(phi.T @ phi / 64, np.eye(15), atol=1e-13)
    degrees = FourierBasis(7).degrees
    assert degrees.shape == (15,)
    spectrum = np.abs(np.fft.rfft(phi, axis=0))
    np.testing.assert_array_equal(spectrum[:32].argmax(axis=0), degrees)


def test_spherical_harmonics_are_orthonormal():
    def at(polar, azimuth):
        point = [np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth)]
        return SphericalHarmonics(2)([[*point, np.cos(polar)]])[0]

    for i, j in [(0, 0), (1, 1), (4, 4), (8, 8), (0, 6), (1, 3), (4, 5), (5, 7)]:
        integral, _ = dblquad(
            lambda azimuth, polar, i=i, j=j: (
                at(polar, azimuth)[i] * at(polar, azimuth)[j] * np.sin(polar)
            ),
            0,
            np.pi,
            0,
            2 * np.pi,
            epsabs=1e-6,
        )
        assert integral / (4 * np.pi) == pytest.approx(float(i == j), abs=1e-6)


def test_spherical_harmonics_obey_the_addition_theorem():
    """``sum_m Y_lm(x) Y_lm(z) = (2l + 1) P_l(x.z)``, so rotations change nothing."""
    rng = np.random.RandomState(0)
    X = rng.standard_normal((20, 3))
    X /= np.linalg.norm(X, axis=1)[:, None]
    basis = SphericalHarmonics(6)
    phi = basis(X)
    for degree in range(7):
        part = phi[:, basis.degrees == degree]
        legendre = np.polynomial.Legendre.basis(degree)(X @ X.T)
        np.testing.assert_allclose(
            part @ part.T, (2 * degree + 1) * legendre, atol=1e-11
        )

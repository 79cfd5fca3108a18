"""Eigenvalues of the relu NTK on the circle: which vanish, and how they decay."""

import numpy as np
import pytest

from sklearn_msk.kernels import NTK


def _circle(n):
    angles = 2.0 * np.pi * np.arange(n) / n
    return np.column_stack([np.cos(angles), np.sin(angles)])


def _eigenvalues(n, **params):
    """Eigenvalues by frequency, of the kernel matrix of n equispaced angles over n.

    The matrix is circulant, so they are the Fourier coefficients of its first row.
    """
    rows = _circle(n)
    return np.fft.rfft(NTK(**params)(rows[:1], rows)[0]).real / n


def test_first_row_gives_the_eigenvalues_of_the_matrix():
    n = 64
    K = NTK()(_circle(n))
    # every frequency but the first and last is there as a sine and a cosine
    values = np.repeat(_eigenvalues(n), 2)[1:-1]
    np.testing.assert_allclose(
        np.linalg.eigvalsh(K / n), np.sort(values), atol=1e-14 * values.max()
    )


def test_shallow_without_bias_is_blind_to_odd_frequencies():
    values = _eigenvalues(1024, depth=1, bias_variance=0.0)
    relative = values / values.max()
    assert np.max(np.abs(relative[3::2])) < 1e-12
    # not so 0, 1 and the even ones, else a kernel of zeros would pass
    assert np.min(relative[[0, 1]]) > 0.1
    assert np.min(relative[2::2]) > 1e-6


@pytest.mark.parametrize(
    "params",
    [
        {"depth": 1, "bias_variance": 0.1},
        {"depth": 1, "bias_variance": 1.0},
        {"depth": 2, "bias_variance": 0.0},
        {"depth": 3, "bias_variance": 0.0},
        {"depth": 2, "bias_variance": 0.1},
        {},
    ],
    ids=str,
)
def test_a_bias_or_a_second_layer_sees_every_frequency(params):
    values = _eigenvalues(1024, **params)
    # far above rounding, which the zeros of the test before stay below
    assert np.min(values) > 1e-9 * np.max(values)


@pytest.mark.parametrize(
    "params",
    [
        {"depth": 1, "bias_variance": 0.0},
        {"depth": 1, "bias_variance": 0.1},
        {"depth": 2, "bias_variance": 0.0},
        {"depth": 3, "bias_variance": 0.1},
    ],
    ids=str,
)
def test_eigenvalues_decay_like_the_square_of_the_frequency(params):
    frequencies = np.arange(8, 65, 2)
    values = _eigenvalues(1024, **params)[frequencies]
    slope, _ = np.polyfit(np.log(frequencies), np.log(values), 1)
    assert slope == pytest.approx(-2.0, abs=0.1)

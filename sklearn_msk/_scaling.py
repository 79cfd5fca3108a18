"""Scales that numbers are divided by without losing a digit."""

import numpy as np


def power_of_two(sizes: float | np.ndarray) -> np.ndarray:
    """Powers of two next to some sizes, 1 where a size is 0.

    Parameters
    ----------
    sizes : float or ndarray
        Finite, >= 0.

    Returns
    -------
    ndarray of the shape of `sizes`
        Each within a factor of 2 of its size.
    """
    exponents = np.frexp(sizes)[1]
    # One less, as the next power of the largest float would be infinite.
    return np.where(sizes == 0.0, 1.0, np.ldexp(1.0, exponents - 1))


def weight_shares(weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Shares ``w / sum(w)`` of weights of any size, and their sum.

    The weights are divided by a power of two next to the largest before they are
    summed, so that no share over- or underflows where the weights are alike.

    Parameters
    ----------
    weights : ndarray of shape (n,), float64
        Finite, >= 0, not all zero.

    Returns
    -------
    shares : ndarray of shape (n,)
        They sum to 1.
    total : float
        ``inf`` where the sum is too large for a float.
    """
    unit = power_of_two(weights.max())
    scaled = weights / unit
    total = float(scaled.sum())
    return scaled / total, float(unit) * total

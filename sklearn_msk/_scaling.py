"""Scales that numbers are divided by without losing a digit."""

import numpy as np


def power_of_two(sizes):
    """Powers of two next to some sizes, 1 where a size is 0.

    Parameters
    ----------
    sizes : float or ndarray
        Finite, >= 0.

    Returns
    -------
    float or ndarray of the shape of `sizes`
        Each within a factor of 2 of its size.
    """
    exponents = np.frexp(sizes)[1]
    # One less, as the next power of the largest float would be infinite.
    return np.where(sizes == 0.0, 1.0, np.ldexp(1.0, exponents - 1))

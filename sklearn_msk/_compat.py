"""What differs between the versions of the dependencies, and nothing else.

Every private scikit-learn name is imported here, so that whatever moves is mended here.
"""

import scipy.special
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import _check_sample_weight

__all__ = [
    "Interval",
    "Options",
    "StrOptions",
    "_check_sample_weight",
    "_fit_context",
    "spherical_harmonic",
]


def spherical_harmonic(degree, order, polar, azimuth):
    """Complex spherical harmonic ``Y_l^m``, under either of scipy's names for it."""
    if hasattr(scipy.special, "sph_harm_y"):
        return scipy.special.sph_harm_y(degree, order, polar, azimuth)
    return scipy.special.sph_harm(order, degree, azimuth, polar)

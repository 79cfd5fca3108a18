"""What differs between the versions of the dependencies, and nothing else.

Every private scikit-learn name is imported here, so that whatever moves is mended here.
"""

import scipy.linalg
import scipy.special
from sklearn.base import _fit_context
from sklearn.model_selection._validation import _score
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_sample_weight

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before scikit-learn 1.9

    class CallbackSupportMixin:
        """Stands for the mixin that scikit-learn does not have yet."""

    def with_callbacks(method):
        """Leave a method as it is."""
        return method


__all__ = [
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "Options",
    "StrOptions",
    "_check_sample_weight",
    "_fit_context",
    "_safe_split",
    "_score",
    "accepts_weights",
    "full_eigh",
    "spherical_harmonic",
    "with_callbacks",
]


def spherical_harmonic(degree, order, polar, azimuth):
    """Complex spherical harmonic ``Y_l^m``, under either of scipy's names for it."""
    if hasattr(scipy.special, "sph_harm_y"):
        return scipy.special.sph_harm_y(degree, order, polar, azimuth)
    return scipy.special.sph_harm(order, degree, azimuth, polar)


def accepts_weights(search):
    """Whether the scorers of a search are given the weights of the rows.

    From 1.9 on, scikit-learn's searches pass them on without metadata routing.
    """
    check = getattr(search, "_check_scorers_accept_sample_weight", None)
    return check is not None and bool(check())


def full_eigh(matrix):
    """Full decomposition of a symmetric matrix, which is overwritten.

    scipy before 1.13 asks LAPACK for too small a workspace for one row.
    """
    driver = "evd" if len(matrix) > 1 else "ev"
    return scipy.linalg.eigh(
        matrix, driver=driver, overwrite_a=True, check_finite=False
    )

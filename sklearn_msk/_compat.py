"""What differs between the versions of the dependencies, and nothing else.

Every private scikit-learn name is imported here, so that whatever moves is mended here.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special
from sklearn.base import _fit_context
from sklearn.metrics._scorer import _MultimetricScorer as MultimetricScorer
from sklearn.model_selection._search import BaseSearchCV
from sklearn.model_selection._validation import _score
from sklearn.utils._metadata_requests import _raise_for_params, _routing_enabled
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import (
    _check_method_params,
    _check_sample_weight,
)
from sklearn.utils.validation import (
    _num_samples as num_samples,
)

try:
    from sklearn.externals import array_api_compat
    from sklearn.utils._array_api import _convert_to_numpy as convert_to_numpy
    from sklearn.utils._array_api import (
        _estimator_with_converted_arrays as convert_arrays,
    )
except ImportError:  # before scikit-learn 1.9, which moves estimators to devices
    array_api_compat = None

    def convert_to_numpy(array: Any, xp: Any) -> np.ndarray:
        """Make an array of NumPy."""
        return np.asarray(array)

    def convert_arrays(estimator: Any, converter: Callable) -> Any:
        """Leave an estimator as it is: there are no arrays but NumPy's."""
        return estimator


try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before scikit-learn 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands for the mixin that scikit-learn does not have yet."""

    def with_callbacks(method: Callable) -> Callable:
        """Leave a method as it is."""
        return method


__all__ = [
    "BaseSearchCV",
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "MultimetricScorer",
    "Options",
    "StrOptions",
    "_check_method_params",
    "_check_sample_weight",
    "_fit_context",
    "_raise_for_params",
    "_routing_enabled",
    "_safe_split",
    "_score",
    "array_api_compat",
    "check_matplotlib_support",
    "convert_arrays",
    "convert_to_numpy",
    "num_samples",
    "spherical_harmonic",
    "with_callbacks",
]


def spherical_harmonic(
    degree: int, order: int, polar: np.ndarray, azimuth: np.ndarray
) -> np.ndarray:
    """Complex spherical harmonic ``Y_l^m``, under either of scipy's names for it."""
    if hasattr(scipy.special, "sph_harm_y"):
        return scipy.special.sph_harm_y(degree, order, polar, azimuth)
    return scipy.special.sph_harm(order, degree, azimuth, polar)

"""Parameters that exclude each other."""

import math

from sklearn_msk._validation import check_not_bool
from sklearn_msk.spectral_maps._evaluation import resolve_spectral_map


def check_combinations(estimator):
    """Raise a ValueError where parameters exclude each other.

    Parameters
    ----------
    estimator : MSKRegressor or MSKClassifier
        Each of its parameters is in its own range.
    """
    check_not_bool(estimator, "k", "max_iter", "landmarks")
    resolve_spectral_map(estimator.g)
    if estimator.dynamics == "descent" and not estimator.learning_rate < 2:
        raise ValueError(
            f"The 'learning_rate' of {type(estimator).__name__} must be in the range "
            "(0, 2) for dynamics='descent', in units of 1 / (largest rate): "
            f"descent diverges from 2 on. Got {estimator.learning_rate!r} instead; "
            "lower it or use dynamics='flow'."
        )
    if estimator.solver == "gd" and estimator.dynamics != "descent":
        raise ValueError(
            "solver='gd' runs dynamics='descent' only. Got dynamics="
            f"{estimator.dynamics!r} instead; use solver='auto', 'lanczos' or 'eigh' "
            "for it."
        )
    if estimator.solver == "gd" and math.isinf(estimator.max_iter):
        raise ValueError(
            "solver='gd' needs a finite 'max_iter'. Got inf instead; use "
            "solver='auto', 'lanczos' or 'eigh' for the limit."
        )

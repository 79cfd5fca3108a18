"""How exact leading directions have to be for the models that follow them."""

import math
from functools import partial

import numpy as np

from sklearn_msk._preconditioner import steepness
from sklearn_msk._spectrum import Tolerance
from sklearn_msk.spectral_maps._evaluation import (
    modified_eigenvalues,
    resolve_spectral_map,
)

# For any map predictions move by some times the residuals, relative to y, and for those
# that do not jump at the cut by some times their squares: so the tolerance of the pairs
# may be that many times tol, or its root. Both have a largest value.
_STRICT, _STRICT_MAX = 1e3, 1e-3
_LOOSE, _LOOSE_MAX = 10.0, 2.5e-2


def pair_tolerance(models, n_distinct, rank_floor):
    """Tolerance of the pairs that some models share.

    Parameters
    ----------
    models : list of MSKRegressor or MSKClassifier
        The least `tol` and the steepest map of them count.
    n_distinct : int
        Number of rows that differ.
    rank_floor : float
        Eigenvalues up to this share of the largest are not shown to a map.

    Returns
    -------
    Tolerance
    """
    tol = min(model.tol for model in models)
    loose = min(_LOOSE * math.sqrt(tol), _LOOSE_MAX) * math.sqrt(_slack(models))

    def largest_steepness(values):
        values = values[values > rank_floor * values[0]]
        return max(_steepness(model, values, n_distinct) for model in models)

    return Tolerance(min(_STRICT * tol, _STRICT_MAX), loose, largest_steepness)


def _slack(models):
    """How far the largest step of descent is from where it diverges, 1 at most.

    By its inverse an error of the largest rate is magnified.
    """
    rates = [model.learning_rate for model in models if model.dynamics == "descent"]
    return min(1.0, 2.0 - max(rates, default=1.0))


def _steepness(model, values, n_distinct):
    """Steepness of the map of a model at some eigenvalues, the first left out last."""
    k = min(model._n_directions(n_distinct), len(values))
    following = values[k] if k < len(values) else 0.0
    try:
        g = partial(modified_eigenvalues, resolve_spectral_map(model.g))
        return steepness(g, values[:k], following)
    except ValueError:
        # Said where the map is used; another of the models may be sound.
        return np.inf

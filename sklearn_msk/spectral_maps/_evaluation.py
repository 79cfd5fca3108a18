"""From the `g` parameter of an estimator to the rates that it sets."""

from collections.abc import Callable

import numpy as np

from sklearn_msk._validation import did_you_mean
from sklearn_msk.spectral_maps._presets import (
    Flatten,
    Identity,
    Lift,
    Power,
    SpectralMap,
)

SpectralMapFunction = Callable[[np.ndarray], np.ndarray]

_PRESETS: dict[str, type[SpectralMap]] = {
    "identity": Identity,
    "flatten": Flatten,
    "lift": Lift,
    "power": Power,
}


def resolve_spectral_map(g: str | SpectralMapFunction) -> SpectralMapFunction:
    """Turn the `g` parameter into a callable.

    Parameters
    ----------
    g : {"identity", "flatten", "lift", "power"} or callable
        A name, a spectral map, or any function of an array of eigenvalues.

    Returns
    -------
    callable

    Raises
    ------
    ValueError
        If g is neither.
    """
    if isinstance(g, str) and g in _PRESETS:
        return _PRESETS[g]()
    if callable(g) and not isinstance(g, type):
        return g
    instance = f" Pass an instance, as in {g.__name__}(...)." if callable(g) else ""
    raise ValueError(
        f"The 'g' parameter must be one of {list(_PRESETS)}, a spectral map such as "
        "Power(exponent=0.5), or a callable from an array of eigenvalues, descending, "
        f"to an array of that shape. Got {g!r} instead."
        f"{instance}{did_you_mean(g, _PRESETS)}"
    )


def modified_eigenvalues(
    g: SpectralMapFunction, eigenvalues: np.ndarray, *, allow_zero: bool = False
) -> np.ndarray:
    """Evaluate a spectral map and check what it returns.

    Parameters
    ----------
    g : callable
    eigenvalues : ndarray of shape (k,)
        Positive, descending. g is given a copy, and is not called where k is 0.
    allow_zero : bool, default=False
        Whether ``g(lam) = 0`` is legal.

    Returns
    -------
    ndarray of shape (k,), float64

    Raises
    ------
    ValueError
        If g returns another shape, anything that is not finite, or values that are not
        positive.
    """
    if not eigenvalues.size:
        return np.empty(0)
    try:
        values = np.asarray(g(eigenvalues.copy()))
        if values.dtype.kind not in "fiub":
            raise TypeError(f"it must return real numbers, not dtype {values.dtype}")
        values = values.astype(np.float64)
    except Exception as error:
        raise ValueError(
            f"The spectral map g={g!r} failed on an array of {eigenvalues.size} "
            f"eigenvalues between {eigenvalues[-1]:.6g} and {eigenvalues[0]:.6g}: "
            f"{error}{_advice(error)}"
        ) from error
    if values.shape != eigenvalues.shape:
        raise ValueError(
            f"The spectral map g={g!r} must return an array of the shape of the "
            f"eigenvalues, {eigenvalues.shape}. Got shape {values.shape} instead."
        )
    legal = np.isfinite(values) & ((values >= 0) if allow_zero else (values > 0))
    if not legal.all():
        i = int(np.argmin(legal))
        raise ValueError(
            f"The spectral map g={g!r} must return finite values "
            f"{'>=' if allow_zero else '>'} 0: at eigenvalue {i} (from 0), "
            f"{eigenvalues[i]:.6g}, it returned {values[i]:.6g}."
        )
    return values


def _advice(error: Exception) -> str:
    """Sentence for functions of one number, such as those of `math`."""
    if isinstance(error, TypeError) and "scalar" in str(error):
        return ". Use functions that take arrays: np.sqrt, not math.sqrt."
    return ""

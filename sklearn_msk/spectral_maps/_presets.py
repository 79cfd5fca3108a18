"""Spectral maps at hand: how fast each leading direction is to be learned."""

from abc import ABC, abstractmethod
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator

from sklearn_msk._doc_links import DocLinkMixin


class SpectralMap(DocLinkMixin, BaseEstimator, ABC):
    """A map of eigenvalues, with parameters that a search reaches."""

    def __call__(self, eigenvalues: np.ndarray) -> np.ndarray:
        """Map eigenvalues.

        Parameters
        ----------
        eigenvalues : ndarray of shape (k,)
            Positive, descending.

        Returns
        -------
        ndarray of shape (k,)
            The rates.
        """
        return self._rates(eigenvalues)

    @abstractmethod
    def _rates(self, eigenvalues: np.ndarray) -> np.ndarray:
        """Rates of k eigenvalues, as an array of the same shape."""


class Identity(SpectralMap):
    """Keep the spectrum: ``g(lam) = lam``, plain gradient descent.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_msk.spectral_maps import Identity
    >>> Identity()(np.array([4.0, 2.0, 1.0]))
    array([4., 2., 1.])
    """

    def _rates(self, eigenvalues: np.ndarray) -> np.ndarray:
        return np.array(eigenvalues)


class Flatten(SpectralMap):
    """Learn the leading directions at the pace of the last: ``min(lam, level)``.

    The largest eigenvalue no longer limits the step, which grows by lam_1 / level. With
    the default level this is EigenPro's preconditioner.

    Parameters
    ----------
    level : float, default=None
        Ceiling, > 0, in units of the eigenvalues of K/n. None means the smallest
        eigenvalue given.

    References
    ----------
    S. Ma, M. Belkin, *Diving into the shallows: a computational perspective on
    large-scale shallow learning*, NeurIPS 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_msk.spectral_maps import Flatten
    >>> Flatten()(np.array([4.0, 2.0, 1.0]))
    array([1., 1., 1.])
    >>> Flatten(level=3.0)(np.array([4.0, 2.0, 1.0]))
    array([3., 2., 1.])
    """

    def __init__(self, level: float | None = None) -> None:
        self.level = level

    def _rates(self, eigenvalues: np.ndarray) -> np.ndarray:
        level = _check_level(self)
        return np.minimum(eigenvalues, eigenvalues[-1] if level is None else level)


class Lift(SpectralMap):
    """Learn the leading directions at the pace of the first: ``max(lam, level)``.

    The map jumps at the last direction: choose k at a gap of the spectrum.

    Parameters
    ----------
    level : float, default=None
        Lower limit, > 0, in units of the eigenvalues of K/n. None means the largest
        eigenvalue.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_msk.spectral_maps import Lift
    >>> Lift()(np.array([4.0, 2.0, 1.0]))
    array([4., 4., 4.])
    """

    def __init__(self, level: float | None = None) -> None:
        self.level = level

    def _rates(self, eigenvalues: np.ndarray) -> np.ndarray:
        level = _check_level(self)
        return np.maximum(eigenvalues, eigenvalues[0] if level is None else level)


class Power(SpectralMap):
    """Steepen or level the decay: ``lam_1 (lam / lam_1)^exponent``.

    The map jumps at the last direction: choose k at a gap of the spectrum.

    Parameters
    ----------
    exponent : float
        1 keeps the spectrum, 0 lifts it to lam_1, more than 1 makes fine detail slower.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_msk.spectral_maps import Power
    >>> Power(exponent=0.5)(np.array([4.0, 1.0, 0.25]))
    array([4., 2., 1.])
    """

    def __init__(self, exponent: float) -> None:
        self.exponent = exponent

    def _rates(self, eigenvalues: np.ndarray) -> np.ndarray:
        if not _is_real(self.exponent) or not np.isfinite(self.exponent):
            raise ValueError(
                "The 'exponent' of Power must be a finite number. "
                f"Got {self.exponent!r} instead."
            )
        return eigenvalues[0] * (eigenvalues / eigenvalues[0]) ** self.exponent


def _check_level(spectral_map: Flatten | Lift) -> float | None:
    """Level of a map, or a ValueError where it is out of its range."""
    level = spectral_map.level
    if level is None or (_is_real(level) and 0 < level < np.inf):
        return level
    raise ValueError(
        f"The 'level' of {type(spectral_map).__name__} must be None or a finite number "
        f"> 0, in units of the eigenvalues of K/n. Got {level!r} instead."
    )


def _is_real(value: object) -> bool:
    """Whether a value is a real number, and no bool."""
    return isinstance(value, Real) and not isinstance(value, bool)

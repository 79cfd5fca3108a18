"""Spectral maps: from leading eigenvalues to the rates of their eigen-directions."""

from abc import ABC, abstractmethod
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator

from sklearn_msk._doc_links import DocLinkMixin


class SpectralMap(DocLinkMixin, BaseEstimator, ABC):
    """A map of the k leading eigenvalues, with parameters that a search can set."""

    def __call__(self, eigenvalues: np.ndarray) -> np.ndarray:
        """Map eigenvalues to rates.

        Parameters
        ----------
        eigenvalues : ndarray of shape (k,)
            Eigenvalues, positive, descending.

        Returns
        -------
        ndarray of shape (k,)
            Rates.
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
    """Give the leading eigen-directions the rate of the k-th: ``min(lam, level)``.

    The step may then grow by lam_1 / level. With the default level the map makes the
    preconditioner of EigenPro.

    Parameters
    ----------
    level : float, default=None
        Upper limit of the rates, > 0, in units of the eigenvalues of K/n. None means
        the k-th eigenvalue.

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
    """Give the leading eigen-directions the rate of the first: ``max(lam, level)``.

    The map jumps at the k-th eigenvalue: choose k at a gap.

    Parameters
    ----------
    level : float, default=None
        Lower limit of the rates, > 0, in units of the eigenvalues of K/n. None means
        the largest eigenvalue.

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
    """Change the decay of the k leading rates: ``lam_1 (lam / lam_1)^exponent``.

    The map jumps at the k-th eigenvalue: choose k at a gap.

    Parameters
    ----------
    exponent : float, default=0.5
        1 keeps the eigenvalues, 0 raises all of them to lam_1. Above 1 the rates fall
        faster than the eigenvalues.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_msk.spectral_maps import Power
    >>> Power()(np.array([4.0, 1.0, 0.25]))
    array([4., 2., 1.])
    """

    def __init__(self, exponent: float = 0.5) -> None:
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

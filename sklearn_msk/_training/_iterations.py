"""Which steps of a path to look at."""

import numpy as np

from sklearn_msk._filters import SpectralFilter
from sklearn_msk._spectrum import Spectrum
from sklearn_msk._tuning import LEARNED_EXPONENT, PATH_STEPS, SLOWEST_SHARE


def path_iterations(filter_: SpectralFilter, spectrum: Spectrum) -> np.ndarray:
    """Choose every step up to 1000 of them, log-spaced beyond; inf comes last.

    Parameters
    ----------
    filter_ : SpectralFilter
        Of the end of the path. Under "flow" its `max_iter` need not be whole; the last
        entry is `max_iter` itself.
    spectrum : Spectrum
        The steps before inf end where the slowest eigenvalue that matters has been
        learned. Without any there is nothing to learn, and one step.

    Returns
    -------
    ndarray of shape (n_iterations,), increasing
    """
    last = filter_.max_iter
    if np.isinf(last):
        slowest = max(spectrum.floor, SLOWEST_SHARE * spectrum.largest)
        per_step = filter_.learning_rate * slowest
        last = np.ceil(LEARNED_EXPONENT / per_step) if per_step > 0 else 1.0
    if last > PATH_STEPS:
        steps = _log_spaced(last)
    else:
        steps = np.append(np.arange(1.0, np.ceil(last)), float(last))
    return np.append(steps, np.inf) if np.isinf(filter_.max_iter) else steps


def _log_spaced(last: float) -> np.ndarray:
    """Space 1000 steps to `last`: every whole number at first, then log-spaced."""
    for every in range(1, PATH_STEPS):
        factor = (last / every) ** (1.0 / (PATH_STEPS - every))
        if every * (factor - 1.0) >= 1.0:
            break
    spaced = np.rint(np.geomspace(every, last, PATH_STEPS - every + 1)[1:])
    spaced[-1] = last
    return np.append(np.arange(1.0, every + 1), spaced)

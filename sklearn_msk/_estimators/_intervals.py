"""Confidence levels of prediction intervals, and the rows that they need."""

from numbers import Real
from typing import Any

import numpy as np

from sklearn_msk._estimators._warnings import warn_user


def check_level(confidence_level: Any) -> float:
    """Return a confidence level, or raise a ValueError that says what is legal."""
    number = isinstance(confidence_level, Real) and not isinstance(
        confidence_level, bool
    )
    if not number or not 0 < float(confidence_level) < 1:
        raise ValueError(
            "The 'confidence_level' must be a float in the range (0, 1). Got "
            f"{confidence_level!r} instead."
        )
    return float(confidence_level)


def warn_of_infinite_ends(level: float, n_rows: int) -> None:
    """Warn that there are too few rows for a level."""
    fewest = int(np.ceil(level / (1 - level) - 1e-9))
    warn_user(
        f"Intervals of confidence_level={level} need at least {fewest} rows. "
        f"Got {n_rows}: their ends are infinite.",
        UserWarning,
    )

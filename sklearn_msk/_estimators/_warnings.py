"""Warnings that point at the user's code."""

import sys
import warnings
from types import FrameType

# Packages between the user's call and the place that warns.
_WRAPPERS = ("sklearn_msk", "sklearn", "joblib", "contextlib")


def warn_user(message: str, category: type[Warning]) -> None:
    """Warn where the user's code called, however deep in wrappers we are.

    Parameters
    ----------
    message : str
    category : type of Warning
    """
    frame, level = sys._getframe(), 1
    while frame.f_back and _is_wrapper(frame):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _is_wrapper(frame: FrameType) -> bool:
    """Whether a frame is of this package or of one that calls it for the user."""
    return frame.f_globals.get("__name__", "").split(".")[0] in _WRAPPERS

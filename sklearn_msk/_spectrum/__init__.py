"""The leading eigenpairs of an operator, to a stated accuracy."""

from sklearn_msk._spectrum._accuracy import PairAccuracy, relative_jump
from sklearn_msk._spectrum._leading import (
    leading_spectrum,
    prefers_mixed_precision,
)
from sklearn_msk._spectrum._spectrum import Spectrum

__all__ = [
    "PairAccuracy",
    "Spectrum",
    "leading_spectrum",
    "prefers_mixed_precision",
    "relative_jump",
]

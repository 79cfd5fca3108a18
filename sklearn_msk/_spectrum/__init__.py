"""The leading eigenpairs of an operator, to a stated residual."""

from sklearn_msk._spectrum._leading import (
    DENSE_MAX,
    leading_spectrum,
    serves_compact,
)
from sklearn_msk._spectrum._spectrum import Spectrum
from sklearn_msk._spectrum._tolerance import Tolerance

__all__ = ["DENSE_MAX", "Spectrum", "Tolerance", "leading_spectrum", "serves_compact"]

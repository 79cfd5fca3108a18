"""Displays of spectra, of training, and of what the data chose."""

from sklearn_msk.inspection._candidates_display import CandidatesDisplay
from sklearn_msk.inspection._dynamics_display import DynamicsDisplay
from sklearn_msk.inspection._importances_display import ImportancesDisplay
from sklearn_msk.inspection._interval_calibration_display import (
    IntervalCalibrationDisplay,
)
from sklearn_msk.inspection._spectrum_display import SpectrumDisplay

__all__ = [
    "CandidatesDisplay",
    "DynamicsDisplay",
    "ImportancesDisplay",
    "IntervalCalibrationDisplay",
    "SpectrumDisplay",
]

"""Displays of spectra and of training."""

from sklearn_msk.inspection._dynamics_display import DynamicsDisplay
from sklearn_msk.inspection._spectrum_display import SpectrumDisplay

__all__ = ["DynamicsDisplay", "SpectrumDisplay"]

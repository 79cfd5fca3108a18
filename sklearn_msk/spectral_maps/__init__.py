"""Maps of the k leading eigenvalues to the rates of their eigen-directions."""

from sklearn_msk.spectral_maps._presets import Flatten, Identity, Lift, Power

__all__ = ["Flatten", "Identity", "Lift", "Power"]

"""Maps of the leading eigenvalues: how fast each direction is to be learned."""

from sklearn_msk.spectral_maps._presets import Flatten, Identity, Lift, Power

__all__ = ["Flatten", "Identity", "Lift", "Power"]

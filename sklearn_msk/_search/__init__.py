"""Searches whose candidates share the work of a fold."""

from sklearn_msk._search._grid_search import MSKGridSearchCV
from sklearn_msk._search._randomized_search import MSKRandomizedSearchCV

__all__ = ["MSKGridSearchCV", "MSKRandomizedSearchCV"]

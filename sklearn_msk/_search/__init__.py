"""Searches whose candidates share the work of a fold."""

from sklearn_msk._search._grid_search import MSKGridSearchCV

__all__ = ["MSKGridSearchCV"]

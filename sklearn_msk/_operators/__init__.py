"""How the empirical integral operator is held."""

from sklearn_msk._operators._blocked import BlockedOperator
from sklearn_msk._operators._compact import CompactOperator, RoundingError
from sklearn_msk._operators._dask import DaskRows, check_chunks, is_dask, map_rows
from sklearn_msk._operators._dense import DenseOperator
from sklearn_msk._operators._landmarks import (
    LandmarkBasis,
    LandmarkOperator,
    LandmarkSums,
)
from sklearn_msk._operators._row_sample import randomly_pivoted_rows
from sklearn_msk._operators._row_sources import ArrayRows

__all__ = [
    "ArrayRows",
    "BlockedOperator",
    "CompactOperator",
    "DaskRows",
    "DenseOperator",
    "LandmarkBasis",
    "LandmarkOperator",
    "LandmarkSums",
    "RoundingError",
    "check_chunks",
    "is_dask",
    "map_rows",
    "randomly_pivoted_rows",
]

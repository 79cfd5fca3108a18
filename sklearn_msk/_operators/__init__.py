"""How the empirical integral operator is held."""

from sklearn_msk._operators._blocked import BlockedOperator
from sklearn_msk._operators._dask import DaskRows, check_chunks, is_dask, map_rows
from sklearn_msk._operators._dense import DenseOperator
from sklearn_msk._operators._device import DeviceOperator
from sklearn_msk._operators._kernel_operator import KernelOperator
from sklearn_msk._operators._mixed_precision import (
    MixedPrecisionOperator,
    mixed_precision,
)
from sklearn_msk._operators._nystroem import (
    NystroemOperator,
    SufficientStatistics,
    Units,
)
from sklearn_msk._operators._nystroem_features import NystroemFeatures
from sklearn_msk._operators._row_sample import randomly_pivoted_rows
from sklearn_msk._operators._row_sources import ArrayRows
from sklearn_msk._operators._storage import (
    Storage,
    check_precomputed,
    choose_storage,
    entry_size,
    hold_kernel,
    hold_on_device,
    more_exact,
)

# What the solvers work on; both kinds have the attributes that they use.
Operator = KernelOperator | NystroemOperator

__all__ = [
    "ArrayRows",
    "BlockedOperator",
    "DaskRows",
    "DenseOperator",
    "DeviceOperator",
    "KernelOperator",
    "MixedPrecisionOperator",
    "NystroemFeatures",
    "NystroemOperator",
    "Operator",
    "Storage",
    "SufficientStatistics",
    "Units",
    "check_chunks",
    "check_precomputed",
    "choose_storage",
    "entry_size",
    "hold_kernel",
    "hold_on_device",
    "is_dask",
    "map_rows",
    "mixed_precision",
    "more_exact",
    "randomly_pivoted_rows",
]

"""Rows in the chunks of dask arrays: sums over them as a tree, where the chunks are."""

from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.utils import check_array

from sklearn_msk._operators._nystroem import SufficientStatistics, Units
from sklearn_msk._operators._nystroem_features import NystroemFeatures
from sklearn_msk._operators._row_sample import RowSample
from sklearn_msk._tuning import DASK_SUMS

# Errors of a cluster that was lost.
_LOST = (CancelledError, ConnectionError, TimeoutError)


def is_dask(*arrays: Any) -> bool:
    """Whether one of some objects is a collection of dask."""
    return any(hasattr(array, "__dask_graph__") for array in arrays)


@dataclass(frozen=True, eq=False)
class DaskRows:
    """Rows in chunks of dask arrays, of which only sums come here.

    Attributes
    ----------
    chunks : list of tuple of Delayed
        X of shape (n_chunk, n_features), y of shape (n_chunk,) or (n_chunk, n_targets)
        and weights of shape (n_chunk,) or None.
    n_features : int
    n_targets : int
    single_target : bool
        Whether y has one dimension.
    """

    chunks: list[tuple]
    n_features: int
    n_targets: int
    single_target: bool

    @classmethod
    def of(cls, X: Any, y: Any, weights: Any = None) -> "DaskRows":
        """Rows of dask arrays, chunked as X is.

        Parameters
        ----------
        X : dask.array.Array of shape (n, n_features)
        y : dask.array.Array or array-like of shape (n,) or (n, n_targets)
        weights : dask.array.Array or array-like of shape (n,), default=None

        Returns
        -------
        DaskRows

        Raises
        ------
        ValueError
            If X is no such array, if its chunks are unknown, or if the others do not
            have its rows.
        """
        X = check_chunks(X)
        y = _aligned(y, X, "y")
        parts = [X, y]
        if weights is not None:
            parts.append(_aligned(weights, X, "sample_weight"))
        columns = [part.to_delayed().ravel() for part in parts]
        chunks = [(*chunk, None)[:3] for chunk in zip(*columns, strict=True)]
        n_targets = 1 if y.ndim == 1 else y.shape[1]
        return cls(chunks, X.shape[1], n_targets, y.ndim == 1)

    def sample(self, size: int, seed: int) -> RowSample:
        """`RowSample` of the rows."""
        return _sum([(X, y, w, size, seed) for X, y, w in self.chunks], _sample)

    def statistics(
        self,
        features: NystroemFeatures,
        n_jobs: int | None,
        units: Units | None = None,
    ) -> SufficientStatistics:
        """`SufficientStatistics` of the rows; each chunk has its own units at first."""
        from dask import delayed

        shared = delayed(features, pure=False), n_jobs, units
        return _sum([(*chunk, *shared) for chunk in self.chunks], _statistics)


def map_rows(
    function: Callable[[np.ndarray], np.ndarray],
    X: Any,
    n_targets: int | None,
    dtype: Any,
) -> Any:
    """Apply a function of rows to every chunk of a dask array, when it is computed.

    Parameters
    ----------
    function : callable
        From an array of shape (n, n_features) to (n,) or (n, n_targets).
    X : dask.array.Array of shape (n, n_features)
        From `check_chunks`.
    n_targets : int or None
        None for results of shape (n,).
    dtype : dtype
        Of the results.

    Returns
    -------
    dask.array.Array
    """
    shape: dict[str, Any] = {"drop_axis": 1}
    if n_targets is not None:
        shape = {"chunks": (X.chunks[0], (n_targets,))}
    meta = np.empty((0,) if n_targets is None else (0, n_targets), dtype)
    apply = partial(_apply, function, meta)
    return X.map_blocks(apply, meta=meta, dtype=dtype, **shape)


def check_chunks(X: Any, *, known: bool = True) -> Any:
    """Return a dask array of rows, in chunks that hold all the features.

    Parameters
    ----------
    X : dask.array.Array of shape (n, n_features)
    known : bool, default=True
        Whether the numbers of rows of the chunks have to be known.

    Returns
    -------
    dask.array.Array

    Raises
    ------
    ValueError
        If X is something else.
    """
    import dask.array

    if not isinstance(X, dask.array.Array):
        raise ValueError(
            "X must be a dask.array.Array where X or y is a collection of dask. Got "
            f"{type(X).__module__}.{type(X).__name__} instead; a dask DataFrame "
            "becomes one by to_dask_array(lengths=True), an array by "
            "dask.array.from_array."
        )
    if X.ndim != 2:
        raise ValueError(f"X must be 2D. Got a dask array of shape {X.shape} instead.")
    if np.isnan(X.shape[1]) or (known and np.isnan(X.shape[0])):
        raise ValueError(
            "X must be a dask array whose chunks are known. Got the shape "
            f"{X.shape} instead; call X.compute_chunk_sizes() first, or "
            "to_dask_array(lengths=True) on a DataFrame."
        )
    return X.rechunk({1: -1})


def _aligned(array: Any, X: Any, name: str) -> Any:
    """Targets or weights as a dask array with the row chunks of X."""
    import dask.array

    if not isinstance(array, dask.array.Array):
        if is_dask(array):
            raise ValueError(
                f"{name} must be a dask.array.Array or an array. Got "
                f"{type(array).__module__}.{type(array).__name__} instead; a dask "
                "DataFrame or Series becomes one by to_dask_array(lengths=True)."
            )
        array = np.asarray(array)
        if array.ndim == 0 and name == "sample_weight":
            array = np.full(X.shape[0], array)
        if array.ndim not in (1, 2):
            raise ValueError(
                f"{name} must be an array with an entry for each row of X. Got "
                f"{array!r} instead."
            )
        array = dask.array.from_array(array)
    if np.isnan(array.shape).any():
        raise ValueError(
            f"{name} must be a dask array whose chunks are known. Got the shape "
            f"{array.shape} instead; call {name}.compute_chunk_sizes() first."
        )
    if name == "sample_weight" and array.ndim != 1:
        raise ValueError(
            f"sample_weight must be 1D. Got an array of shape {array.shape} instead."
        )
    if array.shape[0] != X.shape[0]:
        raise ValueError(
            f"X and {name} must have the same number of rows. Got {X.shape[0]} and "
            f"{array.shape[0]} instead."
        )
    return array.rechunk((X.chunks[0], *((-1,) * (array.ndim - 1))))


def _sum(parts: list[tuple], function: Callable[..., Any]) -> Any:
    """Sum a function of the parts, a few of them at a time."""
    import dask

    terms = [dask.delayed(function)(*part) for part in parts]
    add = dask.delayed(_add)
    while len(terms) > 1:
        starts = range(0, len(terms), DASK_SUMS)
        terms = [add(terms[start : start + DASK_SUMS]) for start in starts]
    try:
        return dask.compute(terms[0])[0]
    except Exception as error:
        if isinstance(error, _LOST) or type(error).__module__.startswith("distributed"):
            raise RuntimeError(
                "The dask cluster was lost before its pass over the rows was done "
                f"({type(error).__name__}: {error}). The model is as it was before; "
                "fit again with a client of a running cluster, with smaller chunks if "
                "workers ran out of memory."
            ) from error
        raise


def _add(terms: list) -> Any:
    """Add up some terms, from the first on."""
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _sample(X: Any, y: Any, weights: Any, size: int, seed: int) -> RowSample:
    """Sample a chunk."""
    X, _, weights = _checked(X, y, weights)
    return RowSample.of(X, weights, size, seed)


def _statistics(
    X: Any,
    y: Any,
    weights: Any,
    features: NystroemFeatures,
    n_jobs: int | None,
    units: Units | None,
) -> SufficientStatistics:
    """Pass over a chunk."""
    X, Y, weights = _checked(X, y, weights)
    return SufficientStatistics.over(features, X, Y, weights, n_jobs, units=units)


def _apply(
    function: Callable[[np.ndarray], np.ndarray], empty: np.ndarray, X: Any
) -> np.ndarray:
    """Apply a function to a chunk; of no rows it has the shape and dtype of `empty`."""
    return function(_check_rows(X)) if len(X) else empty


def _checked(
    X: Any, y: Any, weights: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Validate a chunk where it is."""
    n_targets = 1 if y.ndim == 1 else y.shape[1]
    if not len(X):
        weights = None if weights is None else np.empty(0)
        return np.empty(X.shape), np.empty((0, n_targets)), weights
    Y = check_array(y, dtype=np.float64, ensure_2d=False, input_name="y")
    if weights is not None:
        weights = check_array(
            weights,
            dtype=np.float64,
            ensure_2d=False,
            ensure_non_negative=True,
            input_name="sample_weight",
        )
    return _check_rows(X), Y.reshape(len(Y), n_targets), weights


def _check_rows(X: Any) -> np.ndarray:
    """Validate the rows of a chunk."""
    return check_array(X, dtype=[np.float64, np.float32], input_name="X")

"""Where the rows of leaves are, and where the leaves are fitted."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy.sparse import csc_array, vstack
from sklearn.utils import assert_all_finite, check_array

from sklearn_msk._batches import batches
from sklearn_msk._compat import _check_method_params
from sklearn_msk._estimators._global_model import GlobalModel
from sklearn_msk._estimators._leaves import LeafModel, LeafRows, fit_leaf
from sklearn_msk._operators import DaskRows, check_chunks, is_dask
from sklearn_msk._partition import Partition
from sklearn_msk._tuning import PARTITION_BLOCK_ROWS

# Groups of leaves, over the number of chunks that send them rows.
_GROUPS_PER_CHUNK = 4


@dataclass(frozen=True, eq=False)
class Router:
    """What takes rows to leaves, and what the leaves learn there.

    Attributes
    ----------
    model : GlobalModel
    partition : Partition
    coordinates : callable
        From rows to those that `partition` splits.
    targets : callable
        From y to what the values of `model` are near.
    """

    model: GlobalModel
    partition: Partition
    coordinates: Callable[[np.ndarray], np.ndarray]
    targets: Callable[[np.ndarray], np.ndarray]

    def route(
        self, X: np.ndarray, y: np.ndarray, start: int, leaves: np.ndarray
    ) -> tuple[csc_array, np.ndarray]:
        """Shares of some leaves in rows, and what the global model leaves there.

        `start` is the number of the first row among all rows. Residuals are 0 where
        none of the leaves has a share.
        """
        shares = self.partition.shares(self.coordinates(X))[:, leaves]
        rows = np.unique(shares.indices)
        targets = self.targets(y)
        residuals = np.zeros(targets.shape)
        if len(rows):
            residuals[rows] = self.model.residuals(X[rows], targets[rows], start + rows)
        return shares, residuals


def columns(shares: csc_array) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of every leaf, with its shares in them."""
    for start, end in zip(shares.indptr[:-1], shares.indptr[1:], strict=True):
        yield shares.indices[start:end], shares.data[start:end]


@dataclass(frozen=True, eq=False)
class ArrayTable:
    """Rows in memory, or in a memory map.

    Attributes
    ----------
    X : ndarray of shape (n, n_features)
    y : ndarray of shape (n,) or (n, n_targets)
    weights : ndarray of shape (n,) or None
    """

    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.X)

    def used(self) -> np.ndarray:
        """Return the numbers of the rows of positive weight."""
        if self.weights is None:
            return np.arange(len(self.X))
        return np.flatnonzero(self.weights)

    def take(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows and targets of some numbers."""
        return np.asarray(self.X[rows]), self.y[rows]

    def metadata(self, params: dict[str, Any], rows: np.ndarray) -> dict[str, Any]:
        """Metadata of some rows."""
        return _check_method_params(self.X, params, rows)

    def fit_leaves(
        self,
        router: Router,
        leaves: np.ndarray,
        estimators: Sequence[Any],
        params: dict[str, Any],
        n_jobs: int | None,
    ) -> Iterator[LeafModel]:
        """Yield the leaves of some numbers fitted, in their order."""
        shares, residuals = [], []
        for block in batches(len(self.X), PARTITION_BLOCK_ROWS):
            X, y = np.asarray(self.X[block]), self.y[block]
            found = router.route(X, y, block.start, leaves)
            shares.append(found[0])
            residuals.append(found[1])
        of_leaves = columns(vstack(shares, format="csc"))
        rest = np.concatenate(residuals)
        yield from Parallel(n_jobs=n_jobs, return_as="generator")(
            delayed(fit_leaf)(
                number,
                estimator,
                LeafRows(
                    np.asarray(self.X[rows]), rest[rows], self.metadata(params, rows)
                ),
            )
            for number, estimator, rows in zip(
                leaves, estimators, self._positive(of_leaves), strict=True
            )
        )

    def _positive(
        self, of_leaves: Iterator[tuple[np.ndarray, np.ndarray]]
    ) -> Iterator[np.ndarray]:
        """Rows of positive weight of every leaf."""
        for rows, _ in of_leaves:
            yield rows if self.weights is None else rows[self.weights[rows] > 0]


@dataclass(frozen=True, eq=False)
class DaskTable:
    """Rows in the chunks of dask arrays, which go to the leaves where workers are.

    Attributes
    ----------
    X, y : dask.array.Array
        Of shape (n, n_features), and (n,) or (n, n_targets).
    weights : ndarray of shape (n,) or None
    rows : DaskRows
        The same, by chunk.
    """

    X: Any
    y: Any
    weights: np.ndarray | None
    rows: DaskRows

    @classmethod
    def of(
        cls, X: Any, y: Any, weights: np.ndarray | None, rows: DaskRows
    ) -> "DaskTable":
        """Rows of dask arrays, or with y in memory."""
        import dask.array

        y = y if is_dask(y) else dask.array.from_array(np.asarray(y))
        X = check_chunks(X)
        _check_kind(X, "X")
        _check_kind(y, "y")
        return cls(X, y, weights, rows)

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self.X.shape[0])

    def used(self) -> np.ndarray:
        """Return the numbers of the rows of positive weight."""
        if self.weights is None:
            return np.arange(len(self))
        return np.flatnonzero(self.weights)

    def take(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows and targets of some numbers."""
        import dask

        X, y = dask.compute(self.X[rows], self.y[rows])
        return _checked(X, y)

    def metadata(self, params: dict[str, Any], rows: np.ndarray) -> dict[str, Any]:
        """Metadata of some rows.

        Raises
        ------
        ValueError
            If there is something else among them than arrays of all rows: the metadata
            of a chunk travel with it.
        """
        for name, value in params.items():
            if not isinstance(value, np.ndarray) or value.shape[:1] != (len(self),):
                raise ValueError(
                    f"The metadata {name!r} must be a numpy.ndarray with an entry for "
                    f"each of the {len(self)} rows, where X is a dask array. Got "
                    f"{type(value).__module__}.{type(value).__name__} of shape "
                    f"{np.shape(value)} instead; numpy.asarray makes one of a list "
                    "and of a dask array."
                )
        return {name: value[rows] for name, value in params.items()}

    def fit_leaves(
        self,
        router: Router,
        leaves: np.ndarray,
        estimators: Sequence[Any],
        params: dict[str, Any],
        n_jobs: int | None,
    ) -> Iterator[LeafModel]:
        """Yield the leaves of some numbers fitted; `n_jobs` is the cluster's."""
        from dask import compute, delayed

        n_groups = min(len(leaves), _GROUPS_PER_CHUNK * len(self.rows.chunks))
        groups = np.array_split(np.arange(len(leaves)), n_groups)
        shared = delayed(router, pure=False)
        starts = np.cumsum([0, *self.X.chunks[0]])
        send = delayed(_send, nout=n_groups, pure=False)
        sent = []
        for (X, y, _), start, end in zip(
            self.rows.chunks, starts[:-1], starts[1:], strict=True
        ):
            some = self.metadata(params, np.arange(start, end))
            used = None if self.weights is None else self.weights[start:end] > 0
            sent.append(send(X, y, some, used, shared, int(start), leaves, groups))
        fit = delayed(_fit_group, pure=False)
        models = [
            fit(
                [pieces[i] for pieces in sent],
                [estimators[j] for j in group],
                leaves[group],
            )
            for i, group in enumerate(groups)
        ]
        for fitted in compute(*models):
            yield from fitted


# Rows, residuals and metadata of one leaf.
_Piece = tuple[np.ndarray, np.ndarray, dict[str, Any]]


def _check_kind(array: Any, name: str) -> None:
    """Refuse dask arrays whose chunks are sparse, or on a device."""
    if not isinstance(array._meta, np.ndarray):
        kind = type(array._meta)
        raise ValueError(
            f"{name} must be a dask array of numpy.ndarray. Got chunks of "
            f"{kind.__module__}.{kind.__name__} instead; {name}.map_blocks with a "
            "function that returns a numpy.ndarray makes one."
        )


def _checked(X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Validate a chunk where it is."""
    if len(X):
        X = check_array(X, dtype=[np.float64, np.float32], input_name="X")
        assert_all_finite(y, input_name="y")
    return X, y


def _send(
    X: Any,
    y: Any,
    params: dict[str, Any],
    used: np.ndarray | None,
    router: Router,
    start: int,
    leaves: np.ndarray,
    groups: list[np.ndarray],
) -> list[list[_Piece]]:
    """Cut a chunk into what each leaf of each group gets of it."""
    X, y = _checked(X, y)
    shares, residuals = router.route(X, y, start, leaves)
    pieces = []
    for rows, _ in columns(shares):
        rows = rows if used is None else rows[used[rows]]
        some = {name: value[rows] for name, value in params.items()}
        pieces.append((X[rows], residuals[rows], some))
    return [[pieces[i] for i in group] for group in groups]


def _fit_group(
    sent: list[list[_Piece]], estimators: list[Any], numbers: np.ndarray
) -> list[LeafModel]:
    """Fit the leaves of a group to what all chunks have sent."""
    leaves = []
    for i, (number, estimator) in enumerate(zip(numbers, estimators, strict=True)):
        X, residuals, params = zip(*(pieces[i] for pieces in sent), strict=True)
        joined = {
            name: np.concatenate([some[name] for some in params]) for name in params[0]
        }
        rest = np.concatenate(residuals)
        rows = LeafRows(np.concatenate(X), rest, joined)
        leaves.append(fit_leaf(number, estimator, rows))
    return leaves

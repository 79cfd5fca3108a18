"""The problem that training solves: an operator, targets and an intercept."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from sklearn_msk._array_api import Array
from sklearn_msk._operators import (
    ArrayRows,
    DeviceOperator,
    KernelOperator,
    Operator,
    Storage,
    choose_storage,
    entry_size,
    hold_kernel,
    hold_on_device,
    more_exact,
)
from sklearn_msk._scaling import power_of_two
from sklearn_msk._spectrum import prefers_mixed_precision
from sklearn_msk._training._config import ProblemConfig, TrainingConfig
from sklearn_msk._training._landmarks import (
    LandmarkPass,
    Rows,
    begin_pass,
    continue_pass,
)
from sklearn_msk._training._report import SILENT, Report
from sklearn_msk._validation import count_distinct_rows
from sklearn_msk.kernels._adapters import CallableKernel, PrecomputedKernel
from sklearn_msk.kernels._digits import check_digits_kept, loses_digits_in_float32


@dataclass(frozen=True, eq=False)
class Problem:
    """``min_f sum_i w_i (f(x_i) - y_i)^2 + alpha |f|^2``, ready for the solvers.

    Attributes
    ----------
    operator : KernelOperator or NystroemOperator
        A, the empirical integral operator.
    targets : array of shape (n,) or (n, n_targets)
        Targets less the intercept, where the operator is; coordinates of the operator
        with landmarks.
    intercept : float or ndarray of shape (n_targets,)
    kernel : object returned by `resolve_kernel`
    X_fit : array of shape (n, n_features) or None
        Rows whose kernel functions the model is made of; None for a precomputed
        kernel.
    landmark_pass : LandmarkPass or None
    """

    operator: Operator
    targets: Array
    intercept: float | np.ndarray
    kernel: Any
    X_fit: Array | None
    landmark_pass: LandmarkPass | None = None

    def more_exact(self, report: Report = SILENT) -> "Problem | None":
        """Return the problem with an operator of more exact products, or None.

        The products of this problem are not to be used afterwards: the memory of its
        operator is taken over.
        """
        with report.stage("kernel matrix in double precision"):
            operator = more_exact(self.operator, overwrite=True)
        return None if operator is None else replace(self, operator=operator)


def build_problem(
    rows: Rows,
    config: ProblemConfig,
    trainings: Sequence[TrainingConfig],
    report: Report = SILENT,
) -> Problem:
    """Evaluate the kernel of the rows, or pass over them with landmarks.

    Parameters
    ----------
    rows : ArrayRows or DaskRows
    config : ProblemConfig
    trainings : sequence of TrainingConfig
        What the problem is for: float32 products are taken where they do for all.
    report : Report, default=SILENT

    Returns
    -------
    Problem

    Raises
    ------
    ValueError
        If the kernel matrix is not square, finite or symmetric, or if the landmarks or
        weights are not legal.
    """
    if config.landmarks is not None:
        done = begin_pass(rows, config, report, single=_single(trainings))
        return _from_pass(done, config, report)
    if not isinstance(rows, ArrayRows):
        raise ValueError(
            "dask arrays are trained on landmarks. Got landmarks=None instead; set "
            "landmarks to a number, such as landmarks=2000, or call compute() on X and "
            "y."
        )
    y = rows.Y[:, 0] if rows.single_target else rows.Y
    intercept, y = _centre(y, rows.weights, config.fit_intercept)
    X = working_rows(config.kernel, rows.X)
    with report.stage("kernel matrix"):
        A = build_operator(X, rows.weights, config, trainings, report)
    # K = 0 has nothing to learn with: the model is its intercept.
    y = y if A.diagonal().any() else np.zeros_like(y)
    return Problem(A, A.put(y), intercept, config.kernel, rows_of(A, X, config.kernel))


def rows_of(A: KernelOperator, X: np.ndarray, kernel: Any) -> Array | None:
    """Return the rows of an operator where it is, None of a precomputed kernel.

    Parameters
    ----------
    A : KernelOperator
    X : ndarray of shape (n, n_features)
    kernel : object returned by `resolve_kernel`

    Returns
    -------
    array of shape (n, n_features) or None
    """
    if isinstance(kernel, PrecomputedKernel):
        return None
    return A.X if isinstance(A, DeviceOperator) else X


def extend(
    seen: LandmarkPass | None,
    rows: Rows,
    config: ProblemConfig,
    trainings: Sequence[TrainingConfig],
    report: Report = SILENT,
) -> Problem:
    """Add rows to those that a stream has passed over, if any.

    Parameters
    ----------
    seen : LandmarkPass or None
        Of the rows before; None where these are the first.
    rows : ArrayRows or DaskRows
    config : ProblemConfig
        With landmarks.
    trainings : sequence of TrainingConfig
        As in `build_problem`.
    report : Report, default=SILENT

    Returns
    -------
    Problem
        Of all rows.

    Raises
    ------
    ValueError
        If the targets are not like those before, if the sums so far are not exact
        enough for the trainings, or as `build_problem` does.
    """
    single = _single(trainings)
    if seen is None:
        done = begin_pass(rows, config, report, single=single, streamed=True)
    else:
        seen.check_targets(rows)
        seen.check_precision(single)
        done = continue_pass(seen, rows, config, report)
    return _from_pass(done, config, report)


def working_rows(kernel: Any, X: np.ndarray) -> np.ndarray:
    """Return rows in float64 where float32 would lose the kernel of their differences.

    This is the one place that chooses the precision of the kernel matrix.
    """
    if X.dtype == np.float32 and loses_digits_in_float32(kernel, X):
        return X.astype(np.float64)
    return X


def build_operator(
    X: np.ndarray,
    weights: np.ndarray | None,
    config: ProblemConfig,
    trainings: Sequence[TrainingConfig] = (),
    report: Report = SILENT,
) -> KernelOperator:
    """Evaluate and check the kernel of the rows, held as memory and accuracy allow.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
    weights : ndarray of shape (n,) or None
    config : ProblemConfig
    trainings : sequence of TrainingConfig, default=()
        What it is for; none means that products have to be exact.
    report : Report, default=SILENT

    Returns
    -------
    MixedPrecisionOperator, DenseOperator, BlockedOperator or DeviceOperator
    """
    kernel = config.kernel
    check_digits_kept(kernel, X)
    n_distinct = count_distinct_rows(X, weights)
    if config.place is not None:
        return hold_on_device(kernel, config.place, X, weights, n_distinct)
    n_pairs = max((t.n_directions(n_distinct) for t in trainings), default=0) + 1
    storage, fits_dense = _choose_storage(X, config, trainings, n_pairs)
    if storage is Storage.BLOCKED:
        report.line(
            f"the kernel matrix of {X.shape[0]} rows does not fit in the memory limit "
            f"of {config.memory_limit / 2**30:.1f} GiB. The matrix is computed "
            "block by block for every product. 'landmarks' are faster."
        )
    return hold_kernel(
        kernel,
        X,
        weights,
        n_distinct,
        storage,
        n_pairs=n_pairs,
        n_jobs=config.n_jobs,
        fits_dense=fits_dense,
    )


def _choose_storage(
    X: np.ndarray,
    config: ProblemConfig,
    trainings: Sequence[TrainingConfig],
    n_pairs: int,
) -> tuple[Storage, bool]:
    """Choose the storage of the kernel matrix, and say whether a dense one fits."""
    kernel, n = config.kernel, X.shape[0]
    if isinstance(kernel, PrecomputedKernel):
        # The matrix is there already.
        return Storage.DENSE, True
    mixed = (
        not isinstance(kernel, CallableKernel)
        and bool(trainings)
        and all(training.tolerates_float32 for training in trainings)
        and prefers_mixed_precision(n, n_pairs - 1, config.eigen_solver)
    )
    choose = partial(
        choose_storage, n, memory_limit=config.memory_limit, mixed_allowed=mixed
    )
    storage, fits_dense = choose(itemsize=8)
    if storage is Storage.BLOCKED:
        # Ask for the real size of an entry, which is half of that in float32.
        return choose(itemsize=entry_size(kernel, X))
    return storage, fits_dense


def _single(trainings: Sequence[TrainingConfig]) -> bool:
    """Whether sums over landmarks may take products in float32."""
    return bool(trainings) and all(t.tolerates_float32_sums for t in trainings)


def _from_pass(done: LandmarkPass, config: ProblemConfig, report: Report) -> Problem:
    """Problem on the span of the landmarks that a pass over the rows has left."""
    with report.stage("decomposition on the landmarks"):
        A, y, mean = done.problem(config.fit_intercept)
    intercept: float | np.ndarray = mean
    if done.single_target:
        y, intercept = y[:, 0], float(mean[0])
    if not config.fit_intercept:
        intercept = 0.0
    return Problem(A, y, intercept, config.kernel, done.features.landmarks, done)


def _centre(
    y: np.ndarray, weights: np.ndarray | None, fit_intercept: bool
) -> tuple[float | np.ndarray, np.ndarray]:
    """Return the weighted mean of y and y less it."""
    if not fit_intercept:
        return 0.0, y
    # The sums of large targets and of large weights overflow, their ratio does not.
    scale = power_of_two(np.abs(y).max(axis=0))
    if weights is not None:
        weights = weights / power_of_two(weights.max())
    mean = np.average(y / scale, axis=0, weights=weights) * scale
    return (float(mean) if y.ndim == 1 else mean), y - mean

"""Training on landmarks: which rows they are, and the passes over the data."""

from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import check_memory

from sklearn_msk._operators import (
    ArrayRows,
    DaskRows,
    NystroemFeatures,
    NystroemOperator,
    SufficientStatistics,
    randomly_pivoted_rows,
)
from sklearn_msk._training._config import LandmarkConfig, ProblemConfig
from sklearn_msk._training._fingerprint import fingerprint
from sklearn_msk._training._report import Report
from sklearn_msk._tuning import FLOAT32_MIN_TOL, ROWS_PER_LANDMARK
from sklearn_msk._validation import check_seed
from sklearn_msk.kernels._adapters import PrecomputedKernel
from sklearn_msk.kernels._digits import check_digits_kept, has_white_noise
from sklearn_msk.kernels._resolution import describe_kernel

Rows = ArrayRows | DaskRows


@dataclass(frozen=True, eq=False)
class LandmarkPass:
    """Landmarks, and the sufficient statistics of the rows passed over so far.

    Attributes
    ----------
    features : NystroemFeatures
    statistics : SufficientStatistics
    single_target : bool
        Whether y has one dimension.
    requested : int or array-like
        The `landmarks` parameter.
    streamed : bool
        Whether the rows came by `partial_fit`, and others may follow.
    """

    features: NystroemFeatures
    statistics: SufficientStatistics
    single_target: bool
    requested: Any
    streamed: bool = False

    def check_parameters(self, kernel: Any, landmarks: Any) -> None:
        """Raise a ValueError where the landmarks or the kernel are others by now."""
        for name, before, now, same in (
            ("kernel", self.features.kernel, kernel, self.features.kernel == kernel),
            (
                "landmarks",
                self.requested,
                landmarks,
                np.array_equal(self.requested, landmarks),
            ),
        ):
            if not same:
                raise ValueError(
                    f"partial_fit goes on with the {name!r} that it began with, "
                    f"{_describe(before)}. Got {_describe(now)} instead; set {name!r} "
                    "back, or start again with a clone."
                )

    def check_precision(self, single: bool) -> None:
        """Raise a ValueError where the sums are less exact than they have to be."""
        if self.features.deflation is not None and not single:
            raise ValueError(
                "partial_fit goes on with sums that it began in float32. These need "
                f"tol={FLOAT32_MIN_TOL} or more, and a finite max_iter or alpha > 0. "
                "Got others instead; set tol, max_iter and alpha back, or start again "
                "with a clone."
            )

    def check_targets(self, rows: Rows) -> None:
        """Raise a ValueError where rows have other targets than those before."""
        before = self.statistics.n_targets
        if (rows.n_targets, rows.single_target) != (before, self.single_target):
            raise ValueError(
                "y of every chunk must have the targets of the first: "
                f"{_describe_targets(before, self.single_target)}. Got "
                f"{_describe_targets(rows.n_targets, rows.single_target)} instead."
            )

    def problem(
        self, fit_intercept: bool
    ) -> tuple[NystroemOperator, np.ndarray, np.ndarray]:
        """Return operator, targets in its coordinates and the means of the targets."""
        if not self.statistics.total_weight > 0:
            raise ValueError(
                "The 'sample_weight' must not be all zero: no row would be left. Got "
                f"{self.statistics.n_rows} zeros instead."
            )
        mean = self.statistics.target_means()
        if not fit_intercept:
            mean = np.zeros_like(mean)
        A = NystroemOperator(self.features, self.statistics)
        return A, A.targets(self.statistics, mean), mean


def begin_pass(
    rows: Rows,
    config: ProblemConfig,
    report: Report,
    *,
    single: bool,
    streamed: bool = False,
) -> LandmarkPass:
    """Choose landmarks, and pass over the rows, by products in float32 if `single`."""
    landmarks = config.landmarks
    assert landmarks is not None
    with report.stage("landmarks"):
        features = _features(rows, config, landmarks, single)
    with report.stage("pass over the rows"):
        statistics = _statistics(features, rows, config)
    return LandmarkPass(
        features, statistics, rows.single_target, landmarks.requested, streamed
    )


def continue_pass(
    seen: LandmarkPass, rows: Rows, config: ProblemConfig, report: Report
) -> LandmarkPass:
    """Pass over more rows, with the landmarks and the precision that are there."""
    with report.stage("pass over the rows"):
        units = seen.statistics.units
        more = _statistics(seen.features, rows, config, units)
    return replace(seen, statistics=seen.statistics + more, streamed=True)


def _describe(value: Any) -> str:
    """Show a parameter in a message; of an array its shape is enough."""
    shape = np.shape(value)
    return f"another array of shape {shape}" if shape else repr(value)


def _describe_targets(number: int, single: bool) -> str:
    """Show the shape of targets in a message."""
    return "shape (n_samples,)" if single else f"shape (n_samples, {number})"


def _features(
    rows: Rows, config: ProblemConfig, landmarks: LandmarkConfig, single: bool
) -> NystroemFeatures:
    """Nyström features of the landmarks that a user asks for."""
    kernel = config.kernel
    if isinstance(kernel, PrecomputedKernel):
        raise ValueError(
            "'landmarks' needs a kernel that it can compute between any two rows. Got "
            "kernel='precomputed' instead; pass the kernel itself, or landmarks=None."
        )
    if isinstance(landmarks.requested, Integral):
        drawn = _draw(rows, config, landmarks, int(landmarks.requested))
        return NystroemFeatures.of(kernel, drawn, single=single)
    given = check_array(landmarks.requested, dtype=np.float64, input_name="landmarks")
    if given.shape[1] != rows.n_features:
        raise ValueError(
            f"The 'landmarks' must have the {rows.n_features} features of X. Got an "
            f"array of shape {given.shape} instead."
        )
    _check_kernel(kernel, given)
    return NystroemFeatures.of(kernel, given, single=single)


def _draw(
    rows: Rows, config: ProblemConfig, landmarks: LandmarkConfig, size: int
) -> np.ndarray:
    """Draw landmarks from the rows, in an order that is not that of the rows."""
    kernel = config.kernel
    pivoted = landmarks.selection == "rpcholesky"
    rng = check_seed(landmarks.random_state)
    drawn = size * ROWS_PER_LANDMARK if pivoted else size
    sample = rows.sample(drawn, rng.randint(np.iinfo(np.int32).max))
    if sample.n_rows < size:
        raise ValueError(
            f"landmarks={size} is larger than n_samples={sample.n_rows}, the number of "
            "rows (of positive weight) that they are drawn from: all of them for fit, "
            "those of the first chunk for partial_fit. Pass fewer landmarks or more "
            "rows; landmarks=None gives the exact model."
        )
    _check_kernel(kernel, sample.rows)
    if not pivoted or len(sample.rows) <= size:
        return sample.rows
    pivots = randomly_pivoted_rows(kernel, sample.rows, size, rng, config.n_jobs)
    return sample.rows[pivots]


def _check_kernel(kernel: Any, rows: np.ndarray) -> None:
    """Raise a ValueError where kernel functions of landmarks cannot hold the kernel."""
    check_digits_kept(kernel, rows)
    if has_white_noise(kernel, rows[:1]):
        raise ValueError(
            f"The {describe_kernel(kernel)} has a part that is white noise, and "
            "landmarks cannot represent noise of the rows. Remove the WhiteKernel, and "
            "set alpha to its variance instead."
        )


def _statistics(
    features: NystroemFeatures, rows: Rows, config: ProblemConfig, units: Any = None
) -> SufficientStatistics:
    """Pass over the rows, or take what `memory` has kept of the same pass."""
    if not isinstance(rows, ArrayRows):
        return rows.statistics(features, config.n_jobs, units)
    if config.memory is None or config.place is not None:
        return rows.statistics(features, config.n_jobs, units, config.place)
    key = (
        fingerprint(features.kernel, rows.X, features.landmarks),
        (features.landmarks, features.pivots, features.factor, features.deflation),
        (rows.X, rows.Y, rows.weights),
        units,
    )
    ignored = ["features", "rows", "n_jobs", "units"]
    stored = check_memory(config.memory).cache(_pass_over, ignore=ignored)
    return stored(key, features, rows, config.n_jobs, units)


def _pass_over(
    key: Any, features: NystroemFeatures, rows: Rows, n_jobs: int | None, units: Any
) -> SufficientStatistics:
    """Sum over the rows; the store knows the statistics by the key alone."""
    return rows.statistics(features, n_jobs, units)

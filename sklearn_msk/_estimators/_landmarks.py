"""Training on landmarks: which rows they are, and the pass over the data."""

from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import check_memory

from sklearn_msk._operators import (
    ArrayRows,
    LandmarkBasis,
    LandmarkOperator,
    LandmarkSums,
    randomly_pivoted_rows,
)
from sklearn_msk._validation import check_seed
from sklearn_msk.kernels._adapters import CallableKernel, PrecomputedKernel
from sklearn_msk.kernels._resolution import (
    check_digits_kept,
    describe_kernel,
    has_white_noise,
)

# Randomly pivoted Cholesky looks at this many rows for every landmark.
_ROWS_PER_LANDMARK = 10


@dataclass(frozen=True, eq=False)
class LandmarkPass:
    """Landmarks, and what the passes over the rows so far have left.

    Attributes
    ----------
    basis : LandmarkBasis
    sums : LandmarkSums
    single_target : bool
        Whether y has one dimension.
    requested : int or array-like
        The `landmarks` parameter.
    streamed : bool
        Whether the rows came by `partial_fit`, and others may follow.
    """

    basis: LandmarkBasis
    sums: LandmarkSums
    single_target: bool
    requested: object
    streamed: bool = False

    @classmethod
    def begin(cls, estimator, rows, streamed=False):
        """Choose landmarks, and pass over the rows.

        Parameters
        ----------
        estimator : MSKRegressor
            Whose kernel and parameters they are.
        rows : ArrayRows or DaskRows
        streamed : bool, default=False

        Returns
        -------
        LandmarkPass

        Raises
        ------
        ValueError
            If the landmarks, the kernel or the weights do not allow it.
        """
        with estimator._stage("landmarks"):
            basis = _basis(estimator, rows)
        with estimator._stage("pass over the rows"):
            sums = _sums(estimator, basis, rows)
        return cls(basis, sums, rows.single_target, estimator.landmarks, streamed)

    def extended(self, estimator, rows):
        """Return the same with more rows.

        Parameters
        ----------
        estimator : MSKRegressor
        rows : ArrayRows or DaskRows

        Returns
        -------
        LandmarkPass
        """
        with estimator._stage("pass over the rows"):
            sums = self.sums + _sums(estimator, self.basis, rows)
        return replace(self, sums=sums, streamed=True)

    def check_parameters(self, kernel, landmarks):
        """Raise a ValueError where the landmarks or the kernel are others by now."""
        for name, before, now, same in (
            ("kernel", self.basis.kernel, kernel, self.basis.kernel == kernel),
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
                    f"{_describe(before)}. Got {_describe(now)} instead; set it back, "
                    "or begin anew with a clone."
                )

    def check_targets(self, rows):
        """Raise a ValueError where rows have other targets than those before."""
        before = self.sums.target_sums.shape[0]
        if (rows.n_targets, rows.single_target) != (before, self.single_target):
            raise ValueError(
                "y of every chunk must have the targets of the first: "
                f"{_describe_targets(before, self.single_target)}. Got "
                f"{_describe_targets(rows.n_targets, rows.single_target)} instead."
            )

    def problem(self, fit_intercept):
        """Operator, targets and their means.

        Parameters
        ----------
        fit_intercept : bool

        Returns
        -------
        A : LandmarkOperator
        y : ndarray of shape (rank, n_targets)
        mean : ndarray of shape (n_targets,)

        Raises
        ------
        ValueError
            If no row has a positive weight.
        """
        if not self.sums.total_weight > 0:
            raise ValueError(
                "The 'sample_weight' must not be all zero: no row would be left. Got "
                f"{self.sums.n_rows} zeros instead."
            )
        mean = self.sums.target_sums / self.sums.total_weight
        if not fit_intercept:
            mean = np.zeros_like(mean)
        A = LandmarkOperator(self.basis, self.sums)
        return A, A.targets(self.sums, mean), mean


def _describe(value):
    """How a message shows a parameter; of an array its shape is enough."""
    shape = np.shape(value)
    return f"another array of shape {shape}" if shape else repr(value)


def _describe_targets(number, single):
    return "shape (n_samples,)" if single else f"shape (n_samples, {number})"


def _basis(estimator, rows):
    """Basis of the landmarks that an estimator asks for."""
    kernel = estimator.kernel_
    if isinstance(kernel, PrecomputedKernel):
        raise ValueError(
            "'landmarks' needs a kernel that it can compute between any two rows. Got "
            "kernel='precomputed' instead; pass the kernel itself, or landmarks=None."
        )
    if isinstance(estimator.landmarks, Integral):
        return LandmarkBasis.of(kernel, _draw(estimator, rows))
    _check_names(estimator)
    landmarks = check_array(
        estimator.landmarks, dtype=np.float64, input_name="landmarks"
    )
    if landmarks.shape[1] != rows.n_features:
        raise ValueError(
            f"The 'landmarks' must have the {rows.n_features} features of X. Got an "
            f"array of shape {landmarks.shape} instead."
        )
    _check_kernel(kernel, landmarks)
    return LandmarkBasis.of(kernel, landmarks)


def _check_names(estimator):
    """Raise where landmarks in a data frame have other columns than the rows."""
    columns = getattr(estimator.landmarks, "columns", None)
    names = getattr(estimator, "feature_names_in_", None)
    if columns is not None and names is not None and list(columns) != list(names):
        raise ValueError(
            f"The 'landmarks' must have the columns of X, {list(names)}, in this "
            f"order. Got {list(columns)} instead."
        )


def _draw(estimator, rows):
    """Landmarks from the rows, in an order that is not that of the rows."""
    size, kernel = estimator.landmarks, estimator.kernel_
    pivoted = estimator.landmark_selection == "rpcholesky"
    rng = check_seed(estimator.random_state)
    drawn = size * _ROWS_PER_LANDMARK if pivoted else size
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
    n_jobs = estimator.n_jobs
    return sample.rows[randomly_pivoted_rows(kernel, sample.rows, size, rng, n_jobs)]


def _check_kernel(kernel, rows):
    check_digits_kept(kernel, rows)
    if has_white_noise(kernel, rows[:1]):
        raise ValueError(
            f"The {describe_kernel(kernel)} has a part that is white noise, which the "
            "kernel functions of landmarks cannot hold. Take it out of the kernel "
            "(WhiteKernel), and set alpha to its variance instead."
        )


def _sums(estimator, basis, rows):
    """Pass over the rows, or what `memory` has kept of the same pass."""
    # Functions are hashed by their names, which do not say what they compute.
    unnamed = isinstance(basis.kernel, CallableKernel)
    if estimator.memory is None or unnamed or not isinstance(rows, ArrayRows):
        return rows.sums(basis, estimator.n_jobs)
    stored = check_memory(estimator.memory).cache(_pass_over, ignore=["n_jobs"])
    return stored(basis, rows, estimator.n_jobs)


def _pass_over(basis, rows, n_jobs):
    """Sum over the rows; the store knows the sums by the basis and the rows."""
    return rows.sums(basis, n_jobs)

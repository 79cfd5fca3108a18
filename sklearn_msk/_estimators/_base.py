"""Training and prediction, shared by the estimators that follow a spectrum."""

import math
import time
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from numbers import Integral, Real

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import gen_batches
from sklearn.utils.validation import validate_data

from sklearn_msk._compat import (
    CallbackSupportMixin,
    Interval,
    Options,
    StrOptions,
    with_callbacks,
)
from sklearn_msk._doc_links import DocLinkMixin
from sklearn_msk._dynamics import Schedule, trajectory
from sklearn_msk._estimators._early_stopping import score_path
from sklearn_msk._estimators._iterations import (
    check_has_path,
    check_iterations,
    default_iterations,
)
from sklearn_msk._estimators._kernel_mixin import KernelMixin
from sklearn_msk._estimators._landmarks import LandmarkPass
from sklearn_msk._estimators._pair_tolerance import pair_tolerance
from sklearn_msk._estimators._parameters import check_combinations
from sklearn_msk._estimators._prediction import apply_kernel, predict_rows, round_to
from sklearn_msk._estimators._progress import PathWatch, ProgressPrinter
from sklearn_msk._estimators._state import restored_on_failure
from sklearn_msk._estimators._training import (
    convergence_messages,
    find_spectrum,
    in_double_precision,
    kernel_operator,
    precondition,
    warn_user,
)
from sklearn_msk._operators import (
    ArrayRows,
    DaskRows,
    RoundingError,
    check_chunks,
    is_dask,
    map_rows,
)
from sklearn_msk._scaling import power_of_two
from sklearn_msk._validation import check_coef_finite, check_weights
from sklearn_msk.kernels._adapters import PrecomputedKernel
from sklearn_msk.spectral_maps._evaluation import resolve_spectral_map

# Single precision moves fitted values by some 1e-6 |y|, which serves this tolerance.
_TOL_COMPACT = 5e-5

# Up to here a number of steps is exact as a float; many more than it takes to be at the
# limit, which is inf.
_MOST_STEPS = 2**53


def has_landmarks(estimator):
    """Whether an estimator can learn chunk by chunk; the error says what it needs."""
    if estimator.landmarks is None:
        raise AttributeError(
            "partial_fit needs landmarks: set landmarks to a number or to an array of "
            "rows. Got landmarks=None instead."
        )
    return True


class BaseMSK(CallbackSupportMixin, KernelMixin, DocLinkMixin, BaseEstimator, ABC):
    """Kernel model trained by gradient flow along a chosen spectrum."""

    _parameter_constraints: dict = {
        **KernelMixin._parameter_constraints,
        "alpha": [Interval(Real, 0, math.inf, closed="left")],
        "learning_rate": [Interval(Real, 0, math.inf, closed="neither")],
        "max_iter": [
            Interval(Integral, 1, _MOST_STEPS, closed="both"),
            Options(Real, {math.inf}),
        ],
        "landmarks": [
            Interval(Integral, 1, None, closed="left"),
            "array-like",
            None,
        ],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "landmark_selection": [StrOptions({"uniform", "rpcholesky"})],
        "dynamics": [StrOptions({"flow", "descent"})],
        "fit_intercept": ["boolean"],
        "solver": [StrOptions({"auto", "lanczos", "eigh", "gd"})],
        "tol": [Interval(Real, 0, math.inf, closed="neither")],
        "store_trajectory": ["boolean"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        kernel="ntk_relu",
        *,
        g="flatten",
        k=50,
        alpha=0.0,
        learning_rate=1.0,
        max_iter=100,
        dynamics="flow",
        fit_intercept=True,
        early_stopping=False,
        validation_fraction=0.1,
        landmarks=None,
        landmark_selection="uniform",
        gamma=None,
        degree=3,
        coef0=1,
        kernel_params=None,
        solver="auto",
        eigen_solver="auto",
        tol=1e-4,
        store_trajectory=False,
        memory=None,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.kernel = kernel
        self.g = g
        self.k = k
        self.alpha = alpha
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.dynamics = dynamics
        self.fit_intercept = fit_intercept
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.landmarks = landmarks
        self.landmark_selection = landmark_selection
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.kernel_params = kernel_params
        self.solver = solver
        self.eigen_solver = eigen_solver
        self.tol = tol
        self.store_trajectory = store_trajectory
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def _fit(self, X, y, sample_weight):
        # Outside of the guard, which would hide the callbacks from their end.
        watch = PathWatch(self, X, y, sample_weight)
        self._fit_watched(X, y, sample_weight, watch)

    @restored_on_failure
    def _fit_watched(self, X, y, sample_weight, watch):
        steps = self._choose_steps(X, y, sample_weight)
        A, targets = self._pose(X, y, sample_weight, compact=self._is_tolerant(steps))
        self._train(A, targets, steps, watch)

    def _partial_fit(self, X, y, sample_weight, classes=None):
        watch = PathWatch(self, X, y, sample_weight)
        self._partial_fit_watched(X, y, sample_weight, classes, watch)

    @restored_on_failure
    def _partial_fit_watched(self, X, y, sample_weight, classes, watch):
        A, targets = self._pose_more(X, y, sample_weight, classes)
        self._train(A, targets, self.max_iter, watch)

    def _choose_steps(self, X, y, sample_weight):
        """Return the number of steps to train for, on all rows."""
        for name in ("validation_scores_", "validation_iterations_"):
            vars(self).pop(name, None)
        if not self.early_stopping:
            return self.max_iter
        check_combinations(self)
        if is_dask(X, y):
            raise ValueError(
                "early_stopping=True holds out rows of arrays in memory. Got dask "
                "arrays instead; score staged_predict on rows of your choice."
            )
        # What is wrong with the data is said of all of them.
        X = self._check_data(X, y, sample_weight)[0]
        weights = check_weights(sample_weight, X)
        with self._stage("path on the rows that are not held out"):
            iterations, scores = score_path(self, X, np.asarray(y), weights)
        self.validation_iterations_, self.validation_scores_ = iterations, scores
        best = iterations[np.argmax(scores)]
        return best if np.isinf(best) else int(best)

    def _train(self, A, y, steps, watch):
        """Follow the path, and keep where it ends."""
        A, spectrum = self._with_exact_products(
            A, lambda A: self._find_spectrum(A, self._n_directions(A.n_distinct))
        )
        S = self._precondition(A, spectrum)
        schedule = self._schedule(A, S, steps)
        A, path = self._with_exact_products(
            A, lambda A: self._follow(A, y, S, schedule)
        )
        self._arrive(A, y, S, path, schedule, watch)

    def _follow(self, A, y, S, schedule):
        """Return the path of a schedule."""
        with self._stage("steps"), np.errstate(over="ignore", invalid="ignore"):
            return trajectory(A, y, S, schedule, self.solver, self.tol, self._monitor())

    def _with_exact_products(self, A, find):
        """Return an operator with products exact enough for `find`, and its result.

        That is A, or A with its triangle computed in double precision, or the matrix.
        """
        while True:
            try:
                return A, find(A)
            except RoundingError:
                A = self._in_double_precision(A)

    def _in_double_precision(self, A):
        """Return a compact operator, or what it stands for, that is more exact."""
        with self._stage("kernel matrix in double precision"):
            if A.refine():
                return A
            rows = A.source.X, A.weights, A.n_distinct
            return in_double_precision(self, *rows, compactable=False)

    def _arrive(self, A, y, S, path, schedule, watch):
        """Keep the end of a path, or the step at which a callback stops."""
        schedule = watch.walk(path, schedule, S)
        self._keep(A, y, S, path, schedule)
        watch.close(reconstruction_attributes=dict)

    @with_callbacks
    def _arrive_by_shared_path(self, A, y, S, path, schedule, *data):
        """As `fit` ends, for X, y and sample_weight whose path is there already."""
        self._arrive(A, y, S, path, schedule, PathWatch(self, *data))

    def _is_tolerant(self, steps):
        """Whether the products of these steps may be those of single precision."""
        krylov = self.solver in ("auto", "lanczos")
        return krylov and steps < math.inf and self.tol >= _TOL_COMPACT

    def _pose(self, X, y, sample_weight, *, compact=False):
        """Validate what was passed; return the operator and the centred targets.

        Products may be those of single precision where that is said to be enough.
        """
        check_combinations(self)
        self.kernel_ = self._resolve_kernel()
        for name in ("_pass", "n_samples_seen_"):
            vars(self).pop(name, None)
        if self.landmarks is not None:
            rows = self._check_rows(X, y, sample_weight)
            self._pass = LandmarkPass.begin(self, rows)
            return self._pose_on_landmarks(self._pass)
        if is_dask(X, y):
            raise ValueError(
                "dask arrays are trained on landmarks. Got landmarks=None instead; set "
                "it to a number, as landmarks=2000, or call compute() on X and y."
            )
        X, y, weights = self._check_data(X, y, sample_weight)
        self.intercept_, y = self._centre(y, weights)
        with self._stage("kernel matrix"):
            A = kernel_operator(self, X, weights, compact=compact)
        self.X_fit_ = None if self._is_precomputed() else X
        # K = 0 has nothing to learn with: the model is its intercept.
        return A, y if A.diagonal().any() else np.zeros_like(y)

    def _pose_more(self, X, y, sample_weight, classes):
        """Add rows to those seen; return the operator and the targets of all."""
        # scikit-learn does so for the first chunk only.
        self._validate_params()
        check_combinations(self)
        if self.early_stopping:
            raise ValueError(
                "partial_fit holds no rows out. Got early_stopping=True instead; set "
                "it to False."
            )
        kernel = self._resolve_kernel()
        seen = vars(self).get("_pass")
        for name in ("validation_scores_", "validation_iterations_"):
            vars(self).pop(name, None)
        if seen is None and "dual_coef_" in vars(self):
            raise ValueError(
                "partial_fit has no sums to go on from: the model was trained without "
                "landmarks, or it is a copy, or comes from a file, of one that was "
                "trained by fit. Train by partial_fit from the first chunk on, or "
                "begin anew with a clone."
            )
        if seen is not None:
            seen.check_parameters(kernel, self.landmarks)
        self.kernel_ = kernel
        rows = self._check_rows(X, y, sample_weight, seen, classes)
        if seen is None:
            self._pass = LandmarkPass.begin(self, rows, streamed=True)
        else:
            self._pass = seen.extended(self, rows)
        return self._pose_on_landmarks(self._pass)

    def __getstate__(self):
        # After fit, prediction is all that a file is for; a stream goes on from it.
        state = super().__getstate__()
        if "_pass" in state and not state["_pass"].streamed:
            state = {name: value for name, value in state.items() if name != "_pass"}
        return state

    def _pose_on_landmarks(self, done):
        """Return the operator and the targets that a pass over the rows has left."""
        with self._stage("decomposition on the landmarks"):
            A, y, mean = done.problem(self.fit_intercept)
        self.X_fit_ = done.basis.landmarks
        self.n_samples_seen_ = done.sums.n_rows
        if done.single_target:
            y, mean = y[:, 0], float(mean[0])
        self.intercept_ = mean if self.fit_intercept else 0.0
        return A, y

    def _check_rows(self, X, y, sample_weight, seen=None, classes=None):
        """Validate rows to pass over, which go on from those seen."""
        if is_dask(X, y):
            if is_classifier(self):
                raise ValueError(
                    "MSKClassifier is trained on arrays in memory. Got dask arrays "
                    "instead; pass their chunks to partial_fit, computed one by one."
                )
            rows = DaskRows.of(X, y, sample_weight)
            # As `validate_data` does, of which one row sees enough.
            validate_data(self, np.zeros((1, rows.n_features)), reset=seen is None)
        else:
            reset = seen is None
            X, y, weights = self._check_data(X, y, sample_weight, reset, classes)
            rows = ArrayRows.of(X, y, weights)
        if seen is not None:
            seen.check_targets(rows)
        return rows

    def _find_spectrum(self, A, k, models=None):
        """Find the k leading directions, for this model or for several like it."""
        # A search takes the pairs of a smaller k from those of the largest, so that its
        # scores are as close to those of single fits as these pairs are to each other.
        tol = pair_tolerance(models or [self], A.n_distinct, A.rank_floor)
        with self._stage("leading directions"):
            return find_spectrum(self, A, k, self.X_fit_, tol, self._monitor())

    def _n_directions(self, n_distinct):
        """Return how many leading directions of as many rows the parameter k means."""
        return self.k

    def _precondition(self, A, spectrum):
        """Preconditioner of the k first of some directions."""
        spectrum = spectrum.truncated(self._n_directions(A.n_distinct))
        return precondition(spectrum, resolve_spectral_map(self.g))

    def _schedule(self, A, S, steps):
        """Return the steps to take, on the scale that the preconditioner sets."""
        ridge = self.alpha / A.total_weight
        self.learning_rate_ = self.learning_rate / S.step_unit(ridge)
        self.max_learning_rate_ = 2.0 / S.step_unit(ridge)
        if self.dynamics == "descent":
            # Below 2 a step is stable by the pairs, and here so whatever they miss.
            self.learning_rate_ = min(self.learning_rate_, S.stable_step(ridge))
        return Schedule(self.dynamics, steps, self.learning_rate_, ridge)

    def _iterations(self, S, schedule):
        """Choose the steps of a path to look at."""
        slowest = max(S.spectrum.floor, 1e-8 * S.spectrum.largest)
        return default_iterations(schedule, slowest)

    def _keep(self, A, y, S, path, schedule):
        """Keep the model at one schedule of a path, once it has been judged."""
        # Coefficients that overflow are infinite, which is an error.
        with np.errstate(over="ignore", invalid="ignore"):
            coef = path.dual_coef(schedule)
        check_coef_finite(coef, A, y)
        if self.verbose:
            print(
                f"[{type(self).__name__}] {schedule.max_iter} steps: "
                f"{path.n_products} products, "
                f"estimated error {path.error_estimate:.1e}, "
                f"rounding {path.rounding_error:.1e}"
            )
        for message in convergence_messages(A, S, path, schedule, self.tol):
            warn_user(message, ConvergenceWarning)

        self.dual_coef_ = round_to(A.dtype, coef)
        self.spectrum_ = S.spectrum
        self.modified_eigenvalues_ = S.modified_eigenvalues
        self.k_ = len(S.modified_eigenvalues)
        self.n_iter_ = schedule.max_iter
        self.n_products_ = path.n_products
        for name in ("trajectory_", "path_iterations_"):
            vars(self).pop(name, None)
        if self.store_trajectory:
            self.trajectory_ = replace(path, schedule=schedule)
            self.path_iterations_ = self._iterations(S, schedule)

    @abstractmethod
    def _check_data(self, X, y, sample_weight, reset=True, classes=None):
        """Validate training rows; return X, numeric targets in float64, weights.

        Parameters
        ----------
        X, y, sample_weight
            What was passed.
        reset : bool, default=True
            Whether the rows are the first.
        classes : array-like, default=None
            Labels that later rows may have, where y is of labels.
        """

    @abstractmethod
    def _score_values(self, y, values, sample_weight):
        """Score of values of the model, higher being better."""

    def _centre(self, y, weights):
        if not self.fit_intercept:
            return 0.0, y
        # The sum of large targets would overflow, where their mean does not.
        scale = power_of_two(np.abs(y).max(axis=0))
        mean = np.average(y / scale, axis=0, weights=weights) * scale
        return (float(mean) if y.ndim == 1 else mean), y - mean

    @contextmanager
    def _stage(self, name):
        """Print how long a part of the fit took, under `verbose`."""
        started = time.perf_counter()
        yield
        if self.verbose:
            seconds = time.perf_counter() - started
            print(f"[{type(self).__name__}] {name}: {seconds:.2f} s")

    def _monitor(self):
        """Return what is told of the progress of a solver, under `verbose`."""
        return ProgressPrinter(type(self).__name__) if self.verbose else None

    def _staged_values(self, X, iterations):
        """Yield values along the path, once it is known to be there."""
        check_has_path(self, "staged_predict")
        if iterations is None:
            iterations = self.path_iterations_
        else:
            iterations = check_iterations(iterations, self.n_iter_)
        return self._values_along(X, iterations)

    def _values_along(self, X, iterations):
        """Yield the values of the model after each of several steps of its path.

        The coefficients of as many steps as the working memory holds share a kernel.
        """
        X = self._check_queries(X)
        held = get_config()["working_memory"] * 2**20 // (8 * self.dual_coef_.size)
        for batch in gen_batches(len(iterations), max(1, int(held))):
            coefs = [self.trajectory_.coef(max_iter=T) for T in iterations[batch]]
            values = self._apply(X, np.stack(coefs, axis=-1))
            for step in range(values.shape[-1]):
                yield self._shift(values[..., step])

    def _apply(self, X, coef):
        return apply_kernel(self.kernel_, X, self.X_fit_, coef, self.n_jobs)

    def _shift(self, prediction):
        """Add the intercept, and only then round to the precision of the kernel."""
        return round_to(self.dual_coef_.dtype, prediction + self.intercept_)

    def _predict(self, X):
        """Values of the model, of shape (n,) or (n, n_targets); lazily for dask."""
        if not is_dask(X):
            return self._shift(self._apply(self._check_queries(X), self.dual_coef_))
        # What the workers are sent: the model without what only training needs.
        model = partial(
            predict_rows,
            self.kernel_,
            self.X_fit_,
            self.dual_coef_,
            self.intercept_,
        )
        n_targets = None if self.dual_coef_.ndim == 1 else self.dual_coef_.shape[1]
        X = check_chunks(X, known=False)
        self._check_queries(np.zeros((1, X.shape[1])))
        return map_rows(model, X, n_targets, self.dual_coef_.dtype)

    def _is_precomputed(self):
        return isinstance(self.kernel_, PrecomputedKernel)

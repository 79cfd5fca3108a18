"""Training and prediction, shared by the estimators that follow a spectrum."""

import math
import time
import warnings
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import validate_data

from sklearn_msk._compat import (
    Interval,
    Options,
    StrOptions,
    _check_sample_weight,
)
from sklearn_msk._dynamics import Schedule, trajectory
from sklearn_msk._estimators._iterations import default_iterations
from sklearn_msk._estimators._kernel_mixin import KernelMixin
from sklearn_msk._estimators._landmarks import LandmarkPass
from sklearn_msk._estimators._prediction import apply_kernel, predict_rows, round_to
from sklearn_msk._estimators._state import restored_on_failure
from sklearn_msk._estimators._training import (
    convergence_messages,
    find_spectrum,
    kernel_operator,
    precondition,
)
from sklearn_msk._operators import (
    ArrayRows,
    DaskRows,
    check_chunks,
    is_dask,
    map_rows,
)
from sklearn_msk._validation import check_coef_finite, check_not_bool
from sklearn_msk.kernels._adapters import PrecomputedKernel
from sklearn_msk.spectral_maps._evaluation import resolve_spectral_map


class BaseMSK(KernelMixin, BaseEstimator):
    """Kernel model trained by gradient flow along a chosen spectrum."""

    _parameter_constraints: dict = {
        **KernelMixin._parameter_constraints,
        "alpha": [Interval(Real, 0, math.inf, closed="left")],
        "learning_rate": [Interval(Real, 0, math.inf, closed="neither")],
        "max_iter": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {math.inf}),
        ],
        "landmarks": [
            Interval(Integral, 1, None, closed="left"),
            "array-like",
            None,
        ],
        "landmark_selection": [StrOptions({"uniform", "rpcholesky"})],
        "dynamics": [StrOptions({"flow", "descent"})],
        "fit_intercept": ["boolean"],
        "solver": [StrOptions({"auto", "lanczos", "eigh", "gd"})],
        "tol": [Interval(Real, 0, math.inf, closed="neither")],
        "store_trajectory": ["boolean"],
        "verbose": ["verbose"],
    }

    @restored_on_failure
    def _fit(self, X, y, sample_weight):
        self._train(*self._pose(X, y, sample_weight))

    @restored_on_failure
    def _partial_fit(self, X, y, sample_weight):
        self._train(*self._pose_more(X, y, sample_weight))

    def _train(self, A, y):
        """Follow the path, and keep where it ends."""
        with self._stage("leading directions"):
            S = self._precondition(self._find_spectrum(A, self.k))
        schedule = self._schedule(A, S)
        with self._stage("steps"), np.errstate(over="ignore", invalid="ignore"):
            path = trajectory(A, y, S, schedule, self.solver, self.tol)
        self._keep(A, y, S, path, schedule)

    def _pose(self, X, y, sample_weight):
        """Validate what was passed; return the operator and the centred targets."""
        self._check_combinations()
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
            A = kernel_operator(self, X, weights)
        self.X_fit_ = None if self._is_precomputed() else X
        # K = 0 has nothing to learn with: the model is its intercept.
        return A, y if A.diagonal().any() else np.zeros_like(y)

    def _pose_more(self, X, y, sample_weight):
        """Add rows to those seen; return the operator and the targets of all."""
        # scikit-learn does so for the first chunk only.
        self._validate_params()
        self._check_combinations()
        kernel = self._resolve_kernel()
        seen = vars(self).get("_pass")
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
        rows = self._check_rows(X, y, sample_weight, seen)
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

    def _check_rows(self, X, y, sample_weight, seen=None):
        """Validate rows to pass over, which go on from those seen."""
        if is_dask(X, y):
            rows = DaskRows.of(X, y, sample_weight)
            # As `validate_data` does, of which one row sees enough.
            validate_data(self, np.zeros((1, rows.n_features)), reset=seen is None)
        else:
            rows = ArrayRows.of(*self._check_data(X, y, sample_weight, seen is None))
        if seen is not None:
            seen.check_targets(rows)
        return rows

    def _find_spectrum(self, A, k):
        """Find the k leading directions."""
        return find_spectrum(self, A, k, self.X_fit_, min(self.tol, 1e-5))

    def _precondition(self, spectrum):
        """Preconditioner of the k first of some directions."""
        return precondition(spectrum.truncated(self.k), resolve_spectral_map(self.g))

    def _schedule(self, A, S):
        """Return the steps to take, on the scale that the preconditioner sets."""
        ridge = self.alpha / A.total_weight
        # Without any rate, there is nothing that the step could be a fraction of.
        damping = (S.largest_rate + ridge) or 1.0
        self.learning_rate_ = self.learning_rate / damping
        self.max_learning_rate_ = 2.0 / damping
        return Schedule(self.dynamics, self.max_iter, self.learning_rate_, ridge)

    def _keep(self, A, y, S, path, schedule):
        """Keep the model at one schedule of a path, once it has been judged."""
        # Coefficients that overflow are infinite, which is an error.
        with np.errstate(over="ignore", invalid="ignore"):
            coef = path.dual_coef(schedule)
        check_coef_finite(coef, A, y)
        if self.verbose:
            print(
                f"[MSKRegressor] {self.max_iter} steps: {path.n_products} products, "
                f"estimated error {path.error_estimate:.1e}, "
                f"rounding {path.rounding_error:.1e}"
            )
        for message in convergence_messages(A, S, path, schedule, self.tol):
            # Through _fit and its guard, fit and scikit-learn's context to the user.
            warnings.warn(message, ConvergenceWarning, stacklevel=6)

        self.dual_coef_ = round_to(A.dtype, coef)
        self.spectrum_ = S.spectrum
        self.modified_eigenvalues_ = S.modified_eigenvalues
        self.k_ = len(S.modified_eigenvalues)
        self.n_iter_ = self.max_iter
        self.n_products_ = path.n_products
        for name in ("trajectory_", "path_iterations_"):
            vars(self).pop(name, None)
        if self.store_trajectory:
            slowest = max(S.spectrum.floor, 1e-8 * S.spectrum.largest)
            self.trajectory_ = replace(path, schedule=schedule)
            self.path_iterations_ = default_iterations(schedule, slowest)

    def _check_combinations(self):
        """Raise where parameters exclude each other."""
        check_not_bool(self, "k", "max_iter", "landmarks")
        resolve_spectral_map(self.g)
        if self.dynamics == "descent" and not self.learning_rate < 2:
            raise ValueError(
                "The 'learning_rate' of MSKRegressor must be in the range (0, 2) for "
                "dynamics='descent', in units of 1 / (largest rate): descent diverges "
                f"from 2 on. Got {self.learning_rate!r} instead; lower it or use "
                "dynamics='flow'."
            )
        if self.solver == "gd" and self.dynamics != "descent":
            raise ValueError(
                "solver='gd' runs dynamics='descent' only. Got dynamics="
                f"{self.dynamics!r} instead; use solver='auto', 'lanczos' or 'eigh' "
                "for it."
            )
        if self.solver == "gd" and math.isinf(self.max_iter):
            raise ValueError(
                "solver='gd' needs a finite 'max_iter'. Got inf instead; use "
                "solver='auto', 'lanczos' or 'eigh' for the limit."
            )

    def _check_data(self, X, y, sample_weight, reset=True):
        X, y = validate_data(
            self,
            X,
            y,
            dtype=[np.float64, np.float32],
            multi_output=True,
            y_numeric=True,
            reset=reset,
        )
        if sample_weight is None:
            return X, y.astype(np.float64), None
        some = np.asarray(sample_weight).any()
        # Of a chunk they may be; there are others.
        if reset and not some:
            raise ValueError(
                "The 'sample_weight' must not be all zero: no row would be left. Got "
                f"{np.size(sample_weight)} zeros instead."
            )
        given = sample_weight if some else np.ones(np.shape(sample_weight))
        weights = some * _check_sample_weight(given, X, dtype=np.float64)
        if weights.min() < 0:
            raise ValueError(
                "The 'sample_weight' must be non-negative. Got a smallest value of "
                f"{weights.min():.6g} instead."
            )
        return X, y.astype(np.float64), weights

    def _centre(self, y, weights):
        if not self.fit_intercept:
            return 0.0, y
        mean = np.average(y, axis=0, weights=weights)
        return (float(mean) if y.ndim == 1 else mean), y - mean

    @contextmanager
    def _stage(self, name):
        """Print how long a part of the fit took, under `verbose`."""
        started = time.perf_counter()
        yield
        if self.verbose:
            print(f"[MSKRegressor] {name}: {time.perf_counter() - started:.2f} s")

    def _stages(self, stages):
        """Yield the predictions of each step from an array of all of them."""
        for step in range(stages.shape[-1]):
            yield self._shift(stages[..., step])

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
        return map_rows(model, X, n_targets)

    def _is_precomputed(self):
        return isinstance(self.kernel_, PrecomputedKernel)

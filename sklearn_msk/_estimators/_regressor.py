"""Regression by preconditioned kernel gradient flow."""

import math
import time
import warnings
from contextlib import contextmanager
from dataclasses import replace
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_msk._compat import (
    Interval,
    Options,
    StrOptions,
    _check_sample_weight,
    _fit_context,
)
from sklearn_msk._dynamics import Schedule, trajectory
from sklearn_msk._estimators._iterations import check_iterations, default_iterations
from sklearn_msk._estimators._kernel_mixin import KernelMixin
from sklearn_msk._estimators._prediction import apply_kernel, round_to
from sklearn_msk._estimators._state import restored_on_failure
from sklearn_msk._estimators._training import (
    convergence_messages,
    find_spectrum,
    kernel_operator,
    precondition,
)
from sklearn_msk._validation import check_coef_finite, check_not_bool
from sklearn_msk.kernels._adapters import PrecomputedKernel
from sklearn_msk.spectral_maps._evaluation import resolve_spectral_map


class MSKRegressor(KernelMixin, MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Kernel regression by gradient flow along a spectrum that you choose.

    A kernel model ``f(x) = intercept + sum_j a_j k(x_j, x)`` is trained by gradient
    descent that learns the k leading eigen-directions of the kernel matrix at the pace
    that a map g of its eigenvalues gives them. It converges to the interpolant (or the
    ridge solution) of the kernel itself, in few steps, and how many of them is the
    regularisation.

    Parameters
    ----------
    kernel : str, sklearn.gaussian_process.kernels.Kernel or callable, \
            default="ntk_relu"
        - ``"{ntk,nngp}_{activation}"``: an infinitely wide network, activation one of
          relu, leaky_relu, abs, erf, sin, cos, gaussian, gelu;
        - a name of `sklearn.metrics.pairwise.pairwise_kernels`, as "rbf";
        - a kernel object, as `sklearn_msk.kernels.NTK` or
          `sklearn.gaussian_process.kernels.Matern`;
        - a function ``k(X, Y)`` that returns an array of shape (n_samples_X,
          n_samples_Y);
        - "precomputed": X is the kernel matrix, in `fit` of shape (n_samples,
          n_samples), in `predict` of shape (n_queries, n_samples).
    g : {"identity", "flatten", "lift"}, spectral map or callable, default="flatten"
        From the k leading eigenvalues of K/n, an array in descending order, to an array
        of the same shape: the rates at which their directions are to be learned, all
        > 0. "flatten" learns them all at the pace of the last, and is EigenPro. See
        `sklearn_msk.spectral_maps`.
    k : int, default=50
        Number of leading directions that g re-scales; 0 is plain gradient descent. More
        of them fit more in the same number of steps.
    alpha : float, default=0.0
        Ridge, >= 0, in the units of `sklearn.kernel_ridge.KernelRidge`, whose limit it
        shares only for g = "identity". An alpha that was tuned for `KernelRidge` is far
        too large under "flatten", which shrinks the leading directions by ``lam_k /
        (lam_k + alpha / n)``: regularise by `max_iter` first.
    learning_rate : float, default=1.0
        Step size, > 0, in units of ``1 / (mu_max + alpha / n)``, mu_max the largest
        rate: at 1.0 every direction decays monotonically; "descent" needs < 2, "flow"
        takes any.
    max_iter : int or inf, default=100
        Number of steps T, >= 1; ``numpy.inf`` trains to the limit. Fewer fit less.
    dynamics : {"flow", "descent"}, default="flow"
        Gradient flow for the time of T steps, or T discrete steps.
    fit_intercept : bool, default=True
        Whether the (weighted) mean of y is taken out first and added back.
    gamma : float, default=None
        Parameter, >= 0, of the pairwise kernels that have it, as in `KernelRidge`;
        other kernels do not see it. A gamma in `kernel_params` has the last word.
    degree : float, default=3
        Degree, >= 0, of the polynomial kernel.
    coef0 : float, default=1
        Constant of the polynomial and sigmoid kernels.
    kernel_params : dict, default=None
        Keyword arguments of a named or callable kernel, as ``{"depth": 3}`` for
        "ntk_relu".
    solver : {"auto", "lanczos", "eigh", "gd"}, default="auto"
        How the path is computed; it moves fitted values by at most `tol`. "lanczos":
        about the square root of T products; "eigh": a full decomposition, exact; "gd":
        the literal loop, for descent with finite `max_iter` only; "auto": "lanczos",
        but "eigh" for the limit up to 1500 rows.
    eigen_solver : {"auto", "dense", "arpack", "lobpcg", "randomized"}, default="auto"
        How the leading directions are computed. "dense" is exact; "auto" is "dense" up
        to 1500 rows and "randomized" (block Krylov) beyond.
    tol : float, default=1e-4
        Bound, > 0, on the error ``|K (a - a_T)| / |y|`` that the solver makes in the
        fitted values of each target, for the directions in use; never less than
        rounding allows. What an iterative `eigen_solver` leaves open, at the smaller of
        1e-5 and `tol`, comes on top, at most 1e-2 standard deviations of y: 1e-5 was
        measured for the flow, 2e-3 for descent at a learning rate of 1.99. A k that
        cuts a group of equal eigenvalues leaves the choice among them to the
        eigensolver.
    store_trajectory : bool, default=False
        Whether to keep the whole path, for `staged_predict`.
    memory : str, object with the interface of joblib.Memory, or None, default=None
        Folder, or store, that keeps the leading eigenpairs of a kernel matrix, by the
        data and the kernel. A request for fewer pairs than are there is served from
        them, so that a `GridSearchCV` over k (largest first), g, or the number of steps
        decomposes each fold once. `MSKGridSearchCV` shares more, and needs no memory.
    n_jobs : int, default=None
        Threads that compute the kernel matrix. It changes no result.
    random_state : int, RandomState instance or None, default=None
        Start vectors of the iterative eigensolvers. None is deterministic too.
    verbose : int, default=0
        1 or more prints a line for each stage of `fit`.

    Attributes
    ----------
    dual_coef_ : ndarray of shape (n_samples,) or (n_samples, n_targets)
        Coefficients ``a`` of the kernel functions; 0 for rows of zero weight.
    intercept_ : float or ndarray of shape (n_targets,)
        Mean of y, 0.0 without intercept.
    X_fit_ : ndarray of shape (n_samples, n_features) or None
        Training rows; None for a precomputed kernel.
    kernel_ : object
        The kernel in use.
    spectrum_ : Spectrum
        ``eigenvalues`` of K/n, descending, ``eigenvectors``, ``residual_norms`` and the
        ``method`` that found them, for the k_ leading directions.
    modified_eigenvalues_ : ndarray of shape (k_,)
        ``g(eigenvalues)``.
    k_ : int
        Directions re-scaled: k, or the numerical rank of K where that is less.
    learning_rate_ : float
        Absolute step on K/n.
    max_learning_rate_ : float
        Absolute step at which descent begins to diverge.
    n_iter_ : int or inf
        Number of steps.
    n_products_ : int
        Products of K with a vector that the solver made, the one that verifies its
        result included.
    trajectory_ : Trajectory
        With ``store_trajectory=True``: ``trajectory_.coef(max_iter, learning_rate,
        alpha)`` gives the dual coefficients anywhere on the path; its learning rate is
        absolute, as `learning_rate_`.
    path_iterations_ : ndarray of shape (n_iterations,)
        With ``store_trajectory=True``: the steps that `staged_predict` yields by
        default, inf for the limit.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where all are strings.

    See Also
    --------
    sklearn.kernel_ridge.KernelRidge : The limit for g = "identity", with alpha > 0.

    References
    ----------
    A. Geifman, D. Barzilai, R. Basri, M. Galun, *Controlling the Inductive Bias of Wide
    Neural Networks by Modifying the Kernel's Spectrum*, TMLR 2024, arXiv:2307.14531.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_msk import MSKRegressor
    >>> x = np.linspace(-2, 2, 200)[:, None]
    >>> y = np.sin(5 * x.ravel())
    >>> plain = MSKRegressor(k=0).fit(x, y)
    >>> msk = MSKRegressor(k=20).fit(x, y)
    >>> print(f"{plain.score(x, y):.2f} {msk.score(x, y):.2f}")
    0.24 1.00
    """

    _parameter_constraints: dict = {
        **KernelMixin._parameter_constraints,
        "alpha": [Interval(Real, 0, math.inf, closed="left")],
        "learning_rate": [Interval(Real, 0, math.inf, closed="neither")],
        "max_iter": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {math.inf}),
        ],
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

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Train the model.

        A fit that fails leaves the object as it was before.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows; for ``kernel="precomputed"`` the kernel matrix of shape
            (n_samples, n_samples), which is never written to. float32 rows give a
            float32 kernel matrix where the kernel keeps to their precision, as those of
            this package and the pairwise ones do.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights; an integer weight equals repeating the row.

        Returns
        -------
        self : MSKRegressor

        Raises
        ------
        ValueError
            If a parameter, the data or what the kernel or g return is out of its range.

        Warns
        -----
        ConvergenceWarning
            If `tol` is not met, or if K is too ill-conditioned for the limit without
            ridge. Stopping at `max_iter` is never a warning.
        """
        self._fit(X, y, sample_weight)
        return self

    @restored_on_failure
    def _fit(self, X, y, sample_weight):
        A, y = self._pose(X, y, sample_weight)
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
        X, y, weights = self._check_data(X, y, sample_weight)
        self.intercept_, y = self._centre(y, weights)
        with self._stage("kernel matrix"):
            A = kernel_operator(self.kernel_, X, weights, self.n_jobs)
        self.X_fit_ = None if self._is_precomputed() else X
        # K = 0 has nothing to learn with: the model is its intercept.
        return A, y if A.diagonal().any() else np.zeros_like(y)

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

        self.dual_coef_ = round_to(A.K.dtype, coef)
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
        check_not_bool(self, "k", "max_iter")
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

    def _check_data(self, X, y, sample_weight):
        X, y = validate_data(
            self,
            X,
            y,
            dtype=[np.float64, np.float32],
            multi_output=True,
            y_numeric=True,
        )
        if sample_weight is None:
            return X, y.astype(np.float64), None
        if not np.asarray(sample_weight).any():
            raise ValueError(
                "The 'sample_weight' must not be all zero: no row would be left. Got "
                f"{np.size(sample_weight)} zeros instead."
            )
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64)
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

    def predict(self, X):
        """Predict targets.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Rows; for ``kernel="precomputed"`` their kernel with the training rows, of
            shape (n_queries, n_samples).

        Returns
        -------
        ndarray of shape (n_queries,) or (n_queries, n_targets)
            float32 where the kernel matrix is, float64 otherwise.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        ValueError
            If X does not fit the training rows.
        """
        check_is_fitted(self)
        X = self._check_queries(X)
        return self._shift(self._apply(X, self.dual_coef_))

    def staged_predict(self, X, iterations=None):
        """Predict targets after each of several steps of the path.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            As in `predict`.
        iterations : array-like of shape (n_iterations,), default=None
            Numbers of steps, from 1 to `max_iter` (inf where that is inf). None means
            `path_iterations_`: every step up to 1000, and 1000 of them, log-spaced,
            where there are more.

        Returns
        -------
        generator of ndarray of shape (n_queries,) or (n_queries, n_targets)

        Raises
        ------
        ValueError
            If the model was fitted without ``store_trajectory=True``, or if an
            iteration is off the path.
        """
        check_is_fitted(self)
        if not hasattr(self, "trajectory_"):
            raise ValueError(
                "staged_predict needs the path: fit with store_trajectory=True. Got "
                "a model fitted with store_trajectory=False instead."
            )
        if iterations is None:
            iterations = self.path_iterations_
        else:
            iterations = check_iterations(iterations, self.n_iter_)
        X = self._check_queries(X)
        path = [self.trajectory_.coef(max_iter=steps) for steps in iterations]
        stages = self._apply(X, np.stack(path, axis=-1))
        return self._stages(stages)

    def _stages(self, stages):
        """Yield the predictions of each step from an array of all of them."""
        for step in range(stages.shape[-1]):
            yield self._shift(stages[..., step])

    def _apply(self, X, coef):
        return apply_kernel(self.kernel_, X, self.X_fit_, coef, self.n_jobs)

    def _shift(self, prediction):
        """Add the intercept, and only then round to the precision of the kernel."""
        return round_to(self.dual_coef_.dtype, prediction + self.intercept_)

    def _is_precomputed(self):
        return isinstance(self.kernel_, PrecomputedKernel)

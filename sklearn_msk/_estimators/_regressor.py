"""Regression by preconditioned kernel gradient flow."""

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_msk._compat import _fit_context, with_callbacks
from sklearn_msk._estimators._base import BaseMSK, check_landmarks
from sklearn_msk._estimators._names import only_if
from sklearn_msk._estimators._stopping import Validation
from sklearn_msk._scores import r2


class MSKRegressor(MultiOutputMixin, RegressorMixin, BaseMSK):
    """Kernel regression by gradient flow along a spectrum that you choose.

    The model is ``f(x) = intercept + sum_j a_j k(x_j, x)``, a sum of kernel functions
    of the training rows. Gradient flow trains the coefficients. Let K be the matrix of
    the kernel on n training rows. The eigenvectors of K/n are the eigen-directions, and
    plain gradient descent learns each of them at a rate equal to its eigenvalue. The
    map g sets the rates of the k leading eigen-directions.

    The number of steps is the regularisation. Without ridge, training converges to the
    model that fits the training rows exactly, whatever g and k are. With alpha > 0,
    training converges to a ridge solution, which is that of
    `sklearn.kernel_ridge.KernelRidge` only for g = "identity".

    Parameters
    ----------
    kernel : str, sklearn.gaussian_process.kernels.Kernel or callable, \
            default="ntk_relu"
        - ``"{ntk,nngp}_{activation}"``: an infinitely wide network, activation one of
          relu, leaky_relu, abs, erf, sin, cos, gaussian, gelu. The name stands for
          `NTK` or `NNGP` with ``normalized=True, bias_variance=1.0``, a bounded kernel.
          The textbook kernel, ``NTK()``, grows with the length of the rows;
        - a name of `sklearn.metrics.pairwise.pairwise_kernels`, such as "rbf";
        - a kernel object, such as `sklearn_msk.kernels.NTK` or
          `sklearn.gaussian_process.kernels.Matern`;
        - a function ``k(X, Y)`` that returns an array of shape (n_samples_X,
          n_samples_Y);
        - "precomputed": X is the kernel matrix, in `fit` of shape (n_samples,
          n_samples), in `predict` of shape (n_queries, n_samples).
    g : {"identity", "flatten", "lift", "power"}, spectral map or callable, \
            default="flatten"
        Map of the k leading eigenvalues of K/n, an array in descending order, to the
        rates, all > 0, at which their eigen-directions are learned. "flatten" gives all
        of them the rate of the k-th, as EigenPro does. `sklearn_msk.spectral_maps` has
        more maps.
    k : int or None, default=None
        Number of leading eigen-directions whose rates g sets; 0 is plain gradient
        descent. A larger k fits more in the same number of steps. None is a twentieth
        of the distinct rows (or of the landmarks in use), 1 at the least and 50 at the
        most.
    alpha : float, default=0.0
        Ridge, >= 0, in the units of `sklearn.kernel_ridge.KernelRidge`. Regularise by
        `max_iter` first. An alpha that was tuned for `KernelRidge` is far too large
        under "flatten", which multiplies all leading eigen-directions by ``lam_k /
        (lam_k + alpha / n)``.
    learning_rate : float, default=1.0
        Step size, > 0, in units of ``1 / (mu_max + alpha / n)``, where mu_max is the
        largest rate. At 1.0 the error in every eigen-direction decays monotonically.
        "descent" takes values below 2, "flow" any.
    max_iter : int, float, inf or None, default=None
        Number of steps T, or with early stopping the largest number; ``numpy.inf``
        trains to the limit. Fewer steps give a smoother model. Under "flow" T is a
        time, any real number > 0. Under "descent" T is a whole number; whole floats
        such as 1e3 are legal. None is 100, and ``early_stopping="auto"`` then chooses
        among these 100 steps.
    dynamics : {"flow", "descent"}, default="flow"
        Gradient flow for the time of T steps, or T discrete steps.
    fit_intercept : bool, default=True
        Whether to subtract the (weighted) mean of y before training and to add it to
        predictions.
    early_stopping : bool, "loo" or "auto", default="auto"
        Whether and how to choose the number of steps, up to `max_iter`, by R2. Up to
        1000 steps all are scored, beyond 1000 log-spaced ones.

        - False: `max_iter` steps are taken.
        - True: by rows held out. `fit` trains on the other rows, scores the steps on
          the rows held out, then trains on all rows for the best number of steps.
          Equal rows are held out together, and the order of the rows does not matter
          (with a precomputed kernel it does). If `fit` gets `X_val`, these rows judge
          instead, and `fit` trains once, on all of X.
        - "loo": by the leave-one-out errors of all rows. These errors are exact for the
          preconditioner, the step and the sum of the weights of all rows. Equal rows
          are left out together. The kernel matrix is decomposed fully, for up to 4000
          distinct rows. With more rows, or if the decomposition does not fit the memory
          limit, five folds that `random_state` draws are left out in turn. With
          landmarks, "loo" holds rows out as True does.
        - "auto": as False if `max_iter` is given, and as True if `fit` gets `X_val` or
          `groups`. Otherwise as "loo" up to 300 distinct rows, and as True for more
          rows, with landmarks or with a splitter. All 100 steps are taken, without a
          warning, if no rows could judge: with fewer than 20 distinct rows, if the
          other rows are fewer than the landmarks, for dask arrays and in `partial_fit`.
    validation_fraction : float or cross-validation splitter, default=0.1
        Rows that early stopping holds out: a part of the distinct ones, in (0, 1), or
        the test rows of the first split of a splitter, as
        ``sklearn.model_selection.TimeSeriesSplit()``. If `fit` gets `groups`, a part
        of the groups.
    landmarks : int, array-like of shape (n_landmarks, n_features) or None, default=None
        None is the exact model, whose kernel matrix is computed in blocks if it does
        not fit the memory limit. A number M, or an array of M rows, which is copied,
        restricts the model to ``f(x) = intercept + sum_j a_j k(landmark_j, x)``. One
        pass over the rows takes n M^2 to 2 n M^2 operations and a few M^2 numbers of
        memory; every g, k and number of steps is cheap afterwards. From 1000 landmarks
        on, the products of the pass are in float32 if ``tol >= 5e-5``, unless the limit
        without ridge is asked for; all else is in float64. All training rows as
        landmarks give the exact model, for the same k and number of steps.
    landmark_selection : {"uniform", "rpcholesky"}, default="uniform"
        How M landmarks are drawn: "uniform" from the distinct rows of positive weight,
        whatever their order; "rpcholesky" by randomly pivoted Cholesky on 10 M of these
        rows, which covers them better and takes up to 10 M^3 operations.
    gamma : float, default=None
        Parameter, >= 0, of the pairwise kernels that have a gamma, as in `KernelRidge`.
        With other kernels, such as networks, gamma has no effect and is a warning. A
        gamma in `kernel_params` takes precedence.
    degree : float, default=3
        Degree, >= 0, of the polynomial kernel.
    coef0 : float, default=1
        Constant of the polynomial and sigmoid kernels.
    kernel_params : dict, default=None
        Keyword arguments of a named or callable kernel, such as ``{"depth": 3}`` for
        "ntk_relu". They override those that a name stands for.
    solver : {"auto", "lanczos", "eigh", "gd"}, default="auto"
        How the path is computed. The choice moves fitted values by at most `tol`.
        "lanczos" takes about the square root of T products. "eigh" decomposes the
        matrix fully and is exact. "gd" is the literal loop, for descent with a finite
        `max_iter`. "auto" is "eigh" for the limit up to 1500 rows, "lanczos" otherwise.
    eigen_solver : {"auto", "dense", "arpack", "lobpcg", "randomized"}, default="auto"
        How the leading eigenpairs are computed. "dense" decomposes the matrix fully and
        is exact. "auto" is "dense" up to 300 rows or if ``5 (k + 1) > n``, and
        "randomized" (block Krylov) otherwise. With landmarks all are exact.
    tol : float, default=1e-4
        Bound, > 0, on the relative error of the solver in the fitted values of each
        target, ``|K (a - a_T)| / |y|``. Approximate eigenpairs (every `eigen_solver`
        but "dense") add at most 1e-2 standard deviations of y. With tol >= 5e-5, a fit
        of 2000 rows or more may take products in float32 and measures the rounding
        error. The User Guide has a table of all such bounds.
    store_trajectory : bool, default=False
        Whether to keep the whole path, for `staged_predict`.
    memory : str, object with the interface of joblib.Memory, or None, default=None
        Folder, or store, that keeps leading eigenpairs, and with landmarks the sums of
        the pass over the rows. The key of an entry consists of the rows and of values
        of the kernel on them, so an edited kernel gets a new entry. An entry serves
        every smaller k: a `GridSearchCV` over k (largest first), g or max_iter
        decomposes each fold once. `MSKGridSearchCV` needs no memory. The entries are
        pickles: use a folder that you trust.
    n_jobs : int, default=None
        Number of threads that compute the kernel matrix. It changes no result.
    random_state : int, RandomState instance or None, default=None
        Seed of the start vectors of iterative eigensolvers, of the draw of landmarks
        and of the rows or folds held out. None is deterministic too.
    verbose : int, default=0
        1 prints a line for each stage of `fit`, and at most once a second the products,
        the relative error and the seconds left of an iterative solver. 2 prints such a
        line whenever the solver estimates its error.

    Attributes
    ----------
    dual_coef_ : ndarray of shape (n_samples,) or (n_samples, n_targets)
        Coefficients ``a`` of the kernel functions of `X_fit_`, float64; 0 for rows of
        zero weight, and for landmarks that depend on others.
    intercept_ : float or ndarray of shape (n_targets,)
        (Weighted) mean of y; 0.0 without intercept.
    X_fit_ : ndarray of shape (n_samples, n_features) or None
        Training rows, by reference if `fit` got a float array; or a copy of the
        landmarks; None for a precomputed kernel.
    kernel_ : object
        The kernel in use.
    spectrum_ : Spectrum
        ``eigenvalues`` of K/n, descending, ``eigenvectors``, ``residual_norms`` and the
        ``method`` that found them, for the `k_` leading eigen-directions. With
        landmarks, the eigenvalues of K/n on the span of the landmarks; the eigenvectors
        are unit vectors, because the coordinates are those of the eigenbasis.
    modified_eigenvalues_ : ndarray of shape (`k_`,)
        ``g(eigenvalues)``.
    k_ : int
        Number of eigen-directions whose rates g sets: k, or the numerical rank of K if
        that is smaller.
    learning_rate_ : float
        Absolute step on K/n.
    max_learning_rate_ : float
        Absolute step at which descent begins to diverge.
    n_iter_ : int, float or inf
        Number of steps: what early stopping or a callback has chosen, else `max_iter`,
        or 100 where that is None.
    n_products_ : int
        Number of products of K with a vector that the solver made, the one that
        verifies its result included.
    trajectory_ : object
        With ``store_trajectory=True``: ``trajectory_.coef(max_iter, learning_rate,
        alpha)`` returns the dual coefficients anywhere on the path. Its learning rate
        is absolute, as `learning_rate_`. It holds a few dozen vectors of length n (n
        vectors for ``solver="eigh"``), or the kernel operator for ``solver="gd"``.
    path_iterations_ : ndarray of shape (n_iterations,)
        With ``store_trajectory=True``: the steps that `staged_predict` yields by
        default; inf is the limit.
    validation_scores_ : ndarray of shape (n_validated,)
        With early stopping: R2 on the rows that judge, which are all rows with "loo",
        after each of `validation_iterations_`. If y is the same on all of these rows,
        minus the mean squared error, in units of the square of a power of two next to
        the largest target. The first of the best steps is `n_iter_`.
    validation_iterations_ : ndarray of shape (n_validated,)
        With early stopping: the steps that were scored.
    n_samples_seen_ : int
        With landmarks: number of rows that `fit`, or the calls of `partial_fit`, passed
        over.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if all are strings.

    See Also
    --------
    sklearn.kernel_ridge.KernelRidge : The limit for g = "identity" and alpha > 0.

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
    0.47 1.00
    """

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        groups: Any = None,
    ) -> Self:
        """Train the model.

        A fit that fails leaves the object as it was before.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows; for ``kernel="precomputed"`` the kernel matrix of shape
            (n_samples, n_samples), which is never written to. The kernels "linear",
            "poly", "polynomial", "rbf", "laplacian", "cosine" and "sigmoid" take sparse
            rows, without landmarks. float32 rows give a float32 kernel matrix, unless
            float32 loses the differences between the rows or the kernel computes in
            float64; coefficients and predictions are float64. The model keeps a
            reference to a float array: a later change of the array changes the model.
            With landmarks X may be a `numpy.memmap`, which is read in blocks, or a dask
            array, whose chunks are summed where they are. Early stopping copies rows:
            give `max_iter` for a memory map that is larger than memory.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights; an integer weight equals repeating the row.
        X_val : array-like of shape (n_val, n_features), default=None
            With `early_stopping` True or "auto": rows that judge the number of steps.
            For ``kernel="precomputed"`` their kernel with the training rows, of shape
            (n_val, n_samples). In a pipeline, ``Pipeline(steps,
            transform_input=["X_val"])`` transforms them as X.
        y_val : array-like of shape (n_val,) or (n_val, n_targets), default=None
            Targets of `X_val`.
        sample_weight_val : float or array-like of shape (n_val,), default=None
            Non-negative weights of `X_val`.
        groups : array-like of shape (n_samples,), default=None
            With `early_stopping` True or "auto": rows of the same group are held out
            together. A splitter as `validation_fraction` gets them.

        Returns
        -------
        self : MSKRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, the data or what the kernel or g return is out of its range;
            or if a full decomposition is asked for and does not fit the memory limit.

        Warns
        -----
        ConvergenceWarning
            If `tol` is not met, or if K is too ill-conditioned for the limit without
            ridge. Stopping at `max_iter` is never a warning.
        UserWarning
            If the kernel has no `gamma` and one is given; if one column that is not
            scaled holds 99 % of the squared length of the rows, so that the kernel
            hardly sees the others; or if fewer than five rows judge the steps, by
            `early_stopping` True or "loo" or by `X_val`.
        """
        validation = Validation(X_val, y_val, sample_weight_val, groups)
        self._fit(X, y, sample_weight, validation)
        return self

    @only_if(check_landmarks)
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Add rows to the sums and train on all rows so far (landmarks only).

        A call takes about 10 M^3 operations beside the pass over its rows, which is
        little if a chunk has 10 M rows or more. With given landmarks the result is that
        of `fit` on all rows: order and chunks change it by rounding only. A number of
        landmarks is drawn from the first chunk. A call that fails or is interrupted
        leaves the object as it was before. g, k, max_iter, alpha and the other
        parameters of training may change between calls. After `partial_fit`, training
        can resume from a pickle; after `fit` it can resume in memory only.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, as in `fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights.

        Returns
        -------
        self : MSKRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            As `fit` does; if the rows, targets, kernel or landmarks do not go with
            those before; or if there are no sums to go on from.
        """
        self._partial_fit(X, y, sample_weight)
        return self

    def predict(self, X: Any) -> Any:
        """Predict targets.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Rows; for ``kernel="precomputed"`` their kernel with the training rows, of
            shape (n_queries, n_samples). A dask array gives a lazy dask array, whose
            chunks are predicted where they are.

        Returns
        -------
        ndarray, or dask array, of shape (n_queries,) or (n_queries, n_targets)
            Predictions, float64.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        ValueError
            If X does not fit the training rows.
        """
        check_is_fitted(self)
        return self._values(X, "predict")

    def staged_predict(
        self, X: Any, iterations: ArrayLike | None = None
    ) -> Iterator[np.ndarray]:
        """Predict targets after each of several steps of the path.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            As in `predict`.
        iterations : array-like of shape (n_iterations,), default=None
            Numbers of steps, up to `n_iter_` (inf is the limit): whole numbers under
            "descent", real numbers > 0 under "flow". None means `path_iterations_`:
            every step up to 1000; beyond, 1000 log-spaced steps.

        Returns
        -------
        generator of ndarray of shape (n_queries,) or (n_queries, n_targets)
            Values after each of the steps.

        Raises
        ------
        ValueError
            If the model was fitted without ``store_trajectory=True``, or if an
            iteration is off the path.
        """
        return self._staged_values(X, iterations)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Coefficient of determination R2 of the predictions.

        The score equals `sklearn.metrics.r2_score`. It does not depend on the scale of
        y, even if squares of y leave the range of a float.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            As in `predict`.
        y : array-like of shape (n_queries,) or (n_queries, n_targets)
            True targets.
        sample_weight : array-like of shape (n_queries,), default=None
            Weights of the rows.

        Returns
        -------
        float
            R2, the mean over the targets.
        """
        return r2(y, self.predict(X), sample_weight)

"""Regression by preconditioned kernel gradient flow."""

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklearn_msk._compat import _fit_context, with_callbacks
from sklearn_msk._estimators._base import BaseMSK, has_landmarks
from sklearn_msk._scores import r2


class MSKRegressor(MultiOutputMixin, RegressorMixin, BaseMSK):
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
    max_iter : int, float or inf, default=100
        Number of steps T; ``numpy.inf`` trains to the limit. Fewer fit less. Under
        "flow" T is a time: any number > 0. Under "descent" T is a whole number.
    dynamics : {"flow", "descent"}, default="flow"
        Gradient flow for the time of T steps, or T discrete steps.
    fit_intercept : bool, default=True
        Whether the (weighted) mean of y is taken out first and added back.
    early_stopping : bool, default=False
        Whether to choose the number of steps: the path up to `max_iter` of a model that
        is trained without some rows is scored on these, by R2, and the best number of
        steps is then run on all rows. Time is on K/n, so that it means the same there.
    validation_fraction : float, default=0.1
        Part of the rows, in (0, 1), that early stopping holds out.
    landmarks : int, array-like of shape (n_landmarks, n_features) or None, default=None
        None is the exact model, whose kernel matrix is computed block by block where it
        does not fit in memory. A number M, or rows given as an array, restrict the
        model to ``f(x) = intercept + sum_j a_j k(landmark_j, x)``: one pass over the
        rows, in about n M^2 operations and M^2 numbers of memory, after which every
        number of steps, g and k is cheap. With all training rows as landmarks the model
        is the exact one. Everything is then computed in float64.
    landmark_selection : {"uniform", "rpcholesky"}, default="uniform"
        How M landmarks are drawn: "uniform" from the distinct rows of positive weight,
        whatever their order; "rpcholesky" by randomly pivoted Cholesky on 10 M of
        these, which covers them better and costs 10 M^3 operations more.
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
        How the leading eigenpairs are computed. "dense" is exact. "auto" is "dense" for
        few rows, or where k is a large part of the rows, and "randomized" (block
        Krylov) otherwise. With landmarks all are exact.
    tol : float, default=1e-4
        Bound, > 0, on the relative error ``|K (a - a_T)| / |y|`` that the solver makes
        in the fitted values of each target. Approximate eigenpairs (any `eigen_solver`
        but "dense") move predictions besides, by at most 1e-2 standard deviations of y.
        From 5e-5 on, float32 products may serve on large data; their rounding is
        measured. The User Guide has the details under "Accuracy".
    store_trajectory : bool, default=False
        Whether to keep the whole path, for `staged_predict`.
    memory : str, object with the interface of joblib.Memory, or None, default=None
        Folder, or store, that keeps leading eigenpairs, and with landmarks the sums of
        the pass over the rows. An entry is found by the rows and by values of the
        kernel on them, so that an edited kernel is a new one. A request for fewer pairs
        than are there is served from them: a `GridSearchCV` over k (largest first), g
        or max_iter decomposes each fold once. `MSKGridSearchCV` needs no memory. The
        entries are pickles: use a folder that you trust.
    n_jobs : int, default=None
        Threads that compute the kernel matrix. It changes no result.
    random_state : int, RandomState instance or None, default=None
        Start vectors of the iterative eigensolvers, the draw of landmarks and of the
        rows held out. None is deterministic too.
    verbose : int, default=0
        1 prints a line for each stage of `fit`, and once a second the products,
        relative error and seconds left of an iterative solver; 2 prints these at every
        look at the error.

    Attributes
    ----------
    dual_coef_ : ndarray of shape (n_samples,) or (n_samples, n_targets)
        Coefficients ``a`` of the kernel functions of `X_fit_`; 0 for rows of zero
        weight, and for landmarks that depend on others.
    intercept_ : float or ndarray of shape (n_targets,)
        Mean of y, 0.0 without intercept.
    X_fit_ : ndarray of shape (n_samples, n_features) or None
        Training rows, or landmarks; None for a precomputed kernel.
    kernel_ : object
        The kernel in use.
    spectrum_ : Spectrum
        ``eigenvalues`` of K/n, descending, ``eigenvectors``, ``residual_norms`` and the
        ``method`` that found them, for the `k_` leading directions. With landmarks, the
        eigenvalues of K/n on their span, and unit vectors, as the directions are the
        coordinates.
    modified_eigenvalues_ : ndarray of shape (`k_`,)
        ``g(eigenvalues)``.
    k_ : int
        Directions re-scaled: k, or the numerical rank of K where that is less.
    learning_rate_ : float
        Absolute step on K/n.
    max_learning_rate_ : float
        Absolute step at which descent begins to diverge.
    n_iter_ : int, float or inf
        Number of steps: `max_iter`, or what early stopping or a callback has chosen.
    n_products_ : int
        Products of K with a vector that the solver made, the one that verifies its
        result included.
    trajectory_ : Trajectory
        With ``store_trajectory=True``: ``trajectory_.coef(max_iter, learning_rate,
        alpha)`` gives the dual coefficients anywhere on the path; its learning rate is
        absolute, as `learning_rate_`. It holds some dozen vectors of n, n of them for
        ``solver="eigh"``, and the kernel operator for ``solver="gd"``.
    path_iterations_ : ndarray of shape (n_iterations,)
        With ``store_trajectory=True``: the steps that `staged_predict` yields by
        default, inf for the limit.
    validation_scores_ : ndarray of shape (n_validated,)
        With ``early_stopping=True``: R2 on the rows held out (less the mean squared
        error, where y is the same on all of them) after each of
        `validation_iterations_`; the first of the best is `n_iter_`.
    validation_iterations_ : ndarray of shape (n_validated,)
        With ``early_stopping=True``: numbers of steps, as `path_iterations_` has them.
    n_samples_seen_ : int
        With landmarks: the rows that `fit`, or the calls of `partial_fit`, passed over.
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

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train the model.

        A fit that fails leaves the object as it was before.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows; for ``kernel="precomputed"`` the kernel matrix of shape
            (n_samples, n_samples), which is never written to. Sparse rows are taken for
            the kernels "linear", "poly", "polynomial", "rbf", "laplacian", "cosine" and
            "sigmoid", without landmarks. float32 rows give a float32 kernel matrix
            where the kernel keeps to their precision, as those of this package and the
            pairwise ones do, and where float32 does not lose the differences of the
            rows; coefficients and predictions are float64. The rows are kept, not
            copied: a later change of the array changes the model. With landmarks X may
            be a `numpy.memmap`, of which a block is read at a time, or a dask array,
            whose chunks are passed over where they are.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights; an integer weight equals repeating the row.

        Returns
        -------
        self : MSKRegressor
            The fitted estimator.

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

    @available_if(has_landmarks)
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on more rows, with landmarks: exactly as on all of them at once.

        Every call passes over its rows, adds the sums to those before, and solves for
        the model of all rows so far, in some M^3 operations: chunks of 10 M rows or
        more make little of that. Given landmarks, the order and the chunks change the
        result by rounding only; a number of landmarks is drawn from the first chunk. A
        call that fails or is interrupted leaves the object as it was before, and a
        pickled object goes on where it was. Parameters of the training, as g, k,
        max_iter and alpha, may change between calls. After `fit` it goes on from the
        rows of `fit`; in files the sums are kept after `partial_fit` only.

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
            shape (n_queries, n_samples). Of a dask array every chunk is predicted where
            it is, when the result is computed.

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
        return self._values(X)

    def staged_predict(
        self, X: Any, iterations: ArrayLike | None = None
    ) -> Iterator[np.ndarray]:
        """Predict targets after each of several steps of the path.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            As in `predict`.
        iterations : array-like of shape (n_iterations,), default=None
            Numbers of steps, up to `max_iter` (inf where that is inf): whole numbers
            under "descent", any > 0 under "flow". None means `path_iterations_`: every
            step up to 1000, and 1000 of them, log-spaced, where there are more.

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

        It does not depend on the scale of y, whose squares may leave the range of a
        float; for any other y it is that of `sklearn.metrics.r2_score`.

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

"""Regression by a real wide network, trained along a chosen spectrum."""

import math
from numbers import Integral, Real

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_msk._compat import Interval, StrOptions, _fit_context
from sklearn_msk._doc_links import DocLinkMixin
from sklearn_msk._estimators._iterations import check_has_path
from sklearn_msk._estimators._state import restored_on_failure
from sklearn_msk._estimators._training import precondition, warn_user
from sklearn_msk._operators import DenseOperator
from sklearn_msk._spectrum import leading_spectrum
from sklearn_msk._validation import (
    check_matrix_finite,
    check_not_bool,
    check_seed,
    check_weights,
    count_distinct_rows,
)
from sklearn_msk.finite_width._activation_functions import ACTIVATION_FUNCTIONS
from sklearn_msk.finite_width._network import WideNetwork
from sklearn_msk.spectral_maps._evaluation import resolve_spectral_map

# Networks that a stored path holds, as each has all of the parameters.
_STORED = 50


class WideNetworkRegressor(
    MultiOutputMixin, RegressorMixin, DocLinkMixin, BaseEstimator
):
    """Wide fully connected network, trained along a spectrum that you choose.

    A real network in NTK parameterisation follows preconditioned gradient descent on
    all rows::

        w <- w_0 + (1 - eta alpha / n) (w - w_0) - (eta / n) J^T S (f(X) - y)

    J is the Jacobian of its outputs at the n training rows, f its output less that at
    the start, y the targets brought to mean 0 and standard deviation 1 (far larger ones
    would drive a network of any width out of its linear regime), and S the
    preconditioner that g and k make of its empirical neural tangent kernel at the
    start, ``J_0 J_0^T``. As the width grows it follows
    `MSKRegressor` with the kernel `sklearn_msk.kernels.NTK` and ``dynamics="descent"``.
    It is there to study networks; to predict, the kernel is faster and more accurate.

    Parameters
    ----------
    width : int, default=1024
        Units of every hidden layer, >= 1. The more directions are learned fast, the
        wider a network has to be to follow its kernel.
    depth : int, default=1
        Hidden layers, >= 1.
    activation : {"relu", "leaky_relu", "abs", "erf", "sin", "cos", "gaussian", \
            "gelu"}, default="relu"
        Activation of the hidden layers.
    weight_variance : float, default=2.0
        Variance of the weights, > 0, divided by the inputs of the layer.
    bias_variance : float, default=0.1
        Variance of the biases, >= 0; 0 is a network without.
    g : {"identity", "flatten", "lift"}, spectral map or callable, default="flatten"
        From the k leading eigenvalues of the empirical kernel / n to the rates at which
        their directions are to be learned, as in `MSKRegressor`.
    k : int, default=10
        Number of leading directions that g re-scales; 0 is plain gradient descent.
    alpha : float, default=0.0
        Ridge, >= 0, on the distance of the parameters from their start.
    learning_rate : float, default=1.0
        Step size, in (0, 2), in units of ``1 / (mu_max + alpha / n)``, mu_max the
        largest rate at the start.
    max_iter : int, default=100
        Number of steps, >= 1.
    fit_intercept : bool, default=True
        Whether the (weighted) mean of y is taken out first and added back.
    store_trajectory : bool, default=False
        Whether to keep the network after up to 50 of the steps, log-spaced, for
        `staged_predict`.
    random_state : int, RandomState instance or None, default=None
        Draw of the network. None is deterministic too.

    Attributes
    ----------
    network_ : WideNetwork
        After training, with its ``weights``, ``biases`` and ``empirical_ntk(X)``.
    initial_network_ : WideNetwork
        At the start, whose output is subtracted.
    intercept_ : float or ndarray of shape (n_targets,)
        Mean of y, 0.0 without intercept.
    target_scale_ : float or ndarray of shape (n_targets,)
        Root mean square of y less the intercept, which the network's output is
        multiplied by; 1 where y is constant.
    spectrum_ : Spectrum
        Leading eigenpairs of the empirical kernel / n at the start.
    modified_eigenvalues_ : ndarray of shape (`k_`,)
        ``g(eigenvalues)``.
    k_ : int
        Directions re-scaled: k, or the numerical rank of the kernel.
    learning_rate_ : float
        Absolute step on the kernel / n.
    max_learning_rate_ : float
        Absolute step at which descent begins to diverge.
    n_iter_ : int
        Number of steps.
    loss_curve_ : ndarray of shape (`n_iter_` + 1,)
        (Weighted) mean squared error on the training rows before the first step and
        after each.
    path_iterations_ : ndarray of shape (n_iterations,)
        With ``store_trajectory=True``: the steps after which the network was kept.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where all are strings.

    See Also
    --------
    sklearn_msk.MSKRegressor : The same, at infinite width.
    sklearn.neural_network.MLPRegressor : Networks for prediction.

    References
    ----------
    A. Geifman, D. Barzilai, R. Basri, M. Galun, *Controlling the Inductive Bias of Wide
    Neural Networks by Modifying the Kernel's Spectrum*, TMLR 2024, arXiv:2307.14531.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_msk.finite_width import WideNetworkRegressor
    >>> angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    >>> X = np.column_stack([np.cos(angles), np.sin(angles)])
    >>> y = np.cos(angles) + np.cos(6 * angles)
    >>> plain = WideNetworkRegressor(k=0).fit(X, y)
    >>> msk = WideNetworkRegressor(k=13).fit(X, y)
    >>> print(f"{plain.score(X, y):.2f} {msk.score(X, y):.2f}")
    0.73 1.00
    """

    _parameter_constraints: dict = {
        "width": [Interval(Integral, 1, None, closed="left")],
        "depth": [Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATION_FUNCTIONS))],
        "weight_variance": [Interval(Real, 0, math.inf, closed="neither")],
        "bias_variance": [Interval(Real, 0, math.inf, closed="left")],
        "g": [str, callable],
        "k": [Interval(Integral, 0, None, closed="left")],
        "alpha": [Interval(Real, 0, math.inf, closed="left")],
        "learning_rate": [Interval(Real, 0, 2, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "fit_intercept": ["boolean"],
        "store_trajectory": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        width=1024,
        depth=1,
        activation="relu",
        weight_variance=2.0,
        bias_variance=0.1,
        *,
        g="flatten",
        k=10,
        alpha=0.0,
        learning_rate=1.0,
        max_iter=100,
        fit_intercept=True,
        store_trajectory=False,
        random_state=None,
    ):
        self.width = width
        self.depth = depth
        self.activation = activation
        self.weight_variance = weight_variance
        self.bias_variance = bias_variance
        self.g = g
        self.k = k
        self.alpha = alpha
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.fit_intercept = fit_intercept
        self.store_trajectory = store_trajectory
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    @restored_on_failure
    def fit(self, X, y, sample_weight=None):
        """Train the network.

        A fit that fails leaves the object as it was before.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows. float32 rows are computed with in float32.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets, an output of the network each. S is one for all outputs, made of
            the mean of their kernels, which are the same at infinite width.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights; an integer weight equals repeating the row.

        Returns
        -------
        self : WideNetworkRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are out of range, or if training diverges.

        Warns
        -----
        ConvergenceWarning
            If the error on the training rows grew.
        """
        check_not_bool(self, "width", "depth", "k", "max_iter")
        g = resolve_spectral_map(self.g)
        X, y, weights = self._check_data(X, y, sample_weight)
        self.initial_network_ = self._draw(X, y)
        A = self._operator(X, weights)
        S = self._precondition(A, g)
        ridge = self.alpha / A.total_weight
        self.learning_rate_ = self.learning_rate / S.step_unit(ridge)
        self.max_learning_rate_ = 2.0 / S.step_unit(ridge)
        self._train(X, y, A.roots, S, ridge)
        self.n_iter_ = self.max_iter
        return self

    def predict(self, X):
        """Predict targets.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_queries,) or (n_queries, n_targets)
            In float32 where the training rows were, float64 otherwise.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        """
        check_is_fitted(self)
        return next(self._values([self.network_], self._check_queries(X)))

    def staged_predict(self, X, iterations=None):
        """Predict targets after each of several steps of the path.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Rows.
        iterations : array-like of shape (n_iterations,), default=None
            Numbers of steps, among `path_iterations_`, which None stands for.

        Returns
        -------
        generator of ndarray of shape (n_queries,) or (n_queries, n_targets)
            Values after each of the steps.

        Raises
        ------
        ValueError
            If the model was fitted without ``store_trajectory=True``, or if the network
            was not kept after an iteration.
        """
        check_has_path(self, "staged_predict")
        kept = dict(zip(self.path_iterations_.tolist(), self._path, strict=True))
        wanted = self.path_iterations_ if iterations is None else np.ravel(iterations)
        missing = [step for step in wanted.tolist() if step not in kept]
        if missing:
            raise ValueError(
                "The 'iterations' must be among path_iterations_, the steps after "
                f"which the network was kept: {list(kept)}. Got {missing} instead."
            )
        networks = [kept[step] for step in wanted.tolist()]
        return self._values(networks, self._check_queries(X))

    def _check_data(self, X, y, sample_weight):
        X, y = validate_data(
            self,
            X,
            y,
            dtype=[np.float64, np.float32],
            multi_output=True,
            y_numeric=True,
        )
        weights = check_weights(sample_weight, X)
        y = y.astype(np.float64)
        self.intercept_ = np.average(y, axis=0, weights=weights)
        if not self.fit_intercept:
            self.intercept_ = np.zeros_like(self.intercept_)
        y = y - self.intercept_
        scale = np.sqrt(np.average(np.square(y), axis=0, weights=weights))
        self.target_scale_ = np.where(scale > 0, scale, 1.0)
        y = y / self.target_scale_
        self._single_target = y.ndim == 1
        if self._single_target:
            self.intercept_ = float(self.intercept_)
            self.target_scale_ = float(self.target_scale_)
        if weights is not None:
            # Rows of no weight take no part.
            X, y, weights = X[weights > 0], y[weights > 0], weights[weights > 0]
        return X, y.reshape(len(y), -1).astype(X.dtype), weights

    def _draw(self, X, y):
        return WideNetwork.random(
            [X.shape[1], *[self.width] * self.depth, y.shape[1]],
            self.activation,
            self.weight_variance,
            self.bias_variance,
            check_seed(self.random_state),
            X.dtype,
        )

    def _operator(self, X, weights=None):
        """Operator of the empirical kernel at the start."""
        with np.errstate(over="ignore", invalid="ignore"):
            K = self.initial_network_.empirical_ntk(X)
        check_matrix_finite(K, "empirical kernel of the network")
        # Its entries are sums in another order on either side of the diagonal.
        K = (K + K.T) / 2
        return DenseOperator(K, weights, count_distinct_rows(X))

    def _precondition(self, A, g):
        S = precondition(leading_spectrum(A, self.k), g)
        self.spectrum_ = S.spectrum
        self.modified_eigenvalues_ = S.modified_eigenvalues
        self.k_ = len(S.modified_eigenvalues)
        return S

    def _train(self, X, y, roots, S, ridge):
        """Run the steps, and keep where they lead."""
        origin = network = self.initial_network_
        kept = self._steps_to_keep() if self.store_trajectory else []
        path, losses = [], []
        decay = 1.0 - self.learning_rate_ * ridge
        start, inputs, slopes = origin.forward(X)
        outputs = start
        for step in range(1, self.max_iter + 1):
            residuals = roots[:, None] * (outputs - start - y)
            losses.append(self._loss(residuals))
            cotangents = roots[:, None] * S.power(1.0, residuals)
            gradient = network.pullback(inputs, slopes, cotangents.astype(X.dtype))
            with np.errstate(over="ignore", invalid="ignore"):
                network = network.moved(origin, gradient, decay, self.learning_rate_)
                outputs, inputs, slopes = network.forward(X)
            self._check_not_diverged(outputs, step)
            if step in kept:
                path.append(network)
        losses.append(self._loss(roots[:, None] * (outputs - start - y)))
        self._warn_of_growth(losses)
        self.network_ = network
        self.loss_curve_ = np.array(losses)
        for name in ("path_iterations_", "_path"):
            vars(self).pop(name, None)
        if self.store_trajectory:
            self.path_iterations_, self._path = kept, path

    def _loss(self, residuals):
        """Mean square of residuals times the roots of their weights, as y has it."""
        squares = np.square(residuals, dtype=np.float64).sum(axis=0)
        return float(np.mean(squares * np.square(self.target_scale_)))

    def _steps_to_keep(self):
        return np.unique(np.rint(np.geomspace(1, self.max_iter, _STORED)).astype(int))

    def _check_not_diverged(self, outputs, step):
        # Well before their squares overflow.
        if not np.abs(outputs).max() < np.sqrt(np.finfo(outputs.dtype).max) / 1e6:
            raise ValueError(
                f"Training diverged: the outputs overflow after {step} steps. "
                f"The network of width={self.width} has left the linear regime that "
                f"learning_rate={self.learning_rate} was safe for; use a larger width, "
                "a smaller learning_rate or a smaller k."
            )

    def _warn_of_growth(self, losses):
        if losses[-1] > losses[0]:
            warn_user(
                f"The mean squared error on the training rows grew from {losses[0]:.3g}"
                f" to {losses[-1]:.3g}: the network of width={self.width} does not "
                "follow its kernel. Use a larger width, a smaller learning_rate or a "
                "smaller k.",
                ConvergenceWarning,
            )

    def _check_queries(self, X):
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        return X.astype(self.network_.weights[0].dtype, copy=False)

    def _values(self, networks, X):
        """Yield the values of several networks, less those at the start."""
        batches = self._batches(len(X))
        start = np.concatenate([self.initial_network_(X[rows]) for rows in batches])
        for network in networks:
            outputs = np.concatenate([network(X[rows]) for rows in batches])
            values = (outputs - start)[:, 0] if self._single_target else outputs - start
            yield (values * self.target_scale_ + self.intercept_).astype(X.dtype)

    def _batches(self, n):
        """Batches of rows, of which the working memory holds the layers."""
        row = 8 * 4 * max(self.width, self.n_features_in_)
        held = get_config()["working_memory"] * 2**20 // row
        return list(gen_batches(n, max(1, int(held))))

"""Regression by a wide network, trained along a chosen spectrum."""

import math
from collections.abc import Callable, Iterator, Sequence
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike
from sklearn import get_config
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_msk._array_api import check_numpy
from sklearn_msk._compat import Interval, StrOptions, _fit_context
from sklearn_msk._doc_links import DocLinkMixin
from sklearn_msk._estimators._iterations import check_has_path
from sklearn_msk._estimators._names import NamedParameters, explain_arguments
from sklearn_msk._estimators._numbers import numbers_expected
from sklearn_msk._estimators._warnings import warn_user
from sklearn_msk._preconditioner import precondition
from sklearn_msk._scores import r2
from sklearn_msk._spectrum import leading_spectrum
from sklearn_msk._tuning import LAYER_ARRAYS, STORED_NETWORKS
from sklearn_msk._validation import (
    check_not_bool,
    check_seed,
)
from sklearn_msk.finite_width._activation_functions import ACTIVATION_FUNCTIONS
from sklearn_msk.finite_width._descent import descend
from sklearn_msk.finite_width._empirical_kernel import empirical_operator
from sklearn_msk.finite_width._network import WideNetwork
from sklearn_msk.finite_width._targets import StandardizedTargets
from sklearn_msk.finite_width._training_rows import TrainingRows
from sklearn_msk.spectral_maps._evaluation import resolve_spectral_map


class WideNetworkRegressor(
    NamedParameters, MultiOutputMixin, RegressorMixin, DocLinkMixin, BaseEstimator
):
    """Wide fully connected network, trained along a spectrum that you choose.

    Use this estimator to study networks, not to predict. Preconditioned gradient
    descent on all rows trains a network in NTK parameterisation::

        w <- w_0 + (1 - eta alpha / n) (w - w_0) - (eta / n) J^T S (f(X) - y)

    J is the Jacobian of the outputs at the n training rows, f the output minus that at
    the start, y the standardised targets, and S the preconditioner that g and k make of
    the empirical neural tangent kernel at the start, ``J_0 J_0^T``. As the width grows,
    the network follows `MSKRegressor` with the kernel `sklearn_msk.kernels.NTK` and
    ``dynamics="descent"``.

    Parameters
    ----------
    width : int, default=1024
        Number of units of every hidden layer, >= 1. A larger k needs a larger width.
    depth : int, default=1
        Number of hidden layers, >= 1.
    activation : {"relu", "leaky_relu", "abs", "erf", "sin", "cos", "gaussian", \
            "gelu"}, default="relu"
        Activation of the hidden layers.
    weight_variance : float, default=2.0
        Variance of the weights, > 0, before division by the number of inputs of the
        layer.
    bias_variance : float, default=0.1
        Variance of the biases, >= 0; 0 is a network without biases.
    g : {"identity", "flatten", "lift", "power"}, spectral map or callable, \
            default="flatten"
        Map of the k leading eigenvalues of the empirical kernel / n to rates, as in
        `MSKRegressor`.
    k : int, default=10
        Number of leading eigen-directions whose rates g sets; 0 is plain gradient
        descent.
    alpha : float, default=0.0
        Ridge, >= 0, on the distance of the parameters from their start.
    learning_rate : float, default=1.0
        Step size, in (0, 2), in units of ``1 / (mu_max + alpha / n)``, mu_max the
        largest rate at the start.
    max_iter : int, default=100
        Number of steps, >= 1. Whole floats such as 1e3 are legal.
    fit_intercept : bool, default=True
        Whether to subtract the (weighted) mean of y before training and to add it to
        predictions.
    store_trajectory : bool, default=False
        Whether to keep the networks after up to 50 log-spaced steps, for
        `staged_predict`.
    random_state : int, RandomState instance or None, default=None
        Seed of the parameters at the start. None is deterministic too.

    Attributes
    ----------
    network_ : WideNetwork
        Network after training, with ``weights``, ``biases`` and ``empirical_ntk(X)``.
    initial_network_ : WideNetwork
        Network at the start. `predict` subtracts its output.
    intercept_ : float or ndarray of shape (n_targets,)
        (Weighted) mean of y; 0.0 without intercept.
    target_scale_ : float or ndarray of shape (n_targets,)
        (Weighted) root mean square of y minus the intercept; 0 for constant y.
        `predict` multiplies the output of the network by this number.
    spectrum_ : Spectrum
        Leading eigenpairs of the empirical kernel / n at the start.
    modified_eigenvalues_ : ndarray of shape (`k_`,)
        ``g(eigenvalues)``.
    k_ : int
        Number of eigen-directions whose rates g sets: k, or the numerical rank of the
        kernel if that is smaller.
    learning_rate_ : float
        Absolute step on the kernel / n.
    max_learning_rate_ : float
        Absolute step at which descent begins to diverge.
    n_iter_ : int
        Number of steps.
    loss_curve_ : ndarray of shape (`n_iter_` + 1,)
        (Weighted) mean squared error on the training rows before the first step and
        after each step; inf if the square is beyond the range of a float.
    path_iterations_ : ndarray of shape (n_iterations,)
        With ``store_trajectory=True``: the steps after which the network was kept.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if all are strings.

    See Also
    --------
    sklearn_msk.MSKRegressor : The same training at infinite width, for prediction.
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
        "max_iter": [Interval(Real, 1, math.inf, closed="left")],
        "fit_intercept": ["boolean"],
        "store_trajectory": ["boolean"],
        "random_state": ["random_state"],
    }

    @explain_arguments
    def __init__(
        self,
        width: int = 1024,
        depth: int = 1,
        activation: str = "relu",
        weight_variance: float = 2.0,
        bias_variance: float = 0.1,
        *,
        g: str | Callable[[np.ndarray], np.ndarray] = "flatten",
        k: int = 10,
        alpha: float = 0.0,
        learning_rate: float = 1.0,
        max_iter: int = 100,
        fit_intercept: bool = True,
        store_trajectory: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
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
    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> "WideNetworkRegressor":
        """Train the network.

        A fit that fails leaves the object as it was before.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows. For float32 rows the network computes in float32.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets, one output of the network each. All outputs share one S, made of
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
        check_numpy(self, X)
        n_steps = _whole_number_of_steps(self.max_iter)
        g = resolve_spectral_map(self.g)
        with numbers_expected(self, X, y):
            rows = TrainingRows.checked(X, y, sample_weight, type(self).__name__)
        targets = StandardizedTargets.of(
            rows.y, rows.weights, centre=self.fit_intercept
        )
        origin = self._draw_network(rows.X.shape[1], rows.y.shape[1], rows.X.dtype)
        A = empirical_operator(origin, rows.X, rows.weights)
        S = precondition(leading_spectrum(A, self.k), g)
        ridge = self.alpha / rows.weight_unit / A.total_weight
        step_size = self.learning_rate / S.lipschitz(ridge)
        kept = _steps_to_keep(n_steps) if self.store_trajectory else []
        descent = descend(
            origin,
            rows.X,
            targets.values.astype(rows.X.dtype),
            A.sqrt_weights,
            S,
            step_size=step_size,
            ridge=ridge,
            n_steps=n_steps,
            keep=kept,
        )
        if descent.diverged_at is not None:
            raise ValueError(self._divergence_message(descent.diverged_at))
        relative_losses, losses = targets.mean_square(descent.squared_errors)
        if relative_losses[-1] > relative_losses[0]:
            warn_user(self._growth_message(losses), ConvergenceWarning)

        validate_data(self, X, reset=True, skip_check_array=True)
        self.initial_network_ = origin
        self.network_ = descent.network
        offset, scale = targets.offset, targets.scale
        self.intercept_ = float(offset[0]) if rows.is_single else offset
        self.target_scale_ = float(scale[0]) if rows.is_single else scale
        self.spectrum_ = S.spectrum
        self.modified_eigenvalues_ = S.modified_eigenvalues
        self.k_ = len(S.modified_eigenvalues)
        self.learning_rate_ = step_size
        self.max_learning_rate_ = 2.0 / S.lipschitz(ridge)
        self.n_iter_ = n_steps
        self.loss_curve_ = losses
        for name in ("path_iterations_", "_path"):
            self.__dict__.pop(name, None)
        if self.store_trajectory:
            self.path_iterations_, self._path = np.array(kept), descent.path
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict targets.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_queries,) or (n_queries, n_targets)
            Predictions, float64.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        """
        check_is_fitted(self)
        return next(self._values([self.network_], X))

    def score(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Coefficient of determination R2 of the predictions.

        The score equals `sklearn.metrics.r2_score`. It does not depend on the scale of
        y, even if squares of y leave the range of a float.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Rows.
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

    def staged_predict(
        self, X: ArrayLike, iterations: ArrayLike | None = None
    ) -> Iterator[np.ndarray]:
        """Predict targets after each of several steps of the path.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Rows.
        iterations : array-like of shape (n_iterations,), default=None
            Numbers of steps, among `path_iterations_`. None means all of these.

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
        return self._values([kept[step] for step in wanted.tolist()], X)

    def _draw_network(
        self, n_features: int, n_targets: int, dtype: np.dtype
    ) -> WideNetwork:
        """Draw the network at the start."""
        return WideNetwork.random(
            [n_features, *[self.width] * self.depth, n_targets],
            self.activation,
            self.weight_variance,
            self.bias_variance,
            check_seed(self.random_state),
            dtype,
        )

    def _divergence_message(self, step: int) -> str:
        """Say that the outputs have overflowed, and what to change."""
        return (
            f"Training diverged: the outputs overflow after {step} steps. "
            f"The network of width={self.width} no longer follows its kernel, for "
            f"which learning_rate={self.learning_rate} is safe; use a larger width, a "
            "smaller learning_rate or a smaller k."
        )

    def _growth_message(self, losses: np.ndarray) -> str:
        """Say that the training error has grown, and what to change."""
        return (
            f"The mean squared error on the training rows grew from {losses[0]:.3g}"
            f" to {losses[-1]:.3g}: the network of width={self.width} does not "
            "follow its kernel. Use a larger width, a smaller learning_rate or a "
            "smaller k."
        )

    def _values(
        self, networks: Sequence[WideNetwork], X: ArrayLike
    ) -> Iterator[np.ndarray]:
        """Validate rows; return the predictions of each of several networks."""
        dtype = self.network_.weights[0].dtype
        with numbers_expected(self, X):
            rows = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        rows = rows.astype(dtype, copy=False)
        scale, offset = self.target_scale_, self.intercept_
        start = _evaluate(self.initial_network_, rows)
        changes = (_evaluate(network, rows) - start for network in networks)
        if np.ndim(offset) == 0:
            return (change[:, 0] * scale + offset for change in changes)
        return (change * scale + offset for change in changes)


def _whole_number_of_steps(max_iter: float) -> int:
    """Return max_iter as an int, where it is one."""
    if max_iter % 1 != 0:
        raise ValueError(
            "The 'max_iter' parameter of WideNetworkRegressor must be a whole number "
            f"of steps, as 100 or 1e3. Got {max_iter!r} instead."
        )
    return int(max_iter)


def _steps_to_keep(n_steps: int) -> list[int]:
    """Return up to 50 log-spaced numbers from 1 to n_steps."""
    steps = np.rint(np.geomspace(1, n_steps, STORED_NETWORKS))
    return np.unique(steps.astype(int)).tolist()


def _evaluate(network: WideNetwork, X: np.ndarray) -> np.ndarray:
    """Return outputs in float64, by batches whose layers fit the working memory."""
    widest = max(max(weights.shape) for weights in network.weights)
    n_held = int(get_config()["working_memory"] * 2**20 // (8 * LAYER_ARRAYS * widest))
    batches = gen_batches(len(X), max(1, n_held))
    return np.concatenate([network(X[rows]) for rows in batches]).astype(np.float64)

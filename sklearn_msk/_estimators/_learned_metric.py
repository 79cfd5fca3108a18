"""A metric that is learned from the gradients of a model, as a transformer."""

import copy
import math
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    clone,
    is_classifier,
)
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_msk._array_api import (
    MovableEstimator,
    astype,
    float_types,
    place_of,
    rows_for,
    to_host,
)
from sklearn_msk._compat import (
    HasMethods,
    Interval,
    StrOptions,
    _fit_context,
)
from sklearn_msk._doc_links import DocLinkMixin
from sklearn_msk._estimators._names import NamedParameters, explain_arguments
from sklearn_msk._estimators._numbers import is_of_dates, numbers_expected
from sklearn_msk._selection._metric import Metric, agop, next_metric
from sklearn_msk._selection._metric_ridge import Expansion, fit_chosen_ridge
from sklearn_msk._validation import check_not_bool, check_seed, check_weights
from sklearn_msk.kernels._resolution import resolve_kernel

# Rows that the metric is learned from, and at which gradients are averaged.
_MAX_ROWS = 2000

# Integers are labels where each is there this often on average.
_ROWS_OF_A_LABEL = 5

# Interquartile range of the normal distribution of standard deviation 1.
_NORMAL_RANGE = 1.3489795


class LearnedMetric(
    NamedParameters,
    MovableEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    DocLinkMixin,
    BaseEstimator,
):
    """Linear map of the features, learned from the gradients of a kernel model.

    A kernel model f is fitted, and its average gradient outer product (AGOP)::

        M = sum_i w_i grad f(x_i) grad f(x_i)^T / sum_i w_i

    says along which directions the target changes. The next model is fitted in the
    metric ``M^power``, and both steps are repeated `max_iter` times. The method is
    called a Recursive Feature Machine [1]_. With ``L^T L = M^power``, `transform`
    returns ``X L^T``. The Euclidean distances of the result are those of the metric. An
    estimator that compares rows by distances, such as `KernelRidge`, `SVR`,
    `KNeighborsRegressor` or `GaussianProcessRegressor`, then ignores features and
    directions along which the target does not change.

    `fit` divides each feature by its interquartile range, or by its standard deviation
    if the range is 0. `components_` are in the units of X. With several targets, the
    products of the targets, each of unit variance, are summed. The metric is scaled so
    that the median distance of the rows stays the same. Constant features get no
    weight.

    The targets of all training rows helped to learn the metric. On these rows, errors
    of the next estimator are therefore too small, leave-one-out errors included. Judge
    a pipeline by rows that did not train any step of the pipeline, as `cross_val_score`
    does.

    Parameters
    ----------
    estimator : estimator, default=None
        Model whose gradients are taken: `MSKRegressor`, `MSKClassifier`, `KernelRidge`
        or `GaussianProcessRegressor`, fitted anew for each update on the features
        standardised and mapped. None stands for kernel ridge regression with a Gaussian
        kernel, whose length scale and ridge are chosen at every update by exact
        leave-one-out errors.
    structure : {"full", "diagonal"}, default="full"
        "full" uses the matrix M. "diagonal" uses the diagonal of M, a weight for each
        feature, and is safer with few rows and many features that do not matter.
    power : float, default=1.0
        Power of M, > 0; 0.5 changes the metric more slowly, 2 faster.
    max_iter : int, default=4
        Number of updates, >= 1. A single direction among 30 features, sought in 500 or
        2000 rows, takes 3 to 4.
    n_components : int, default=None
        Number of features of the output: the leading directions of the metric, the
        longest first. None keeps n_features of them, so that `components_` is
        symmetric but for the units.
    random_state : int, RandomState instance or None, default=None
        Draw of the 2000 rows that the metric is learned from, if there are more. None
        is deterministic too. An `estimator` is fitted on all rows, and its gradients
        are averaged over the sample.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        L: the training rows are compared by the distances of ``X @ components_.T``.
    metric_ : ndarray of shape (n_features, n_features)
        ``components_.T @ components_``.
    scale_ : ndarray of shape (n_features,)
        What the features are divided by; inf for constant ones.
    feature_importances_ : ndarray of shape (n_features,)
        Diagonal of M of the last model, for features standardised as above, over its
        sum; 0 where the model is constant.
    n_iter_ : int
        Number of models fitted: `max_iter`, or less where a model is constant.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where all are strings.

    See Also
    --------
    sklearn.neighbors.NeighborhoodComponentsAnalysis : A metric for nearest neighbours,
        of class labels only.

    Notes
    -----
    Without an estimator, each update decomposes three kernel matrices of 500 rows,
    factorises one of at most 2000 and takes the gradients at these: half a second on
    one core with 30 features. Memory is that of a few matrices of 2000 by 2000.

    References
    ----------
    .. [1] A. Radhakrishnan, D. Beaglehole, P. Pandit, M. Belkin, *Mechanism for feature
       learning in neural networks and backpropagation-free machine learning models*,
       Science 383, 2024, arXiv:2212.13881.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neighbors import KNeighborsRegressor
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_msk import LearnedMetric
    >>> X = np.random.default_rng(0).normal(size=(600, 10))
    >>> y = np.sin(X[:, 0] + X[:, 1])
    >>> metric = LearnedMetric().fit(X[:300], y[:300])
    >>> metric.feature_importances_.round(1)
    array([0.5, 0.5, 0. , 0. , 0. , 0. , 0. , 0. , 0. , 0. ])
    >>> plain = KNeighborsRegressor()
    >>> mapped = make_pipeline(LearnedMetric(), plain)
    >>> for model in (plain, mapped):
    ...     r2 = model.fit(X[:300], y[:300]).score(X[300:], y[300:])
    ...     print(f"{r2:.2f}")
    0.56
    1.00
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit"]), None],
        "structure": [StrOptions({"full", "diagonal"})],
        "power": [Interval(Real, 0, math.inf, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
    }

    @explain_arguments
    def __init__(
        self,
        estimator: Any = None,
        *,
        structure: str = "full",
        power: float = 1.0,
        max_iter: int = 4,
        n_components: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.structure = structure
        self.power = power
        self.max_iter = max_iter
        self.n_components = n_components
        self.random_state = random_state

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn the metric.

        A fit that fails leaves the object as it was before.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets. Strings, bools, and integers that recur (each five times on
            average, or no more than two of them) are labels, of which one column is
            made for each class; all others are numbers.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights of the rows; an integer weight is the same as
            repetition up to 2000 rows.

        Returns
        -------
        self : LearnedMetric
            The fitted transformer.

        Raises
        ------
        ValueError
            If a parameter or the data are out of their range, or the expansion of the
            fitted `estimator` in kernel functions is not known.
        """
        check_not_bool(self, "max_iter", "n_components")
        place = place_of(X)
        X, y, sample_weight = map(to_host, (X, y, sample_weight))
        # scikit-learn's validation sets attributes: here those of a copy.
        checked = copy.copy(self)
        # Text is labels; dates would be taken for integers.
        with numbers_expected(self, X, y if is_of_dates(y) else None):
            X, y = validate_data(
                checked,
                X,
                y,
                multi_output=True,
                dtype=[np.float64, np.float32],
                ensure_min_samples=2,
            )
        n_features = X.shape[1]
        if self.n_components is not None and self.n_components > n_features:
            raise ValueError(
                "The 'n_components' of LearnedMetric must be at most the number of "
                f"features, {n_features}. Got {self.n_components} instead."
            )
        weights = check_weights(sample_weight, X)
        rows, inverse_scales = standardize(X, weights)
        data = LabelledRows(rows, _target_columns(y), weights)
        seed = int(check_seed(self.random_state).randint(np.iinfo(np.int32).max))
        distinct = data.sample(seed).merged()
        model: _ChosenRidge | _GivenEstimator
        if self.estimator is None:
            model = _ChosenRidge(distinct, seed)
        else:
            model = _GivenEstimator(data, y, distinct, self.estimator)
        learned = _iterate(model, n_features, self.structure, self.power, self.max_iter)
        metric = learned.metric
        if self.n_components is not None:
            metric = metric.leading(self.n_components)
        columns = ("n_features_in_", "feature_names_in_")
        kept = vars(checked)
        self.__dict__.pop("feature_names_in_", None)
        self.__dict__ |= {name: kept[name] for name in columns if name in kept}
        components = metric.components * inverse_scales
        size = np.full(n_features, np.inf)
        np.divide(1.0, inverse_scales, where=inverse_scales > 0, out=size)
        attributes = {
            "components_": components,
            "metric_": components.T @ components,
            "scale_": size,
            "feature_importances_": learned.importances,
            "n_iter_": learned.n_models,
        }
        self.__dict__ |= attributes if place is None else place.put_all(attributes)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Map rows so that their Euclidean distances are those of the metric.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_queries, n_components)
            ``X @ components_.T``, in float32 where X is, float64 otherwise.
        """
        check_is_fitted(self)
        with numbers_expected(self, X):
            X = validate_data(self, X, dtype=float_types(X), reset=False)
        X, back = rows_for(self, X, self.components_, "transform")
        mapped = astype(X, self.components_.dtype) @ self.components_.T
        return back(astype(mapped, X.dtype))

    @property
    def _n_features_out(self) -> int:
        return self.components_.shape[0]


@dataclass(frozen=True, eq=False)
class LabelledRows:
    """Standardised rows, their targets of unit variance, and weights.

    Attributes
    ----------
    X : ndarray of shape (n, n_features), float64
    targets : ndarray of shape (n, n_targets), float64
    weights : ndarray of shape (n,) or None
    """

    X: np.ndarray
    targets: np.ndarray
    weights: np.ndarray | None

    @property
    def spreads(self) -> np.ndarray:
        """Standard deviation of each target, 1 where it is constant."""
        mean = np.average(self.targets, axis=0, weights=self.weights)
        squares = np.square(self.targets - mean)
        spreads = np.sqrt(np.average(squares, axis=0, weights=self.weights))
        return np.where(spreads > 0, spreads, 1.0)

    def sample(self, seed: int, max_rows: int = _MAX_ROWS) -> "LabelledRows":
        """At most so many of the rows of positive weight."""
        used = np.arange(len(self.X))
        if self.weights is not None:
            used = np.flatnonzero(self.weights)
        if len(used) > max_rows:
            used = np.random.default_rng(seed).choice(used, max_rows, replace=False)
        weights = None if self.weights is None else self.weights[used]
        return LabelledRows(self.X[used], self.targets[used], weights)

    def merged(self) -> "LabelledRows":
        """Distinct rows in ascending order: weights add, targets average."""
        weights = np.ones(len(self.X)) if self.weights is None else self.weights
        # A zero and a negative zero are equal.
        X, group = np.unique(self.X + 0.0, axis=0, return_inverse=True)
        group = group.reshape(-1)
        total = np.bincount(group, weights)
        sums = [np.bincount(group, weights * column) for column in self.targets.T]
        return LabelledRows(X, np.column_stack(sums) / total[:, None], total)


def standardize(
    X: np.ndarray, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Rows in robust units, about their median, and what X is multiplied by.

    The unit of a feature is its interquartile range, that of a normal distribution
    being its standard deviation, or else its standard deviation; a constant feature is
    multiplied by 0.
    """
    X = X.astype(np.float64)
    quartiles = [_quantile(column, weights, (0.25, 0.5, 0.75)) for column in X.T]
    low, middle, high = np.array(quartiles).T
    X -= middle
    spread = (high - low) / _NORMAL_RANGE
    mean = np.average(X, axis=0, weights=weights)
    deviation = np.sqrt(np.average(np.square(X - mean), axis=0, weights=weights))
    unit = np.where(spread > 0, spread, deviation)
    inverse = np.where(unit > 0, 1.0 / np.where(unit > 0, unit, 1.0), 0.0)
    return X * inverse, inverse


def _quantile(
    column: np.ndarray, weights: np.ndarray | None, levels: tuple[float, ...]
) -> np.ndarray:
    """Quantiles of weighted numbers, the inverse of their distribution function."""
    order = np.argsort(column, kind="stable")
    shares = np.ones(len(column)) if weights is None else weights[order]
    below = np.cumsum(shares)
    at = np.searchsorted(below, np.array(levels) * below[-1])
    return column[order][np.minimum(at, len(column) - 1)]


def _target_columns(y: np.ndarray) -> np.ndarray:
    """Columns of numbers; one for each class where y are labels, for two but one."""
    if _are_labels(y):
        check_classification_targets(y)
        return LabelBinarizer().fit_transform(y).astype(np.float64)
    return np.asarray(y, dtype=np.float64).reshape(len(y), -1)


def _are_labels(y: np.ndarray) -> bool:
    """Whether targets are class labels, as `LearnedMetric.fit` states."""
    if y.ndim > 1 and y.shape[1] > 1:
        return False
    kind = y.dtype.kind
    if kind in "iu":
        return len(np.unique(y)) <= max(2, len(y) / _ROWS_OF_A_LABEL)
    if kind == "O":
        return type_of_target(y) in ("binary", "multiclass") and isinstance(
            y.flat[0], str | bool
        )
    return kind in "USb"


@dataclass(frozen=True, eq=False)
class _Learned:
    """What the iteration ends with."""

    metric: Metric
    importances: np.ndarray
    n_models: int


@dataclass(frozen=True, eq=False)
class _ChosenRidge:
    """Kernel ridge regression that leave-one-out errors choose, on distinct rows."""

    rows: LabelledRows
    seed: int

    def gradients(self, metric: Metric) -> np.ndarray:
        """Gradients at the rows, in the coordinates of the metric."""
        X, targets = metric.transform(self.rows.X), self.rows.targets
        if len(X) < 2:
            return np.zeros((*X.shape, targets.shape[1]))
        weights = self.rows.weights
        assert weights is not None
        expansion = fit_chosen_ridge(
            X,
            targets / self.rows.spreads,
            weights,
            seed=self.seed,
        )
        return expansion.gradients(X)


@dataclass(frozen=True, eq=False)
class _GivenEstimator:
    """The user's estimator, fitted on all rows, and the rows for its gradients."""

    data: LabelledRows
    y: np.ndarray
    rows: LabelledRows
    estimator: Any

    def gradients(self, metric: Metric) -> np.ndarray:
        """Gradients at the rows, in the coordinates of the metric."""
        labels = is_classifier(self.estimator)
        targets, spreads = self.data.targets, self.data.spreads
        numbers = targets[:, 0] if targets.shape[1] == 1 else targets
        weights = self.data.weights
        fit_params = {} if weights is None else {"sample_weight": weights}
        model = clone(self.estimator).fit(
            metric.transform(self.data.X), self.y if labels else numbers, **fit_params
        )
        gradients = _expansion(model).gradients(metric.transform(self.rows.X))
        several = gradients.ndim == 3 and not labels
        return gradients / spreads if several else gradients


def _iterate(
    model: _ChosenRidge | _GivenEstimator,
    n_features: int,
    structure: str,
    power: float,
    max_iter: int,
) -> _Learned:
    """Fit, replace the metric by a power of the AGOP, and repeat."""
    metric, rows = Metric.identity(n_features), model.rows
    importances, n_models = np.zeros(n_features), 0
    while n_models < max_iter:
        gradients = metric.pull_back(model.gradients(metric))
        product = agop(gradients, rows.weights)
        n_models += 1
        importance = product.diagonal()
        if not importance.sum() > 0:
            break
        importances = importance / importance.sum()
        metric = next_metric(metric, product, rows.X, structure=structure, power=power)
    return _Learned(metric, importances, n_models)


def _expansion(model: Any) -> Expansion:
    """Kernel functions and coefficients of a fitted model."""
    fitted = vars(model)
    if {"kernel_", "X_fit_", "dual_coef_"} <= fitted.keys():
        kernel, rows, coef = model.kernel_, model.X_fit_, model.dual_coef_
    elif {"X_fit_", "dual_coef_"} <= fitted.keys():
        # `KernelRidge` gives a callable two rows at a time.
        if callable(model.kernel):
            raise ValueError(
                "The 'estimator' of LearnedMetric must have a kernel by name where it "
                f"is a {type(model).__name__}. Got {model.kernel!r} instead; use "
                "MSKRegressor."
            )
        kernel = resolve_kernel(
            model.kernel,
            gamma=model.gamma,
            degree=model.degree,
            coef0=model.coef0,
            kernel_params=model.kernel_params,
        )
        rows, coef = model.X_fit_, model.dual_coef_
    elif {"kernel_", "X_train_", "alpha_"} <= fitted.keys():
        kernel, rows, coef = model.kernel_, model.X_train_, model.alpha_
    else:
        raise ValueError(
            "The 'estimator' of LearnedMetric must be an MSKRegressor, MSKClassifier, "
            "KernelRidge or GaussianProcessRegressor, whose expansion in kernel "
            f"functions is known. Got {type(model).__name__} instead."
        )
    return Expansion(kernel, rows, coef)

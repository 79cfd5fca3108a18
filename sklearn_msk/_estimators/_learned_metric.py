"""A metric that is learned from the gradients of a model, as a transformer."""

import copy
import math
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils import Tags
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
from sklearn_msk._estimators._labelled_rows import (
    LabelledRows,
    standardize,
    target_columns,
)
from sklearn_msk._estimators._metric_iteration import (
    ChosenRidge,
    GivenEstimator,
    iterate,
)
from sklearn_msk._estimators._names import NamedParameters, explain_arguments
from sklearn_msk._estimators._numbers import is_of_dates, numbers_expected
from sklearn_msk._validation import check_not_bool, check_seed, check_weights


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
        data = LabelledRows(rows, target_columns(y), weights)
        seed = int(check_seed(self.random_state).randint(np.iinfo(np.int32).max))
        distinct = data.sample(seed).merged()
        model: ChosenRidge | GivenEstimator
        if self.estimator is None:
            model = ChosenRidge(distinct, seed)
        else:
            model = GivenEstimator(data, y, distinct, self.estimator)
        learned = iterate(model, n_features, self.structure, self.power, self.max_iter)
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

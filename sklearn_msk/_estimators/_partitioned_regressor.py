"""Regression on millions of rows: a global model, and exact models of its residuals."""

from functools import partial
from typing import Any, Self

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_msk._batches import batches
from sklearn_msk._compat import _fit_context, with_callbacks
from sklearn_msk._estimators._global_values import Predictions
from sklearn_msk._estimators._intervals import check_level, warn_of_infinite_ends
from sklearn_msk._estimators._leaf_widths import half_widths
from sklearn_msk._estimators._partitioned import BasePartitioned
from sklearn_msk._estimators._regressor_cv import MSKRegressorCV
from sklearn_msk._operators import is_dask
from sklearn_msk._scores import r2
from sklearn_msk._tuning import GLOBAL_LANDMARKS, PARTITION_BLOCK_ROWS


class PartitionedRegressor(MultiOutputMixin, RegressorMixin, BasePartitioned):
    """Exact kernel models of small leaves, on the residuals of one global model.

    A leaf is a part of the rows that are near each other. The leaves come from cutting
    the rows in two, again and again. The prediction is
    ``f(x) = f_0(x) + sum_l s_l(x) c_l f_l(x)``. Here f_0 is the global model, and f_l
    the model of leaf l. The targets of f_l are the residuals of f_0 at rows that did
    not train f_0. (If one row alone makes a bump of f_0, as a landmark far from other
    rows may, its target is the residual of f_0 itself.) The factor c_l in [0, 1] has
    the least squared error at rows that did not train f_l. Next to a split two leaves
    share the prediction with smooth weights s_l, so the prediction has no jump. The
    cost is linear in the number of rows.

    Parameters
    ----------
    estimator : regressor, default=None
        Model of a leaf. None is ``MSKRegressorCV(effort="quick")``. The
        `loo_prediction_` of the model gives the factor c_l. If a model has none, five
        folds give the factor.
    global_estimator : regressor, default=None
        Model of all rows. None is `MSKRegressorCV` with 1000 landmarks. The residuals
        come from the `loo_prediction_` of the model. If a model has none, the residuals
        come from five folds.
    leaf_size : int, default=2000
        Largest number of distinct rows of a leaf, without the rows that it shares. With
        more than 250 000 rows the number is met to a few percent.
    overlap : float, default=0.1
        Width of the band that two leaves share, over the width of the leaves. 0 is a
        model with jumps.
    split : {"auto", "linear", "metric", "principal"} or callable, default="auto"
        Where rows are cut in two. All cut at the median.

        - "metric": along the leading direction of a `LearnedMetric` of 3000 rows.
        - "linear": along the feature, or that direction, that leaves ridge regressions
          of both sides the least squared leave-one-out errors of the residuals of f_0
          (a linear model tree [1]_). Of more than 20 features, the 20 that matter most
          in the metric are tried.
        - "auto": "metric" or "linear", whichever leaves less. Some leaves of each are
          fitted to compare them: a quarter, and at most 24. The leaves are drawn with
          probabilities proportional to the errors of linear models in them. Where
          "metric" gives less than 16 leaves, "auto" is "metric".
        - "principal": along the leading direction of the standardised features.
        - callable: along the leading direction of the coordinates that ``split(X)`` of
          shape (n_samples, n_coordinates) returns.
    max_global_rows : int, default=200000
        The global model is trained on so many rows, drawn at random.
    n_jobs : int, default=None
        Number of leaves that joblib fits, or predicts, at a time. Fits run on the
        backend of `joblib.parallel_config`, such as "dask". None is 1. The number
        changes no result. With dask arrays the cluster decides.
    random_state : int, RandomState instance or None, default=None
        Draws of rows, and of whatever the estimators draw. None is deterministic too.
    verbose : int, default=0
        1 or more prints a line for each leaf, and each leaf that compares splits.

    Attributes
    ----------
    global_estimator_ : regressor
        The global model, fitted.
    estimators_ : list of regressor or None
        The models of the leaves, fitted; None where a leaf has less than 10
        distinct rows.
    shrinkages_ : ndarray of shape (n_leaves,) or (n_leaves, n_targets)
        The factors c_l.
    n_leaves_ : int
        Number of leaves.
    split_ : str or callable
        The value of `split` in use: that chosen by "auto"; "principal" for one leaf.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where all are strings.

    See Also
    --------
    MSKRegressorCV : One model of up to 10 000 rows, with prediction intervals.

    Notes
    -----
    If a row lies outside of the range of a leaf's rows in any feature, the correction
    of the leaf is smaller, and 0 beyond the width of the leaf. Far from every training
    row the prediction is that of the global model.

    X may be a `numpy.memmap`: a leaf reads its rows.

    The model of a leaf, if it is an `MSKRegressorCV`, holds its rows in float32 where
    that moves no prediction at 100 of these rows by more than 1e-4 of the root mean
    square of the residuals.

    References
    ----------
    .. [1] J. R. Quinlan, *Learning with continuous classes*, 5th Australian Joint
       Conference on Artificial Intelligence, 1992.

    Examples
    --------
    >>> from sklearn.datasets import make_friedman1
    >>> from sklearn_msk import PartitionedRegressor
    >>> X, y = make_friedman1(3000, noise=0.5, random_state=0)
    >>> model = PartitionedRegressor(leaf_size=1000).fit(X[:2500], y[:2500])
    >>> model.n_leaves_
    4
    >>> print(f"{model.score(X[2500:], y[2500:]):.2f}")
    0.99
    """

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> Self:
        """Train the global model and the leaves.

        A fit that fails or is interrupted leaves the object as it was before.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows, which may be a memory map, or a dask array. The chunks of the
            latter go to the leaves where the workers are.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights. They help to choose where rows are split; a median is
            that of the distinct rows of positive weight.
        **params : dict
            Metadata of the `fit` of both estimators, under
            ``sklearn.set_config(enable_metadata_routing=True)``.

        Returns
        -------
        self : PartitionedRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are out of their range.
        RuntimeError
            If the model of a leaf cannot be fitted; the error names the leaf.

        Warns
        -----
        UserWarning
            If `leaf_size` is below 10, and a leaf has less than 10 distinct rows.
        """
        options = {"multi_output": True, "y_numeric": True}
        columns, table = self._check_data(X, y, sample_weight, options)
        passed = X, y, sample_weight
        return self._train(table, columns, Predictions(), params, passed)

    def predict(self, X: Any) -> np.ndarray:
        """Predict targets.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Rows. A dask array gives a lazy dask array.

        Returns
        -------
        ndarray, or dask array, of shape (n_queries,) or (n_queries, n_targets)
            Predictions, float64.
        """
        check_is_fitted(self)
        several = self.shrinkages_.ndim == 2
        n_targets = self.shrinkages_.shape[1] if several else None
        values = partial(self._sum_values, kind=Predictions())
        return self._answer(X, values, n_targets, np.float64)

    def predict_interval(self, X: Any, confidence_level: float = 0.9) -> Any:
        """Predict intervals that hold the target with a given probability.

        The interval is the prediction plus and minus a half width. In a leaf of n rows
        the half width is the r-th smallest absolute error, ``r =
        ceil(confidence_level (n + 1))``, at rows that did not train the leaf. So
        intervals are wider where errors are larger. (A leaf of too few rows has the
        half width of all leaves together.) Leaves that share a row share its half
        width; outside of the range of a leaf, the errors are those of the global model.
        Intervals hold for exchangeable rows, not for groups, times or weights.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Rows. A dask array, where y has one dimension, gives a lazy dask array.
        confidence_level : float, default=0.9
            In (0, 1).

        Returns
        -------
        ndarray of shape (n_queries, 2) or (n_queries, n_targets, 2), or dask array
            Lower and upper ends; infinite where there are too few rows.

        Raises
        ------
        ValueError
            If `confidence_level` is out of its range, or X is a dask array and there
            are several targets.

        Warns
        -----
        UserWarning
            If the ends are infinite.
        """
        check_is_fitted(self)
        level = check_level(confidence_level)
        if is_dask(X) and self.shrinkages_.ndim == 2:
            raise ValueError(
                "predict_interval takes dask arrays for one target. Got a model of "
                f"{self.shrinkages_.shape[1]} targets: pass NumPy arrays, as "
                "X.blocks[i].compute()."
            )
        of_leaves = half_widths(self._leaves, level)
        if np.isinf(of_leaves).any():
            warn_of_infinite_ends(
                level, sum(leaf.sizes.shape[1] for leaf in self._leaves)
            )
        ends = partial(self._ends, of_leaves=of_leaves)
        return self._answer(X, ends, 2, np.float64)

    def _ends(self, X: np.ndarray, of_leaves: np.ndarray) -> np.ndarray:
        """Return the ends of the intervals at rows, in blocks."""
        middle = self._sum_values(X, Predictions())
        half = np.concatenate(
            [
                self._block_widths(np.asarray(X[block]), of_leaves)
                for block in batches(len(X), PARTITION_BLOCK_ROWS)
            ]
        )
        return np.stack([middle - half, middle + half], axis=-1)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Coefficient of determination R2 of the predictions, at any scale of y.

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

    def _default_estimators(self) -> dict[str, Any]:
        """Return what None stands for."""
        return {
            "estimator": MSKRegressorCV(effort="quick"),
            "global_estimator": MSKRegressorCV(max_rows=GLOBAL_LANDMARKS),
        }

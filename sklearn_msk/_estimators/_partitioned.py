"""What the estimators of a partition have in common: a global model and its leaves."""

import copy
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.utils import check_array
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.validation import (
    check_is_fitted,
    has_fit_parameter,
    validate_data,
)

from sklearn_msk._array_api import check_numpy
from sklearn_msk._batches import batches
from sklearn_msk._compat import (
    CallbackSupportMixin,
    HasMethods,
    Interval,
    StrOptions,
    _raise_for_params,
    _routing_enabled,
)
from sklearn_msk._doc_links import DocLinkMixin
from sklearn_msk._estimators._classes import check_one_label
from sklearn_msk._estimators._global_model import GlobalModel, draw_rows
from sklearn_msk._estimators._global_values import GlobalValues
from sklearn_msk._estimators._leaf_rows import ArrayTable, DaskTable, Router, columns
from sklearn_msk._estimators._leaf_values import correction, feature_widths, reach
from sklearn_msk._estimators._learned_metric import LearnedMetric
from sklearn_msk._estimators._leaves import FEWEST_LEAF_ROWS, LeafModel
from sklearn_msk._estimators._names import NamedParameters, explain_arguments
from sklearn_msk._estimators._numbers import numbers_expected
from sklearn_msk._estimators._out_of_fold import has_left_out
from sklearn_msk._estimators._progress import FitTask
from sklearn_msk._estimators._sparse_rows import check_dense_array
from sklearn_msk._estimators._split_choice import (
    FitLeaves,
    GrownPartition,
    SplitChoice,
    choose_partition,
)
from sklearn_msk._estimators._split_rules import SplitSample, split_rules
from sklearn_msk._estimators._warnings import warn_user
from sklearn_msk._operators import DaskRows, check_chunks, is_dask
from sklearn_msk._operators import map_rows as map_chunks
from sklearn_msk._tuning import (
    PARTITION_BLOCK_ROWS,
    PARTITION_METRIC_ROWS,
    PARTITION_SAMPLE_ROWS,
)
from sklearn_msk._validation import check_seed, check_weights


class BasePartitioned(
    NamedParameters,
    CallbackSupportMixin,
    DocLinkMixin,
    BaseEstimator,
    metaclass=ABCMeta,
):
    """Global model whose residuals the models of leaves learn."""

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "global_estimator": [HasMethods(["fit", "predict"]), None],
        "leaf_size": [Interval(Integral, 2, None, closed="left")],
        "overlap": [Interval(Real, 0, 1, closed="both")],
        "split": [StrOptions({"auto", "linear", "metric", "principal"}), callable],
        "max_global_rows": [Interval(Integral, 2, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    @explain_arguments
    def __init__(
        self,
        estimator: Any = None,
        *,
        global_estimator: Any = None,
        leaf_size: int = 2000,
        overlap: float = 0.1,
        split: Any = "auto",
        max_global_rows: int = 200_000,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.global_estimator = global_estimator
        self.leaf_size = leaf_size
        self.overlap = overlap
        self.split = split
        self.max_global_rows = max_global_rows
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def get_metadata_routing(self) -> MetadataRouter:
        """Get the metadata routing of this object.

        Returns
        -------
        MetadataRouter
            To the `fit` of both estimators.
        """
        router = MetadataRouter(owner=self)
        mapping = MethodMapping().add(caller="fit", callee="fit")
        for name, estimator in self._estimators().items():
            router.add(**{name: estimator}, method_mapping=mapping)
        return router

    def apply(self, X: Any) -> np.ndarray:
        """Find the leaf that a row is in.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_queries,)
            Numbers of leaves, from 0 to ``n_leaves_ - 1``.
        """
        check_is_fitted(self)
        return self._answer(X, self._leaves_of, None, np.intp)

    def _leaves_of(self, X: np.ndarray) -> np.ndarray:
        """Leaves of rows, in blocks."""
        found = [
            self._partition.leaf_of(self._coordinates(np.asarray(X[block])))
            for block in batches(len(X), PARTITION_BLOCK_ROWS)
        ]
        return np.concatenate(found)

    def _answer(
        self,
        X: Any,
        function: Callable[[np.ndarray], np.ndarray],
        n_columns: int | None,
        dtype: Any,
    ) -> Any:
        """Apply a function to rows, and lazily to the chunks of a dask array.

        `n_columns` and `dtype` are those of the result, which has one dimension for
        None.
        """
        if not is_dask(X):
            return function(self._check_rows(X))
        X = check_chunks(X, known=False)
        self._check_rows(np.zeros((1, X.shape[1])))
        return map_chunks(function, X, n_columns, dtype)

    @abstractmethod
    def _default_estimators(self) -> dict[str, Any]:
        """Return what None stands for."""

    def _estimators(self) -> dict[str, Any]:
        """Return both estimators by their parameter's name, not fitted."""
        found = {}
        for name, default in self._default_estimators().items():
            given = getattr(self, name)
            found[name] = default if given is None else clone(given)
            if given is None and _routing_enabled():
                default.set_fit_request(sample_weight=True)
        return found

    def _routed(self, weights: Any, params: dict[str, Any]) -> dict[str, dict]:
        """Return what goes to the `fit` of each estimator."""
        _raise_for_params(params, self, "fit")
        given = dict(params)
        if weights is not None:
            given["sample_weight"] = weights
        estimators = self._estimators()
        if _routing_enabled():
            routed = process_routing(self, "fit", **given)
            return {name: routed[name].fit for name in estimators}
        for name, estimator in estimators.items():
            if weights is not None and not has_fit_parameter(
                estimator, "sample_weight"
            ):
                raise ValueError(
                    f"The '{name}' {type(estimator).__name__} takes no sample_weight. "
                    "Pass none, or another estimator; a pipeline takes weights under "
                    "sklearn.set_config(enable_metadata_routing=True)."
                )
        return {name: given for name in estimators}

    def _check_data(
        self, X: Any, y: Any, sample_weight: Any, options: dict[str, Any]
    ) -> tuple[dict[str, Any], ArrayTable | DaskTable]:
        """Validate rows, targets and weights; return what is known of the columns too.

        `options` are those of scikit-learn's validation.
        """
        # scikit-learn's validation sets attributes: here those of a copy.
        checked = copy.copy(self)
        if is_dask(X, y):
            if not is_classifier(self):
                y = (y if is_dask(y) else np.asarray(y)).astype(np.float64)
            rows = DaskRows.of(X, y, sample_weight)
            # Of the shapes two rows tell enough.
            few = min(len(X), 2)
            validate_data(
                checked,
                np.zeros((few, rows.n_features)),
                np.zeros((few, *y.shape[1:])),
                ensure_min_samples=2,
                **options,
            )
            return {"n_features_in_": rows.n_features}, DaskTable.of(
                X, y, self._check_weights(sample_weight, np.empty((len(X), 0))), rows
            )
        check_numpy(self, X)
        check_dense_array(X, "X")
        check_dense_array(y, "y")
        check_one_label(self, y)
        kinds = [np.float64, np.float32]
        labelled = is_classifier(self)
        with numbers_expected(self, X, None if labelled else y):
            X, y = validate_data(
                checked, X, y, dtype=kinds, ensure_min_samples=2, **options
            )
            if not labelled:
                y = check_array(y, dtype=np.float64, ensure_2d=False, input_name="y")
        columns = {"n_features_in_": checked.n_features_in_}
        if hasattr(checked, "feature_names_in_"):
            columns["feature_names_in_"] = checked.feature_names_in_
        return columns, ArrayTable(X, y, self._check_weights(sample_weight, X))

    def _check_weights(self, sample_weight: Any, X: np.ndarray) -> np.ndarray | None:
        """Validate weights, of which leave-one-out needs two."""
        weights = check_weights(sample_weight, X)
        if weights is not None and np.count_nonzero(weights) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least 2 rows of positive weight. Got "
                f"{np.count_nonzero(weights)}."
            )
        return weights

    def _check_rows(self, X: Any) -> np.ndarray:
        """Validate rows of queries."""
        with numbers_expected(self, X):
            return validate_data(self, X, dtype=[np.float64, np.float32], reset=False)

    def _train(
        self,
        table: ArrayTable | DaskTable,
        known: dict[str, Any],
        kind: GlobalValues,
        params: dict[str, Any],
        passed: tuple[Any, Any, Any],
    ) -> Self:
        """Fit all models, and assign the attributes last.

        Parameters
        ----------
        table : ArrayTable or DaskTable
        known : dict
            Attributes that the data determine.
        kind : GlobalValues
        params : dict
            Metadata.
        passed : tuple
            X, y and sample_weight, for callbacks.
        """
        routed = self._routed(table.weights, params)
        task = FitTask(self, *passed)
        attributes = known | self._fit(table, routed, kind, task)
        task.end(lambda: attributes)
        # The names of an earlier fit.
        self.__dict__.pop("feature_names_in_", None)
        self.__dict__ |= attributes
        return self

    def _fit(
        self,
        table: ArrayTable | DaskTable,
        routed: dict[str, dict],
        kind: GlobalValues,
        task: FitTask,
    ) -> dict[str, Any]:
        """Fit the global model, the partition and its leaves.

        Parameters
        ----------
        table : ArrayTable or DaskTable
        routed : dict
            What goes to the `fit` of each estimator.
        kind : GlobalValues
        task : FitTask

        Returns
        -------
        dict
            Fitted attributes.
        """
        rng = check_seed(self.random_state)
        estimators, used = self._estimators(), table.used()
        model = _fit_global(
            _seeded(estimators["global_estimator"], rng),
            table,
            kind.complete(used[draw_rows(len(used), self.max_global_rows, rng)]),
            routed["global_estimator"],
            kind,
        )
        self._report("fitted the global model", task)
        fit_leaves = partial(
            _fit_leaves,
            table=table,
            model=model,
            targets=kind.targets,
            estimator=estimators["estimator"],
            params=routed["estimator"],
            n_jobs=self.n_jobs,
            rng=rng,
        )
        choice = self._choose(table, used, model, kind, fit_leaves, rng, task)
        chosen, known = choice.grown, dict(choice.known)
        n_leaves = chosen.partition.n_leaves
        others = np.setdiff1d(np.arange(n_leaves), list(known))
        for number, leaf in zip(others, fit_leaves(chosen, others), strict=True):
            known[number] = leaf
            self._report(f"fitted leaf {len(known)} of {n_leaves}", task)
        leaves = [known[number] for number in range(n_leaves)]
        self._warn_of_small_leaves(leaves)
        return {
            "_coordinates": chosen.coordinates,
            "_leaves": leaves,
            "_partition": chosen.partition,
            "_widths": feature_widths(leaves),
            "estimators_": [leaf.estimator for leaf in leaves],
            "global_estimator_": model.estimator,
            "n_leaves_": n_leaves,
            "shrinkages_": np.array([leaf.shrinkage for leaf in leaves]),
            "split_": chosen.split,
        }

    def _choose(
        self,
        table: ArrayTable | DaskTable,
        used: np.ndarray,
        model: GlobalModel,
        kind: GlobalValues,
        fit_leaves: FitLeaves,
        rng: np.random.RandomState,
        task: FitTask,
    ) -> SplitChoice:
        """Grow partitions on a sample of the used rows, and choose one."""
        numbers = used[draw_rows(len(used), PARTITION_SAMPLE_ROWS, rng)]
        sample = _draw_sample(table, numbers, model, kind)
        leaf_size = self.leaf_size * len(numbers) / len(used)
        some = draw_rows(len(sample.X), PARTITION_METRIC_ROWS, rng)
        metric = _seeded(LearnedMetric(), rng)
        # One leaf needs no metric.
        one_leaf = len(sample.X) <= leaf_size and not callable(self.split)
        split = "principal" if one_leaf else self.split
        rules = split_rules(split, sample, some, metric)
        report = partial(self._report, task=task)
        return choose_partition(
            rules, sample, leaf_size, self.overlap, fit_leaves, rng, report
        )

    def _sum_values(self, X: np.ndarray, kind: GlobalValues) -> np.ndarray:
        """Values of the global model and of the leaves, in blocks of rows."""
        return np.concatenate(
            [
                self._block_values(np.asarray(X[block]), kind)
                for block in batches(len(X), PARTITION_BLOCK_ROWS)
            ]
        )

    def _block_widths(self, X: np.ndarray, of_leaves: np.ndarray) -> np.ndarray:
        """Half widths of intervals at rows, from those of `half_widths`."""
        total = np.zeros((len(X), *of_leaves.shape[2:]))
        if np.isinf(of_leaves).any():
            # All leaves together have too few rows.
            return total + np.inf
        shares = self._partition.shares(self._coordinates(X))
        for leaf, width, (inside, outside), (rows, share) in zip(
            self._leaves, self._widths, of_leaves, columns(shares), strict=True
        ):
            if len(rows):
                near = reach(leaf, width, X[rows])
                total[rows] += np.multiply.outer(share * near, inside)
                total[rows] += np.multiply.outer(share * (1.0 - near), outside)
        return total

    def _block_values(self, X: np.ndarray, kind: GlobalValues) -> np.ndarray:
        """Values of the global model and of the leaves."""
        shape = (len(X), *self.shrinkages_.shape[1:])
        total = kind.values(self.global_estimator_, X).reshape(shape)
        shares = self._partition.shares(self._coordinates(X))
        tasks = [
            (leaf, width, rows, share)
            for leaf, width, (rows, share) in zip(
                self._leaves, self._widths, columns(shares), strict=True
            )
            if leaf.estimator is not None and len(rows)
        ]
        parts = Parallel(n_jobs=self.n_jobs, require="sharedmem")(
            delayed(correction)(leaf, width, X[rows], share)
            for leaf, width, rows, share in tasks
        )
        for (_, _, rows, _), part in zip(tasks, parts, strict=True):
            total[rows] += part.reshape(total[rows].shape)
        return total

    def _warn_of_small_leaves(self, leaves: list[LeafModel]) -> None:
        """Warn where `leaf_size` leaves a leaf too few rows to learn from."""
        n_small = sum(leaf.estimator is None for leaf in leaves)
        if n_small and self.leaf_size < FEWEST_LEAF_ROWS:
            warn_user(
                f"{n_small} of {len(leaves)} leaves have less than {FEWEST_LEAF_ROWS} "
                "distinct rows, and add nothing to the global model, with leaf_size="
                f"{self.leaf_size}. Set leaf_size to some hundreds or thousands.",
                UserWarning,
            )

    def _report(self, what: str, task: FitTask) -> None:
        """Tell the user, and callbacks, what has been done."""
        task.end_part(what)
        if self.verbose:
            print(f"[{type(self).__name__}] {what}")


def _seeded(estimator: Any, rng: np.random.RandomState) -> Any:
    """Draw every random state that an estimator leaves open."""
    seeds = {
        name: rng.randint(np.iinfo(np.int32).max)
        for name, value in sorted(estimator.get_params(deep=True).items())
        if value is None and name.endswith("random_state")
    }
    return estimator.set_params(**seeds)


def _fit_leaves(
    grown: GrownPartition,
    leaves: np.ndarray,
    *,
    table: ArrayTable | DaskTable,
    model: GlobalModel,
    targets: Callable[[np.ndarray], np.ndarray],
    estimator: Any,
    params: dict[str, Any],
    n_jobs: int | None,
    rng: np.random.RandomState,
) -> Iterator[LeafModel]:
    """Fit leaves of some numbers, one after the other."""
    router = Router(model, grown.partition, grown.coordinates, targets)
    estimators = [_seeded(clone(estimator), rng) for _ in leaves]
    return table.fit_leaves(router, leaves, estimators, params, n_jobs)


def _fit_global(
    estimator: Any,
    table: ArrayTable | DaskTable,
    rows: np.ndarray,
    params: dict[str, Any],
    kind: GlobalValues,
) -> GlobalModel:
    """Fit the global model on some rows, and find its values without each of them."""
    X, y = table.take(rows)
    some = table.metadata(params, rows)
    fitted = estimator.fit(X, y, **some)
    left_out = kind.left_out(fitted, X, y, some)
    exact = has_left_out(fitted)
    return GlobalModel(fitted, kind.values, rows, left_out, exact)


def _draw_sample(
    table: ArrayTable | DaskTable,
    numbers: np.ndarray,
    model: GlobalModel,
    kind: GlobalValues,
) -> SplitSample:
    """Return rows of some numbers, with what the global model leaves of them."""
    X, y = table.take(numbers)
    targets = kind.targets(y)
    residuals = model.residuals(X, targets, numbers)
    weights = None if table.weights is None else table.weights[numbers]
    return SplitSample.of(X, targets, residuals, weights)

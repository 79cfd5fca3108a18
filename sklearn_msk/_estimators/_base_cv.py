"""What the estimators whose model the data choose have in common."""

import copy
from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, issparse
from sklearn.base import BaseEstimator, is_classifier
from sklearn.gaussian_process.kernels import Kernel
from sklearn.metrics import check_scoring
from sklearn.utils import Tags, check_array
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from sklearn_msk._array_api import (
    Array,
    MovableEstimator,
    Place,
    float_types,
    rows_for,
    to_host,
)
from sklearn_msk._compat import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    _raise_for_params,
    _routing_enabled,
)
from sklearn_msk._doc_links import DocLinkMixin
from sklearn_msk._estimators._classes import check_one_label
from sklearn_msk._estimators._names import NamedParameters, explain_arguments
from sklearn_msk._estimators._numbers import numbers_expected
from sklearn_msk._estimators._progress import FitTask
from sklearn_msk._estimators._scaling import map_rows
from sklearn_msk._estimators._sparse_rows import check_dense_array
from sklearn_msk._memory import memory_limit
from sklearn_msk._selection import ChoiceConfig, Progress, kernel_family
from sklearn_msk._selection._kernel_families import AUTO
from sklearn_msk._validation import check_weights
from sklearn_msk.kernels._adapters import CallableKernel
from sklearn_msk.kernels._array_tiles import array_tiles


class BaseMSKCV(
    NamedParameters,
    MovableEstimator,
    CallbackSupportMixin,
    DocLinkMixin,
    BaseEstimator,
):
    """Kernel ridge model that chooses all of itself by leave-one-out errors."""

    _parameter_constraints: dict = {
        "kernels": [list, tuple, str, Kernel, callable],
        "metrics": [StrOptions({"none", "diagonal", "full"}), list, tuple],
        "max_updates": [Interval(Integral, 0, None, closed="left")],
        "alphas": ["array-like", None],
        "standardize": ["boolean"],
        "scoring": [str, callable, None],
        "cv": ["cv_object", None],
        "max_rows": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    @explain_arguments
    def __init__(
        self,
        kernels: Any = "auto",
        *,
        metrics: Sequence[str] = ("none", "diagonal", "full"),
        max_updates: int = 3,
        alphas: Any = None,
        standardize: bool = True,
        scoring: Any = None,
        cv: Any = None,
        max_rows: int = 10_000,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.kernels = kernels
        self.metrics = metrics
        self.max_updates = max_updates
        self.alphas = alphas
        self.standardize = standardize
        self.scoring = scoring
        self.cv = cv
        self.max_rows = max_rows
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Tags:
        """Tags that scikit-learn asks for."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def get_metadata_routing(self) -> MetadataRouter:
        """Get the metadata routing of this object.

        Returns
        -------
        MetadataRouter
            To the scorer, and to the splitter `cv`.
        """
        router = MetadataRouter(owner=self).add_self_request(self)
        if self.scoring is not None:
            router.add(
                scorer=check_scoring(self, scoring=self.scoring),
                method_mapping=MethodMapping().add(caller="fit", callee="score"),
            )
        if hasattr(self.cv, "split"):
            router.add(
                splitter=self.cv,
                method_mapping=MethodMapping().add(caller="fit", callee="split"),
            )
        return router

    def _config(self, auto: Sequence[str] = AUTO) -> ChoiceConfig:
        """Read and check what there is to choose from; `auto` are the usual kernels."""
        legal = ("none", "diagonal", "full")
        metrics = [self.metrics] if isinstance(self.metrics, str) else self.metrics
        unknown = [m for m in metrics if m not in legal]
        if unknown or not len(metrics):
            raise ValueError(
                f"The 'metrics' must be some of {list(legal)}. Got "
                f"{self.metrics!r} instead."
            )
        if "none" not in metrics and not self.max_updates:
            raise ValueError(
                f"The metrics {list(metrics)} need max_updates >= 1. Got "
                "max_updates=0; add 'none' to 'metrics', or raise max_updates."
            )
        kernels = self.kernels
        if isinstance(kernels, str) and kernels == "auto":
            kernels = auto
        elif not isinstance(kernels, (list, tuple)):
            kernels = [kernels]
        if not len(kernels):
            raise ValueError("The 'kernels' must hold at least one kernel. Got none.")
        alphas = None
        if self.alphas is not None:
            given = to_host(self.alphas)
            if not np.size(given):
                raise ValueError("The 'alphas' must hold at least one number.")
            alphas = check_array(
                given, ensure_2d=False, dtype=np.float64, input_name="alphas"
            ).ravel()
            if alphas.min() <= 0:
                raise ValueError(
                    f"The 'alphas' must be > 0. Got {alphas.min():.6g} instead."
                )
        return ChoiceConfig(
            families=[kernel_family(kernel) for kernel in kernels],
            structures=tuple(metrics),
            max_updates=self.max_updates,
            alphas=alphas,
            n_jobs=self.n_jobs,
        )

    def _check_data(self, X: Any, y: Any) -> tuple[dict[str, Any], Any, Any]:
        """Validate rows and targets; return what is known of the columns too.

        Arrays of other libraries become NumPy's: matrices of a few thousand rows are
        all that a choice takes.
        """
        X, y = to_host(X), to_host(y)
        check_dense_array(y, "y")
        check_one_label(self, y)
        # scikit-learn's validation sets attributes: here those of a copy.
        checked = copy.copy(self)
        options: dict[str, Any] = {
            "accept_sparse": "csr",
            "dtype": np.float64,
            "ensure_min_samples": 2,
        }
        if not is_classifier(self):
            options |= {"multi_output": True, "y_numeric": True}
        with numbers_expected(self, X, None if is_classifier(self) else y):
            X, y = validate_data(checked, X, y, **options)
            if not is_classifier(self):
                y = check_array(y, dtype=np.float64, ensure_2d=False, input_name="y")
        if issparse(X):
            X = _dense(X)
        if is_classifier(self):
            check_classification_targets(y)
        columns = {"n_features_in_": checked.n_features_in_}
        if hasattr(checked, "feature_names_in_"):
            columns["feature_names_in_"] = checked.feature_names_in_
        return columns, X, y

    def _check_kernels(self, config: ChoiceConfig, place: Place | None) -> None:
        """Raise a ValueError where the device of the rows lacks one of the kernels."""
        if place is None or place.engine is None:
            return
        row = place.put(np.zeros((1, 1)))
        for family in config.families:
            kernel, _ = family.at(1.0)
            if not isinstance(kernel, CallableKernel):
                array_tiles(kernel, row, None, row.dtype)

    def _check_weights(self, sample_weight: Any, X: np.ndarray) -> np.ndarray | None:
        """Validate weights, of which leave-one-out needs two."""
        weights = check_weights(to_host(sample_weight), X)
        if weights is not None and np.count_nonzero(weights) < 2:
            raise ValueError(
                "Leave-one-out needs at least 2 rows of positive weight. Got "
                f"{np.count_nonzero(weights)}."
            )
        return weights

    def _routed(self, sample_weight: Any, params: dict[str, Any]) -> Any:
        """Return what metadata go to the scorer, and what to the splitter."""
        _raise_for_params(params, self, "fit")
        given = {name: to_host(value) for name, value in params.items()}
        if sample_weight is not None:
            given["sample_weight"] = sample_weight
        if not _routing_enabled():
            return given, {}
        if not self.get_metadata_routing().consumes("fit", ["sample_weight"]):
            # The fit itself takes weights, whether scorers do or not.
            given.pop("sample_weight", None)
        routed = process_routing(self, "fit", **given)
        scorer, splitter = routed.get("scorer"), routed.get("splitter")
        return (
            {} if scorer is None else scorer.score,
            {} if splitter is None else splitter.split,
        )

    def _is_exact(self, n_rows: int) -> bool:
        """Whether the final model has all rows: K, whose inverse takes its place."""
        return n_rows <= self.max_rows and 16.0 * n_rows**2 <= memory_limit()

    def _progress(self, task: FitTask) -> Progress:
        """Return what tells the user, and callbacks, how far the choice is."""

        def report(what: str, done: int, total: int, seconds: float) -> None:
            task.end_part(what)
            if self.verbose:
                left = seconds / done * (total - done)
                print(
                    f"[{type(self).__name__}] {what} {done} of {total}, "
                    f"{seconds:.1f} s, about {left:.1f} s left"
                )

        return report

    def _checked(self, X: Any, method: str) -> tuple[Any, Callable[[Array], Array]]:
        """Validate rows where the model is; return what brings values back too.

        Errors name the method that was called.
        """
        X, back = rows_for(self, X, self.centre_, method)
        with numbers_expected(self, X):
            options = {"dtype": float_types(X)[0], "accept_sparse": "csr"}
            return validate_data(self, X, reset=False, **options), back

    def _mapped(self, X: Any) -> Any:
        """Take validated rows to standardised units and metric."""
        return map_rows(X, self.centre_, self.components_)

    def _assign(self, attributes: dict[str, Any]) -> None:
        """Set the fitted attributes, and remove those of an earlier fit."""
        for name in _OPTIONAL:
            self.__dict__.pop(name, None)
        self.__dict__ |= attributes


def _dense(X: csr_matrix) -> np.ndarray:
    """Make rows dense, or say what to do where memory does not hold them."""
    limit, need = memory_limit(), 8.0 * X.shape[0] * X.shape[1]
    # Standardised rows, and those in a metric, are arrays of the same size.
    if 3 * need > limit:
        raise ValueError(
            f"Sparse X of shape {X.shape} takes {need / 2**30:.1f} GiB as a dense "
            f"array, and a fit holds three of them; the memory limit is "
            f"{limit / 2**30:.1f} GiB. Reduce the features, as by "
            "sklearn.decomposition.TruncatedSVD, or pass fewer rows."
        )
    return X.toarray()


# What a fit may leave, and the next one may not.
_OPTIONAL = (
    "_interval_errors",
    "_left_out",
    "_target_units",
    "feature_names_in_",
    "interval_method_",
    "loo_decision_function_",
    "loo_prediction_",
)

"""The estimator of this package inside a pipeline or a search."""

from typing import Any

from numpy.typing import ArrayLike
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_msk._array_api import on_host, to_host


def last_step(
    estimator: Any, *rows: ArrayLike | None, shown: tuple[type, ...] = ()
) -> tuple[Any, ...]:
    """Return the estimator that is trained last, and rows as it is given them.

    A fitted search stands for its `best_estimator_`, a pipeline for its last step,
    whose rows the steps before it transform. Steps that resample rows transform none.
    An estimator of a class in `shown` stands for itself. Rows and fitted attributes of
    other libraries become NumPy's.
    """
    while True:
        if isinstance(estimator, shown):
            break
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif isinstance(estimator, Pipeline):
            check_is_fitted(estimator)
            for _, step in estimator.steps[:-1]:
                if hasattr(step, "transform"):
                    rows = tuple(X if X is None else step.transform(X) for X in rows)
            estimator = estimator.steps[-1][1]
        else:
            break
    return (on_host(estimator), *map(to_host, rows))

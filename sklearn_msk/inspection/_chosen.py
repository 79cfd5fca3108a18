"""The estimators whose model the data choose, as a display is given them."""

from typing import Any

from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from sklearn_msk._estimators import LearnedMetric, MSKClassifierCV, MSKRegressorCV
from sklearn_msk.inspection._last_step import last_step


def find_chosen(
    estimator: Any,
    *rows: ArrayLike | None,
    kinds: tuple[type, ...],
    display: str,
) -> tuple[Any, ...]:
    """Return the estimator to show, of one of these kinds, and rows as it takes them.

    It may be the last step of a pipeline, or the best of a search.
    """
    chosen = (MSKRegressorCV, MSKClassifierCV, LearnedMetric)
    model, *rows_of_model = last_step(estimator, *rows, shown=chosen)
    if not isinstance(model, kinds):
        legal = " or ".join(kind.__name__ for kind in kinds)
        raise TypeError(
            f"{display} takes a fitted {legal}, a pipeline that ends in one, or a "
            f"search of them with refit=True. Got {type(model).__name__} instead."
        )
    check_is_fitted(model)
    return (model, *rows_of_model)

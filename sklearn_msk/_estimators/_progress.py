"""The task that a fit is, as scikit-learn's callbacks see it."""

from collections.abc import Callable
from functools import partial
from typing import Any

from sklearn_msk._estimators._parameters import as_steps
from sklearn_msk._training import FittedModel

Attributes = dict[str, Any]


class FitTask:
    """The task that a fit is, as scikit-learn's callbacks see it.

    Parameters
    ----------
    estimator : estimator
        The method that makes the task is decorated with `with_callbacks`.
    X, y, sample_weight
        What was passed to `fit`.

    Attributes
    ----------
    context : sklearn.callback.CallbackContext or None
        None where this scikit-learn has no callbacks.
    """

    def __init__(self, estimator: Any, X: Any, y: Any, sample_weight: Any) -> None:
        self.estimator = estimator
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self.data = {"X": X, "y": y, "metadata": metadata}
        self.context = None
        if hasattr(estimator, "_init_callback_context"):
            self.context = estimator._init_callback_context(max_subtasks=None)
            self.context.call_on_fit_task_begin(estimator=estimator, **self.data)

    def show_path(
        self, model: FittedModel, attributes: Callable[[FittedModel], Attributes]
    ) -> FittedModel:
        """Show callbacks the steps of a path one by one; a callback may stop it.

        Parameters
        ----------
        model : FittedModel
        attributes : callable
            From a model to the attributes of a copy of the estimator that predicts.

        Returns
        -------
        FittedModel
            Of the end of the path, or of the step at which a callback stopped.
        """
        if self.context is None or not hasattr(self.estimator, "_skl_callbacks"):
            return model
        for steps in model.iterations:
            step = self.context.subcontext(task_name="step")
            step.call_on_fit_task_begin(estimator=self.estimator, **self.data)
            at = partial(model.stopped_at, as_steps(steps))
            stop = step.call_on_fit_task_end(
                estimator=self.estimator,
                reconstruction_attributes=lambda at=at: attributes(at()),
                **self.data,
            )
            if stop:
                return at()
        return model

    def end_part(self, name: str) -> None:
        """Tell callbacks that a part of the task has ended."""
        if self.context is None or not hasattr(self.estimator, "_skl_callbacks"):
            return
        part = self.context.subcontext(task_name=name)
        part.call_on_fit_task_begin(estimator=self.estimator, **self.data)
        part.call_on_fit_task_end(estimator=self.estimator, **self.data)

    def end(self, attributes: Callable[[], Attributes] | None = None) -> None:
        """End the task, with the attributes of the fitted estimator."""
        if self.context is not None:
            self.context.call_on_fit_task_end(
                estimator=self.estimator,
                reconstruction_attributes=attributes,
                **self.data,
            )

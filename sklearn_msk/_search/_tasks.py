"""The tasks of a search, as scikit-learn's callbacks see them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sklearn_msk._estimators import FitTask


class SearchTask(FitTask):
    """The task that the fit of a search is; folds and the last fit are parts of it.

    Callbacks that are set on the search and are to be seen deeper, as
    `sklearn.callback.ProgressBar`, go on to the parts.
    """

    def begin_part(self, name: str, max_subtasks: int | None = None) -> Any:
        """Begin a part, and return its context, None without callbacks."""
        if self.context is None:
            return None
        part = self.context.subcontext(task_name=name, max_subtasks=max_subtasks)
        return part.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def end_part(self, part: Any) -> None:
        """End a part."""
        if part is not None:
            part.call_on_fit_task_end(estimator=self.estimator, **self.data)

    @contextmanager
    def part(self, name: str, estimator: Any) -> Iterator[None]:
        """Task within which an estimator, given the callbacks, is fitted."""
        part = self.begin_part(name, 0)
        if part is None:
            yield
            return
        with part.propagate_callback_context(estimator):
            yield
        self.end_part(part)

"""The tasks of a search, as scikit-learn's callbacks see them."""

from contextlib import contextmanager

from sklearn_msk._estimators import FitTask


class SearchTask(FitTask):
    """The task that the fit of a search is; the fits in it are parts.

    Callbacks that are set on the search and are to be seen deeper, as
    `sklearn.callback.ProgressBar`, go on to the parts.
    """

    @contextmanager
    def part(self, name, estimator):
        """Task within which an estimator is fitted.

        Parameters
        ----------
        name : str
        estimator : estimator
            Given the callbacks of the search while it is fitted.
        """
        if self.context is None:
            yield
            return
        context = self.context.subcontext(task_name=name)
        with context.propagate_callback_context(estimator):
            context.call_on_fit_task_begin(estimator=self.estimator, **self.data)
            yield
        context.call_on_fit_task_end(estimator=self.estimator, **self.data)

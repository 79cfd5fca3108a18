"""What a user is told while a model is trained."""

import math
import time
from dataclasses import replace

# Lines are printed at most once in so many seconds.
_EVERY = 1.0


class ProgressPrinter:
    """Prints how far an iterative solver is, once a second at most.

    Parameters
    ----------
    name : str
        What the lines begin with.
    """

    def __init__(self, name):
        self.name = name
        self.started = self.printed = time.perf_counter()
        self.before = None

    def __call__(self, n_products, error, tol):
        """Take the state of a solver, and print it where it is time to."""
        if not math.isfinite(error):
            return
        now = time.perf_counter()
        left = self._seconds_left(now, error, tol)
        self.before = now, error
        if now - self.printed < _EVERY:
            return
        self.printed = now
        print(
            f"[{self.name}] {n_products} products, relative error {error:.1e} "
            f"(tol {tol:.1e}), {now - self.started:.0f} s, {left}"
        )

    def _seconds_left(self, now, error, tol):
        """Extrapolate the error, which as a rule falls by a factor a second."""
        if error <= tol:
            return "done"
        if self.before is None or not error < self.before[1]:
            return "seconds left unknown"
        rate = math.log(self.before[1] / error) / max(now - self.before[0], 1e-9)
        return f"about {math.log(error / tol) / rate:.0f} s left"


class FitTask:
    """The task that a fit is, as scikit-learn's callbacks see it.

    Parameters
    ----------
    estimator : estimator
        Its method that makes the task is decorated with `with_callbacks`.
    X, y, sample_weight
        What was passed to `fit`.

    Attributes
    ----------
    context : sklearn.callback.CallbackContext or None
        None where this scikit-learn has no callbacks.
    """

    def __init__(self, estimator, X, y, sample_weight):
        self.estimator = estimator
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self.data = {"X": X, "y": y, "metadata": metadata}
        self.context = None
        if hasattr(estimator, "_init_callback_context"):
            self.context = estimator._init_callback_context(max_subtasks=None)
            self.context.call_on_fit_task_begin(estimator=estimator, **self.data)

    def close(self, reconstruction_attributes=None):
        """End the task; with attributes, of a copy of the estimator that predicts."""
        if self.context is not None:
            self.context.call_on_fit_task_end(
                estimator=self.estimator,
                reconstruction_attributes=reconstruction_attributes,
                **self.data,
            )


class PathWatch(FitTask):
    """Shows the steps of a path to scikit-learn's callbacks, which may stop it.

    Every step of `path_iterations_` is a task of `fit`, with the model as it is then.
    """

    def walk(self, path, schedule, S):
        """Show the steps of a path one by one.

        Parameters
        ----------
        path : Trajectory
        schedule : Schedule
            Of its end.
        S : Preconditioner

        Returns
        -------
        Schedule
            Of the end, or of the step at which a callback stopped.
        """
        if self.context is None or not hasattr(self.estimator, "_skl_callbacks"):
            return schedule
        for steps in self.estimator._iterations(S, schedule):
            at = replace(schedule, max_iter=steps if math.isinf(steps) else int(steps))
            step = self.context.subcontext(task_name="step")
            step.call_on_fit_task_begin(estimator=self.estimator, **self.data)
            stop = step.call_on_fit_task_end(
                estimator=self.estimator,
                reconstruction_attributes=lambda at=at: self._model(path, at),
                **self.data,
            )
            if stop:
                return at
        return schedule

    def _model(self, path, schedule):
        """Attributes of a copy of the estimator that predicts as after some steps."""
        return {
            "dual_coef_": path.dual_coef(schedule),
            "n_iter_": schedule.max_iter,
        }

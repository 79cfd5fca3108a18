"""What an estimator looks like after a fit that fails."""

from functools import wraps


def restored_on_failure(fit):
    """Decorate a fit so that one that fails leaves the object as it was before."""

    @wraps(fit)
    def guarded(self, *args, **kwargs):
        before = dict(vars(self))
        try:
            return fit(self, *args, **kwargs)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    return guarded

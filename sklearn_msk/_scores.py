"""R2 at every scale of the targets."""

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import r2_score

from sklearn_msk._scaling import power_of_two


def r2(
    y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
) -> float:
    """Coefficient of determination, `sklearn.metrics.r2_score`, at any scale.

    ``R2 = 1 - sum w (y - f)^2 / sum w (y - m)^2``, m the weighted mean of y; the mean
    over the targets. Targets and weights are divided by powers of two first, so that
    no square and no sum of weights overflows. It is NaN where a prediction is not
    finite, and -inf where the square of one overflows in units of y.
    """
    y = np.asarray(y_true, dtype=np.float64)
    f = np.asarray(y_pred, dtype=np.float64)
    y, f = y.reshape(len(y), -1), f.reshape(len(f), -1)
    if y.shape == f.shape and np.isfinite(y).all():
        scale = power_of_two(np.abs(y).max(axis=0))
        with np.errstate(over="ignore"):
            y, f = y / scale, f / scale
            # Constant columns become 0 exactly, and so does their variance.
            first = y[0]
            y, f = y - first, f - first
        if not np.isfinite(f).all():
            return np.nan
    if sample_weight is not None:
        sample_weight = np.asarray(sample_weight, dtype=np.float64)
        sample_weight = sample_weight / power_of_two(np.abs(sample_weight).max())
    with np.errstate(over="ignore"):
        return float(r2_score(y, f, sample_weight=sample_weight))

"""R2 at every scale of the targets."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import r2_score

from sklearn_msk._array_api import to_host
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
    y = np.asarray(to_host(y_true), dtype=np.float64)
    f = np.asarray(to_host(y_pred), dtype=np.float64)
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
        sample_weight = np.asarray(to_host(sample_weight), dtype=np.float64)
        sample_weight = sample_weight / power_of_two(np.abs(sample_weight).max())
    with np.errstate(over="ignore"):
        return float(r2_score(y, f, sample_weight=sample_weight))


@dataclass(frozen=True, eq=False)
class RSquared:
    """`r2` of many predictions for the same targets, without checks of the input.

    Attributes
    ----------
    scale, shift : ndarray of shape (n_targets,)
        What targets, and then predictions, are divided by and reduced by.
    targets : ndarray of shape (n, n_targets)
        ``y / scale - shift``.
    shares : ndarray of shape (n, 1)
        Weights, of sum 1.
    variances : ndarray of shape (n_targets,)
        Weighted variances of `targets`.
    """

    scale: np.ndarray
    shift: np.ndarray
    targets: np.ndarray
    shares: np.ndarray
    variances: np.ndarray

    @classmethod
    def of(cls, y: np.ndarray, weights: np.ndarray | None = None) -> Self:
        """For targets of shape (n,) or (n, n_targets)."""
        y = y.reshape(len(y), -1)
        scale = power_of_two(np.abs(y).max(axis=0))
        with np.errstate(over="ignore"):
            targets = y / scale
        shift = targets[0].copy()
        targets -= shift
        w = (
            np.ones(len(y))
            if weights is None
            else weights / power_of_two(weights.max())
        )
        shares = (w / w.sum())[:, None]
        mean = (shares * targets).sum(axis=0)
        variances = (shares * np.square(targets - mean)).sum(axis=0)
        return cls(scale, shift, targets, shares, variances)

    def score(self, values: np.ndarray) -> float:
        """R2 of predictions in the shape of y."""
        with np.errstate(over="ignore", invalid="ignore"):
            f = values.reshape(self.targets.shape) / self.scale
            return self._of_differences(self.targets - (f - self.shift))

    def score_errors(self, errors: np.ndarray) -> float:
        """R2 of predictions that have these errors."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self._of_differences(errors.reshape(self.targets.shape) / self.scale)

    def _of_differences(self, differences: np.ndarray) -> float:
        """``1 - sum w d^2 / sum w (y - m)^2``; of constant targets 1 or 0."""
        if not np.isfinite(differences).all():
            return np.nan
        losses = (self.shares * np.square(differences)).sum(axis=0)
        varies = self.variances > 0
        ratio = losses / np.where(varies, self.variances, 1.0)
        return float(np.mean(np.where(varies, 1.0 - ratio, losses == 0)))

    def loss_errors(self, errors: np.ndarray) -> float:
        """Weighted mean square of errors, in units of the scale."""
        with np.errstate(over="ignore", invalid="ignore"):
            d = errors.reshape(self.targets.shape) / self.scale
            return float((self.shares * np.square(d)).sum(axis=0).mean())

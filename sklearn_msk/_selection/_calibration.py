"""Probabilities of classes from the values of a model, by a temperature and shifts."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.special import softmax

from sklearn_msk._tuning import USUAL_SLOPE, USUAL_SLOPE_ROWS

# Where the search for the temperature starts, and what its penalty draws it to: values
# of +1 and -1 have then odds of exp(4).
_SLOPE = 2.0


@dataclass(frozen=True, eq=False)
class Calibration:
    """Log odds of classes, ``slope * value + shift``.

    Attributes
    ----------
    slope : float
        1 over the temperature, > 0.
    shifts : ndarray of shape () or (n_classes,)
    """

    slope: float
    shifts: np.ndarray

    def log_odds(self, values: np.ndarray) -> np.ndarray:
        """Log odds in the shape of the values, up to what the classes share.

        From values of shape (n, n_classes), or (n,) of the second of two classes.
        """
        return self.slope * values + self.shifts


def class_log_odds(log_odds: np.ndarray) -> np.ndarray:
    """Log odds with a column for each class; those of shape (n,) are of the second."""
    if log_odds.ndim == 2:
        return log_odds
    return np.column_stack([np.zeros_like(log_odds), log_odds])


def class_probabilities(log_odds: np.ndarray) -> np.ndarray:
    """Probabilities of shape (n, n_classes)."""
    return softmax(class_log_odds(log_odds), axis=1)


def scaled_probabilities(values: np.ndarray, slope: float) -> np.ndarray:
    """Probabilities whose log odds are values times a slope > 0.

    From values of shape (n,) of the second of two classes, or (n, n_classes); they may
    be as large as a float.
    """
    values = _class_values(values)
    with np.errstate(over="ignore"):
        log_odds = slope * (values - values.max(axis=1, keepdims=True))
    return softmax(log_odds, axis=1)


def usual_slope(n_classes: int) -> float:
    """Slope of the log odds where no rows are left out to fit one to.

    It is ``3 + log(n_classes - 1) / 2``: the odds of a class of value +1 against all
    the others together, of value -1, are the same for every number of classes above 2.
    """
    return USUAL_SLOPE + 0.5 * float(np.log(n_classes - 1))


def fit_slope(values: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float:
    """Fit the slope of the log odds, 1 over a temperature, to values at rows left out.

    The log loss is minimised, and a penalty that weighs as much as four rows, ::

        sum_i w_i log(1 / p_i) + 2 log(slope / usual_slope)^2

    p_i the probability of the label of row i. The penalty keeps the slope finite where
    the values part the classes. A slope does not change which class is most probable.

    Parameters
    ----------
    values : ndarray of shape (n,) or (n, n_classes)
        Values of a model without the row, for two classes those of the second.
    labels : ndarray of shape (n,), int
        Numbers of the classes.
    weights : ndarray of shape (n,)
        Their sum is a number of rows.

    Returns
    -------
    float

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Weinberger, *On calibration of modern neural
    networks*, ICML 2017.
    """
    spread = _class_values(values)
    own = spread[np.arange(len(spread)), labels]
    usual = usual_slope(spread.shape[1])

    def derivative(log_ratio: float) -> float:
        slope = usual * np.exp(log_ratio)
        expected = (scaled_probabilities(values, slope) * spread).sum(axis=1)
        return float(
            slope * (weights @ (expected - own)) + USUAL_SLOPE_ROWS * log_ratio
        )

    # The loss changes by less than the penalty from one of these ends on.
    size = 1.0 + weights.sum() * np.ptp(spread, axis=1).max() * usual
    bound = 1.0 + np.log(size)
    if not np.isfinite(bound) or not derivative(-bound) < 0 < derivative(bound):
        return usual
    return float(usual * np.exp(brentq(derivative, -bound, bound, xtol=1e-12)))


def _class_values(values: np.ndarray) -> np.ndarray:
    """Values with a column for each class; of shape (n,) they are of the second."""
    if values.ndim == 2:
        return values
    return np.column_stack([-0.5 * values, 0.5 * values])


def calibrate(
    values: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> Calibration:
    """Fit a temperature and shifts of the classes to values at rows left out.

    The sum of the weighted log losses of smoothed labels is minimised, plus half the
    squares of the shifts and of the logarithm of the slope, ::

        sum_i w_i sum_c t_ic log(1 / p_ic) + (|shifts|^2 + log(slope / 2)^2) / 2

    A class of total weight N has the smoothed label (N + 1) / (N + 2) at its own rows,
    and the other classes share the rest (Platt). The penalty weighs as little as one
    row: without it, values that part the classes have a slope of infinity.

    Parameters
    ----------
    values : ndarray of shape (n,) or (n, n_classes)
        Values of the model without the row, for two classes those of the second.
    labels : ndarray of shape (n,), int
        Numbers of the classes.
    weights : ndarray of shape (n,)
        Their sum is a number of rows.

    Returns
    -------
    Calibration

    References
    ----------
    J. Platt, *Probabilistic outputs for support vector machines and comparisons to
    regularized likelihood methods*, 1999.
    C. Guo, G. Pleiss, Y. Sun, K. Weinberger, *On calibration of modern neural
    networks*, ICML 2017.
    """
    n_classes = 2 if values.ndim == 1 else values.shape[1]
    smoothed = _smoothed_labels(labels, weights, n_classes)
    shape, shares = values.shape[1:], weights[:, None] / weights.sum()
    penalty = 1.0 / weights.sum()

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        log_slope, shifts = parameters[0], parameters[1:].reshape(shape)
        slope = np.exp(log_slope)
        odds = class_log_odds(slope * values + shifts)
        odds = odds - odds.max(axis=1, keepdims=True)
        log_p = odds - np.log(np.exp(odds).sum(axis=1, keepdims=True))
        size = log_slope - np.log(_SLOPE)
        total = -(shares * smoothed * log_p).sum()
        total += 0.5 * penalty * (np.square(shifts).sum() + size**2)
        slopes = shares * (np.exp(log_p) - smoothed)
        if values.ndim == 1:
            slopes = slopes[:, 1]
        gradient = slopes.sum(axis=0) + penalty * shifts
        by_size = slope * (slopes * values).sum() + penalty * size
        return float(total), np.concatenate([[by_size], np.ravel(gradient)])

    start = np.zeros(1 + int(np.prod(shape)))
    start[0] = np.log(_SLOPE)
    found = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return Calibration(float(np.exp(found[0])), found[1:].reshape(shape))


def _smoothed_labels(
    labels: np.ndarray, weights: np.ndarray, n_classes: int
) -> np.ndarray:
    """Labels as probabilities, which no class of a few rows is sure of."""
    totals = np.bincount(labels, weights, minlength=n_classes)
    own = ((totals + 1.0) / (totals + 2.0))[labels]
    smoothed = np.repeat(((1.0 - own) / (n_classes - 1))[:, None], n_classes, axis=1)
    smoothed[np.arange(len(labels)), labels] = own
    return smoothed

"""Preconditioned gradient descent of a network."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from sklearn_msk._preconditioner import Preconditioner
from sklearn_msk._tuning import OVERFLOW_MARGIN
from sklearn_msk.finite_width._network import WideNetwork


@dataclass(frozen=True, eq=False)
class Descent:
    """Where a descent has led.

    Attributes
    ----------
    network : WideNetwork
        After the last step.
    squared_errors : ndarray of shape (n_steps + 1, n_targets)
        (Weighted) mean squared error of each output, before the first step and after
        each.
    path : tuple of WideNetwork
        After each of the steps to keep.
    diverged_at : int or None
        Step after which the outputs were too large to go on.
    """

    network: WideNetwork
    squared_errors: np.ndarray
    path: tuple[WideNetwork, ...]
    diverged_at: int | None


def descend(
    origin: WideNetwork,
    X: np.ndarray,
    y: np.ndarray,
    sqrt_weights: np.ndarray,
    S: Preconditioner,
    *,
    step_size: float,
    ridge: float,
    n_steps: int,
    keep: Collection[int] = (),
) -> Descent:
    """Run ``w <- w_0 + (1 - eta ridge)(w - w_0) - eta J^T D^(1/2) S D^(1/2) r``.

    r is ``f(X) - f_0(X) - y``, J the Jacobian of f at the rows, D the diagonal matrix
    of the weights, whose sum is 1.
    """
    network, decay = origin, 1.0 - step_size * ridge
    start, inputs, slopes = origin.forward(X)
    outputs, root = start, sqrt_weights[:, None]
    path, errors, diverged_at = [], [], None
    for step in range(1, n_steps + 1):
        residuals = root * (outputs - start - y)
        errors.append(_sum_of_squares(residuals))
        cotangents = root * S.power(1.0, residuals)
        gradient = network.pullback(inputs, slopes, cotangents.astype(X.dtype))
        with np.errstate(over="ignore", invalid="ignore"):
            network = network.moved(origin, gradient, decay, step_size)
            outputs, inputs, slopes = network.forward(X)
        if _is_overflowing(outputs):
            diverged_at = step
            break
        if step in keep:
            path.append(network)
    else:
        errors.append(_sum_of_squares(root * (outputs - start - y)))
    return Descent(network, np.array(errors), tuple(path), diverged_at)


def _sum_of_squares(residuals: np.ndarray) -> np.ndarray:
    """Sum of squares of every column, in float64."""
    return np.square(residuals, dtype=np.float64).sum(axis=0)


def _is_overflowing(outputs: np.ndarray) -> bool:
    """Whether the squares of outputs are within 1e12 of overflow, or one is NaN."""
    largest = np.sqrt(np.finfo(outputs.dtype).max) / OVERFLOW_MARGIN
    return not np.abs(outputs).max() < largest

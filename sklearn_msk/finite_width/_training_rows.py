"""Rows and targets to train a network on, validated."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array, check_X_y

from sklearn_msk._scaling import power_of_two
from sklearn_msk._validation import check_weights


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Rows of positive weight.

    Attributes
    ----------
    X : ndarray of shape (n, n_features)
        In float32 or float64.
    y : ndarray of shape (n, n_targets), float64
    weights : ndarray of shape (n,) or None
        Divided by `weight_unit`, so that their sum is finite.
    weight_unit : float
        A power of two.
    is_single : bool
        Whether y was passed with one dimension.
    """

    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None
    weight_unit: float
    is_single: bool

    @classmethod
    def checked(
        cls, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, caller: str
    ) -> "TrainingRows":
        """Validate what a user has passed to `fit` of the estimator named `caller`."""
        rows, targets = check_X_y(
            X,
            y,
            dtype=[np.float64, np.float32],
            multi_output=True,
            y_numeric=True,
            estimator=caller,
        )
        # `check_X_y` lets pass sparse targets, and None among objects.
        targets = check_array(
            targets, dtype=np.float64, ensure_2d=False, input_name="y", estimator=caller
        )
        is_single, columns = targets.ndim == 1, targets.reshape(len(targets), -1)
        weights = check_weights(sample_weight, rows)
        if weights is None:
            return cls(rows, columns, None, 1.0, is_single)
        unit, used = float(power_of_two(weights.max())), weights > 0
        return cls(rows[used], columns[used], weights[used] / unit, unit, is_single)

"""What the values of a global model are, of a regressor or of a classifier."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sklearn_msk._estimators._out_of_fold import predict_left_out, values_by_folds
from sklearn_msk._selection import class_probabilities


class GlobalValues(Protocol):
    """What tells the partition of a regressor from that of a classifier."""

    def targets(self, y: np.ndarray) -> np.ndarray:
        """Targets that the values of a global model are near."""

    def values(self, estimator: Any, X: np.ndarray) -> np.ndarray:
        """Values of a fitted global estimator, in the shape of `targets`."""

    def left_out(
        self, estimator: Any, X: np.ndarray, y: np.ndarray, params: dict[str, Any]
    ) -> np.ndarray:
        """Values of training rows by models that have not seen them."""

    def complete(self, rows: np.ndarray) -> np.ndarray:
        """Add the rows that a global model must see to drawn ones, by numbers."""


@dataclass(frozen=True)
class Predictions:
    """Predictions of a regressor."""

    def targets(self, y: np.ndarray) -> np.ndarray:
        """Return y."""
        return y

    def values(self, estimator: Any, X: np.ndarray) -> np.ndarray:
        """Predictions in double precision, a copy."""
        return np.array(estimator.predict(X), dtype=np.float64)

    def left_out(
        self, estimator: Any, X: np.ndarray, y: np.ndarray, params: dict[str, Any]
    ) -> np.ndarray:
        """Predictions by models that have not seen the rows."""
        return predict_left_out(estimator, X, y, params)

    def complete(self, rows: np.ndarray) -> np.ndarray:
        """Return the rows: a regressor needs no other."""
        return rows


@dataclass(frozen=True, eq=False)
class Probabilities:
    """Probabilities of a classifier: of the second of two classes, or of each.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        Labels, sorted.
    first : ndarray of shape (n_classes,), int
        Number of a row of every class; empty where no model is trained.
    """

    classes: np.ndarray
    first: np.ndarray

    def targets(self, y: np.ndarray) -> np.ndarray:
        """1 for the class of a row, else 0."""
        if len(self.classes) == 2:
            return (y == self.classes[1]).astype(np.float64)
        return (y[:, None] == self.classes).astype(np.float64)

    def values(self, estimator: Any, X: np.ndarray) -> np.ndarray:
        """Probabilities of rows."""
        return self._aligned(estimator.predict_proba(X), estimator)

    def left_out(
        self, estimator: Any, X: np.ndarray, y: np.ndarray, params: dict[str, Any]
    ) -> np.ndarray:
        """Probabilities by models that have not seen the rows."""
        if hasattr(estimator, "loo_decision_function_"):
            found = class_probabilities(estimator.loo_decision_function_)
            return self._aligned(found, estimator)
        return values_by_folds(estimator, X, y, params, self.values, strata=y)

    def complete(self, rows: np.ndarray) -> np.ndarray:
        """Add a row of every class."""
        return np.union1d(self.first, rows)

    def _aligned(self, found: np.ndarray, estimator: Any) -> np.ndarray:
        """Probabilities of all classes, 0 for those that no training row had."""
        full = np.zeros((len(found), len(self.classes)))
        full[:, np.searchsorted(self.classes, estimator.classes_)] = found
        return full[:, 1] if len(self.classes) == 2 else full

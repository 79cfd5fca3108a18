"""Labels of classes: checked, weighted, as targets and from values."""

from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from sklearn_msk._array_api import Array, is_foreign, put_beside, to_host
from sklearn_msk._scaling import power_of_two


def classes_of(estimator: Any, y: np.ndarray) -> np.ndarray:
    """Return the labels, sorted; raise a ValueError where there is one only."""
    check_classification_targets(y)
    classes = np.unique(y)
    if len(classes) < 2:
        raise ValueError(
            f"{type(estimator).__name__} needs at least 2 classes in y. Got one class "
            f"only: {classes.tolist()[0]!r}."
        )
    return classes


def check_classes(estimator: Any, y: np.ndarray, given: Any, first: bool) -> Any:
    """Return the classes of labels; those of the first rows hold for all."""
    check_classification_targets(y)
    if first:
        classes = classes_of(estimator, y if given is None else np.asarray(given))
    else:
        classes = to_host(estimator.classes_)
        if given is not None and not np.array_equal(np.unique(given), classes):
            raise ValueError(
                f"'classes' must be those of the first call, {classes}. Got "
                f"{np.unique(given)} instead."
            )
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        raise ValueError(
            f"y must hold the labels {classes} only. Got {unknown} too; pass "
            "all of them as 'classes' to the first call of partial_fit."
        )
    return classes


def class_weights(
    y: np.ndarray, classes: np.ndarray, weights: np.ndarray | None, class_weight: Any
) -> np.ndarray | None:
    """Weights of rows times those of their classes.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Labels.
    classes : ndarray of shape (n_classes,)
    weights : ndarray of shape (n,) or None
    class_weight : dict, "balanced" or None

    Returns
    -------
    ndarray of shape (n,) or None

    Raises
    ------
    ValueError
        If the weights of the classes are negative, not finite or all zero.
    """
    if class_weight is None:
        return weights
    weights = np.ones(len(y)) if weights is None else weights
    # Sums and products of huge weights overflow; their ratios do not.
    unit = float(power_of_two(weights.max()))
    codes = np.searchsorted(classes, y)
    if isinstance(class_weight, str):
        # By weights, not by rows: a weight of two is a row that is there twice.
        totals = np.bincount(codes, weights / unit, minlength=len(classes))
        totals = np.where(totals > 0, totals, np.inf)
        of_class = (weights / unit).sum() / (len(classes) * totals)
    else:
        of_class = np.array(
            [class_weight.get(label, 1.0) for label in classes.tolist()]
        )
    if not (np.isfinite(of_class).all() and of_class.min() >= 0 < of_class.max()):
        raise ValueError(
            "The weights of 'class_weight' must be finite, non-negative, and not all "
            f"zero. Got {class_weight!r} instead."
        )
    return _product(weights, np.asarray(of_class, dtype=float)[codes])


def check_class_weight(class_weight: Any, classes: np.ndarray) -> None:
    """Raise a ValueError where weights are given of classes that are not there."""
    if isinstance(class_weight, dict):
        compute_class_weight(class_weight, classes=classes, y=classes)


def class_signs(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Targets of +1 and -1, of shape (n,) for two classes, else (n, n_classes)."""
    if len(classes) == 2:
        return np.where(y == classes[1], 1.0, -1.0)
    return np.where(y[:, None] == classes, 1.0, -1.0)


def labels_of(values: Array, classes: Array) -> Array:
    """Return the class of the largest value, of shape (n,), where the values are.

    Labels that are no numbers are NumPy's.

    Parameters
    ----------
    values : array of shape (n,) or (n, n_classes)
        For two classes, the value of the second.
    classes : array of shape (n_classes,)
    """
    if is_foreign(values):
        labels = labels_of(to_host(values), to_host(classes))
        return put_beside(labels, values) if labels.dtype.kind in "biuf" else labels
    if values.ndim == 1:
        return classes[(values > 0).astype(int)]
    return classes[values.argmax(axis=1)]


def check_one_label(estimator: Any, y: Any) -> None:
    """Raise a ValueError where rows have several labels."""
    shape: tuple[int, ...] = getattr(y, "shape", None) or ()
    if is_classifier(estimator) and len(shape) == 2 and shape[1] > 1:
        raise ValueError(
            f"y of {type(estimator).__name__} should be a 1d array of one label for "
            f"each row. Got an array of shape {shape} instead; wrap the classifier in "
            "sklearn.multioutput.MultiOutputClassifier, or train a regressor on "
            "columns of 0 and 1."
        )


def _product(weights: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Multiply weights; a product that overflows is scaled to the largest float."""
    units = power_of_two(weights.max()), power_of_two(factors.max())
    scaled = (weights / units[0]) * (factors / units[1])
    # A model depends on the ratios of weights, and on alpha / sum(w), which is 0 for
    # weights of either size.
    exponent = min(np.log2(units[0]) + np.log2(units[1]), 1020.0)
    return np.ldexp(scaled, int(exponent))

"""What a leaf adds to a prediction, and how far from its rows."""

import numpy as np

from sklearn_msk._estimators._leaves import LeafModel


def feature_widths(leaves: list[LeafModel]) -> np.ndarray:
    """Width of each feature in each leaf, no less than the mean of all leaves.

    A leaf in which a feature is constant knows the values next to it too.
    """
    widths = np.array([leaf.high - leaf.low for leaf in leaves], dtype=np.float64)
    return np.maximum(widths, widths.mean(axis=0))


def correction(
    leaf: LeafModel, width: np.ndarray, X: np.ndarray, share: np.ndarray
) -> np.ndarray:
    """Return what a leaf adds to the global model at rows in which it has a share.

    Outside of the range of its training rows the correction falls to 0, over the width
    of the leaf.
    """
    factor = share * reach(leaf, width, X)
    added = leaf.estimator.predict(X) * leaf.shrinkage
    return factor[:, None] * added.reshape(len(X), -1)


def reach(leaf: LeafModel, width: np.ndarray, X: np.ndarray) -> np.ndarray:
    """Return 1 within the range of the rows of a leaf, and 0 beyond its width."""
    outside = np.maximum(np.maximum(leaf.low - X, X - leaf.high), 0.0)
    # A feature that is constant in all leaves says nothing.
    unit = np.where(width > 0, width, np.inf)
    beyond = np.minimum((outside / unit).max(axis=1), 1.0)
    return 1.0 - beyond * beyond * (3.0 - 2.0 * beyond)

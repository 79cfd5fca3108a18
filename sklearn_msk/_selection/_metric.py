"""Metrics that a model's own gradients choose.

The average gradient outer product (AGOP) of a model f is ``M = mean grad f(x_i) grad
f(x_i)^T``. A Recursive Feature Machine fits f in a metric, replaces the metric by a
power of M or of its diagonal, and repeats.

References
----------
A. Radhakrishnan, D. Beaglehole, P. Pandit, M. Belkin, *Mechanism for feature learning
in neural networks and backpropagation-free machine learning models*, Science 383, 2024.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh, svd
from scipy.spatial.distance import pdist

# Rows between which the median distance is taken.
_MEDIAN_ROWS = 500


@dataclass(frozen=True, eq=False)
class Metric:
    """``d(x, z) = |L (x - z)|``.

    Attributes
    ----------
    components : ndarray of shape (n_components, n_features)
        L.
    """

    components: np.ndarray

    @classmethod
    def identity(cls, n_features: int) -> "Metric":
        """Euclidean metric."""
        return cls(np.eye(n_features))

    @property
    def matrix(self) -> np.ndarray:
        """``L^T L``."""
        return self.components.T @ self.components

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Rows whose Euclidean distances are those of the metric, ``X L^T``."""
        return X @ self.components.T

    def pull_back(self, gradients: np.ndarray) -> np.ndarray:
        """Gradients in x from those in ``L x``, by the chain rule.

        From shape (n, n_components) or (n, n_components, n_targets).
        """
        if gradients.ndim == 2:
            return gradients @ self.components
        return np.einsum("imt,md->idt", gradients, self.components, optimize=True)

    def leading(self, n_components: int) -> "Metric":
        """Return the metric of rank `n_components` that is next to this one.

        Its components are orthogonal, the longest first; along features where this
        metric is diagonal.
        """
        M = self.matrix
        if np.count_nonzero(M) == np.count_nonzero(M.diagonal()):
            lengths = np.sqrt(M.diagonal())
            longest = np.argsort(-lengths, kind="stable")[:n_components]
            return Metric(np.eye(len(M))[longest] * lengths)
        _, lengths, Vt = svd(self.components)
        largest = np.take_along_axis(Vt, np.abs(Vt).argmax(axis=1)[:, None], axis=1)
        L = (np.sign(largest) * Vt)[: len(lengths)] * lengths[:, None]
        return Metric(L[:n_components])


def agop(gradients: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Average outer product of gradients, ``sum_i w_i g_i g_i^T / sum_i w_i``.

    Parameters
    ----------
    gradients : ndarray of shape (n, n_features) or (n, n_features, n_targets)
        Of targets of unit variance, over which the products are summed.
    weights : ndarray of shape (n,), default=None
        None means ones.

    Returns
    -------
    ndarray of shape (n_features, n_features)
    """
    n, n_features = gradients.shape[:2]
    shares = np.full(n, 1.0 / n) if weights is None else weights / weights.sum()
    columns = gradients.reshape(n, n_features, -1)
    total = np.zeros((n_features, n_features))
    for target in range(columns.shape[2]):
        scaled = columns[..., target] * np.sqrt(shares)[:, None]
        total += scaled.T @ scaled
    return total


def next_metric(
    metric: Metric,
    product: np.ndarray,
    X: np.ndarray,
    *,
    structure: str = "full",
    power: float = 1.0,
) -> Metric:
    """Metric ``M^power`` of the AGOP M, or of its diagonal.

    It is scaled so that the median distance of the rows, of at most 500 of them, stays
    what it was; the root mean square distance where either median is 0.

    Parameters
    ----------
    metric : Metric
        The one that the model was fitted in.
    product : ndarray of shape (n_features, n_features)
        M, in the coordinates of X.
    X : ndarray of shape (n, n_features)
        Rows.
    structure : {"full", "diagonal"}, default="full"
    power : float, default=1.0

    Returns
    -------
    Metric
        With a symmetric matrix of components; `metric` itself where M is 0.
    """
    if structure == "diagonal":
        product = np.diag(product.diagonal())
    largest = float(product.diagonal().max(initial=0.0))
    if not 0.0 < largest < np.inf:
        return metric
    components = _matrix_power(product / largest, 0.5 * power)
    rows = X[:: -(-len(X) // _MEDIAN_ROWS)]
    size = _size_ratio(metric.transform(rows), rows @ components.T)
    return Metric(components * size) if size > 0 else metric


def _matrix_power(matrix: np.ndarray, power: float) -> np.ndarray:
    """Power of a positive semi-definite matrix, exactly diagonal where it is."""
    if np.count_nonzero(matrix) == np.count_nonzero(matrix.diagonal()):
        return np.diag(matrix.diagonal() ** power)
    eigenvalues, V = eigh(matrix)
    # Roots would make the rounding of an eigenvalue of 0 visible.
    rounding = 10 * len(matrix) * np.finfo(float).eps * eigenvalues[-1]
    half = V * np.where(eigenvalues > rounding, eigenvalues, 0.0) ** (0.5 * power)
    return half @ half.T


def _size_ratio(before: np.ndarray, after: np.ndarray) -> float:
    """Ratio of the sizes of two sets of rows, 0 where one has none."""
    distances = pdist(before), pdist(after)
    if not distances[0].size:
        return 0.0
    sizes = [float(np.median(d)) for d in distances]
    if 0.0 in sizes:
        sizes = [float(np.sqrt(np.mean(np.square(d)))) for d in distances]
    return 0.0 if 0.0 in sizes else sizes[0] / sizes[1]

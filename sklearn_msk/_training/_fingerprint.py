"""What a kernel computes, in a few of its values: the key of what is kept on disk."""

import hashlib
from typing import Any

import numpy as np
from scipy.sparse import issparse

from sklearn_msk import _version
from sklearn_msk._tuning import FINGERPRINT_ROWS
from sklearn_msk.kernels._evaluation import evaluate_kernel


def fingerprint(kernel: Any, X: np.ndarray, Z: np.ndarray | None = None) -> str:
    """Hash values of a kernel, not its name, with the version of this package.

    A function that was edited keeps its name and its class keeps its path, so that
    neither tells which matrix a stored result belongs to. The values do.

    Parameters
    ----------
    kernel : object returned by `resolve_kernel`
    X : ndarray or csr_matrix of shape (n, n_features)
        Rows, of which 64 are taken.
    Z : ndarray of shape (m, n_features), default=None
        Rows of the other side; None means the same 64 rows of X, and all of X where
        the kernel is a callable of the user's.

    Returns
    -------
    str
    """
    some = X[np.unique(np.linspace(0, X.shape[0] - 1, FINGERPRINT_ROWS).astype(int))]
    others = some if Z is None else Z
    values = np.ascontiguousarray(evaluate_kernel(kernel, some, others))
    digest = hashlib.sha256(_version.__version__.encode())
    digest.update(str((values.shape, values.dtype)).encode())
    digest.update(values.tobytes())
    if issparse(X):
        digest.update(b"sparse")
    return digest.hexdigest()

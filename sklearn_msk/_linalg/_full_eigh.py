"""Full decomposition of a symmetric matrix."""

import numpy as np
import scipy.linalg

from sklearn_msk._array_api import Array, is_foreign, namespace, to_host


def full_eigh(matrix: Array) -> tuple[np.ndarray, Array]:
    """Eigenvalues, ascending, and eigenvectors of a matrix, which is overwritten.

    The vectors are where the matrix is, the values NumPy's.
    """
    if is_foreign(matrix):
        values, vectors = namespace(matrix).linalg.eigh(matrix)
        return to_host(values), vectors
    # scipy before 1.13 asks LAPACK for too small a workspace for one row.
    driver = "evd" if len(matrix) > 1 else "ev"
    return scipy.linalg.eigh(
        matrix, driver=driver, overwrite_a=True, check_finite=False
    )

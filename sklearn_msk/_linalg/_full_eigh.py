"""Full decomposition of a symmetric matrix."""

import numpy as np
import scipy.linalg


def full_eigh(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues, ascending, and eigenvectors of a matrix, which is overwritten."""
    # scipy before 1.13 asks LAPACK for too small a workspace for one row.
    driver = "evd" if len(matrix) > 1 else "ev"
    return scipy.linalg.eigh(
        matrix, driver=driver, overwrite_a=True, check_finite=False
    )

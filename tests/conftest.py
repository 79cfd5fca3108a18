"""What the tests share: data sets small enough for a literal loop."""

import os

# scikit-learn's checks skip their array API part, silently, without this.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
# One thread for each of the processes that share the tests: more would wait for others.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest


@pytest.fixture
def data():
    """Rows, two targets and weights, one of them zero."""
    rng = np.random.RandomState(0)
    X = rng.standard_normal((60, 3))
    Y = np.column_stack([np.sin(3 * X[:, 0]) + X[:, 1], X[:, 2] ** 2])
    weights = rng.uniform(0.5, 2.0, 60)
    weights[7] = 0.0
    return X, Y, weights

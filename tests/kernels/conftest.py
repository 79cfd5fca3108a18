"""Tests of networks run for both engines that are fast."""

import numpy as np
import pytest

from sklearn_msk.kernels import _network_matrix


@pytest.fixture(params=["numpy", "numba"])
def engine(request, monkeypatch):
    """Kernels of any size by NumPy, and by compiled code."""
    compiled = request.param == "numba"
    if compiled:
        pytest.importorskip("numba")
    threshold = 0 if compiled else np.inf
    monkeypatch.setattr(_network_matrix, "COMPILE_FROM", threshold)
    return request.param

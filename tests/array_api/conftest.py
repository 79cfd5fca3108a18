"""Libraries of arrays and their devices, those that are not here skipped."""

import sys

import numpy as np
import pytest
import sklearn
from sklearn.utils.fixes import parse_version, sp_version

from sklearn_msk import _array_api
from sklearn_msk._array_api import to_host


class Library:
    """A library and a device: arrays go there and come back."""

    def __init__(self, put, widest=np.float64):
        self._put, self.widest = put, widest

    def put(self, array):
        """Return an array of NumPy there, numbers as wide as the device has them."""
        array = np.asarray(array)
        if array.dtype == np.float64:
            array = array.astype(self.widest)
        return self._put(array)

    @staticmethod
    def back(array):
        """Return an array there as one of NumPy."""
        return to_host(array)


def _strict(device):
    """Arrays of the strict reference implementation."""
    strict = pytest.importorskip("array_api_strict")
    narrow = device == "no_float64"
    place = strict.Device(device)
    widest = np.float32 if narrow else np.float64
    return Library(lambda a: strict.asarray(a, device=place), widest)


def _torch(device):
    """Arrays of torch on a device that is there."""
    torch = pytest.importorskip("torch")
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("torch has no CUDA here")
    if device == "mps" and not torch.backends.mps.is_available():
        pytest.skip("torch has no MPS here")
    widest = np.float32 if device == "mps" else np.float64
    return Library(lambda a: torch.asarray(a, device=device), widest)


def _cupy():
    """Arrays of CuPy."""
    cupy = pytest.importorskip("cupy")
    return Library(cupy.asarray)


LIBRARIES = {
    "strict, another device": lambda: _strict("device1"),
    "strict, no float64": lambda: _strict("no_float64"),
    "torch, as NumPy reads it": lambda: _torch("cpu"),
    "torch, by its own functions": lambda: _torch("cpu"),
    "torch, CUDA": lambda: _torch("cuda"),
    "torch, MPS": lambda: _torch("mps"),
    "CuPy": _cupy,
}


@pytest.fixture(autouse=True)
def closed_figures():
    """Close what displays have drawn, after each test."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(params=LIBRARIES)
def library(request, monkeypatch):
    """Dispatch to a library, within the test."""
    if _array_api.array_api_compat is None or sp_version < parse_version("1.14"):
        pytest.skip("arrays of other libraries need scikit-learn 1.9 and SciPy 1.14")
    found = LIBRARIES[request.param]()
    if request.param == "torch, by its own functions":
        # What runs on GPUs, here.
        monkeypatch.setattr(_array_api, "is_host_memory", lambda array: False)
    with sklearn.config_context(array_api_dispatch=True):
        yield found

"""Compiled functions do what the functions do, or are the functions."""

import subprocess
import sys

import numpy as np
import pytest

from sklearn_msk._compilation import _compiled_by_torch


def test_what_cannot_be_recorded_runs_as_it_is():
    torch = pytest.importorskip("torch")

    def depends_on_values(x):
        return x if bool(x.sum() > 0) else -x

    call = _compiled_by_torch(depends_on_values, (torch.ones(3),))
    assert np.array_equal(call(-torch.ones(3)), np.ones(3))


def test_a_compiled_function_that_fails_later_runs_as_it_is(monkeypatch):
    torch = pytest.importorskip("torch")

    def fail(*arrays):
        raise RuntimeError("no compiler")

    monkeypatch.setattr(torch, "compile", lambda graph, dynamic: fail)
    call = _compiled_by_torch(lambda x: x + 1, (torch.ones(3),))
    assert np.array_equal(call(torch.ones(3)), [2, 2, 2])


def test_the_package_imports_no_library_of_arrays():
    code = "import sklearn_msk, sys; print({'torch', 'cupy', 'numba'} & {*sys.modules})"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "set()"

"""`memory` serves an entry only to the kernel, data and accuracy that made it."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.gaussian_process.kernels import Kernel, Matern
from sklearn.metrics.pairwise import rbf_kernel

from sklearn_msk import (
    MSKClassifier,
    MSKGridSearchCV,
    MSKKernel,
    MSKRegressor,
    _version,
)
from sklearn_msk.kernels import NTK, MercerKernel

RNG = np.random.RandomState(0)
X = RNG.uniform(-1, 1, (60, 3))
Y = np.sin(3 * X[:, 0]) + X[:, 1] * X[:, 2]
Q = RNG.uniform(-1, 1, (20, 3))

FUNCTION = """
def features(X):
    return np.hstack([np.sin(X * s) for s in range(1, {version} + 3)])
"""
CLASS = """
class Edited(Kernel):
    def __init__(self):
        pass

    def __call__(self, X, Y=None, eval_gradient=False):
        return rbf_kernel(X, X if Y is None else Y, gamma=0.3 * {version})

    def diag(self, X):
        return np.ones(len(X))

    def is_stationary(self):
        return True
"""


def _defined(source: str, version: int, name: str) -> Any:
    """Define something in this module, as an editor of the module would."""
    module = sys.modules[__name__]
    exec(source.format(version=version), vars(module))
    return getattr(module, name)


def _mercer(version: int) -> Kernel:
    features = _defined(FUNCTION, version, "features")
    return MercerKernel(features, 1.0 / np.arange(1, 3 * (version + 2) + 1) ** 2)


def _mercer_of_equal_size(version: int) -> Kernel:
    source = FUNCTION.replace("range(1, {version} + 3)", "({version}, {version} + 2)")
    return MercerKernel(_defined(source, version, "features"), np.ones(6))


def _edited(version: int) -> Kernel:
    return _defined(CLASS, version, "Edited")()


def _edited_in_a_sum(version: int) -> Kernel:
    return _edited(version) + 0.5 * Matern()


def _closure(version: int) -> Callable[..., np.ndarray]:
    def scaled(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
        return rbf_kernel(X, Y, gamma=0.3 * version)

    return scaled


class _Object:
    """A callable whose class and name are those of another."""

    def __init__(self, version: int) -> None:
        self.version = version

    def __call__(self, X: np.ndarray, Y: np.ndarray) -> np.ndarray:
        return rbf_kernel(X, Y, gamma=0.3 * self.version)


KERNELS = {
    "function of a MercerKernel": _mercer,
    "function of a MercerKernel, of equal size": _mercer_of_equal_size,
    "class": _edited,
    "class in a sum": _edited_in_a_sum,
    "closure": _closure,
    "lambda": lambda version: lambda X, Y: rbf_kernel(X, Y, gamma=0.3 * version),
    "object": _Object,
}


def _exact(kernel: Any, memory: str | None) -> np.ndarray:
    return MSKRegressor(kernel, k=5, memory=memory).fit(X, Y).predict(Q)


def _landmarks(kernel: Any, memory: str | None) -> np.ndarray:
    model = MSKRegressor(kernel, k=5, landmarks=25, random_state=0, memory=memory)
    return model.fit(X, Y).predict(Q)


def _classifier(kernel: Any, memory: str | None) -> np.ndarray:
    return MSKClassifier(kernel, k=5, memory=memory).fit(X, Y > 0).decision_function(Q)


def _kernel(kernel: Any, memory: str | None) -> np.ndarray:
    return MSKKernel(kernel, k=5, memory=memory).fit(X).transform(Q)


def _early(kernel: Any, memory: str | None) -> np.ndarray:
    model = MSKRegressor(
        kernel, k=5, early_stopping=True, random_state=0, memory=memory
    )
    return model.fit(X, Y).predict(Q)


def _search(kernel: Any, memory: str | None) -> np.ndarray:
    model = MSKRegressor(kernel, memory=memory)
    return MSKGridSearchCV(model, {"k": [3, 5]}, cv=2).fit(X, Y).predict(Q)


USES = [_exact, _landmarks, _classifier, _kernel, _early, _search]


def _assert_close(found: np.ndarray, right: np.ndarray) -> None:
    np.testing.assert_allclose(found, right, rtol=1e-9, atol=1e-9)


def _entries(folder: Path) -> int:
    return sum(1 for _ in folder.rglob("output.pkl"))


@pytest.mark.parametrize("use", USES, ids=lambda use: use.__name__)
@pytest.mark.parametrize("kind", KERNELS)
def test_an_edited_kernel_is_another(kind: str, use: Any, tmp_path: Path) -> None:
    right = []
    for version in (1, 2, 1):
        kernel = KERNELS[kind](version)
        right.append(use(kernel, None))
        _assert_close(use(kernel, str(tmp_path)), right[-1])
    assert np.abs(right[0] - right[1]).max() > 1e-3
    assert _entries(tmp_path) > 0


SAME = {
    "name": lambda: "laplacian",
    "NTK": lambda: NTK(depth=2),
    "Matern": Matern,
    "class": lambda: _edited(2),
    "MercerKernel": lambda: _mercer(2),
    "closure": lambda: _closure(2),
}


@pytest.mark.parametrize("use", USES, ids=lambda use: use.__name__)
@pytest.mark.parametrize("kind", SAME)
def test_the_same_kernel_is_served(kind: str, use: Any, tmp_path: Path) -> None:
    first = use(SAME[kind](), str(tmp_path))
    entries = _entries(tmp_path)
    assert entries > 0
    _assert_close(use(SAME[kind](), str(tmp_path)), first)
    assert _entries(tmp_path) == entries


@pytest.mark.parametrize("landmarks", [None, 25])
def test_other_data_are_another_entry(landmarks: int | None, tmp_path: Path) -> None:
    moved = X.copy()
    moved[-1, -1] += 1e-3
    weights = np.linspace(0.5, 2.0, len(X))
    for rows, y, w in (
        (X, Y, None),
        (moved, Y, None),
        (X, -2 * Y, None),
        (X, Y, weights),
    ):
        found = []
        for memory in (None, str(tmp_path)):
            model = MSKRegressor(landmarks=landmarks, random_state=0, memory=memory)
            found.append(model.fit(rows, y, w).predict(Q))
        _assert_close(found[1], found[0])


def test_parameters_of_a_kernel_are_seen(tmp_path: Path) -> None:
    for params in ({"gamma": 0.5}, {"gamma": 2.0}, {"kernel_params": {"gamma": 3.0}}):
        found = [
            MSKRegressor("rbf", memory=memory, **params).fit(X, Y).predict(Q)
            for memory in (None, str(tmp_path))
        ]
        _assert_close(found[1], found[0])


def test_a_rough_entry_does_not_serve_an_accurate_fit(tmp_path: Path) -> None:
    rng = np.random.RandomState(1)
    rows = rng.standard_normal((400, 8))
    y = np.sin(rows[:, 0])
    settings = {"kernel": "laplacian", "k": 30, "eigen_solver": "randomized"}
    MSKRegressor(tol=0.5, memory=str(tmp_path), **settings).fit(rows, y)
    found = [
        MSKRegressor(tol=1e-9, memory=memory, **settings).fit(rows, y).spectrum_
        for memory in (None, str(tmp_path))
    ]
    np.testing.assert_allclose(
        found[1].eigenvalues, found[0].eigenvalues, rtol=1e-9, atol=0
    )
    largest = [spectrum.residual_norms.max() for spectrum in found]
    assert largest[1] <= 2 * largest[0]


@pytest.mark.parametrize("landmarks", [None, 25])
def test_an_entry_of_another_version_does_not_serve(
    landmarks: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = MSKRegressor(landmarks=landmarks, random_state=0, memory=str(tmp_path))
    model.fit(X, Y)
    entries = _entries(tmp_path)
    monkeypatch.setattr(_version, "__version__", "0.0.0.test")
    model.fit(X, Y)
    assert _entries(tmp_path) > entries

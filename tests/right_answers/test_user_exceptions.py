"""What a kernel or a map of the user raises is never swallowed."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import config_context
from sklearn.gaussian_process.kernels import Kernel
from sklearn.metrics.pairwise import laplacian_kernel

from sklearn_msk import MSKClassifier, MSKGridSearchCV, MSKKernel, MSKRegressor
from sklearn_msk.finite_width import WideNetworkRegressor

RNG = np.random.RandomState(0)
X = RNG.uniform(-1, 1, (90, 3))
Y = np.sin(3 * X[:, 0]) + X[:, 1]
ERRORS = [
    ZeroDivisionError,
    FloatingPointError,
    OverflowError,
    KeyboardInterrupt,
    MemoryError,
    RuntimeError,
    np.linalg.LinAlgError,
]
EIGEN_SOLVERS = ["auto", "dense", "arpack", "lobpcg", "randomized"]


class Fuse:
    """Raises an error at its n-th call."""

    def __init__(self, error: type[BaseException], at: int) -> None:
        self.error = error("raised by the user")
        self.left = at
        self.blown = False

    def __call__(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.blown = True
            raise self.error

    def __deepcopy__(self, memo: dict[int, Any]) -> "Fuse":
        return self


class Fused(Kernel):
    """Kernel object of the user's that fails."""

    def __init__(self, fuse: Fuse) -> None:
        self.fuse = fuse

    def __call__(
        self, X: np.ndarray, Y: np.ndarray | None = None, eval_gradient: bool = False
    ) -> np.ndarray:
        self.fuse()
        return laplacian_kernel(X, Y)

    def diag(self, X: np.ndarray) -> np.ndarray:
        return np.ones(len(X))

    def is_stationary(self) -> bool:
        return True


def _function(fuse: Fuse) -> Callable[..., np.ndarray]:
    def kernel(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
        fuse()
        return laplacian_kernel(X, Y)

    return kernel


def _map(fuse: Fuse) -> Callable[[np.ndarray], np.ndarray]:
    def g(eigenvalues: np.ndarray) -> np.ndarray:
        fuse()
        return 0.5 * (eigenvalues + eigenvalues[-1])

    return g


def _assert_raised(fuse: Fuse, work: Callable[[], Any]) -> None:
    """The very error comes out, alone or as the cause that another one names."""
    try:
        work()
    except BaseException as caught:  # KeyboardInterrupt too
        assert fuse.blown, caught
        chain = [caught]
        while chain[-1].__cause__ is not None:
            chain.append(chain[-1].__cause__)
        assert fuse.error in chain
        assert "raised by the user" in str(caught)
        # What is no Exception is nobody's to translate.
        assert isinstance(fuse.error, Exception) or caught is fuse.error
    else:
        assert not fuse.blown


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("eigen_solver", EIGEN_SOLVERS)
@pytest.mark.parametrize("make", [_function, Fused], ids=["function", "object"])
def test_kernels(
    make: Callable[[Fuse], Any], eigen_solver: str, error: type[BaseException]
) -> None:
    for at in (1, 2, 5):
        fuse = Fuse(error, at)
        model = MSKRegressor(make(fuse), k=3, eigen_solver=eigen_solver)
        _assert_raised(fuse, lambda: model.fit(X, Y).predict(X))  # noqa: B023
        if at == 1:
            assert fuse.blown
            assert not hasattr(model, "dual_coef_")


@pytest.mark.parametrize(
    "error", [ZeroDivisionError, MemoryError, np.linalg.LinAlgError]
)
@pytest.mark.parametrize("eigen_solver", ["auto", "randomized", "arpack"])
@pytest.mark.parametrize("make", [_function, Fused], ids=["function", "object"])
def test_kernels_of_fits_in_blocks(
    make: Callable[[Fuse], Any],
    eigen_solver: str,
    error: type[BaseException],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where no matrix is held, the kernel is called within every product."""
    monkeypatch.setenv("SKLEARN_MSK_MEMORY_LIMIT", "10000")
    with config_context(working_memory=0.02):
        for at in (5, 40):
            fuse = Fuse(error, at)
            model = MSKRegressor(make(fuse), k=3, eigen_solver=eigen_solver)
            _assert_raised(fuse, lambda: model.fit(X, Y))  # noqa: B023
            assert fuse.blown


@pytest.mark.parametrize("error", [ZeroDivisionError, FloatingPointError])
@pytest.mark.parametrize("at", [2, 5])
def test_kernels_of_many_rows(at: int, error: type[BaseException]) -> None:
    rng = np.random.RandomState(0)
    rows = rng.standard_normal((2200, 3))
    fuse = Fuse(error, at)
    model = MSKRegressor(Fused(fuse), k=5, max_iter=3)
    _assert_raised(fuse, lambda: model.fit(rows, rows[:, 0]))


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("mode", ["landmarks", "partial_fit", "early", "kernel"])
def test_kernels_in_other_modes(mode: str, error: type[BaseException]) -> None:
    for at in (1, 2, 3):
        fuse = Fuse(error, at)
        models = {
            "landmarks": MSKRegressor(_function(fuse), landmarks=20, k=3),
            "partial_fit": MSKRegressor(_function(fuse), landmarks=20, k=3),
            "early": MSKRegressor(_function(fuse), early_stopping=True, k=3),
            "kernel": MSKKernel(_function(fuse), k=3),
        }
        model = models[mode]
        fit = model.partial_fit if mode == "partial_fit" else model.fit
        _assert_raised(fuse, lambda: fit(X, Y))  # noqa: B023


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize(
    "mode", [*EIGEN_SOLVERS, "landmarks", "classifier", "kernel", "network", "early"]
)
def test_maps(mode: str, error: type[BaseException]) -> None:
    fuse = Fuse(error, 1)
    g = _map(fuse)
    models = {
        "landmarks": MSKRegressor(g=g, landmarks=20, k=3),
        "classifier": MSKClassifier(g=g, k=3),
        "kernel": MSKKernel(g=g, k=3),
        "network": WideNetworkRegressor(16, g=g, k=3, max_iter=2),
        "early": MSKRegressor(g=g, k=3, early_stopping=True),
    }
    model = models.get(mode) or MSKRegressor(g=g, k=3, eigen_solver=mode)
    _assert_raised(fuse, lambda: model.fit(X, Y > 0 if mode == "classifier" else Y))
    assert fuse.blown


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("where", ["kernel", "g"])
def test_searches(where: str, error: type[BaseException]) -> None:
    for at in (1, 2):
        fuse = Fuse(error, at)
        broken = (_function if where == "kernel" else _map)(fuse)
        model = MSKRegressor(**{where: broken})
        search = MSKGridSearchCV(model, {"k": [2, 4]}, cv=2, error_score="raise")
        _assert_raised(fuse, lambda: search.fit(X, Y))  # noqa: B023
        assert fuse.blown


@pytest.mark.parametrize("where", ["kernel", "g"])
def test_an_interrupt_ends_a_search(where: str) -> None:
    fuse = Fuse(KeyboardInterrupt, 1)
    broken = (_function if where == "kernel" else _map)(fuse)
    search = MSKGridSearchCV(MSKRegressor(**{where: broken}), {"k": [2, 4]}, cv=2)
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, Y)


@pytest.mark.parametrize("where", ["kernel", "g"])
@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
@pytest.mark.parametrize(
    "make",
    [
        lambda **of: MSKRegressor(k=4, **of),
        lambda **of: MSKRegressor(k=4, landmarks=20, random_state=0, **of),
        lambda **of: MSKRegressor(k=4, early_stopping=True, random_state=0, **of),
        lambda **of: MSKRegressor(k=4, store_trajectory=True, **of),
        lambda **of: MSKKernel(k=4, **of),
    ],
    ids=["exact", "landmarks", "early", "trajectory", "MSKKernel"],
)
def test_a_fit_that_fails_leaves_the_object(
    make: Callable[..., Any], error: type[BaseException], where: str
) -> None:
    for at in (1, 2, 3):
        fuse = Fuse(error, -1)
        model = make(**{where: (_function if where == "kernel" else _map)(fuse)})
        model.fit(X, Y)
        before = dict(vars(model))
        fuse.left = at
        try:
            model.fit(2 * X[:70, :2], Y[:70])
        except BaseException:  # KeyboardInterrupt too
            assert fuse.blown
            assert vars(model).keys() == before.keys()
            assert all(vars(model)[name] is before[name] for name in before)
        else:
            assert not fuse.blown


def test_a_partial_fit_that_fails_leaves_the_object() -> None:
    fuse = Fuse(ZeroDivisionError, -1)
    model = MSKRegressor(_function(fuse), landmarks=15, k=4)
    model.partial_fit(X[:40], Y[:40])
    right = MSKRegressor(laplacian_kernel, landmarks=model.X_fit_, k=4, max_iter=100)
    right.fit(X, Y)
    fuse.left = 1
    with pytest.raises(ZeroDivisionError):
        model.partial_fit(X[40:], Y[40:])
    assert model.n_samples_seen_ == 40
    model.partial_fit(X[40:], Y[40:])
    np.testing.assert_allclose(model.predict(X), right.predict(X), atol=1e-8)

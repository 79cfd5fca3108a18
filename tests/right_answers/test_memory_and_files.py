"""What a fit holds, how it is told to hold less, and what goes into files."""

import pickle
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import config_context
from sklearn.gaussian_process.kernels import Matern
from sklearn.metrics.pairwise import laplacian_kernel
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_msk import MSKClassifier, MSKGridSearchCV, MSKKernel, MSKRegressor
from sklearn_msk.finite_width import WideNetworkRegressor
from sklearn_msk.kernels import NTK
from sklearn_msk.spectral_maps import Power

LIMIT = "SKLEARN_MSK_MEMORY_LIMIT"
# Of the matrix that the user holds, in sizes of that matrix: no copy fits into it.
BEYOND = 0.5


def _rows(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, (n, 4))
    return X, np.sin(3 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.1 * rng.standard_normal(n)


@pytest.mark.parametrize(
    ("fit", "params"),
    [
        (
            lambda K, y, **of: MSKRegressor("precomputed", max_iter=10, **of).fit(K, y),
            {},
        ),
        (
            lambda K, y, **of: MSKRegressor("precomputed", **of).fit(K, y),
            {"alpha": 0.1, "max_iter": 100},
        ),
        (
            lambda K, y, **of: MSKClassifier("precomputed", **of).fit(K, y > 0),
            {"max_iter": 100},
        ),
        (lambda K, y, **of: MSKKernel("precomputed", k=10, **of).fit(K), {}),
    ],
    ids=["10 steps", "ridge", "classifier", "MSKKernel"],
)
def test_a_precomputed_matrix_is_not_copied(
    fit: Callable[..., Any], params: dict[str, Any]
) -> None:
    X, y = _rows(1700)
    K = NTK()(X)
    K.flags.writeable = False
    fit(K[:200, :200].copy(), y[:200], **params)
    tracemalloc.start()
    try:
        fit(K, y, **params)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < BEYOND * K.nbytes, f"{peak / K.nbytes:.2f} K"


def _outputs(model: Any, X: np.ndarray) -> list[np.ndarray]:
    """Everything that a model says of rows."""
    names = ("predict", "predict_proba", "decision_function", "transform")
    found = [getattr(model, name)(X) for name in names if hasattr(model, name)]
    if getattr(model, "store_trajectory", False):
        # Early stopping may end a path before.
        steps = np.unique(np.minimum([1, 3], model.n_iter_))
        found += list(model.staged_predict(X, steps))
    return found


SOLVERS = {
    "auto": {"max_iter": 100},
    "lanczos": {"solver": "lanczos", "max_iter": 100},
    "eigh": {"solver": "eigh", "max_iter": 100},
    "loop": {"solver": "gd", "dynamics": "descent", "max_iter": 10},
    "limit": {"max_iter": np.inf, "alpha": 0.1},
    "early": {"early_stopping": True, "random_state": 0, "max_iter": 20},
}


def _lambda_map(eigenvalues: np.ndarray) -> np.ndarray:
    return 0.5 * (eigenvalues + eigenvalues[-1])


# A full decomposition of all rows needs the matrix, whatever the limit.
WITHIN = [
    (limit, solver, landmarks)
    for limit in (None, "100000")
    for solver in SOLVERS
    for landmarks in (None, 30)
    if not (limit and solver == "eigh" and landmarks is None)
]


@pytest.mark.parametrize(("limit", "solver", "landmarks"), WITHIN)
@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("make", [MSKRegressor, MSKClassifier])
def test_every_model_that_fit_makes_can_be_pickled(
    make: Any,
    landmarks: int | None,
    solver: str,
    stored: bool,
    limit: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if limit is not None:
        monkeypatch.setenv(LIMIT, limit)
    X, y = _rows(240)
    params = SOLVERS[solver] | {"landmarks": landmarks, "store_trajectory": stored}
    params |= {"random_state": 0, "k": 8, "g": _lambda_map}
    model = make(**params)
    with config_context(working_memory=0.1):
        model.fit(X, y if make is MSKRegressor else y > 0)
        again = pickle.loads(pickle.dumps(model))
        for found, right in zip(
            _outputs(again, X[:9]), _outputs(model, X[:9]), strict=True
        ):
            np.testing.assert_array_equal(found, right)


@pytest.mark.parametrize("limit", [None, "100000"])
@pytest.mark.parametrize(
    "model",
    [
        MSKKernel(k=6),
        MSKKernel(Matern(), g=Power(0.5), k=6),
        WideNetworkRegressor(16, k=4, max_iter=5),
        WideNetworkRegressor(16, k=4, max_iter=5, store_trajectory=True),
        MSKGridSearchCV(MSKRegressor(), {"k": [0, 5]}, cv=2),
        MSKGridSearchCV(MSKRegressor(store_trajectory=True), {"k": [0, 5]}, cv=2),
        make_pipeline(StandardScaler(), MSKRegressor(store_trajectory=True)),
        MSKRegressor(laplacian_kernel, store_trajectory=True),
        MSKRegressor(
            NTK(3), solver="gd", dynamics="descent", max_iter=5, store_trajectory=True
        ),
    ],
    ids=lambda model: type(model).__name__,
)
def test_other_objects_can_be_pickled(
    model: Any, limit: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if limit is not None:
        monkeypatch.setenv(LIMIT, limit)
    X, y = _rows(120)
    model.fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    for found, right in zip(
        _outputs(again, X[:9]), _outputs(model, X[:9]), strict=True
    ):
        np.testing.assert_array_equal(found, right)


# Two are left out: the path of a full decomposition, which is all eigenvectors, and the
# path of the loop, which runs when asked and holds the matrix where that fits.
@pytest.mark.parametrize(
    ("limit", "solver", "stored"),
    [
        (None, "auto", False),
        (None, "auto", True),
        (None, "eigh", False),
        (None, "loop", False),
        ("100000", "auto", False),
        ("100000", "auto", True),
        ("100000", "loop", False),
        ("100000", "loop", True),
    ],
)
def test_files_hold_no_matrix(
    stored: bool, solver: str, limit: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows, coefficients, k vectors, and some dozen more where the path is stored."""
    if limit is not None:
        monkeypatch.setenv(LIMIT, limit)
    X, y = _rows(400)
    model = MSKRegressor(k=5, store_trajectory=stored, **SOLVERS[solver]).fit(X, y)
    size = len(pickle.dumps(model))
    assert size < 0.3 * 8 * len(X) ** 2


class Recorded:
    """A kernel that notes the largest block that was asked of it."""

    def __init__(self) -> None:
        self.largest = 0

    def __call__(self, X: np.ndarray, Y: np.ndarray) -> np.ndarray:
        self.largest = max(self.largest, len(X) * len(Y))
        return laplacian_kernel(X, Y)


BLOCKED = {
    "default": {},
    "weights": {"weighted": True},
    "laplacian": {"kernel": "laplacian"},
    "rbf": {"kernel": "rbf", "gamma": 0.5},
    "Matern": {"kernel": Matern(nu=0.5)},
    "function": {"kernel": laplacian_kernel},
    "descent": {"dynamics": "descent", "k": 8},
    "loop": {"dynamics": "descent", "solver": "gd", "max_iter": 10, "k": 8},
    "limit": {"max_iter": np.inf, "alpha": 1.0, "k": 8},
    "arpack": {"eigen_solver": "arpack", "k": 5},
    "early": {"early_stopping": True, "random_state": 0, "k": 8, "max_iter": 20},
}


@pytest.mark.parametrize("name", BLOCKED)
def test_fits_within_a_limit_are_the_same(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    X, y = _rows(600)
    params = dict(BLOCKED[name])
    weights = np.linspace(0.5, 2.0, 600) if params.pop("weighted", False) else None
    params = {"k": 20, "max_iter": 30, "tol": 1e-10} | params
    right = MSKRegressor(verbose=1, **params).fit(X, y, weights)
    assert "block by block" not in capsys.readouterr().out
    monkeypatch.setenv(LIMIT, "1MB")
    found = MSKRegressor(verbose=1, **params).fit(X, y, weights)
    assert "block by block" in capsys.readouterr().out
    assert found.n_iter_ == right.n_iter_
    # Approximate pairs of the same accuracy, of products that are rounded otherwise.
    np.testing.assert_allclose(found.predict(X), right.predict(X), atol=1e-6)


def test_no_call_of_a_kernel_asks_for_the_matrix(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    X, y = _rows(600)
    monkeypatch.setenv(LIMIT, "1MB")
    for eigen_solver, k in (("auto", 10), ("randomized", 10), ("arpack", 5)):
        kernel = Recorded()
        with config_context(working_memory=0.5):
            MSKRegressor(kernel, k=k, eigen_solver=eigen_solver, max_iter=10).fit(X, y)
        assert kernel.largest <= 0.5 * len(X) ** 2


def test_other_estimators_within_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = _rows(600)

    def found() -> list[np.ndarray]:
        classifier = MSKClassifier(k=8, tol=1e-10).fit(X, y > 0)
        search = MSKGridSearchCV(
            MSKRegressor(tol=1e-10), {"k": [4, 8], "max_iter": [5, 20]}, cv=2
        )
        return [
            MSKKernel(k=8).fit(X).transform(X[:50]),
            classifier.decision_function(X),
            search.fit(X, y).cv_results_["mean_test_score"],
            MSKRegressor(landmarks=40, random_state=0).fit(X, y).predict(X),
        ]

    right = found()
    monkeypatch.setenv(LIMIT, "1MB")
    for ours, theirs in zip(found(), right, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("make", [MSKRegressor, MSKClassifier])
@pytest.mark.parametrize(
    "params", [{"eigen_solver": "dense"}, {"solver": "eigh"}], ids=str
)
def test_a_full_decomposition_beyond_the_limit_is_refused(
    params: dict[str, Any], make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y = _rows(600)
    y = y if make is MSKRegressor else y > 0
    monkeypatch.setenv(LIMIT, "1MB")
    with pytest.raises(ValueError, match=LIMIT) as caught:
        make(**params).fit(X, y)
    assert "landmarks" in str(caught.value)
    make(landmarks=50, random_state=0, **params).fit(X, y)
    monkeypatch.setenv(LIMIT, "1GB")
    make(**params).fit(X, y)


@pytest.mark.parametrize(
    "text", ["1000000000", "900MB", "1GB", "1.5GB", "800 MB", "1TB"]
)
def test_limits_that_are_clear(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = _rows(100)
    right = MSKRegressor().fit(X, y).predict(X)
    monkeypatch.setenv(LIMIT, text)
    np.testing.assert_array_equal(MSKRegressor().fit(X, y).predict(X), right)


@pytest.mark.parametrize("text", ["lots", "-5", "nan", "MB", "12 apples", "0"])
def test_limits_that_make_no_sense(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = _rows(100)
    monkeypatch.setenv(LIMIT, text)
    with pytest.raises(ValueError, match=LIMIT) as caught:
        MSKRegressor().fit(X, y)
    assert text in str(caught.value)

"""Rows, targets and weights as users have them: an answer, or a word that helps."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn import config_context
from sklearn.datasets import make_friedman1
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_msk import MSKClassifier, MSKGridSearchCV, MSKKernel, MSKRegressor
from sklearn_msk.finite_width import WideNetworkRegressor
from sklearn_msk.inspection import DynamicsDisplay, SpectrumDisplay
from sklearn_msk.kernels import NTK

RNG = np.random.RandomState(0)
X = RNG.randn(80, 4)
Y = np.sin(X[:, 0])


# Not the dynamics on landmarks, which are another matter.
@pytest.mark.parametrize(
    ("display", "landmarks"),
    [(SpectrumDisplay, None), (SpectrumDisplay, 30), (DynamicsDisplay, None)],
)
def test_displays_of_data_frames_do_not_warn(
    display: Any, landmarks: int | None
) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    frame = pd.DataFrame(X[:, :2], columns=["a", "b"])
    y = pd.Series(np.sin(frame["a"]))
    model = MSKRegressor(k=5, store_trajectory=True, landmarks=landmarks)
    model.set_params(random_state=0).fit(frame, y)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert display.from_estimator(model, frame, y) is not None
    finally:
        __import__("matplotlib.pyplot").pyplot.close("all")


@pytest.mark.parametrize("indices", [np.int32, np.int64])
@pytest.mark.parametrize(
    "form", [sp.csr_array, sp.csc_array, sp.coo_array, sp.csr_matrix]
)
@pytest.mark.parametrize("kernel", ["rbf", "linear", "poly", "cosine", "laplacian"])
def test_sparse_rows_with_long_indices(kernel: str, form: Any, indices: Any) -> None:
    rng = np.random.RandomState(0)
    dense = np.where(rng.uniform(size=(60, 12)) < 0.3, rng.randn(60, 12), 0.0)
    rows = form(dense)
    if indices is np.int64 and hasattr(rows, "indices"):
        rows.indices, rows.indptr = (
            rows.indices.astype(indices),
            rows.indptr.astype(indices),
        )
    y = dense[:, 0]
    for model in (
        MSKRegressor(kernel, k=5, tol=1e-10),
        MSKClassifier(kernel, tol=1e-10),
        MSKKernel(kernel, k=5),
    ):
        target = y > 0 if isinstance(model, MSKClassifier) else y
        name = "transform" if isinstance(model, MSKKernel) else "predict"
        right = getattr(model.fit(dense, target), name)(dense)
        found = getattr(model, name)(rows)
        np.testing.assert_allclose(found, right, atol=1e-7)
        np.testing.assert_allclose(
            getattr(model.fit(rows, target), name)(rows), right, atol=1e-6
        )


@pytest.mark.parametrize(
    "model",
    [
        MSKRegressor(),
        MSKRegressor(landmarks=20),
        MSKRegressor(early_stopping=True),
        MSKClassifier(),
        WideNetworkRegressor(8, max_iter=2),
    ],
    ids=["exact", "landmarks", "early", "classifier", "network"],
)
@pytest.mark.parametrize("form", [sp.csr_array, sp.csc_matrix, sp.coo_array])
def test_sparse_targets(form: Any, model: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="Sparse data was passed for y"):
        model.fit(X, form(np.abs(X[:, :1])))


def test_sparse_targets_of_a_stream() -> None:
    model = MSKRegressor(landmarks=20)
    with pytest.raises((TypeError, ValueError), match="Sparse data was passed for y"):
        model.partial_fit(X, sp.csr_array(X[:, :1]))
    model.partial_fit(X, Y)
    with pytest.raises((TypeError, ValueError), match="Sparse data was passed for y"):
        model.partial_fit(X, sp.csr_array(X[:, :1]))


LABELS = X[:, 0] > 0
HUGE = {0: 1e308, 1: 1e308}


@pytest.mark.parametrize(
    ("class_weight", "weights", "named"),
    [
        (HUGE, None, "class_weight"),
        ({0: 1e-308, 1: 1e-308}, None, "class_weight"),
        ("balanced", np.full(80, 1e307), "sample_weight"),
        (None, np.full(80, 1e307), "sample_weight"),
        (HUGE, np.full(80, 1e307), "_weight"),
    ],
    ids=["huge classes", "tiny classes", "balanced", "huge rows", "both"],
)
def test_weights_of_classes(class_weight: Any, weights: Any, named: str) -> None:
    right = MSKClassifier().fit(X, LABELS).decision_function(X)
    if class_weight == "balanced":
        right = MSKClassifier(class_weight="balanced").fit(X, LABELS)
        right = right.decision_function(X)
    model = MSKClassifier(class_weight=class_weight)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model.fit(X, LABELS, sample_weight=weights)
    except ValueError as error:
        assert named in str(error)
        if named == "sample_weight":
            assert "'balanced' instead" not in str(error)
    else:
        np.testing.assert_allclose(model.decision_function(X), right, atol=1e-6)


@pytest.mark.parametrize("offset", [3e5, 1e6, 3e6, 1e7])
@pytest.mark.parametrize(
    "make",
    [MSKRegressor, lambda kernel: MSKRegressor(kernel, landmarks=40, random_state=0)],
    ids=["exact", "landmarks"],
)
def test_rows_far_from_the_origin(make: Any, offset: float) -> None:
    """Learned, or the error says that the place of the rows is at fault."""
    try:
        model = make("rbf").fit(X + offset, Y)
    except ValueError as error:
        assert "loses its digits" in str(error)
        assert "Centre and scale the features" in str(error)
        assert "choose another kernel" not in str(error)
    else:
        right = make("rbf").fit(X, Y).score(X, Y)
        assert model.score(X + offset, Y) == pytest.approx(right, abs=1e-2)


@pytest.mark.parametrize("far_training_rows", [False, True])
@pytest.mark.parametrize("kernel", ["ntk_relu", "ntk_erf", "nngp_relu"])
def test_rows_far_from_the_others(kernel: str, far_training_rows: bool) -> None:
    """A few of them spoil no prediction: not their own, and not those of the others."""
    rows, y = make_friedman1(600, noise=1.0, random_state=0)
    rows = StandardScaler().fit_transform(rows)
    queries, right = rows[450:].copy(), y[450:]
    spread = y.std()

    def error(predicted: np.ndarray) -> float:
        return float(np.sqrt(np.mean((predicted - right) ** 2)) / spread)

    without = error(MSKRegressor(kernel).fit(rows[:450], y[:450]).predict(queries))
    assert without < 0.4
    queries[:5] *= 1000.0
    if far_training_rows:
        rows[:5] *= 1000.0
    found = MSKRegressor(kernel).fit(rows[:450], y[:450]).predict(queries)
    assert abs(error(found) - without) < 0.1
    assert np.abs(found - y.mean()).max() < 1.5 * np.abs(y - y.mean()).max()


def test_the_textbook_kernel_grows_with_the_rows() -> None:
    model = MSKRegressor(NTK()).fit(X, Y)
    ratio = model.predict(1e6 * X[:5]) / model.predict(1e5 * X[:5])
    np.testing.assert_allclose(ratio, 10.0, rtol=1e-3)


@pytest.mark.parametrize("kernel", ["ntk_relu", NTK(), "chi2"])
@pytest.mark.parametrize("make", [MSKRegressor, MSKClassifier])
def test_one_hot_rows(make: Any, kernel: Any) -> None:
    frame = pd.DataFrame({"c": list("uvw") * 20})
    y = np.arange(60) % 3
    with pytest.raises(TypeError, match=r"[Ss]parse") as caught:
        make_pipeline(OneHotEncoder(), make(kernel)).fit(frame, y)
    text = str(caught.value)
    assert "sparse_output=False" in text or ("'rbf'" in text and "'linear'" in text)
    make_pipeline(OneHotEncoder(), make("rbf")).fit(frame, y)


def test_rows_whose_squares_underflow() -> None:
    kernel = NTK(bias_variance=0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = MSKRegressor(kernel).fit(X * 1e-160, Y).predict(X * 1e-160)
    except ValueError as error:
        assert "scale" in str(error).lower()
        assert "must be positive semi-definite" not in str(error)
    else:
        right = MSKRegressor(kernel).fit(X, Y).predict(X)
        np.testing.assert_allclose(found, right, atol=1e-4)


@pytest.mark.parametrize("kernel", ["rbf", "laplacian"])
def test_a_gamma_that_is_too_large(kernel: str) -> None:
    """Every row is a stranger to every other; if that is an error, gamma made it."""
    try:
        model = MSKRegressor(kernel, gamma=1e300).fit(X, Y)
    except ValueError as error:
        assert "gamma" in str(error)
        assert "Centre and scale" not in str(error)
    else:
        np.testing.assert_allclose(model.predict(X + 1.0), Y.mean(), atol=1e-12)


@pytest.mark.parametrize("method", ["regressor", "network", "landmarks"])
def test_stages_are_those_of_one_model(method: str) -> None:
    """A refit between two stages does not mix two models."""
    models = {
        "regressor": MSKRegressor(k=5, max_iter=100, store_trajectory=True),
        "landmarks": MSKRegressor(
            k=5, max_iter=100, landmarks=20, store_trajectory=True
        ),
        "network": WideNetworkRegressor(16, max_iter=10, store_trajectory=True),
    }
    model = models[method].fit(X, Y)
    steps = [1, 3, 10]
    # Batches of one step each, so that a lazy evaluation would be seen.
    with config_context(working_memory=1e-6):
        right = list(model.staged_predict(X, steps))
        stages = model.staged_predict(X, steps)
        first = next(stages)
        model.fit(X[:50], 5 + 10 * Y[:50])
        rest = list(stages)
        later = list(model.staged_predict(X, steps))
    for found, value in zip([first, *rest], right, strict=True):
        np.testing.assert_array_equal(found, value)
    assert np.abs(later[-1] - right[-1]).max() > 1


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize("search", [False, True])
def test_warnings_point_at_the_line_of_the_user(piped: bool, search: bool) -> None:
    model: Any = MSKRegressor("rbf", gamma=1e-3, max_iter=np.inf)
    prefix = "mskregressor__" if piped else ""
    model = make_pipeline(StandardScaler(), model) if piped else model
    if search:
        model = MSKGridSearchCV(model, {f"{prefix}k": [0, 5]}, cv=2)
    with pytest.warns(ConvergenceWarning) as caught:
        model.fit(X, Y)
    assert {w.filename for w in caught if w.category is ConvergenceWarning} == {
        __file__
    }

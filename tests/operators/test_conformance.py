"""Every operator against the matrix it stands for."""

import pickle

import numpy as np
import pytest
from every_operator import EVERY_OPERATOR, ON_ROWS, kernel_of
from sklearn import config_context


@pytest.fixture(params=[1024, 0.05], ids=["one tile", "many tiles"])
def working_memory(request):
    with config_context(working_memory=request.param):
        yield


@pytest.mark.usefixtures("working_memory")
@pytest.mark.parametrize("operator", ON_ROWS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
def test_operator_equals_its_matrix(operator, dtype, weighted, data):
    X, Y = data[0].astype(dtype), data[1]
    w = data[2] if weighted else np.ones(60)
    root = np.diag(np.sqrt(w / w.sum()))
    A = operator(X, data[2] if weighted else None)
    K = kernel_of(operator, X)
    matrix = root @ K.astype(float) @ root
    atol = 10 * np.finfo(K.dtype).eps * np.diag(matrix).max()
    # What single precision rounds is measured, on other vectors than these.
    measured = 3 * A.scale * A.product_error * np.linalg.norm(Y, axis=0).max()
    assert measured < 1e-5 * np.abs(matrix @ Y).max()
    assert A.shape == (60, 60)
    assert A.dtype == K.dtype
    np.testing.assert_allclose(A.dense(), matrix, atol=atol)
    np.testing.assert_allclose(A.diagonal(), np.diag(matrix), atol=atol)
    np.testing.assert_allclose(A.scale, np.diag(matrix).max(), rtol=1e-6)
    np.testing.assert_allclose(A @ Y, matrix @ Y, atol=30 * atol + measured)
    np.testing.assert_allclose(A @ Y[:, 0], matrix @ Y[:, 0], atol=30 * atol + measured)
    np.testing.assert_allclose(A.rhs(Y), root @ Y)
    np.testing.assert_allclose(A.coef_map, np.diag(root))
    np.testing.assert_allclose(A.total_weight, w.sum())


@pytest.mark.parametrize("operator", EVERY_OPERATOR)
def test_decomposition_is_of_the_scaled_operator(operator, data):
    A = operator(data[0], data[2])
    values, vectors = A.decomposition()
    assert np.all(np.diff(values) >= 0)
    np.testing.assert_allclose(
        A.scale * (vectors * values) @ vectors.T, A.dense(), atol=1e-13
    )


@pytest.mark.parametrize("operator", EVERY_OPERATOR)
def test_operators_survive_pickling(operator, data):
    A = operator(data[0], data[2])
    V = np.random.RandomState(0).standard_normal((A.shape[0], 3))
    # After a product too, whatever it has computed.
    image = A @ V
    copy = pickle.loads(pickle.dumps(A))
    np.testing.assert_array_equal(copy @ V, image)
    np.testing.assert_array_equal(copy.dense(), A.dense())
    assert copy.fits_dense


@pytest.mark.parametrize("operator", ON_ROWS)
@pytest.mark.parametrize("size", [1e-300, 1.0, 1e300, 1e307, 1.7e308])
def test_weights_of_any_size(operator, size, data):
    """Their sum overflows; the operator is that of their ratios."""
    X, Y, weights = data
    ratios = weights / weights.max()
    expected, A = operator(X, ratios), operator(X, size * ratios)
    np.testing.assert_allclose(A.sqrt_weights, expected.sqrt_weights, rtol=1e-15)
    np.testing.assert_allclose(A @ Y, expected @ Y, rtol=1e-6)
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(A.total_weight, np.sum(size * ratios), rtol=1e-14)
    assert 1.0 / A.total_weight < 1.0 / size


@pytest.mark.parametrize("operator", ON_ROWS)
def test_a_matrix_that_does_not_fit_is_refused(operator, data, monkeypatch):
    monkeypatch.setenv("SKLEARN_MSK_MEMORY_LIMIT", "1MiB")
    A = operator(data[0], None)
    A.fits_dense = False
    if hasattr(A, "source"):
        A.source.fits_dense = False
    for ask in (A.dense, A.decomposition):
        with pytest.raises(ValueError, match="landmarks") as error:
            ask()
        assert "n_samples=60" in str(error.value)
        assert f"{8 * 60**2 / 2**30:.3g} GiB" in str(error.value)
        assert "limit of 0.000732 GiB" in str(error.value)
        assert "SKLEARN_MSK_MEMORY_LIMIT" in str(error.value)
    assert (A @ data[1]).shape == data[1].shape

"""Leading pairs of kernels of few distinct rows, whose Krylov spaces end early."""

import numpy as np
import pytest

from sklearn_msk import MSKClassifier, MSKRegressor
from sklearn_msk._operators import DenseOperator
from sklearn_msk._spectrum import leading_spectrum
from sklearn_msk.kernels import NTK

RNG = np.random.RandomState(0)
ROWS = {
    "one-hot": np.eye(5)[RNG.randint(0, 5, 400)],
    "binary": RNG.randint(0, 2, (320, 3)).astype(float),
    "constant": np.ones((500, 2)),
    "seven": RNG.standard_normal((7, 3))[RNG.randint(0, 7, 900)],
    "integers": RNG.randint(0, 4, (320, 2)).astype(float),
}


@pytest.mark.parametrize("kernel", ["ntk_relu", "rbf", "laplacian", "linear"])
@pytest.mark.parametrize("rows", ROWS)
def test_fits_equal_those_of_the_full_decomposition(rows, kernel):
    X = ROWS[rows]
    y = X @ np.arange(1.0, X.shape[1] + 1) + RNG.standard_normal(len(X))
    found = MSKRegressor(kernel, tol=1e-8).fit(X, y)
    exact = MSKRegressor(kernel, tol=1e-8, eigen_solver="dense").fit(X, y)
    assert found.k_ == exact.k_ <= len(np.unique(X, axis=0))
    np.testing.assert_allclose(found.predict(X), exact.predict(X), atol=1e-6 * y.std())


def test_a_kernel_of_ones_and_labels():
    X, y = RNG.standard_normal((400, 3)), RNG.standard_normal(400)
    constant = MSKRegressor("rbf", gamma=0.0).fit(X, y)
    np.testing.assert_allclose(constant.predict(X), y.mean(), atol=1e-6)
    assert MSKClassifier().fit(ROWS["one-hot"], ROWS["one-hot"][:, 0]).k_ <= 5


@pytest.mark.parametrize("eigen_solver", ["randomized", "auto"])
@pytest.mark.parametrize("rows", ROWS)
def test_no_ritz_value_is_made_of_rounding(rows, eigen_solver):
    K = NTK()(ROWS[rows])
    spectrum = leading_spectrum(DenseOperator(K), 50, eigen_solver=eigen_solver)
    expected = np.linalg.eigvalsh(K / len(K))[::-1]
    rank = len(spectrum.eigenvalues)
    assert spectrum.smallest > -1e-12 * spectrum.largest
    np.testing.assert_allclose(
        spectrum.eigenvalues, expected[:rank], atol=1e-12 * expected[0]
    )

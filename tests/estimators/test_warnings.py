"""Warnings of a fit, and where there is none."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process.kernels import RBF

from sklearn_msk import MSKRegressor


@pytest.mark.parametrize("solver", ["lanczos", "eigh"])
def test_warning_where_the_limit_is_ill_conditioned(solver, data):
    X, Y, _ = data
    smooth = RBF(length_scale=50.0)
    message = r"too ill-conditioned .* of its 60 eigenvalues are below .* Set alpha > 0"
    with pytest.warns(ConvergenceWarning, match=message) as caught:
        MSKRegressor(smooth, max_iter=np.inf, solver=solver).fit(X, Y)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MSKRegressor(smooth, max_iter=100, solver=solver).fit(X, Y)
        MSKRegressor(smooth, max_iter=np.inf, alpha=0.1, solver=solver).fit(X, Y)
        # Repeated rows are no fault of the kernel.
        twice = np.vstack([X, X])
        MSKRegressor(max_iter=np.inf, solver=solver).fit(twice, np.tile(Y, (2, 1)))


def test_stopping_at_max_iter_is_no_warning(data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MSKRegressor(k=0, max_iter=1).fit(*data[:2])


def test_warning_where_rounding_shows(data):
    """Rates a hundred million times the eigenvalues ask more than K's digits give."""
    X, Y, _ = data

    def steep(lam):
        return lam[0] * (lam[-1] / lam) ** 2

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        MSKRegressor(RBF(length_scale=20.0), g=steep, k=30, max_iter=100).fit(X, Y)
    assert all(w.category is ConvergenceWarning for w in caught)
    messages = [str(w.message) for w in caught]
    assert any("too ill-conditioned: rounding alone" in text for text in messages)
    assert any("leading directions rates of" in text for text in messages)


def test_warning_where_g_gives_rates_below_rounding(data):
    with pytest.warns(ConvergenceWarning, match="g gives 5 of the 5 .* not learned"):
        MSKRegressor(k=5, g=lambda lam: 1e-20 * lam).fit(data[0], data[1])

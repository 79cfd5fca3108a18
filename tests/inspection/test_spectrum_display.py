"""The spectrum that is shown against a full decomposition."""

import numpy as np
import pytest

from sklearn_msk import MSKClassifier, MSKKernel, MSKRegressor
from sklearn_msk.finite_width import WideNetworkRegressor
from sklearn_msk.inspection import SpectrumDisplay
from sklearn_msk.spectral_maps import Power

plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    return X, np.sin(2 * X[:, 0]) + X[:, 1] + 3.0


def full_spectrum(kernel, X):
    lam, V = np.linalg.eigh(kernel(X) / len(X))
    return lam[::-1], V[:, ::-1]


def test_spectrum_against_a_full_decomposition(data):
    X, y = data
    model = MSKRegressor(k=20, g=Power(0.5)).fit(X, y)
    display = SpectrumDisplay.from_estimator(model, X, y, n_directions=40)
    lam, V = full_spectrum(model.kernel_, X)
    np.testing.assert_allclose(display.eigenvalues, lam[:40], rtol=1e-8)
    rates = lam[:40].copy()
    rates[:20] = lam[0] * (lam[:20] / lam[0]) ** 0.5
    np.testing.assert_allclose(display.modified_eigenvalues, rates, rtol=1e-8)
    centred = y - y.mean()
    energies = (V.T @ centred) ** 2 / (centred @ centred)
    np.testing.assert_allclose(display.energies, energies[:40], atol=1e-10)
    everything = SpectrumDisplay.from_estimator(model, X, y, n_directions=120)
    assert everything.energies.sum() == pytest.approx(1.0)


def test_spectrum_of_every_estimator(data):
    X, y = data
    labels = np.where(y > 3, "high", np.where(y > 1, "middle", "low"))
    codes = np.column_stack([2.0 * (labels == c) - 1 for c in np.unique(labels)])
    centred = codes - codes.mean(axis=0)
    classifier = MSKClassifier(k=10).fit(X, labels)
    display = SpectrumDisplay.from_estimator(classifier, X, labels)
    V = full_spectrum(classifier.kernel_, X)[1][:, :50]
    expected = np.sum((V.T @ centred) ** 2, axis=1) / np.sum(centred**2)
    np.testing.assert_allclose(display.energies, expected, atol=1e-10)

    two = np.where(y > 3, "high", "low")
    classifier = MSKClassifier(k=10).fit(X, two)
    display = SpectrumDisplay.from_estimator(classifier, X, two.tolist())
    code = np.where(two == "low", 1.0, -1.0)
    code -= code.mean()
    V = full_spectrum(classifier.kernel_, X)[1][:, :50]
    np.testing.assert_allclose(
        display.energies, (V.T @ code) ** 2 / (code @ code), atol=1e-10
    )

    kernel = MSKKernel(k=10, g=lambda lam: 0 * lam).fit(X)
    display = SpectrumDisplay.from_estimator(kernel, X)
    assert display.energy_ax_ is None
    assert not display.modified_eigenvalues[:10].any()

    network = WideNetworkRegressor(64, k=5).fit(X, y)
    display = SpectrumDisplay.from_estimator(network, X, y)
    np.testing.assert_allclose(
        display.eigenvalues[:5], network.spectrum_.eigenvalues, rtol=1e-6
    )
    precomputed = MSKRegressor("precomputed", k=5).fit(kernel.kernel_(X), y)
    display = SpectrumDisplay.from_estimator(precomputed, kernel.kernel_(X), y)
    assert len(display.eigenvalues) == 50


def test_spectrum_of_fewer_rows_is_alike(data):
    X, y = data
    model = MSKRegressor(k=5, landmarks=60).fit(X, y)
    whole = SpectrumDisplay.from_estimator(model, X, y)
    half = SpectrumDisplay.from_estimator(model, X[::2], y[::2])
    np.testing.assert_allclose(half.eigenvalues[:5], whole.eigenvalues[:5], rtol=0.3)

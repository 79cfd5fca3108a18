"""Average gradient outer products, the metrics they make, and the ridge behind them."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from sklearn.gaussian_process.kernels import Matern
from sklearn.kernel_ridge import KernelRidge

from sklearn_msk._selection._metric import Metric, agop, next_metric
from sklearn_msk._selection._metric_ridge import best_ridge, fit_chosen_ridge
from sklearn_msk.kernels._adapters import PairwiseKernel


def test_agop():
    rng = np.random.default_rng(0)
    G, w = rng.normal(size=(7, 3, 2)), rng.integers(1, 4, 7).astype(float)
    expected = sum(np.outer(g, g) for row in G for g in row.T) / 7
    np.testing.assert_allclose(agop(G), expected)
    np.testing.assert_allclose(agop(G, w), agop(G.repeat(w.astype(int), axis=0)))
    np.testing.assert_allclose(agop(G[..., 0]), agop(G[..., :1]))


def test_agop_of_a_linear_function():
    b = np.array([1.0, -2.0, 0.0])
    np.testing.assert_allclose(agop(np.tile(b, (5, 1))), np.outer(b, b))


def rows(n=60, d=4, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def product(d=4, seed=1):
    A = np.random.default_rng(seed).normal(size=(d, d))
    return A @ A.T


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("structure", ["full", "diagonal"])
def test_next_metric(structure, power):
    X, M, metric = rows(), product(), Metric(np.diag([1.0, 2.0, 3.0, 4.0]))
    found = next_metric(metric, M, X, structure=structure, power=power)
    M = M if structure == "full" else np.diag(np.diag(M))
    eigenvalues, V = np.linalg.eigh(M)
    expected = (V * eigenvalues**power) @ V.T
    scale = np.trace(found.matrix) / np.trace(expected)
    np.testing.assert_allclose(found.matrix, scale * expected, atol=1e-12)
    medians = [np.median(pdist(m.transform(X))) for m in (metric, found)]
    assert medians[1] == pytest.approx(medians[0])
    np.testing.assert_array_equal(found.components, found.components.T)


def test_the_size_of_the_product_does_not_matter():
    X, metric = rows(), Metric.identity(4)
    found = next_metric(metric, product(), X).matrix
    for size in (1e-300, 1e150):
        scaled = next_metric(metric, size * product(), X).matrix
        np.testing.assert_allclose(scaled, found, rtol=1e-9)


def test_no_gradient_leaves_the_metric():
    metric = Metric.identity(4)
    assert next_metric(metric, np.zeros((4, 4)), rows()) is metric
    # Nor does one along which all rows are equal.
    X = rows()
    X[:, 0] = 1.0
    assert next_metric(metric, np.diag([1.0, 0, 0, 0]), X) is metric


def test_a_direction_in_which_most_rows_are_equal():
    X, metric = rows(), Metric.identity(4)
    X[:, 2] = np.arange(60) % 10 == 0
    found = next_metric(metric, np.diag([0.0, 0, 1.0, 0]), X)
    sizes = [np.mean(np.square(pdist(m.transform(X)))) for m in (metric, found)]
    assert sizes[1] == pytest.approx(sizes[0])


def test_gradients_are_pulled_back():
    """Of ``f(L x)``, against the Jacobian."""
    metric, G = Metric(rows(2, 4)), rows(5, 2)
    np.testing.assert_allclose(metric.pull_back(G), G @ metric.components)
    both = metric.pull_back(np.stack([G, 2 * G], axis=-1))
    np.testing.assert_allclose(both[..., 1], 2 * G @ metric.components)


def test_leading_components():
    metric = next_metric(Metric.identity(4), product(), rows())
    whole, two = metric.leading(4), metric.leading(2)
    np.testing.assert_allclose(whole.matrix, metric.matrix)
    np.testing.assert_allclose(two.components, whole.components[:2])
    lengths = np.linalg.norm(whole.components, axis=1)
    assert (np.diff(lengths) < 0).all()
    gram = whole.components @ whole.components.T
    np.testing.assert_allclose(gram, np.diag(lengths**2), atol=1e-12)
    diagonal = Metric(np.diag([1.0, 3.0, 0.0, 2.0])).leading(2)
    np.testing.assert_array_equal(diagonal.components, [[0, 3, 0, 0], [0, 0, 0, 2]])


@pytest.mark.parametrize(
    "kernel", [PairwiseKernel("rbf", {"gamma": 0.3}), Matern(2.0, nu=0.5)]
)
def test_best_ridge_against_refits(kernel):
    rng = np.random.default_rng(3)
    X, w = rng.normal(size=(25, 2)), rng.uniform(0.5, 2.0, 25)
    y = np.sin(X) + 0.3 * rng.normal(size=X.shape)
    found = best_ridge(kernel, X, y, w)
    K = kernel(X)

    def error(alpha):
        total = 0.0
        for i in range(25):
            j = np.delete(np.arange(25), i)
            mean = np.average(y[j], axis=0, weights=w[j])
            model = KernelRidge(kernel="precomputed", alpha=alpha * w.mean() * 25)
            model.fit(K[np.ix_(j, j)], y[j] - mean, sample_weight=w[j])
            e = y[i] - mean - model.predict(K[i : i + 1, j])[0]
            total += w[i] * (e @ e)
        return total / w.sum()

    assert found.error == pytest.approx(error(found.alpha), rel=1e-8)
    for factor in (0.3, 3.0):
        assert error(factor * found.alpha) > (1 - 1e-6) * found.error


def test_fit_chosen_ridge_learns():
    """A choice on few rows carries over to all of them."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 2))
    y = np.sin(2 * X[:, :1]) + 0.1 * rng.normal(size=(600, 1))
    fresh = rng.normal(size=(300, 2))
    for n in (100, 600):
        model = fit_chosen_ridge(X, y, np.ones(600), seed=0, choice_rows=n)
        values = model.kernel(fresh, X) @ model.coef + y.mean()
        error = np.sqrt(np.mean(np.square(values[:, 0] - np.sin(2 * fresh[:, 0]))))
        assert error < 0.1

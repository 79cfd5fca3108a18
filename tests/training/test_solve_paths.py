"""Models whose pairs and paths come from products in mixed precision."""

from dataclasses import replace

import numpy as np
import pytest
from problems import RecordedTiles, in_small_panels
from sklearn.base import clone
from sklearn.gaussian_process.kernels import RBF, Matern

from sklearn_msk import MSKRegressor
from sklearn_msk._estimators._base import problem_config
from sklearn_msk._estimators._parameters import training_config
from sklearn_msk._operators import ArrayRows, DenseOperator, MixedPrecisionOperator
from sklearn_msk._training import build_problem, decompose, solve_paths, train_on


def mixed_problem(model, X, y, weights=None, **thresholds):
    """Problem, training and config of a model, as if it had 2000 rows or more."""
    training, config = training_config(model), problem_config(model)
    problem = build_problem(ArrayRows.of(X, y, weights), config, [training])
    n_distinct = problem.operator.n_distinct
    source = RecordedTiles(config.kernel, problem.X_fit, weights, n_distinct)
    n_pairs = training.n_directions(n_distinct) + 1
    A = in_small_panels(source, n_pairs, **thresholds)
    return replace(problem, operator=A), training, config


@pytest.mark.parametrize("phase", ["pairs", "path"])
def test_a_fit_computes_a_rough_kernel_again_before_it_holds_it(phase):
    X = np.random.RandomState(0).standard_normal((300, 10))
    y = X[:, 0] + np.sin(3 * X[:, 1])
    model = MSKRegressor(Matern(nu=0.5), k=5, max_iter=100, eigen_solver="randomized")
    problem, training, config = mixed_problem(model, X, y)
    A = problem.operator
    assert A.remainder_dtype == np.float32
    _, spectrum = decompose(problem, [training], config)
    A.source.asked.clear()
    # As if that precision lost all there is.
    A.product_error = 1.0
    if phase == "pairs":
        fitted = train_on(problem, training, config)
    else:
        [(_, fitted)] = solve_paths(problem, spectrum, [training])
    assert fitted.problem.operator.remainder_dtype == np.float64
    assert A.source.asked == [np.float64]
    exact = clone(model).set_params(eigen_solver="dense", tol=1e-9).fit(X, y)
    np.testing.assert_allclose(fitted.predict(X), exact.predict(X), atol=1e-3)


def test_predictions_are_those_of_exact_pairs():
    X = np.random.RandomState(0).standard_normal((300, 3))
    y = np.sin(3 * X[:, 0]) + X[:, 1]
    for max_iter in (1, 30, 1000):
        model = MSKRegressor(k=20, max_iter=max_iter, tol=1e-6)
        exact = clone(model).set_params(eigen_solver="dense").fit(X, y).predict(X)
        model.set_params(eigen_solver="randomized")
        single = train_on(*mixed_problem(model, X, y)).predict(X)
        np.testing.assert_allclose(single, exact, atol=1e-4 * y.std())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kernel", ["ntk_relu", "laplacian", Matern(nu=0.5)])
@pytest.mark.parametrize("dynamics", ["flow", "descent"])
def test_models_are_those_of_the_matrix(data, kernel, dtype, dynamics):
    X, Y, weights = data
    model = MSKRegressor(kernel, k=10, max_iter=100, eigen_solver="randomized")
    model.set_params(dynamics=dynamics)
    problem, *settings = mixed_problem(model, X.astype(dtype), Y, weights)
    fitted = train_on(problem, *settings)
    assert fitted.problem.operator is problem.operator
    exact = clone(model).set_params(eigen_solver="dense").fit(X, Y, weights)
    np.testing.assert_allclose(fitted.predict(X), exact.predict(X), atol=2e-4 * Y.std())


@pytest.mark.parametrize(
    ("k", "kind"), [(20, MixedPrecisionOperator), (30, DenseOperator)]
)
def test_pairs_that_single_precision_loses_are_found_in_double(k, kind):
    """Eigenvalues of a wide rbf fall below what single precision leaves of others."""
    X = np.random.RandomState(0).uniform(size=(300, 2))
    y = np.sin(5 * X[:, 0]) + X[:, 1]
    model = MSKRegressor(RBF(1.0), k=k, eigen_solver="randomized")
    problem, training, config = mixed_problem(model, X, y, min_rank=5)
    assert type(decompose(problem, [training], config)[0].operator) is kind
    problem, training, config = mixed_problem(model, X, y, min_rank=5)
    fitted = train_on(problem, training, config)
    assert fitted.preconditioner.spectrum.method == "randomized"
    exact = clone(model).set_params(eigen_solver="dense").fit(X, y)
    np.testing.assert_allclose(fitted.predict(X), exact.predict(X), atol=1e-2 * y.std())


@pytest.mark.parametrize(
    ("max_iter", "kind"), [(10, MixedPrecisionOperator), (10**9, DenseOperator)]
)
def test_paths_that_single_precision_loses_are_followed_in_double(max_iter, kind):
    """The longer the path, the smaller the eigenvalues that it sees."""
    X = np.random.RandomState(0).standard_normal((300, 5))
    Y = np.random.RandomState(1).standard_normal((300, 2))
    model = MSKRegressor("rbf", k=10, max_iter=max_iter, eigen_solver="randomized")
    problem, training, config = mixed_problem(model, X, Y)
    found, spectrum = decompose(problem, [training], config)
    assert found is problem
    [(_, fitted)] = solve_paths(problem, spectrum, [training])
    assert type(fitted.problem.operator) is kind
    exact = clone(model).set_params(eigen_solver="dense", tol=1e-9).fit(X, Y)
    np.testing.assert_allclose(fitted.predict(X), exact.predict(X), atol=1e-4)


def test_models_that_share_pairs_are_those_of_single_fits(data):
    X, y = data[0], data[1][:, 0]
    models = [
        MSKRegressor(eigen_solver="randomized", k=k, max_iter=max_iter)
        for k in (5, 10)
        for max_iter in (10, 100)
    ]
    problem, _, config = mixed_problem(models[-1], X, y)
    trainings = [training_config(model) for model in models]
    problem, spectrum = decompose(problem, trainings, config)
    shared = dict(solve_paths(problem, spectrum, trainings))
    assert sorted(shared) == [0, 1, 2, 3]
    for number, model in enumerate(models):
        assert shared[number].problem.operator is problem.operator
        single = train_on(*mixed_problem(model, X, y))
        np.testing.assert_allclose(
            shared[number].predict(X), single.predict(X), atol=1e-4 * y.std()
        )

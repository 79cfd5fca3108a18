"""NTK and NNGP as kernels of scikit-learn: in its estimators, and as its objects."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_friedman1
from sklearn.decomposition import KernelPCA
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Kernel, WhiteKernel
from sklearn.kernel_approximation import Nystroem
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC, SVR

from sklearn_msk.kernels import NNGP, NTK

both_networks = pytest.mark.parametrize("network", [NTK, NNGP])


@pytest.fixture(scope="module")
def friedman():
    """Rows and targets to fit, and rows to predict."""
    X, y = make_friedman1(n_samples=70, noise=0.1, random_state=0)
    return X[:50], y[:50], X[50:]


def _fixed(network, **params):
    """Kernel whose variances no optimiser moves."""
    bounds = {f"{name}_variance_bounds": "fixed" for name in ("weight", "bias")}
    return network(**params, **bounds)


def _halves(y):
    return (y > np.median(y)).astype(int)


@both_networks
class TestInEstimators:
    @pytest.mark.parametrize(
        ("estimator", "target"),
        [
            (KernelRidge(alpha=0.1), np.asarray),
            (SVR(C=10.0), np.asarray),
            (SVC(), _halves),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_predicts_as_from_its_matrix(self, network, estimator, target, friedman):
        X, y, X_new = friedman
        kernel = network(depth=2, activation="erf")
        own = clone(estimator).set_params(kernel=kernel).fit(X, target(y))
        matrix = clone(estimator).set_params(kernel="precomputed")
        matrix.fit(kernel(X), target(y))
        np.testing.assert_allclose(
            own.predict(X_new), matrix.predict(kernel(X_new, X)), rtol=1e-6
        )

    def test_kernel_pca(self, network, friedman):
        X, _, X_new = friedman
        own = KernelPCA(3, kernel=network()).fit(X)
        matrix = KernelPCA(3, kernel="precomputed").fit(network()(X))
        np.testing.assert_allclose(own.eigenvalues_, matrix.eigenvalues_, rtol=1e-8)
        # an eigenvector has no sign
        np.testing.assert_allclose(
            np.abs(own.transform(X_new)),
            np.abs(matrix.transform(network()(X_new, X))),
            atol=1e-8,
        )

    def test_nystroem_of_all_rows_is_exact(self, network, friedman):
        X, _, _ = friedman
        features = Nystroem(network(), n_components=len(X)).fit_transform(X)
        np.testing.assert_allclose(features @ features.T, network()(X), rtol=1e-8)

    def test_gaussian_process_without_optimizer(self, network, friedman):
        X, y, X_new = friedman
        kernel = network(depth=2)
        process = GaussianProcessRegressor(kernel, alpha=0.1, optimizer=None).fit(X, y)
        mean, deviation = process.predict(X_new, return_std=True)
        across = kernel(X_new, X)
        solved = np.linalg.solve(kernel(X) + 0.1 * np.eye(len(X)), across.T)
        np.testing.assert_allclose(mean, solved.T @ y, rtol=1e-8)
        variance = kernel.diag(X_new) - np.einsum("ij,ji->i", across, solved)
        np.testing.assert_allclose(deviation**2, variance, rtol=1e-6)

    def test_gaussian_process_optimizes_what_is_beside_it(self, network, friedman):
        X, y, _ = friedman
        kernel = _fixed(network) + WhiteKernel(1.0)
        process = GaussianProcessRegressor(kernel).fit(X, y)
        assert process.kernel_.k1 == kernel.k1
        assert process.kernel_.k2.noise_level != 1.0

    @pytest.mark.parametrize("estimator", [KernelRidge(alpha=0.1), SVR()], ids=str)
    def test_depth_can_be_searched(self, network, estimator, friedman):
        X, y, X_new = friedman
        candidate = clone(estimator).set_params(kernel=network())
        search = GridSearchCV(
            candidate,
            {"kernel__depth": [1, 3], "kernel__activation": ["relu", "sin"]},
            cv=2,
        ).fit(X, y)
        # four kernels, no two alike
        assert len(set(search.cv_results_["mean_test_score"])) == 4
        best = {
            key.removeprefix("kernel__"): v for key, v in search.best_params_.items()
        }
        expected = clone(estimator).set_params(kernel=network(**best)).fit(X, y)
        np.testing.assert_allclose(search.predict(X_new), expected.predict(X_new))


@both_networks
class TestSumsAndProducts:
    def test_with_itself(self, network, friedman):
        X, _, X_new = friedman
        shallow, deep = network(), network(depth=3, activation="gelu")
        for rows in ((X,), (X_new, X)):
            first, second = shallow(*rows), deep(*rows)
            np.testing.assert_allclose((shallow + deep)(*rows), first + second)
            np.testing.assert_allclose((shallow * deep)(*rows), first * second)
            np.testing.assert_allclose((deep**2)(*rows), second**2)

    def test_with_kernels_of_scikit_learn(self, network, friedman):
        X, _, _ = friedman
        kernel = ConstantKernel(3.0) * network() + RBF(2.0) + WhiteKernel(0.5)
        expected = 3.0 * network()(X) + RBF(2.0)(X) + 0.5 * np.eye(len(X))
        np.testing.assert_allclose(kernel(X), expected)
        np.testing.assert_allclose(kernel.diag(X), expected.diagonal())
        np.testing.assert_allclose((2.0 + network())(X), 2.0 + network()(X))
        np.testing.assert_allclose((2.0 * network())(X), 2.0 * network()(X))
        assert not kernel.is_stationary()

    def test_gradients_of_the_others_survive(self, network, friedman):
        X, _, _ = friedman
        kernel = ConstantKernel(3.0) * _fixed(network) + RBF(2.0)
        K, gradient = kernel(X, eval_gradient=True)
        np.testing.assert_array_equal(K, kernel(X))
        assert gradient.shape == (*K.shape, 2)
        for axis, step in enumerate(1e-6 * np.eye(2)):
            ahead = kernel.clone_with_theta(kernel.theta + step)(X)
            behind = kernel.clone_with_theta(kernel.theta - step)(X)
            slope = (ahead - behind) / 2e-6
            np.testing.assert_allclose(gradient[:, :, axis], slope, atol=1e-7)

    def test_parameters_of_a_sum_can_be_set(self, network):
        kernel = (network() + RBF()).set_params(k1__depth=4)
        assert kernel.k1 == network(depth=4)


PARAMS = {
    "depth": 3,
    "activation": "gelu",
    "weight_variance": 1.5,
    "bias_variance": 0.2,
    "weight_variance_bounds": (1e-2, 1e2),
    "bias_variance_bounds": "fixed",
    "normalized": True,
}


@both_networks
class TestAsKernelObject:
    def test_defaults(self, network):
        assert issubclass(network, Kernel)
        assert network().get_params() == {
            "depth": 1,
            "activation": "relu",
            "weight_variance": 2.0,
            "bias_variance": 0.1,
            "weight_variance_bounds": (1e-5, 1e5),
            "bias_variance_bounds": (1e-5, 1e5),
            "normalized": False,
        }

    def test_parameters_are_kept_and_set(self, network):
        assert network(**PARAMS).get_params() == PARAMS
        assert network(*PARAMS.values()).get_params() == PARAMS
        assert network().set_params(**PARAMS).get_params() == PARAMS
        with pytest.raises(ValueError, match="width"):
            network().set_params(width=5)

    def test_set_parameters_are_in_use(self, network, friedman):
        X, _, _ = friedman
        kernel = network()
        kernel(X)
        kernel.set_params(**PARAMS)
        np.testing.assert_array_equal(kernel(X), network(**PARAMS)(X))

    @pytest.mark.parametrize(
        "copy", [clone, lambda kernel: pickle.loads(pickle.dumps(kernel))]
    )
    def test_copies_are_equal_and_apart(self, network, copy, friedman):
        X, _, _ = friedman
        kernel = network(**PARAMS)
        twin = copy(kernel)
        assert twin is not kernel
        assert twin == kernel
        np.testing.assert_array_equal(twin(X), kernel(X))
        twin.set_params(depth=1)
        assert kernel.depth == 3

    def test_equality(self, network):
        assert network() == network(weight_variance=2)
        others = [network(**{name: value}) for name, value in PARAMS.items()]
        others += [RBF(), {NTK: NNGP, NNGP: NTK}[network]()]
        assert all(network() != other for other in others)

    def test_repr_names_the_parameters(self, network):
        name = network.__name__
        assert repr(network(depth=2, weight_variance=1 / 3)) == (
            f"{name}(depth=2, activation='relu', weight_variance=0.333, "
            "bias_variance=0.1)"
        )
        assert f"kernel={name}(depth=2" in repr(KernelRidge(kernel=network(depth=2)))

    def test_is_not_stationary(self, network):
        assert network().is_stationary() is False

    def test_theta_holds_the_logarithms_of_the_variances(self, network):
        kernel = network(weight_variance_bounds=(1e-2, 1e3))
        names = [parameter.name for parameter in kernel.hyperparameters]
        assert names == ["bias_variance", "weight_variance"]
        assert kernel.n_dims == 2
        np.testing.assert_allclose(kernel.theta, np.log([0.1, 2.0]))
        np.testing.assert_allclose(kernel.bounds, np.log([[1e-5, 1e5], [1e-2, 1e3]]))
        moved = kernel.clone_with_theta(np.log([0.7, 3.0]))
        assert moved.bias_variance == pytest.approx(0.7)
        assert moved.weight_variance == pytest.approx(3.0)
        assert kernel.weight_variance == 2.0

    def test_zero_variances_are_held_fixed(self, network):
        kernel = network(bias_variance=0.0)
        assert [parameter.fixed for parameter in kernel.hyperparameters] == [
            True,
            False,
        ]
        np.testing.assert_allclose(kernel.theta, np.log([2.0]))
        assert kernel.bounds.shape == (1, 2)
        assert kernel.clone_with_theta(np.log([3.0])).bias_variance == 0.0
        assert network(weight_variance=0.0, bias_variance=0.0).n_dims == 0

    def test_fixed_variances_leave_no_theta(self, network):
        kernel = _fixed(network)
        assert kernel.n_dims == 0
        assert kernel.theta.size == kernel.bounds.size == 0

    def test_gradient_is_empty_where_all_is_fixed(self, network, friedman):
        X, _, _ = friedman
        K, gradient = _fixed(network)(X, eval_gradient=True)
        np.testing.assert_array_equal(K, network()(X))
        assert gradient.shape == (*K.shape, 0)

    def test_gradient_between_two_sets_is_an_error(self, network, friedman):
        X, _, X_new = friedman
        with pytest.raises(ValueError, match="only where Y is None"):
            network()(X, X_new, eval_gradient=True)


@both_networks
class TestErrors:
    @pytest.mark.parametrize(
        ("name", "values"),
        [
            ("depth", [0, -1, 1.5, 2.0, True, "2", None]),
            ("activation", ["tanh", "ReLU", None, ["relu"], np.tanh]),
            ("weight_variance", [-1e-9, np.nan, np.inf, "2", None]),
            ("bias_variance", [-1, np.nan, np.inf, "2", None]),
        ],
    )
    def test_bad_parameters_are_named_with_their_value(self, network, name, values):
        for value in values:
            kernel = network(**{name: value})
            message = f"'{name}' of {network.__name__} must be .*{value!r} instead"
            message = message.replace("[", r"\[").replace("]", r"\]")
            for evaluate in (kernel, kernel.diag):
                with pytest.raises(ValueError, match=message):
                    evaluate([[1.0, 2.0]])

    def test_bad_activation_lists_the_good_ones(self, network):
        with pytest.raises(ValueError, match=r"'abs', 'cos', 'erf', .*'relu', 'sin'"):
            network(activation="tanh")([[1.0]])

    def test_numpy_scalars_are_numbers(self, network):
        kernel = network(np.int64(2), "relu", np.float32(2.0), np.float64(0.5))
        expected = network(2, "relu", 2.0, 0.5)
        np.testing.assert_array_equal(kernel([[1.0, 2.0]]), expected([[1.0, 2.0]]))

    @pytest.mark.parametrize(
        ("rows", "message"),
        [
            ([[np.nan, 1.0]], "NaN"),
            ([[np.inf, 1.0]], "infinity"),
            ([1.0, 2.0], "Expected 2D array"),
            (np.empty((0, 2)), f"0 sample.*{'required by'}"),
            (np.empty((2, 0)), "0 feature"),
            ([["a", "b"]], "could not convert"),
            (np.ones((2, 2), complex), "Complex"),
        ],
    )
    def test_bad_rows(self, network, rows, message):
        kernel = network()
        for evaluate in (kernel, kernel.diag, lambda Y: kernel([[1.0, 2.0]], Y)):
            with pytest.raises(ValueError, match=message):
                evaluate(rows)

    def test_features_must_match(self, network):
        with pytest.raises(ValueError, match="X has 2, Y has 3"):
            network()(np.ones((4, 2)), np.ones((4, 3)))

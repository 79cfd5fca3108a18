"""From the `kernel` parameter of an estimator to a kernel, or to a message."""

import re
from functools import partial

import numpy as np
import pytest
from quadrature import ACTIVATIONS
from sklearn.gaussian_process.kernels import (
    RBF,
    WhiteKernel,
)
from sklearn.metrics.pairwise import (
    kernel_metrics,
    pairwise_kernels,
    polynomial_kernel,
    rbf_kernel,
)

from sklearn_msk.kernels import NNGP, NTK
from sklearn_msk.kernels._evaluation import evaluate_kernel
from sklearn_msk.kernels._resolution import (
    describe_kernel,
    kernel_names,
    resolve_kernel,
)

NETWORKS = {"ntk": NTK, "nngp": NNGP}
NAMED = {"normalized": True, "bias_variance": 1.0}


# positive, as the chi-squared kernels want them
X = np.abs(np.random.RandomState(0).normal(size=(7, 3)))


Y = X[:4] + 0.1


def _evaluate(kernel, *rows, n_jobs=None, **params):
    rows = rows or (X, Y)
    return evaluate_kernel(resolve_kernel(kernel, **params), *rows, n_jobs=n_jobs)


def _raises(*parts):
    """Expect a ValueError whose message holds these parts in this order."""
    return pytest.raises(ValueError, match=".*".join(map(re.escape, parts)))


class TestNames:
    @pytest.mark.parametrize("activation", ACTIVATIONS)
    @pytest.mark.parametrize("prefix", NETWORKS)
    def test_networks(self, prefix, activation):
        expected = NETWORKS[prefix](activation=activation, **NAMED)
        assert resolve_kernel(f"{prefix}_{activation}") == expected
        np.testing.assert_array_equal(
            _evaluate(f"{prefix}_{activation}"), expected(X, Y)
        )

    @pytest.mark.parametrize("activation", ACTIVATIONS)
    @pytest.mark.parametrize("prefix", NETWORKS)
    def test_networks_are_bounded(self, prefix, activation):
        rows = np.concatenate([X, 1e3 * X, 1e6 * X])
        K = _evaluate(f"{prefix}_{activation}", rows, rows)
        assert np.abs(K).max() <= 1.0 + 1e-12
        np.testing.assert_allclose(np.diagonal(K), 1.0)

    @pytest.mark.parametrize("activation", ACTIVATIONS)
    @pytest.mark.parametrize("prefix", NETWORKS)
    def test_on_the_sphere_networks_are_classes_up_to_a_constant(
        self, prefix, activation
    ):
        rows = X / np.linalg.norm(X, axis=1)[:, None]
        textbook = NETWORKS[prefix](activation=activation, bias_variance=1.0)
        ratio = textbook(rows) / _evaluate(f"{prefix}_{activation}", rows)
        np.testing.assert_allclose(ratio, ratio[0, 0])

    @pytest.mark.parametrize("metric", kernel_metrics())
    def test_pairwise_kernels(self, metric):
        for rows in ((X,), (X, Y)):
            np.testing.assert_allclose(
                _evaluate(metric, *rows), pairwise_kernels(*rows, metric=metric)
            )

    def test_precomputed_is_returned_as_it_is(self):
        K = NTK()(X)
        assert _evaluate("precomputed", K) is K

    def test_list_of_names_is_complete(self):
        networks = [f"{p}_{a}" for p in NETWORKS for a in ACTIVATIONS]
        expected = {*networks, *kernel_metrics(), "precomputed"}
        assert set(kernel_names()) == expected
        assert len(kernel_names()) == len(expected)

    @pytest.mark.parametrize("unknown", ["ntk_tanh", "NTK_relu", "ntk", "", None, 3])
    def test_unknown_kernels_are_told_every_name(self, unknown):
        with _raises(*map(repr, kernel_names()), f"Got {unknown!r} instead."):
            resolve_kernel(unknown)


class TestParameters:
    def test_of_networks(self):
        params = {"depth": 3, "weight_variance": 1.5, "bias_variance": 0.0}
        resolved = resolve_kernel("ntk_erf", kernel_params=params)
        assert resolved == NTK(activation="erf", normalized=True, **params)

    @pytest.mark.parametrize("own", [{"normalized": False}, {"bias_variance": 0.1}])
    def test_of_networks_override_what_a_name_stands_for(self, own):
        resolved = resolve_kernel("nngp_relu", kernel_params=own)
        assert resolved == NNGP(**(NAMED | own))

    def test_of_networks_reach_the_textbook_kernel(self):
        own = {"normalized": False, "bias_variance": 0.1}
        assert resolve_kernel("ntk_relu", kernel_params=own) == NTK()

    def test_of_networks_are_checked_at_once(self):
        with _raises("'depth' of NTK must be an int >= 1"):
            resolve_kernel("ntk_erf", kernel_params={"depth": 0})

    def test_of_pairwise_kernels(self):
        own = {"gamma": 0.3, "degree": 2, "coef0": 5.0}
        expected = polynomial_kernel(X, Y, **own)
        np.testing.assert_allclose(_evaluate("poly", **own), expected)
        np.testing.assert_allclose(_evaluate("poly", kernel_params=own), expected)

    def test_kernel_params_have_the_last_word(self):
        result = _evaluate("rbf", gamma=0.3, kernel_params={"gamma": 2.0})
        np.testing.assert_allclose(result, rbf_kernel(X, Y, gamma=2.0))

    def test_of_kernels_that_have_none_are_ignored(self):
        result = _evaluate("linear", gamma=0.3, degree=5, coef0=2.0)
        np.testing.assert_allclose(result, X @ Y.T)
        resolved = resolve_kernel("ntk_relu", gamma=0.3, degree=5, coef0=2.0)
        assert resolved == NTK(**NAMED)

    def test_of_callables(self):
        def scaled(X, Y, factor=1.0, power=1):
            return factor * (X @ Y.T) ** power

        result = _evaluate(scaled, kernel_params={"factor": 3.0, "power": 2})
        np.testing.assert_allclose(result, 3.0 * (X @ Y.T) ** 2)

    @pytest.mark.parametrize("kernel", ["rbf", rbf_kernel], ids=["name", "callable"])
    def test_the_users_dict_is_not_kept(self, kernel):
        params = {"gamma": 0.3}
        resolved = resolve_kernel(kernel, kernel_params=params)
        params["gamma"] = 100.0
        np.testing.assert_allclose(resolved(X, Y), rbf_kernel(X, Y, gamma=0.3))

    @pytest.mark.parametrize(
        ("kernel", "unknown", "legal"),
        [
            (
                "ntk_relu",
                "deph",
                "takes ['depth', 'weight_variance', 'bias_variance', 'normalized']",
            ),
            ("nngp_sin", "activation", "takes ['depth', 'weight_variance'"),
            ("rbf", "gama", "takes ['gamma']"),
            ("poly", "X", "takes ['degree', 'gamma', 'coef0']"),
            ("cosine", "dense_output", "takes none"),
            ("linear", "gamma", "takes none"),
            ("precomputed", "gamma", "takes none"),
        ],
    )
    def test_unknown_keys_are_told_the_legal_ones(self, kernel, unknown, legal):
        with _raises("Unknown keys", repr(unknown), repr(kernel), legal):
            resolve_kernel(kernel, kernel_params={unknown: 1})

    def test_kernel_objects_take_no_keys(self):
        with _raises("Unknown keys ['length_scale']", "'RBF' takes none"):
            resolve_kernel(RBF(), kernel_params={"length_scale": 2.0})


class TestObjects:
    @pytest.mark.parametrize(
        "kernel", [NTK(3, "gelu"), NNGP() * RBF() + WhiteKernel(0.1)], ids=str
    )
    def test_kernel_objects_are_cloned(self, kernel):
        resolved = resolve_kernel(kernel)
        assert resolved is not kernel
        assert resolved == kernel
        np.testing.assert_array_equal(_evaluate(kernel), kernel(X, Y))
        np.testing.assert_array_equal(_evaluate(kernel, X), kernel(X))

    @pytest.mark.parametrize("kernel", [NTK, RBF])
    def test_a_class_is_told_to_be_an_instance(self, kernel):
        with _raises("'kernel' parameter", f"Pass an instance, {kernel.__name__}()."):
            resolve_kernel(kernel)

    @pytest.mark.parametrize("kernel", ["ntk_relu", "rbf", "chi2"])
    def test_threads_change_no_bit(self, kernel):
        rows, others = np.tile(X, (40, 1)), np.tile(Y, (40, 1))
        params = {"gamma": 0.5}
        np.testing.assert_array_equal(
            _evaluate(kernel, rows, others, n_jobs=2, **params),
            _evaluate(kernel, rows, others, **params),
        )


class _CallableObject:
    def __call__(self, X, Y):
        return X @ Y.T


class TestCallables:
    @pytest.mark.parametrize(
        "function",
        [
            lambda X, Y: X @ Y.T,
            lambda X, Y: (X @ Y.T).tolist(),
            partial(pairwise_kernels, metric="linear"),
            _CallableObject(),
        ],
        ids=["array", "list", "partial", "object"],
    )
    def test_returns_the_matrix(self, function):
        np.testing.assert_allclose(_evaluate(function), X @ Y.T)
        np.testing.assert_allclose(_evaluate(function, X), X @ X.T)

    @pytest.mark.parametrize(
        ("dtype", "expected"),
        [(np.float32, np.float32), (np.float64, np.float64)]
        + [(dtype, np.float64) for dtype in (np.float16, np.int64, bool)],
    )
    def test_dtype_is_one_of_two(self, dtype, expected):
        K = _evaluate(lambda X, Y: np.ones((len(X), len(Y)), dtype))
        assert K.dtype == expected
        assert np.all(K == 1.0)

    @pytest.mark.parametrize(
        "function",
        [
            lambda X, Y: np.ones((len(X), len(Y) + 1)),
            lambda X, Y: np.ones(len(X)) if X.ndim == 2 else np.ones(2),
            lambda X, Y: np.ones((len(Y), len(X))),
        ],
        ids=["column more", "one axis", "transposed"],
    )
    def test_wrong_shape_is_told_with_the_right_one(self, function):
        got = str(function(X, Y).shape)
        with _raises("(n_samples_X, n_samples_Y) = (7, 4)", "(7, 3)", "(4, 3)", got):
            _evaluate(function)

    @pytest.mark.parametrize(
        "function",
        [lambda X, Y: Y @ X.T, lambda X, Y: X @ X.T],
        ids=["transposed", "without Y"],
    )
    def test_wrong_matrices_are_not_taken_for_functions_of_rows(self, function):
        with _raises("(n_samples_X, n_samples_Y) = (7, 4)", str(function(X, Y).shape)):
            _evaluate(function)

    @pytest.mark.parametrize(
        "function",
        [
            # on matrices: an error, a number, a wrong shape, an error of its own
            lambda x, z: x @ z,
            lambda x, z: np.tanh(np.sum(x) * np.sum(z)),
            lambda x, z: np.sum(x, axis=-1) * np.sum(z),
            lambda x, z: float(x[0]) * float(z[0]),
        ],
        ids=["error", "number", "shape", "conversion"],
    )
    def test_functions_of_two_rows_are_recognised(self, function):
        with _raises("compares two rows", "pairwise_kernels(X, Y, metric=function)"):
            _evaluate(function)

    def test_the_advice_for_functions_of_two_rows_works(self):
        def function(x, z):
            return x @ z

        result = _evaluate(lambda X, Y: pairwise_kernels(X, Y, metric=function))
        np.testing.assert_allclose(result, X @ Y.T)

    def test_its_own_errors_come_through(self):
        def broken(X, Y):
            raise RuntimeError("out of order")

        with pytest.raises(RuntimeError, match="out of order"):
            _evaluate(broken)


def test_unknown_parameters_of_any_type_are_named():
    with pytest.raises(ValueError, match=r"\[1, 'width'\]|\['width', 1\]"):
        resolve_kernel("ntk_relu", kernel_params={"width": 3, 1: 2})


def test_functions_without_a_name_are_described():
    kernel = resolve_kernel(partial(np.dot, out=None))
    assert "functools.partial" in describe_kernel(kernel)


class TestNearMisses:
    @pytest.mark.parametrize(
        ("name", "meant"),
        [
            ("ntk", "'ntk_relu'"),
            ("NTK_relu", "'ntk_relu'"),
            ("ntk_tanh", "'ntk_erf'"),
            ("nngp_sigmoid", "'nngp_erf'"),
            ("RBF", "'rbf'"),
            ("laplace", "'laplacian'"),
            ("matern", "sklearn.gaussian_process.kernels.Matern()"),
        ],
    )
    def test_what_was_meant(self, name, meant):
        with _raises(f"Got {name!r} instead. Did you mean {meant}?"):
            resolve_kernel(name)

    @pytest.mark.parametrize("name", ["", "xyz", "quite another"])
    def test_no_guess_where_nothing_is_near(self, name):
        with pytest.raises(ValueError) as caught:
            resolve_kernel(name)
        assert str(caught.value).endswith(f"Got {name!r} instead.")

    def test_keys_of_a_kernel_object(self):
        with _raises("'NTK' takes none. Write NTK(depth=3)."):
            resolve_kernel(NTK(), kernel_params={"depth": 3})
        with pytest.raises(ValueError, match=r"'NTK' takes none\.$"):
            resolve_kernel(NTK(), kernel_params={"gamma": 3})


class TestErrorsOfCallables:
    @pytest.mark.parametrize("function", [lambda X: X @ X.T, lambda: 1.0])
    def test_functions_of_other_arguments(self, function):
        names = "'kernel' parameter", "k(X, Y)"
        with pytest.raises(TypeError, match=".*".join(map(re.escape, names))) as caught:
            _evaluate(function)
        assert isinstance(caught.value.__cause__, TypeError)

    def test_functions_that_do_not_take_the_params(self):
        with pytest.raises(TypeError, match=r"'kernel_params' \['width'\]: .*width"):
            _evaluate(lambda X, Y: X @ Y.T, kernel_params={"width": 3})

    def test_a_type_error_of_its_own_comes_through(self):
        def broken(X, Y):
            raise TypeError("an error of mine")

        with pytest.raises(TypeError, match=r"^an error of mine$"):
            _evaluate(broken)

    @pytest.mark.parametrize(
        "kind", [RuntimeError, ZeroDivisionError, KeyError, MemoryError, AssertionError]
    )
    def test_errors_on_matrices_alone_come_through(self, kind):
        def fragile(X, Y):
            if X.ndim == 2:
                raise kind("out of order")
            return X @ Y

        with pytest.raises(kind, match="out of order"):
            _evaluate(fragile)

    def test_what_a_function_of_rows_raised_is_the_cause(self):
        with _raises("compares two rows", "It raised:") as caught:
            _evaluate(lambda x, z: float(x[0]) * float(z[0]))
        assert isinstance(caught.value.__cause__, TypeError)

    def test_a_wrong_type_is_found_in_one_call(self):
        calls = []

        def names(X, Y):
            calls.append(1)
            return np.full((len(X), len(Y)), "a")

        with _raises("array of real numbers. Got ndarray of dtype <U1"):
            _evaluate(names)
        assert len(calls) == 1


def test_callable_kernels_are_compared_with_their_arrays():
    def scaled(X, Y, scale):
        return (X * scale) @ Y.T

    kernels = [
        resolve_kernel(scaled, kernel_params={"scale": scale})
        for scale in (np.ones(3), np.ones(3), np.arange(3.0), 1.0)
    ]
    assert kernels[0] == kernels[1] != kernels[2]
    assert kernels[0] != kernels[3]
    assert kernels[0] != resolve_kernel(lambda X, Y: X @ Y.T)
    assert kernels[0] != RBF()


@pytest.mark.parametrize(
    ("kernel", "nearest"),
    [
        ("ntk", "ntk_relu"),
        ("RBF", "rbf"),
        ("relu", "ntk_relu"),
        ("ntk_tanh", "ntk_erf"),
        ("tanh", "ntk_erf"),
        ("ntk-relu", "ntk_relu"),
        ("laplace", "laplacian"),
        ("gaussian", "rbf"),
    ],
)
def test_nearest_name_of_a_kernel(kernel, nearest):
    with pytest.raises(ValueError, match="'kernel' parameter") as caught:
        resolve_kernel(kernel)
    assert str(caught.value).endswith(f"Did you mean {nearest!r}?")


def test_nearest_key_of_kernel_params():
    with pytest.raises(ValueError, match=r"takes.*'depth'.*Did you mean 'depth'"):
        resolve_kernel("ntk_relu", kernel_params={"dept": 3})
    with pytest.raises(ValueError, match="Did you mean 'gamma'"):
        resolve_kernel("rbf", kernel_params={"gama": 3})
    with pytest.raises(ValueError, match=r"Write RBF\(length_scale=2.0\)\.$"):
        resolve_kernel(RBF(), kernel_params={"length_scale": 2.0})

"""Names of parameters and methods that an estimator does not have."""

import pickle

import pytest
from sklearn.base import clone
from sklearn.datasets import make_friedman1
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_msk import (
    LearnedMetric,
    MSKClassifier,
    MSKClassifierCV,
    MSKGridSearchCV,
    MSKKernel,
    MSKRandomizedSearchCV,
    MSKRegressor,
    MSKRegressorCV,
    PartitionedClassifier,
    PartitionedRegressor,
)
from sklearn_msk.finite_width import WideNetworkRegressor
from sklearn_msk.kernels import NTK
from sklearn_msk.spectral_maps import Power

ESTIMATORS = [
    (MSKRegressor, "kern", "kernel"),
    (MSKClassifier, "clas_weight", "class_weight"),
    (MSKRegressorCV, "kernel", "kernels"),
    (MSKClassifierCV, "kernel", "kernels"),
    (MSKKernel, "gama", "gamma"),
    (LearnedMetric, "n_component", "n_components"),
    (WideNetworkRegressor, "max_itr", "max_iter"),
    (PartitionedRegressor, "leaf_sizes", "leaf_size"),
    (PartitionedClassifier, "leaf_sizes", "leaf_size"),
]


@pytest.mark.parametrize(("kind", "wrong", "right"), ESTIMATORS)
def test_unknown_argument_names_the_class_and_the_nearest_parameter(kind, wrong, right):
    with pytest.raises(TypeError) as caught:
        kind(**{wrong: 1})
    message = str(caught.value)
    assert message.startswith(f"{kind.__name__} has no parameter {wrong!r}. ")
    assert message.endswith(f"Did you mean {right!r}?")


@pytest.mark.parametrize(("kind", "wrong", "right"), ESTIMATORS)
def test_set_params_names_the_nearest_parameter(kind, wrong, right):
    with pytest.raises(ValueError, match=f"{kind.__name__}.*Did you mean '{right}'"):
        kind().set_params(**{wrong: 1})


@pytest.mark.parametrize("kind", [MSKGridSearchCV, MSKRandomizedSearchCV])
def test_searches_name_the_nearest_argument(kind):
    with pytest.raises(TypeError, match=f"{kind.__name__} has no.*mean 'scoring'"):
        kind(MSKRegressor(), {}, scorin="r2")


@pytest.mark.parametrize("kind", [MSKRegressor, MSKClassifier, MSKKernel])
def test_too_many_arguments_without_a_name(kind):
    expected = rf"as in {kind.__name__}\('rbf', g='lift'\)"
    with pytest.raises(TypeError, match=expected):
        kind("rbf", "lift")


def test_subclass_of_a_user_is_named():
    class Mine(MSKRegressor):
        def __init__(self, kernel="rbf"):
            super().__init__(kernel, kern=1)

    with pytest.raises(TypeError, match="Mine has no parameter 'kern'"):
        Mine()


@pytest.mark.parametrize(
    ("params", "advice"),
    [
        ({"kernel__depth": 2}, r"kernel='ntk_relu'.*kernel=NTK\(\)"),
        ({"g__exponent": 0.5}, r"g='flatten'.*g=Power\(0.5\)"),
        ({"memory__verbose": 1}, "memory=None"),
    ],
)
def test_parameter_of_a_name_says_to_pass_an_object(params, advice):
    with pytest.raises(ValueError, match=f"MSKRegressor: {advice}"):
        MSKRegressor().set_params(**params)


def test_objects_and_their_parameters_are_set_together():
    model = MSKRegressor().set_params(kernel__depth=3, kernel=NTK(), g=Power(0.5))
    assert model.kernel.depth == 3
    assert model.set_params(g__exponent=0.25).g.exponent == 0.25


def test_search_over_the_depth_of_a_name_says_what_to_do():
    X, y = make_friedman1(30, random_state=0)
    with pytest.raises(ValueError, match=r"kernel=NTK\(\)"):
        MSKGridSearchCV(MSKRegressor(), {"kernel__depth": [1, 2]}).fit(X, y)


def test_search_over_a_parameter_of_the_last_step():
    X, y = make_friedman1(30, random_state=0)
    model = make_pipeline(StandardScaler(), MSKRegressor())
    with pytest.raises(ValueError, match="Search 'mskregressor__max_iter' instead"):
        MSKGridSearchCV(model, {"max_iter": [1, 2]}).fit(X, y)


@pytest.mark.parametrize("kind", [MSKRegressor, MSKClassifier])
def test_partial_fit_says_in_the_last_line_what_it_needs(kind):
    model = kind()
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError) as caught:
        model.partial_fit([[1.0]], [1.0])
    assert str(caught.value).startswith(f"{kind.__name__}.partial_fit needs landmarks.")
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("kind", [MSKRegressor, MSKClassifier])
def test_partial_fit_is_a_method_like_others(kind):
    model = clone(pickle.loads(pickle.dumps(kind(landmarks=5))))
    assert model.partial_fit.__name__ == "partial_fit"
    assert model.partial_fit.__doc__ == kind.partial_fit.__doc__
    assert hasattr(kind, "set_partial_fit_request")

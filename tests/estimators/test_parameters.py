"""Parameters that are refused: the message says which, what is legal and what came."""

import numpy as np
import pytest

from sklearn_msk import MSKRegressor
from sklearn_msk.spectral_maps import Flatten, Power


def fails(data, message, *, X=None, y=None, sample_weight=None, **params):
    """Fit, expect the message, and no trace of the attempt on the object."""
    X = data[0] if X is None else X
    y = data[1][:, 0] if y is None else y
    model = MSKRegressor(**params)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, sample_weight=sample_weight)
    assert vars(model).keys() == before.keys()


def exploding(X, Y):
    raise AssertionError("the kernel must not be computed")


PARAMETERS = [
    (
        {"k": -1},
        r"'k' parameter of MSKRegressor must be an int .* \[0, inf\) or None. Got -1",
    ),
    ({"k": 2.5}, r"'k' parameter .* Got 2.5"),
    ({"k": True}, r"'k' parameter .* Got True"),
    ({"max_iter": True}, r"'max_iter' parameter .* Got True"),
    ({"alpha": -1.0}, r"'alpha' parameter .* \[0.0, inf\). Got -1.0"),
    ({"alpha": np.inf}, r"'alpha' parameter .* Got inf"),
    ({"alpha": np.nan}, r"'alpha' parameter .* Got nan"),
    ({"max_iter": 0}, r"'max_iter' parameter .* \(0.0, inf\] or None. Got 0"),
    ({"max_iter": np.nan}, r"'max_iter' parameter .* \(0.0, inf\] or None. Got nan"),
    (
        {"max_iter": 10**40, "dynamics": "descent"},
        r"'max_iter' .* a whole number .* Got 1000",
    ),
    ({"max_iter": -3}, r"'max_iter' parameter .* Got -3"),
    (
        {"max_iter": 2.5, "dynamics": "descent"},
        r"'max_iter' .* a whole number .* Got 2.5",
    ),
    ({"learning_rate": 0}, r"'learning_rate' parameter .* \(0.0, inf\). Got 0"),
    ({"learning_rate": -1.0}, r"'learning_rate' parameter .* Got -1.0"),
    (
        {"learning_rate": 2.0, "dynamics": "descent"},
        r"'learning_rate' .* \(0, 2\) for dynamics='descent'.* Got 2.0",
    ),
    ({"dynamics": "adam"}, r"'dynamics' parameter .*'descent'.* Got 'adam'"),
    ({"solver": "cg"}, r"'solver' parameter .*'lanczos'.* Got 'cg'"),
    ({"solver": "gd"}, r"solver='gd' .*dynamics='descent' only. Got dynamics='flow'"),
    (
        {"solver": "gd", "dynamics": "descent", "max_iter": np.inf},
        r"solver='gd' needs a finite 'max_iter'. Got inf .*'lanczos' or 'eigh'",
    ),
    ({"eigen_solver": "svd"}, r"'eigen_solver' parameter .*'arpack'.* Got 'svd'"),
    ({"tol": 0}, r"'tol' parameter .* Got 0"),
    ({"g": "root"}, r"'g' parameter must be one of .*'flatten'.* Got 'root'"),
    ({"g": Flatten}, r"Pass an instance, as in Flatten\(...\)"),
    ({"g": 3}, r"'g' parameter .* Got 3"),
    ({"kernel_params": [1]}, r"'kernel_params' parameter .*dict.* Got \[1\]"),
    ({"fit_intercept": "yes"}, r"'fit_intercept' parameter .* Got 'yes'"),
    ({"random_state": "x"}, r"'random_state' parameter .* Got 'x'"),
]


@pytest.mark.parametrize(("params", "message"), PARAMETERS)
def test_parameters_are_checked_before_the_kernel_is_computed(params, message, data):
    kernel = params.get("kernel", exploding)
    fails(data, message, **{**params, "kernel": kernel})


@pytest.mark.parametrize(
    ("g", "message"),
    [
        (lambda lam: lam[:-1], r"shape of the eigenvalues, \(9,\). Got shape \(8,\)"),
        (lambda lam: lam - lam[-1], r"> 0: at eigenvalue 8 .*it returned 0"),
        (lambda lam: lam * np.nan, r"at eigenvalue 0 .*it returned nan"),
        (Power(exponent="half"), r"'exponent' of Power .* Got 'half'"),
        (Flatten(level=-1.0), r"'level' of Flatten .* Got -1.0"),
    ],
)
def test_maps(g, message, data):
    fails(data, message, g=g, k=9)

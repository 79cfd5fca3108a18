"""What a model tells of its path."""

from dataclasses import replace

import pytest

from sklearn_msk import MSKRegressor
from sklearn_msk._estimators._base import problem_config
from sklearn_msk._estimators._parameters import training_config
from sklearn_msk._operators import ArrayRows
from sklearn_msk._solvers._lanczos import lanczos_paths
from sklearn_msk._training import train


@pytest.mark.parametrize("max_basis", [6, 60])
def test_a_path_that_does_not_meet_tol_is_told(max_basis, data):
    """Two targets, with a vector of six more products each for the rounding."""
    settings = MSKRegressor(k=0, tol=1e-9)
    rows = ArrayRows.of(data[0], data[1], None)
    model = train(rows, training_config(settings), problem_config(settings))
    requests = [(model.preconditioner, [model.filter])]
    A, targets = model.problem.operator, model.problem.targets
    [path] = lanczos_paths(A, targets, requests, 1e-9, max_basis=max_basis)
    told = list(replace(model, path=path).warnings())
    if max_basis == 60:
        assert told == []
        return
    [message] = told
    assert message.startswith("The solver stopped after 14 products at a relative")
    assert f"error of {path.error_estimate:.1e} in the fitted values" in message
    assert "above tol=1.0e-09" in message
    assert "'eigh'" in message

"""The interactive figure of the documentation shows what the package computes."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from sklearn_msk import MSKRegressor

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def explorer():
    path = ROOT / "doc" / "explorer.py"
    spec = importlib.util.spec_from_file_location("explorer", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def problems(explorer):
    made = {name: make() for name, make in explorer.PROBLEMS.items()}
    return {
        name: (problem, json.loads(json.dumps(explorer.packed(problem, found))))
        for name, problem in made.items()
        for found in [explorer.terms(problem)]
    }


@pytest.mark.parametrize("name", ["landscape", "signal"])
@pytest.mark.parametrize(
    ("g", "k", "steps"),
    [
        ("identity", 0, 1000),
        ("flatten", 1, 100),
        ("flatten", 100, 10),
        ("power", 20, 50),
        ("lift", 5, 2),
        ("lift", 50, 1000),
        ("flatten", 50, np.inf),
    ],
)
def test_the_figure_shows_what_a_model_predicts(explorer, problems, name, g, k, steps):
    problem, packed = problems[name]
    model = MSKRegressor(problem["kernel"], g=g, k=k, max_iter=steps)
    expected = model.fit(problem["X"], problem["y"]).predict(problem["grid"])
    shown = explorer.evaluate(packed, g, k, steps)
    assert np.abs(shown - expected).max() < 0.03 * packed["spread"]
    assert np.sqrt(np.mean((shown - expected) ** 2)) < 0.01 * packed["spread"]


def test_details_come_in_ten_steps_or_never_and_the_limit_is_one(explorer, problems):
    problem, packed = problems["landscape"]

    def error(g, k, steps):
        shown = explorer.evaluate(packed, g, k, steps) - problem["truth"]
        return np.sqrt(np.mean(shown**2)) / packed["spread"]

    limit = error("identity", 0, np.inf)
    assert error("identity", 0, 1000) > 1.8 * limit
    assert error("flatten", 100, 10) < 1.2 * limit
    assert error("flatten", 500, np.inf) == limit


def test_every_setting_has_measured_seconds(explorer):
    seconds = json.loads(explorer.SECONDS.read_text(encoding="utf-8"))["seconds"]
    for name, make in explorer.PROBLEMS.items():
        shape = (len(explorer.MAPS), len(make()["counts"]), len(explorer.STEPS))
        assert np.shape([seconds[name][g] for g in explorer.MAPS]) == shape


@pytest.mark.parametrize("path", sorted(ROOT.glob("benchmarks/results/*.json")))
def test_results_name_script_machine_and_date(path):
    results = json.loads(path.read_text(encoding="utf-8"))
    scripts = results["script"].replace(",", " ").split()
    scripts = [word for word in scripts if word.endswith(".py")]
    assert scripts
    assert all((ROOT / script).exists() for script in scripts)
    assert results.get("machine") or results["machine_info"]["processor"]
    assert results.get("date") or results["datetime"]

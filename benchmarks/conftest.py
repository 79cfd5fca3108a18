"""What pytest-benchmark writes: no names of hosts, no single rounds."""

import pytest


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(config, machine_info):
    """Keep what a reader of a chart wants to know of the machine."""
    cpu = machine_info.get("cpu", {})
    kept = {
        "processor": cpu.get("brand_raw", machine_info.get("machine")),
        "cores": cpu.get("count"),
        "system": machine_info.get("system"),
        "python": machine_info.get("python_version"),
    }
    machine_info.clear()
    machine_info.update(kept)


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_json(config, benchmarks, output_json):
    """Drop the single rounds and round the rest to three digits."""
    output_json.pop("commit_info", None)
    output_json["script"] = "benchmarks/test_speed.py"
    for benchmark in output_json["benchmarks"]:
        benchmark["stats"] = {
            name: float(f"{benchmark['stats'][name]:.3g}")
            for name in ("min", "median", "max", "rounds")
        }
        benchmark.pop("options", None)

"""Seconds of the fits that the figure on the first page of the documentation shows.

    OPENBLAS_NUM_THREADS=1 python benchmarks/explorer.py --machine "in words"

Each setting of that figure is fitted three times. The median of the CPU seconds goes to
``benchmarks/results/explorer.json``.
"""

import argparse
import datetime
import json
import sys
import time
from pathlib import Path

import numpy as np

from sklearn_msk import MSKRegressor

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "doc"))

import explorer  # noqa: E402


def cost(problem, g, k, steps, repeats):
    """Median CPU seconds of a fit."""
    seconds = []
    for _ in range(repeats):
        model = MSKRegressor(problem["kernel"], g=g, k=k, max_iter=steps)
        started = time.process_time()
        model.fit(problem["X"], problem["y"])
        seconds.append(time.process_time() - started)
    return float(f"{np.median(seconds):.2g}")


def main():
    """Measure every setting and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--machine", required=True, help="the machine, in words")
    parser.add_argument("--repeats", type=int, default=3, help="fits of each setting")
    parser.add_argument(
        "--problems",
        nargs="+",
        default=list(explorer.PROBLEMS),
        help="what to measure; the file keeps the rest",
    )
    options = parser.parse_args()

    path = HERE / "results" / "explorer.json"
    found = json.loads(path.read_text(encoding="utf-8"))["seconds"]
    for name in options.problems:
        problem = explorer.PROBLEMS[name]()
        found[name] = {
            g: [
                [
                    cost(problem, g, k, steps, options.repeats)
                    for steps in explorer.STEPS
                ]
                for k in problem["counts"]
            ]
            for g in explorer.MAPS
        }
    results = {
        "question": "How long does a fit of the figure on the first page take?",
        "script": "benchmarks/explorer.py",
        "machine": options.machine,
        "date": datetime.date.today().isoformat(),
        "unit": "CPU seconds of one fit: for each g a row for each k, a column for "
        "each number of steps",
        "seconds": found,
    }
    path.write_text(json.dumps(results) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""CPU seconds of a fit against the number of rows, by pytest-benchmark.

    OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 python -m pytest \
        benchmarks/test_speed.py --benchmark-timer=time.process_time \
        --benchmark-json=benchmarks/results/time.json

The dependency group "benchmark" has the plugin. The documentation draws its chart of
seconds from that file. The test command does not run this file.
"""

import pytest
from sklearn.datasets import make_friedman1
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.kernel_ridge import KernelRidge

from sklearn_msk import MSKRegressor, MSKRegressorCV
from sklearn_msk.kernels import NTK

SIZES = (300, 600, 1000, 2000, 4000, 8000)
MODELS = {
    "MSKRegressor, 100 steps": (
        MSKRegressor(NTK(), k=50, max_iter=100),
        SIZES,
    ),
    "MSKRegressor()": (MSKRegressor(), SIZES),
    "MSKRegressorCV()": (MSKRegressorCV(), SIZES[:-1]),
    "KernelRidge": (KernelRidge(kernel=NTK(), alpha=0.1), SIZES),
    "gradient boosting": (HistGradientBoostingRegressor(random_state=0), SIZES),
}
CASES = [(name, rows) for name, (_, sizes) in MODELS.items() for rows in sizes]


@pytest.mark.parametrize(("name", "rows"), CASES)
def test_fit(benchmark, name, rows):
    """Time the fits of one model."""
    X, y = make_friedman1(rows, noise=1.0, random_state=0)
    benchmark.extra_info.update(model=name, rows=rows)
    benchmark.pedantic(MODELS[name][0].fit, (X, y), rounds=5, warmup_rounds=1)

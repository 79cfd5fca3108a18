"""Lines that a fit prints under verbose."""

import re
import time

import numpy as np

from sklearn_msk import MSKRegressor
from sklearn_msk._training._report import ProgressPrinter


def test_verbose_lines_tell_what_is_done_and_left(data, capsys):
    X, Y = data[:2]
    MSKRegressor(
        verbose=2, eigen_solver="randomized", k=5, tol=1e-9, max_iter=1000
    ).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    progress = re.compile(
        r"\[MSKRegressor\] \d+ products, relative error [\d.]+e[+-]\d+ "
        r"\(tol [\d.]+e-\d+\), \d+ s, (about \d+ s left|done|seconds left unknown)"
    )
    told = [line for line in lines if "products, relative" in line]
    assert all(progress.fullmatch(line) for line in told)
    assert told[-1].endswith("done")
    assert len(told) >= 4
    products = [int(line.split()[1]) for line in told]
    assert products[-1] > 10
    for stage in ("kernel matrix", "leading directions", "steps"):
        assert any(re.search(rf"{stage}: \d+\.\d\d s", line) for line in lines)
    MSKRegressor().fit(X, Y)
    assert capsys.readouterr().out == ""


def test_seconds_left_follow_the_error(capsys, monkeypatch):
    """An error that falls tenfold a second needs three seconds to 1e-3 of it."""
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    tell = ProgressPrinter("Model")
    for seconds, error in ((0.5, np.inf), (1.0, 1.0), (2.0, 0.1), (2.1, 0.08)):
        now[0] = seconds
        tell(int(10 * seconds), error, 1e-4)
    assert capsys.readouterr().out.splitlines() == [
        "[Model] 10 products, relative error 1.0e+00 (tol 1.0e-04), 1 s, "
        "seconds left unknown",
        "[Model] 20 products, relative error 1.0e-01 (tol 1.0e-04), 2 s, "
        "about 3 s left",
    ]


def test_verbose_speaks_of_every_stage(data, capsys):
    X, Y, _ = data
    MSKRegressor(verbose=1).fit(X, Y)
    output = capsys.readouterr().out
    for words in ("kernel matrix:", "leading directions:", "100 steps: "):
        assert words in output
    MSKRegressor().fit(X, Y)
    assert capsys.readouterr().out == ""

"""The number of steps by exact leave-one-out errors."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from sklearn import get_config

from sklearn_msk._array_api import to_host
from sklearn_msk._batches import batches
from sklearn_msk._operators import ArrayRows, KernelOperator
from sklearn_msk._preconditioner import precondition
from sklearn_msk._selection._distinct_rows import DistinctRows
from sklearn_msk._selection._early_stopping import Measure, StoppedPath, judge_errors
from sklearn_msk._selection._full_decomposition import full_decomposition
from sklearn_msk._selection._leave_one_out import path_errors
from sklearn_msk._training import (
    SILENT,
    FitFailure,
    FittedModel,
    ProblemConfig,
    Report,
    TrainingConfig,
    build_problem,
    decompose,
    solve_paths,
    spectral_filter,
    threads_for,
)
from sklearn_msk._training._iterations import path_iterations


def train_by_leave_one_out(
    rows: ArrayRows,
    distinct: DistinctRows,
    training: TrainingConfig,
    config: ProblemConfig,
    measure: Measure,
    report: Report = SILENT,
) -> tuple[FittedModel, StoppedPath]:
    """Choose the steps by the errors of all rows, and train for as many.

    The errors are those of `path_errors`: the preconditioner and the step are those of
    all rows. Rows that are equal are left out together.

    Parameters
    ----------
    rows : ArrayRows
        Of positive weight.
    distinct : DistinctRows
        Of these rows.
    training : TrainingConfig
        Its `max_iter` is the last of the steps.
    config : ProblemConfig
        Without landmarks.
    measure : callable
        Of the errors at all rows, each by the model without the row.
    report : Report, default=SILENT

    Returns
    -------
    model : FittedModel
    stopped : StoppedPath
    """
    with threads_for(rows, training, config):
        problem = build_problem(rows, config, [training], report)
        problem, spectrum = decompose(problem, [training], config, report)
    A = problem.operator
    assert isinstance(A, KernelOperator)
    k = training.n_directions(A.n_distinct)
    S = precondition(spectrum.truncated(k), training.g)
    filter_ = spectral_filter(training, S, A.total_weight)
    iterations = path_iterations(filter_, spectrum)

    def left_out() -> Iterator[np.ndarray]:
        decomposition = full_decomposition(to_host(A.kernel_matrix()), distinct)
        y = rows.Y[:, 0] if rows.single_target else rows.Y
        held = get_config()["working_memory"] * 2**20
        for batch in batches(len(iterations), max(1, int(held // (8 * y.size)))):
            errors = path_errors(
                decomposition,
                y,
                S.ratios,
                filter_,
                iterations[batch],
                fit_intercept=config.fit_intercept,
            )
            yield from errors

    with report.stage("leave-one-out errors"):
        stopped = judge_errors(iterations, left_out(), measure)
    chosen = [replace(training, max_iter=stopped.best)]
    with threads_for(rows, training, config):
        (_, result), *_ = solve_paths(problem, spectrum, chosen, report)
    if isinstance(result, FitFailure):
        raise result.error
    return result, stopped

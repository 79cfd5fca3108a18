"""Models of one problem, one for each configuration."""

import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import numpy as np
from sklearn import get_config

from sklearn_msk._array_api import Array
from sklearn_msk._filters import SpectralFilter
from sklearn_msk._linalg import Status
from sklearn_msk._operators import ArrayRows
from sklearn_msk._preconditioner import Preconditioner, precondition
from sklearn_msk._solvers import Path, choose_solver, solve
from sklearn_msk._spectrum import Spectrum
from sklearn_msk._threads import single_threaded_blas
from sklearn_msk._training._config import ProblemConfig, TrainingConfig
from sklearn_msk._training._decompose import decompose
from sklearn_msk._training._landmarks import Rows
from sklearn_msk._training._model import FitFailure, FittedModel, dual_coef
from sklearn_msk._training._problem import Problem, build_problem
from sklearn_msk._training._report import SILENT, Report
from sklearn_msk._tuning import SINGLE_THREAD_ROWS, TYPICAL_KRYLOV_VECTORS


@dataclass(frozen=True, eq=False)
class _Member:
    """A configuration on the path of its preconditioner."""

    number: int
    config: TrainingConfig
    filter: SpectralFilter


@dataclass(frozen=True, eq=False)
class _Group:
    """Configurations that share a preconditioner and a path."""

    preconditioner: Preconditioner
    members: list[_Member] = field(default_factory=list)


def train(
    rows: Rows,
    training: TrainingConfig,
    config: ProblemConfig,
    report: Report = SILENT,
) -> FittedModel:
    """Train one model: build the problem, decompose it, follow the path.

    Parameters
    ----------
    rows : ArrayRows or DaskRows
    training : TrainingConfig
    config : ProblemConfig
    report : Report, default=SILENT

    Returns
    -------
    FittedModel

    Raises
    ------
    ValueError
        As `build_problem`, `decompose` and the map of the configuration do.
    """
    with threads_for(rows, training, config):
        problem = build_problem(rows, config, [training], report)
        return train_on(problem, training, config, report)


def train_on(
    problem: Problem,
    training: TrainingConfig,
    config: ProblemConfig,
    report: Report = SILENT,
) -> FittedModel:
    """Train one model of a problem: decompose it, follow the path.

    Parameters, returns and raises as `train`.
    """
    problem, spectrum = decompose(problem, [training], config, report)
    (_, result), *_ = solve_paths(problem, spectrum, [training], report)
    if isinstance(result, FitFailure):
        raise result.error
    return result


def threads_for(
    rows: Rows, training: TrainingConfig, config: ProblemConfig
) -> AbstractContextManager:
    """Hold BLAS at one thread for few rows: threads would wait more than work."""
    full = training.solver == "eigh" or config.eigen_solver == "dense"
    few = isinstance(rows, ArrayRows) and rows.X.shape[0] < SINGLE_THREAD_ROWS
    return single_threaded_blas() if few and not full else nullcontext()


def solve_paths(
    problem: Problem,
    spectrum: Spectrum,
    trainings: Sequence[TrainingConfig],
    report: Report = SILENT,
) -> Iterator[tuple[int, FittedModel | FitFailure]]:
    """Yield the models of some configurations, which share what they can.

    Configurations with the same rates share a path, and all paths that the working
    memory holds at a time share their products with the operator.

    Parameters
    ----------
    problem : Problem
    spectrum : Spectrum
        With the pairs of the largest k.
    trainings : sequence of TrainingConfig
    report : Report, default=SILENT

    Yields
    ------
    number : int
        Place in `trainings`; not in order.
    result : FittedModel or FitFailure
    """
    by_solver: dict[tuple[str, float], dict] = {}
    for number, config in enumerate(trainings):
        try:
            S = precondition(
                spectrum.truncated(config.n_directions(problem.operator.n_distinct)),
                config.g,
            )
        except ValueError as error:
            yield number, FitFailure(error)
            continue
        filter_ = spectral_filter(config, S, problem.operator.total_weight)
        solver = choose_solver(config.solver, problem.operator, filter_)
        # "gd" runs its loop anew for each filter: configurations cannot share a path.
        rates = S.modified_eigenvalues.tobytes(), number if solver == "gd" else None
        groups = by_solver.setdefault((solver, config.tol), {})
        group = groups.setdefault(rates, _Group(S))
        group.members.append(_Member(number, config, filter_))
    for (solver, tol), groups in by_solver.items():
        for batch in _batches(list(groups.values()), problem.targets):
            problem, paths = _exact_paths(problem, batch, solver, tol, report)
            for group, path in zip(batch, paths, strict=True):
                for member in group.members:
                    model = _model(problem, group.preconditioner, path, member)
                    yield member.number, model


def spectral_filter(
    config: TrainingConfig, S: Preconditioner, total_weight: float
) -> SpectralFilter:
    """Return the filter of a configuration, on the scale that S sets."""
    ridge = config.alpha / total_weight
    step = config.learning_rate / S.lipschitz(ridge)
    if config.dynamics == "descent":
        # `learning_rate` < 2 is stable for the eigenvalues that the pairs know of;
        # `max_stable_step` is so for those that they miss too.
        step = min(step, S.max_stable_step(ridge))
    return SpectralFilter(config.dynamics, config.max_iter, step, ridge)


def _batches(groups: list[_Group], targets: Array) -> Iterator[list[_Group]]:
    """Yield as many groups at a time as the working memory holds bases of."""
    held = get_config()["working_memory"] * 2**20
    size = max(1, int(held // (8 * TYPICAL_KRYLOV_VECTORS * math.prod(targets.shape))))
    for start in range(0, len(groups), size):
        yield groups[start : start + size]


def _exact_paths(
    problem: Problem, groups: list[_Group], solver: str, tol: float, report: Report
) -> tuple[Problem, list[Path]]:
    """Follow paths with products that are exact enough for the tolerance."""
    requests = [(g.preconditioner, [m.filter for m in g.members]) for g in groups]
    while True:
        with report.stage("steps"), np.errstate(over="ignore", invalid="ignore"):
            paths = solve(
                problem.operator,
                problem.targets,
                requests,
                solver=solver,
                tol=tol,
                monitor=report.monitor(),
            )
        if all(path.status != Status.INEXACT_PRODUCTS for path in paths):
            return problem, paths
        refined = problem.more_exact(report)
        if refined is None:
            return problem, paths
        problem = refined


def _model(
    problem: Problem, S: Preconditioner, path: Path, member: _Member
) -> FittedModel | FitFailure:
    """Return the model of one configuration, or why its coefficients are none."""
    try:
        coef = dual_coef(problem, path, member.filter)
    except ValueError as error:
        return FitFailure(error)
    largest_step = 2.0 / S.lipschitz(member.filter.ridge)
    return FittedModel(
        problem, S, path, member.filter, coef, member.config.tol, largest_step
    )

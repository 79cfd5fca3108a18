"""The leading eigenpairs of a problem, as exact as its trainings need them."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from sklearn_msk._linalg import Status
from sklearn_msk._spectrum import PairAccuracy, Spectrum, leading_spectrum
from sklearn_msk._training._config import ProblemConfig, TrainingConfig
from sklearn_msk._training._problem import Problem
from sklearn_msk._training._report import SILENT, Report
from sklearn_msk._training._spectrum_store import stored_pairs
from sklearn_msk._validation import check_positive_semidefinite
from sklearn_msk.kernels._resolution import describe_kernel
from sklearn_msk.spectral_maps._evaluation import modified_eigenvalues

SpectralMap = Callable[[np.ndarray], np.ndarray]


def decompose(
    problem: Problem,
    trainings: Sequence[TrainingConfig],
    config: ProblemConfig,
    report: Report = SILENT,
) -> tuple[Problem, Spectrum]:
    """Find the leading eigenpairs that the trainings of a problem share.

    Parameters
    ----------
    problem : Problem
    trainings : sequence of TrainingConfig
        The largest k, the least `tol` and the steepest map of them count.
    config : ProblemConfig
        Eigensolver, random state and store.
    report : Report, default=SILENT

    Returns
    -------
    problem : Problem
        The same, with a more exact operator where the pairs needed one.
    spectrum : Spectrum

    Raises
    ------
    ValueError
        If the kernel is not positive semi-definite, or if the matrix does not fit in
        memory and the eigensolver needs it.
    """
    n_distinct = problem.operator.n_distinct
    k = max(training.n_directions(n_distinct) for training in trainings)
    accuracy = _accuracy(trainings, n_distinct)
    if config.memory is not None:
        # The key of the store holds no map: stored pairs have to serve any map.
        accuracy = PairAccuracy.for_residual(accuracy.strict)
    return find_pairs(problem, k, accuracy, config, report)


def find_pairs(
    problem: Problem,
    k: int,
    accuracy: PairAccuracy,
    config: ProblemConfig,
    report: Report = SILENT,
) -> tuple[Problem, Spectrum]:
    """Find k pairs to an accuracy; climb to a more exact operator where they need it.

    Parameters and returns as in `decompose`.
    """
    settings = (config.eigen_solver, config.random_state, accuracy.strict)
    while True:
        A = problem.operator
        compute = partial(
            leading_spectrum,
            A,
            eigen_solver=config.eigen_solver,
            random_state=config.random_state,
            accuracy=accuracy,
            monitor=report.monitor(),
        )
        with report.stage("leading directions"):
            spectrum = stored_pairs(
                config.memory, compute, k, problem.kernel, problem.X_fit, A, settings
            )
        refined = None
        if spectrum.status == Status.INEXACT_PRODUCTS:
            refined = problem.more_exact(report)
        if refined is None:
            break
        problem = refined
    name = describe_kernel(problem.kernel)
    check_positive_semidefinite(spectrum.smallest, spectrum.largest, name)
    return problem, spectrum


def _accuracy(trainings: Sequence[TrainingConfig], n_distinct: int) -> PairAccuracy:
    """Accuracy that the predictions of some trainings need of their pairs."""
    steps = [t.learning_rate for t in trainings if t.dynamics == "descent"]
    # Where several trainings share pairs, a map that fails must not fail the others.
    evaluate = modified_eigenvalues if len(trainings) == 1 else _steep_where_it_fails
    maps = tuple(
        (partial(evaluate, t.g), t.n_directions(n_distinct)) for t in trainings
    )
    # An error of the largest rate grows by the inverse of the distance from divergence.
    slack = min(1.0, 2.0 - max(steps, default=1.0))
    return PairAccuracy.for_maps(min(t.tol for t in trainings), maps, slack=slack)


def _steep_where_it_fails(g: SpectralMap, eigenvalues: np.ndarray) -> np.ndarray:
    """Evaluate a map; an infinite rate, as steep as can be, stands for an error.

    The training meets the error again where the map makes its preconditioner.
    """
    try:
        return modified_eigenvalues(g, eigenvalues)
    except ValueError:
        return np.full_like(eigenvalues, np.inf)

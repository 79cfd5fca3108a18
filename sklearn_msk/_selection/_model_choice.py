"""The choice among kernels, metrics, length scales and ridges, as values."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from joblib import Parallel, delayed

from sklearn_msk._selection._distinct_rows import label_equal_rows, number_rows
from sklearn_msk._selection._kernel_families import KernelFamily
from sklearn_msk._selection._ridge_models import (
    RidgeModel,
    SearchRows,
    best_ridge,
    cross_metric_errors,
    follow_metric,
    learn_again,
    ridge_at_each_scale,
)
from sklearn_msk._tuning import (
    COMPARED_ROWS,
    JUDGED_CANDIDATES,
    METRIC_FOLDS,
    SCREENED_ROWS,
)

# What was done, how often, of how many times, and the seconds since the first.
Progress = Callable[[str, int, int, float], None]

# Ridges in the units of `KernelRidge`, on rows of weight 1.
SCREENED_ALPHAS = np.logspace(-7, 2, 28)

# A metric needs some rows to be learned from, and to be judged on.
_FEWEST_ROWS = 10


@dataclass(frozen=True, eq=False)
class ChoiceConfig:
    """What there is to choose from.

    Attributes
    ----------
    families : sequence of KernelFamily
    structures : sequence of {"none", "diagonal", "full"}
        Structures of metrics.
    max_updates : int
        Updates of a metric, at the most.
    alphas : ndarray of shape (n_alphas,) or None
        Ridges in the units of `KernelRidge`, on the rows that candidates are screened
        on; None is a grid that the size of the weights does not move.
    n_jobs : int or None
        Families that are screened at a time.
    """

    families: Sequence[KernelFamily]
    structures: Sequence[str]
    max_updates: int
    alphas: np.ndarray | None
    n_jobs: int | None

    def ridges(self, rows: SearchRows) -> np.ndarray:
        """Return ``alpha / W`` to try on some rows."""
        if self.alphas is None:
            return SCREENED_ALPHAS / len(rows.distinct.first)
        return self.alphas / rows.distinct.total_weight


@dataclass(frozen=True, eq=False)
class JudgedModel:
    """A candidate, how it was judged, and how long it took.

    Attributes
    ----------
    name : str
        Of the family.
    model : RidgeModel or None
        None where the family cannot be fitted.
    errors : ndarray of the shape of y, or None
        Leave-one-out errors, in a metric that has not seen the row; None for a metric
        that was not judged, as others left smaller errors.
    seconds : float
    failure : str
        What went wrong, or "".
    """

    name: str
    model: RidgeModel | None
    errors: np.ndarray | None
    seconds: float
    failure: str = ""


@dataclass(frozen=True, eq=False)
class Finalist:
    """A candidate on the rows that finalists are compared on.

    Attributes
    ----------
    place : int
        Among the candidates.
    model : RidgeModel
    error : float
        Mean square error at rows that neither model nor metric has seen.
    """

    place: int
    model: RidgeModel
    error: float


def screened_rows(
    rows: SearchRows, rng: np.random.RandomState, size: int = SCREENED_ROWS
) -> np.ndarray:
    """Draw the numbers of the rows that candidates are screened on."""
    n = len(rows.Z)
    return np.sort(rng.permutation(n)[:size]) if n > size else np.arange(n)


def metric_folds(rows: SearchRows, rng: np.random.RandomState) -> np.ndarray:
    """Return the fold of every row; equal rows are in one fold.

    Rows are numbered in the order of their features, so that neither their order nor
    the units of a feature change a fold.
    """
    label = number_rows(rows.Z)
    n_groups = label.max() + 1
    return (rng.permutation(n_groups) % min(METRIC_FOLDS, n_groups))[label]


def judge_candidates(
    rows: SearchRows,
    config: ChoiceConfig,
    folds: np.ndarray,
    report: Progress,
    n_judged: int = JUDGED_CANDIDATES,
) -> list[JudgedModel]:
    """Screen every candidate, and judge the best by errors that their metric allows.

    Leave-one-out chooses length scale and ridge for a given metric. Metrics are judged
    by `cross_metric_errors`, those of the least plain leave-one-out errors only.

    Parameters
    ----------
    rows : SearchRows
    config : ChoiceConfig
    folds : ndarray of shape (n,)
    report : callable
        Takes what was done, how often, of how many times, and the seconds it took.
    n_judged : int, default=8
        Metrics that are judged.

    Returns
    -------
    list of JudgedModel
        In the order of the families, metrics and updates.
    """
    ridges, started = config.ridges(rows), time.perf_counter()
    found: list[JudgedModel] = []
    screened = Parallel(n_jobs=config.n_jobs, return_as="generator")(
        delayed(_screen)(family, rows, ridges, config) for family in config.families
    )
    for done, of_family in enumerate(screened, start=1):
        found += of_family
        seconds = time.perf_counter() - started
        report("screened kernel", done, len(config.families), seconds)
    learned = [j for j in found if j.model is not None and j.model.n_updates > 0]
    learned.sort(key=lambda judged: judged.model.error if judged.model else np.inf)
    honest, started = {}, time.perf_counter()
    for done, judged in enumerate(learned[:n_judged], start=1):
        honest[id(judged)] = _judge(judged, rows, folds)
        seconds = time.perf_counter() - started
        report("judged metric", done, min(n_judged, len(learned)), seconds)
    return [honest.get(id(judged), judged) for judged in found]


def compare_finalists(
    judged: Sequence[JudgedModel],
    places: Sequence[int],
    screened: SearchRows,
    compared: SearchRows,
) -> list[Finalist]:
    """Compare a few candidates on more rows than they were screened on.

    On more rows, leave-one-out errors in a learned metric are taken times what that
    flatters them by: the ratio of the errors of the screened rows, in a metric that has
    not seen the row and in one that has.

    Parameters
    ----------
    judged : sequence of JudgedModel
    places : sequence of int
        Candidates that were judged, the best first.
    screened, compared : SearchRows

    Returns
    -------
    list of Finalist
        The best first; in the order of `places` where the rows are the same.
    """
    finalists = []
    for place in places:
        candidate, errors = judged[place].model, judged[place].errors
        assert candidate is not None and errors is not None
        honest = float(screened.mean_square(errors))
        if len(compared.Z) == len(screened.Z):
            finalists.append(Finalist(place, candidate, honest))
            continue
        model = finish_choice(candidate, compared, len(screened.Z))
        flattery = honest / candidate.error if candidate.error > 0 else 1.0
        finalists.append(Finalist(place, model, model.error * flattery))
    if len(compared.Z) > len(screened.Z):
        finalists.sort(key=lambda finalist: finalist.error)
    return finalists


def best_places(
    scores: np.ndarray, judged: Sequence[JudgedModel], *, of_each: bool = False
) -> list[int]:
    """Return the places of the judged candidates, the best first.

    Parameters
    ----------
    scores : ndarray of shape (n_candidates,)
        Higher is better; NaN for those that were not judged.
    judged : sequence of JudgedModel
    of_each : bool, default=False
        Whether to return one candidate only of every family and structure of a metric.

    Returns
    -------
    list of int
    """
    order = [
        int(i) for i in np.argsort(-scores, kind="stable") if scores[i] == scores[i]
    ]
    if not of_each:
        return order
    best: dict[tuple[str, str], int] = {}
    for place in order:
        model = judged[place].model
        if model is not None:
            structure = model.choice[0] if model.n_updates else "none"
            best.setdefault((judged[place].name, structure), place)
    return list(best.values())


def finish_choice(model: RidgeModel, rows: SearchRows, n_screened: int) -> RidgeModel:
    """Learn the metric on up to 2000 rows, and choose the ridge there anew.

    Parameters
    ----------
    model : RidgeModel
        As it was screened, on `n_screened` rows.
    rows : SearchRows
        Rows to compare on, see `compared_rows`.
    n_screened : int

    Returns
    -------
    RidgeModel
    """
    if len(rows.Z) == n_screened:
        return model
    learned = learn_again(model, rows)
    # More rows want less ridge a row, hardly ever more.
    ridges = model.ridge * np.logspace(-3, 1, 17)
    return best_ridge(
        model.family,
        rows,
        ridges,
        choice=model.choice,
        metric=learned.metric,
        before=model.steps[:-1],
        factors=(model.steps[-1].factor,),
    )


def compared_rows(
    n: int, rng: np.random.RandomState, size: int = COMPARED_ROWS
) -> np.ndarray:
    """Draw the numbers of the rows that the chosen metric is learned on."""
    return np.sort(rng.permutation(n)[:size]) if n > size else np.arange(n)


def _screen(
    family: KernelFamily, rows: SearchRows, ridges: np.ndarray, config: ChoiceConfig
) -> list[JudgedModel]:
    """Fit the candidates of one family; a failure ends the family."""
    found: list[JudgedModel] = []
    started = time.perf_counter()
    try:
        for model, errors in _candidates(family, rows, ridges, config):
            now = time.perf_counter()
            found.append(JudgedModel(family.name, model, errors, now - started))
            started = now
    except Exception as error:
        seconds = time.perf_counter() - started
        failure = f"{type(error).__name__}: {error}"
        found.append(JudgedModel(family.name, None, None, seconds, failure))
    return found


def _candidates(
    family: KernelFamily, rows: SearchRows, ridges: np.ndarray, config: ChoiceConfig
) -> Iterator[tuple[RidgeModel, np.ndarray | None]]:
    """Yield the models of a family, with the errors of those without a metric."""
    n_distinct = label_equal_rows(rows.Z).max() + 1
    learns = n_distinct >= _FEWEST_ROWS and rows.Z.shape[1] > 1
    # Where no metric can be learned, this is the model of any structure.
    judged, scaled = "none" in config.structures or not learns, []
    for model, errors in ridge_at_each_scale(family, rows, ridges):
        scaled.append(model)
        yield model, errors if judged else None
    if not learns:
        return
    start = min(scaled, key=lambda model: model.error)
    for choice in family.metrics:
        if choice[0] in config.structures:
            for model in follow_metric(start, choice, rows, ridges, config.max_updates):
                yield model, None


def _judge(judged: JudgedModel, rows: SearchRows, folds: np.ndarray) -> JudgedModel:
    """Judge a learned metric by errors at rows that it has not seen."""
    model, started = judged.model, time.perf_counter()
    assert model is not None
    errors = cross_metric_errors(model, rows, folds)
    seconds = judged.seconds + time.perf_counter() - started
    return replace(judged, errors=errors, seconds=seconds)

"""The choice among kernels, metrics, length scales and ridges, as values."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
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
    FLATTERY_MARGIN,
    HOPELESS_ERROR,
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
        """Return ``alpha / W`` to try on the rows that candidates are screened on."""
        if self.alphas is None:
            return SCREENED_ALPHAS / len(rows.distinct.first)
        return self.alphas / rows.distinct.total_weight

    def final_ridges(self, model: RidgeModel, rows: SearchRows) -> np.ndarray:
        """Return ``alpha / W`` to try on more rows than a model was screened on."""
        if self.alphas is None:
            # More rows want less ridge a row, hardly ever more.
            return model.ridge * np.logspace(-3, 1, 17)
        return self.ridges(rows)


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
        Mean square error at rows that neither model nor metric has seen, or minus the
        score of a scorer.
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
    *,
    prune: bool = True,
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
    prune : bool, default=True
        Whether squared errors decide, so that a metric whose plain error is larger than
        the least honest one need not be judged.

    Returns
    -------
    list of JudgedModel
        In the order of the families, metrics and updates.
    """
    ridges, started = config.ridges(rows), time.perf_counter()
    parallel = Parallel(n_jobs=config.n_jobs, return_as="generator")
    n_families = len(config.families)

    def told(
        what: str, results: Iterable[list[JudgedModel]]
    ) -> list[list[JudgedModel]]:
        found = []
        for of_family in results:
            found.append(of_family)
            report(what, len(found), n_families, time.perf_counter() - started)
        return found

    plain = told(
        "screened kernel",
        parallel(
            delayed(_screen)(family, rows, ridges, config) for family in config.families
        ),
    )
    best = min((j.model.error for of in plain for j in of if j.model), default=np.inf)
    started = time.perf_counter()
    learned = told(
        "screened metrics of kernel",
        parallel(
            delayed(_follow)(of_family, rows, ridges, config, best)
            for of_family in plain
        ),
    )
    found = [
        j for parts in zip(plain, learned, strict=True) for part in parts for j in part
    ]
    honest = _judge_metrics(found, rows, folds, report, n_judged, prune)
    return [honest.get(place, judged) for place, judged in enumerate(found)]


def _judge_metrics(
    found: Sequence[JudgedModel],
    rows: SearchRows,
    folds: np.ndarray,
    report: Progress,
    n_judged: int,
    prune: bool,
) -> dict[int, JudgedModel]:
    """Judge the metrics of the least plain errors, by their places.

    Of each structure some are judged, as full metrics flatter their errors more than
    diagonal ones. A metric that has seen a row flatters its error: so the first whose
    plain error is above the least honest one ends the search in its structure, and no
    later one can be better.
    """
    started, honest = time.perf_counter(), {}
    least = min(
        (float(rows.mean_square(j.errors)) for j in found if j.errors is not None),
        default=np.inf,
    )
    learned = {p: j.model for p, j in enumerate(found) if j.model and j.model.n_updates}
    structures = sorted({model.choice[0] for model in learned.values()})
    n_each = n_judged // max(1, len(structures))
    for structure in structures:
        places = [p for p, model in learned.items() if model.choice[0] == structure]
        for place in sorted(places, key=lambda p: learned[p].error)[:n_each]:
            if prune and learned[place].error > FLATTERY_MARGIN * least:
                break
            begun = time.perf_counter()
            errors = cross_metric_errors(learned[place], rows, folds)
            seconds = found[place].seconds + time.perf_counter() - begun
            honest[place] = replace(found[place], errors=errors, seconds=seconds)
            least = min(least, float(rows.mean_square(errors)))
            report(
                "judged metric", len(honest), n_judged, time.perf_counter() - started
            )
    return honest


def compare_finalists(
    judged: Sequence[JudgedModel],
    places: Sequence[int],
    screened: SearchRows,
    compared: SearchRows,
    ridges: Callable[[RidgeModel], np.ndarray],
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
    ridges : callable
        From a candidate to the ``alpha / W`` to try on the rows to compare on.

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
        model = finish_choice(candidate, compared, ridges(candidate))
        flattery = honest / candidate.error if candidate.error > 0 else 1.0
        finalists.append(Finalist(place, model, model.error * flattery))
    if len(compared.Z) > len(screened.Z):
        finalists.sort(key=lambda finalist: finalist.error)
    return finalists


def fold_finalists(
    judged: Sequence[JudgedModel],
    scores: np.ndarray,
    places: Sequence[int],
    compared: SearchRows,
) -> list[Finalist]:
    """Return the candidates that folds rank first, with the ridges of the folds.

    `scores` are those of the folds. The other parameters are those of
    `compare_finalists`; the metric is learned on the rows to compare on.
    """
    finalists = []
    for place in places:
        model = judged[place].model
        assert model is not None
        learned = learn_again(model, compared)
        finalists.append(Finalist(place, learned, -float(scores[place])))
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


def finish_choice(
    model: RidgeModel, rows: SearchRows, ridges: np.ndarray
) -> RidgeModel:
    """Learn the metric of a model on other rows, and choose the ridge there anew.

    Parameters
    ----------
    model : RidgeModel
    rows : SearchRows
    ridges : ndarray of shape (n_ridges,)
        ``alpha / W`` to try.

    Returns
    -------
    RidgeModel
    """
    learned = learn_again(model, rows)
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
    """Fit a family at each of its length scales, without a metric."""
    # Where no metric can be learned, this is the model of any structure.
    judged = "none" in config.structures or not _can_learn(rows)
    return _timed(
        family.name,
        (
            (model, errors if judged else None)
            for model, errors in ridge_at_each_scale(family, rows, ridges)
        ),
    )


def _follow(
    plain: Sequence[JudgedModel],
    rows: SearchRows,
    ridges: np.ndarray,
    config: ChoiceConfig,
    least: float,
) -> list[JudgedModel]:
    """Learn the metrics of a family from its best model without one.

    Parameters
    ----------
    plain : sequence of JudgedModel
        The family at each of its length scales; nothing follows a failure.
    rows : SearchRows
    ridges : ndarray of shape (n_ridges,)
    config : ChoiceConfig
    least : float
        Least error of all families without a metric; one far above is not followed.
    """
    models = [judged.model for judged in plain if judged.model is not None]
    if len(models) < len(plain) or not _can_learn(rows):
        return []
    start = min(models, key=lambda model: model.error)

    def followed() -> Iterator[tuple[RidgeModel, None]]:
        # Of each structure, as full metrics flatter their errors more than others.
        best = dict.fromkeys(config.structures, least)
        for choice in start.family.metrics:
            structure = choice[0]
            if structure not in best:
                continue
            before = start.error
            for model in follow_metric(start, choice, rows, ridges, config.max_updates):
                yield model, None
                best[structure] = min(best[structure], model.error)
                if model.error > min(before, HOPELESS_ERROR * best[structure]):
                    break
                before = model.error

    return _timed(start.family.name, followed())


def _can_learn(rows: SearchRows) -> bool:
    """Whether rows and features are enough to learn a metric."""
    n_distinct = label_equal_rows(rows.Z).max() + 1
    return bool(n_distinct >= _FEWEST_ROWS and rows.Z.shape[1] > 1)


def _timed(
    name: str, candidates: Iterator[tuple[RidgeModel, np.ndarray | None]]
) -> list[JudgedModel]:
    """Fit candidates one by one; a failure is the last."""
    found: list[JudgedModel] = []
    started = time.perf_counter()
    try:
        for model, errors in candidates:
            now = time.perf_counter()
            found.append(JudgedModel(name, model, errors, now - started))
            started = now
    except Exception as error:
        seconds = time.perf_counter() - started
        failure = f"{type(error).__name__}: {error}"
        found.append(JudgedModel(name, None, None, seconds, failure))
    return found

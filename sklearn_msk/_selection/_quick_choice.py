"""The choice of a model in a fraction of a second, on rows that are neighbours."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sklearn_msk._selection._model_choice import ChoiceConfig, Finalist, JudgedModel
from sklearn_msk._selection._ridge_models import (
    RidgeModel,
    SearchRows,
    learn_again,
    ridge_at_each_scale,
)
from sklearn_msk._tuning import QUICK_COMPARED_ROWS, QUICK_UPDATES

# Length scales to try on more rows, over that of fewer.
_FINER_SCALES = np.array([0.5, 1.0, 2.0])


def near_rows(rows: SearchRows, size: int, rng: np.random.RandomState) -> np.ndarray:
    """Draw a row, and return the numbers of the `size` rows that are next to it.

    They are as dense as all rows are, so that a length scale and a ridge (in the units
    of `KernelRidge`) serve all rows as well. Equal rows count as one.
    """
    distinct = rows.distinct_Z
    if len(distinct) <= size:
        return np.arange(len(rows.Z))
    centre = distinct[rng.randint(len(distinct))]
    distances = np.square(distinct - centre).sum(axis=1)
    nearest = np.argpartition(distances, size)[:size]
    return np.flatnonzero(np.isin(rows.distinct.group, nearest))


def refine_quickly(
    judged: Sequence[JudgedModel],
    rows: SearchRows,
    learning: np.ndarray,
    config: ChoiceConfig,
    rng: np.random.RandomState,
) -> Finalist:
    """Choose between the best candidate without a metric and the best with one.

    The metric is learned anew on other rows, in up to two updates. Then 500 neighbours
    choose between both, and length scale and ridge. Rows that the metric was learned on
    are among the neighbours: its error is a little too small.

    Parameters
    ----------
    judged : sequence of JudgedModel
        Candidates, on a few neighbours.
    rows : SearchRows
    learning : ndarray of shape (n_learning,)
        Numbers of the rows that the metric is learned on.
    config : ChoiceConfig
    rng : RandomState

    Returns
    -------
    Finalist
        Its ridge is that for all rows.
    """
    models = {place: j.model for place, j in enumerate(judged) if j.model is not None}
    learned = [place for place, model in models.items() if model.n_updates]
    plain = [place for place, model in models.items() if not model.n_updates]
    if learned and "none" not in config.structures:
        plain = []
    starts: list[tuple[int, RidgeModel]] = []
    for places in (plain, learned):
        if places:
            best = min(places, key=lambda place: models[place].error)
            starts.append((best, models[best]))
    compared = rows.part(near_rows(rows, QUICK_COMPARED_ROWS, rng))
    ridges, finalists = config.ridges(compared), []
    for place, start in starts:
        model = start
        if start.n_updates:
            n_updates = min(QUICK_UPDATES, config.max_updates)
            steps = (start.steps[0], *start.steps[1:] * n_updates)
            model = learn_again(replace(start, steps=steps), rows.part(learning))
        tried = ridge_at_each_scale(
            model.family,
            compared,
            ridges,
            choice=model.choice,
            metric=model.metric,
            before=model.steps[:-1],
            factors=tuple(model.steps[-1].factor * _FINER_SCALES),
        )
        finalists += [Finalist(place, found, found.error) for found, _ in tried]
    best_finalist = min(finalists, key=lambda finalist: finalist.error)
    alpha = best_finalist.model.ridge * compared.distinct.total_weight
    model = best_finalist.model.with_ridge(alpha / rows.distinct.total_weight)
    return replace(best_finalist, model=model)

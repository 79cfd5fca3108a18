"""Partitions by several rules, and the one whose leaves leave least."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_msk._estimators._leaves import LeafModel
from sklearn_msk._estimators._probes import Probes
from sklearn_msk._estimators._split_rules import (
    Coordinates,
    SplitRule,
    SplitSample,
    residual_unit,
)
from sklearn_msk._partition import Partition, grow_partition
from sklearn_msk._splits import LeastError
from sklearn_msk._threads import single_threaded_blas
from sklearn_msk._tuning import PROBED_LEAVES, PROBES


@dataclass(frozen=True, eq=False)
class GrownPartition:
    """A partition, and what it was grown by.

    Attributes
    ----------
    split : str or callable
        The parameter that stands for the rule.
    coordinates : callable
        From rows to those that `partition` splits.
    partition : Partition
    """

    split: Any
    coordinates: Coordinates
    partition: Partition

    @classmethod
    def grow(
        cls, rule: SplitRule, leaf_size: float, overlap: float
    ) -> "GrownPartition":
        """Grow a partition on the rows of a rule."""
        splitter = rule.splitter
        # Threads would wait more than work on matrices of a few hundred rows.
        with single_threaded_blas():
            partition = grow_partition(splitter.Z, leaf_size, overlap, splitter)
        return cls(rule.split, rule.coordinates, partition)

    def probe(
        self, judge: LeastError, sample: SplitSample, n: int, start: float
    ) -> Probes:
        """Draw leaves by what linear models leave of a sample in them."""
        labels = self.partition.leaf_of(self.coordinates(sample.X))
        with single_threaded_blas():
            errors = judge.errors(labels, self.partition.n_leaves)
        weights = np.bincount(labels, sample.weights, self.partition.n_leaves)
        return Probes.draw(errors, weights, n, start)


@dataclass(frozen=True, eq=False)
class SplitChoice:
    """The partition to fit.

    Attributes
    ----------
    grown : GrownPartition
    known : dict of int to LeafModel
        Leaves that have been fitted to compare partitions, by their numbers.
    """

    grown: GrownPartition
    known: dict[int, LeafModel]


FitLeaves = Callable[[GrownPartition, np.ndarray], Iterator[LeafModel]]


def choose_partition(
    rules: list[SplitRule],
    sample: SplitSample,
    leaf_size: float,
    overlap: float,
    fit_leaves: FitLeaves,
    rng: np.random.RandomState,
    report: Callable[[str], None],
) -> SplitChoice:
    """Return the partition whose leaves have the least errors at rows left out.

    Some leaves of each partition are fitted to compare them.

    Parameters
    ----------
    rules : list of SplitRule
        The first is taken where it is the only one, or gives few leaves.
    sample : SplitSample
        The rows that the rules split.
    leaf_size : float
        Rows of a leaf, of the sample.
    overlap : float
        As in `grow_partition`.
    fit_leaves : callable
        From a partition and numbers of leaves to the fitted leaves.
    rng : RandomState
        Draws the leaves.
    report : callable
        Takes what was done.
    """
    grown = [GrownPartition.grow(rules[0], leaf_size, overlap)]
    judges = [rule.splitter for rule in rules if isinstance(rule.splitter, LeastError)]
    if len(rules) == 1 or not judges or grown[0].partition.n_leaves < PROBED_LEAVES:
        return SplitChoice(grown[0], {})
    for rule in rules[1:]:
        grown.append(GrownPartition.grow(rule, leaf_size, overlap))
    fewest = min(one.partition.n_leaves for one in grown)
    n_probes, unit = max(1, min(PROBES, fewest // 4)), residual_unit(sample)
    best, least = SplitChoice(grown[0], {}), np.inf
    for one in grown:
        probes = one.probe(judges[0], sample, n_probes, rng.uniform())
        known = {}
        for leaf, model in zip(
            probes.leaves.tolist(), fit_leaves(one, probes.leaves), strict=True
        ):
            known[leaf] = model
            report(f"fitted probe {len(known)} of the splits {one.split!r}")
        error = probes.total_error(known, unit)
        if error < least:
            best, least = SplitChoice(one, known), error
    report(f"chose the splits {best.grown.split!r}")
    return best

"""Partitions by several rules, and the one whose leaves leave least."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from sklearn_msk._estimators._leaves import LeafModel
from sklearn_msk._estimators._probes import Probes
from sklearn_msk._estimators._split_rules import SplitRule, SplitSample, residual_unit
from sklearn_msk._partition import Partition, grow_partition
from sklearn_msk._splits import LeastError
from sklearn_msk._tuning import PROBED_LEAVES, PROBES


@dataclass(frozen=True, eq=False)
class GrownPartition:
    """A partition, and the rule that it was grown by."""

    rule: SplitRule
    partition: Partition

    @classmethod
    def grow(
        cls, rule: SplitRule, sample: SplitSample, leaf_size: float, overlap: float
    ) -> "GrownPartition":
        """Grow a partition on a sample of the rows."""
        Z = rule.coordinates(sample.X)
        return cls(rule, grow_partition(Z, leaf_size, overlap, rule.splitter))

    def probe(
        self, judge: LeastError, sample: SplitSample, n: int, start: float
    ) -> Probes:
        """Draw leaves by what linear models leave of a sample in them."""
        labels = self.partition.leaf_of(self.rule.coordinates(sample.X))
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


def choose_partition(
    grown: list[GrownPartition],
    sample: SplitSample,
    fit_leaves: Callable[[GrownPartition, np.ndarray], Iterator[LeafModel]],
    rng: np.random.RandomState,
) -> SplitChoice:
    """Choose by the errors of some leaves at rows that they have not seen.

    Parameters
    ----------
    grown : list of GrownPartition
        The first is taken where it is the only one, or there are few leaves.
    sample : SplitSample
        What they were grown on.
    fit_leaves : callable
        From a partition and numbers of leaves to the fitted leaves.
    rng : RandomState
        Draws the leaves.
    """
    judges = [
        one.rule.splitter for one in grown if isinstance(one.rule.splitter, LeastError)
    ]
    fewest = min(one.partition.n_leaves for one in grown)
    if len(grown) == 1 or not judges or fewest < PROBED_LEAVES:
        return SplitChoice(grown[0], {})
    n_probes, unit = min(PROBES, fewest // 4), residual_unit(sample)
    best, least = SplitChoice(grown[0], {}), np.inf
    for one in grown:
        probes = one.probe(judges[0], sample, n_probes, rng.uniform())
        fitted = fit_leaves(one, probes.leaves)
        known = dict(zip(probes.leaves.tolist(), fitted, strict=True))
        error = probes.total_error(known, unit)
        if error < least:
            best, least = SplitChoice(one, known), error
    return best

"""Differences, leaks and other linear forms of arms and conditions, paired by question and seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from harness.stats.crossing import Crossed, crossed
from harness.stats.records import Estimate, Grid, Observation, are_rates, tabulate


@dataclass(frozen=True, slots=True)
class Term:
    """`weight` times the mean of `observations`. One that is not `trained` has no seed of its own to pair by."""

    weight: float
    observations: Sequence[Observation]
    trained: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """The mean of a linear form over clusters and seeds, with its interval at any level.

    `n` and `judged` count rows or cluster-seed pairs, all and used. `by_seed` is the mean of each seed over the
    clusters that all seeds have. `bounded` says that the form is of shares, so that an interval exists even where
    every pair agrees. `unused` names the seeds, clusters and pairs that are in no figure, a line each. `spread` is None
    when nothing could be compared.
    """

    spread: Crossed | None
    n: int
    judged: int
    by_seed: tuple[float, ...]
    bounded: bool = True
    unused: tuple[str, ...] = ()

    @property
    def mean(self) -> float | None:
        """The point estimate; None when nothing could be paired."""
        return None if self.spread is None else float(self.spread.mean)

    def half_width(self, level: float = 0.95) -> float | None:
        """Half the two-sided interval at `level`; None when there is none."""
        if self.spread is None:
            return None
        if self.spread.is_spread:
            return float(self.spread.half_width(level))
        return float(agreed_half_width(self.spread.clusters, level)) if self.bounded else None

    def estimate(self, level: float = 0.95) -> Estimate:
        """The mean with its interval at `level`."""
        if self.spread is None:
            return Estimate(
                mean=None, low=None, high=None, n=self.n, judged=0, clusters=0, seeds=0, method="nothing judged"
            )
        mean, half = float(self.spread.mean), self.half_width(level)
        return Estimate(
            mean=mean,
            low=None if half is None else mean - half,
            high=None if half is None else mean + half,
            n=self.n,
            judged=self.judged,
            clusters=self.spread.clusters,
            seeds=self.spread.seeds,
            method=self._method(half),
        )

    def _method(self, half: float | None) -> str:
        assert self.spread is not None
        if self.spread.is_spread:
            return "mean +- t x standard error, clustered by case and seed"
        if half is None:
            return "no interval: all values are equal and have no known bounds"
        return "+- Wilson's bound for 0 of the clusters: all agree"


def contrast(terms: Sequence[Term]) -> Contrast:
    """The sum of `terms` over the clusters and seeds that all of them have, one value for each pair.

    Trained terms are paired by seed. An untrained one is, too, where it was measured at each of those seeds; otherwise
    its mean over its own seeds stands beside every one of them. `n` counts the pairs of the first term.
    """
    trained = [{seen.seed for seen in term.observations} for term in terms if term.trained]
    seeds = sorted(set.intersection(*trained))
    first = terms[0].observations
    clusters = sorted({seen.cluster for seen in first})
    form = np.zeros((len(clusters), len(seeds)))
    for kind in (True, False):
        # Each kind by itself, so that an arm that is the untrained model leaves exactly 0.
        parts = [term.weight * _beside(term, clusters, seeds) for term in terms if term.trained == kind]
        form = form + sum(parts, start=np.zeros(1))
    known = ~np.isnan(form)
    used = np.ix_(known.any(axis=1), known.any(axis=0))
    return _contrast(
        np.where(known, form, 0.0)[used],
        known[used].astype(float),
        n=len({(seen.cluster, seen.seed) for seen in first}),
        bounded=all(are_rates(term.observations) for term in terms),
    )


def contrast_of(observations: Sequence[Observation], *, bounded: bool = True) -> Contrast:
    """The mean of rows that already are parts of a linear form, such as differences, each row counting alike."""
    table = tabulate(observations)
    return _contrast(table.total, table.count, n=len(observations), bounded=bounded)


def agreed_half_width(clusters: int, level: float = 0.95) -> float:
    """Wilson's upper bound for a share of 0 of `clusters`: how far a difference may be that none of them showed."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    return z * z / (clusters + z * z)


def _beside(term: Term, clusters: Sequence[str], seeds: Sequence[int]) -> Grid:
    """The term's means, (clusters, seeds), or (clusters, 1) for an untrained one without those seeds."""
    own = sorted({seen.seed for seen in term.observations})
    if term.trained or set(seeds) <= set(own):
        return tabulate(term.observations, clusters, seeds).means
    means = tabulate(term.observations, clusters, own).means
    known = ~np.isnan(means)
    count = known.sum(axis=1, keepdims=True).astype(float)
    total = np.where(known, means, 0.0).sum(axis=1, keepdims=True)
    mean: Grid = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    return mean


def _contrast(total: Grid, count: Grid, *, n: int, bounded: bool) -> Contrast:
    judged = int(count.sum())
    spread = crossed(total, count) if judged else None
    shared = (count > 0).all(axis=1)
    means = (total[shared].sum(axis=0) / count[shared].sum(axis=0)) if shared.any() else np.zeros(0)
    return Contrast(spread=spread, n=n, judged=judged, by_seed=tuple(map(float, means)), bounded=bounded)

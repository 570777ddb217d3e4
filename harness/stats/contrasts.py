"""Differences, leaks and other linear forms of arms and conditions, paired by question, and by seed where shared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TypeVar

import numpy as np

from harness.stats.crossing import Crossed, crossed, two_sided_z
from harness.stats.forms import Summand, crossed_form
from harness.stats.records import Estimate, Grid, Observation, Observations

Size = TypeVar("Size", float, Grid)
NAMED = 5  # of what was not used, the rest is counted


@dataclass(frozen=True, slots=True)
class Term:
    """`weight` times the mean of `observations`. One that is not `trained` is one model, with no seeds of its own."""

    weight: float
    observations: Sequence[Observation]
    trained: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """The mean of a linear form over clusters and seeds, with its interval at any level.

    `n` and `judged` count rows or cluster-seed pairs, all and used. `by_seed` is the mean of each seed that all arms
    have, over the clusters that all of these have. `bounded` says that the form is of shares, so that an interval
    exists even where every pair agrees. `unused` names the seeds, clusters and pairs that are in no figure, a line
    each. `spread` is None when nothing could be compared.
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
        """Half the two-sided interval at `level`; None when there is none.

        Never less than where all clusters agree, so that one reply that differs does not tell more than none.
        """
        if self.spread is None:
            return None
        if self.bounded:
            return float(bounded_half_width(self.spread, level))
        return float(self.spread.half_width(level)) if self.spread.is_spread else None

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
        if half is None:
            return "no interval: all values are equal and have no known bounds"
        if not self.spread.is_spread:
            return "+- Wilson's bound for 0 of the clusters: all agree"
        least = ", at least Wilson's bound for 0 of the clusters" if self.bounded else ""
        return f"mean +- t x standard error, clustered by case and seed{least}"


def contrast(terms: Sequence[Term]) -> Contrast:
    """The sum of `terms`, each a mean over the clusters that all of them have and over all of its own seeds.

    A cluster counts with the replies that a term has to it, whatever others lack. Seeds that trained terms share are
    paired; where one has others, the variance of seeds is by arm. An untrained term is one model, with no seeds to
    vary. `n` counts the pairs of cluster and seed of the trained terms, `judged` those with a value that was used.
    """
    tables = [_table(term) for term in terms]
    clusters = sorted(set.intersection(*(set(table.clusters) for table in tables)))
    kept = [table.of(clusters) for table in tables]
    trained = [(table, one) for table, one in zip(tables, kept, strict=True) if table.trained]
    counted = trained or list(zip(tables, kept, strict=True))
    judged = {pair for _, one in counted for pair in one.judged}
    return Contrast(
        spread=crossed_form([Summand(values=one.values, seeds=one.paired) for one in kept]) if clusters else None,
        n=len({pair for table, _ in counted for pair in table.pairs}),
        judged=len(judged),
        by_seed=_by_seed(kept) if clusters else (),
        bounded=all(Observations.of(term.observations).are_rates for term in terms),
        unused=tuple(_unused([table for table, _ in counted], tables, clusters, judged)),
    )


def contrast_of(observations: Sequence[Observation], *, bounded: bool = True) -> Contrast:
    """The mean of rows that already are parts of a linear form, such as differences, each row counting alike."""
    table = Observations.of(observations).sums
    total, count = table.total, table.count
    judged = int(count.sum())
    shared = (count > 0).all(axis=1)
    means = (total[shared].sum(axis=0) / count[shared].sum(axis=0)) if shared.any() else np.zeros(0)
    return Contrast(
        spread=crossed(total, count) if judged else None,
        n=len(observations),
        judged=judged,
        by_seed=tuple(map(float, means)),
        bounded=bounded,
    )


def agreed_half_width(clusters: Size, level: float = 0.95) -> Size:
    """Wilson's upper bound for a share of 0 of `clusters`: how far a difference may be that none of them showed."""
    z = two_sided_z(level)
    return z * z / (clusters + z * z)


def bounded_half_width(spread: Crossed, level: float = 0.95) -> Grid:
    """Half the interval of a form of shares: as `spread` says, and no less than where all clusters agree."""
    half: Grid = np.maximum(spread.half_width(level), agreed_half_width(spread.clusters, level))
    return half


@dataclass(frozen=True, slots=True)
class _Table:
    """A term by cluster and seed: its weighted means, NaN where nothing was judged; `pairs` are those with a row."""

    values: Grid
    clusters: tuple[str, ...]
    seeds: tuple[int, ...]
    trained: bool
    pairs: frozenset[tuple[str, int]]

    @property
    def paired(self) -> tuple[int, ...]:
        """The seeds that stand for trained models."""
        return self.seeds if self.trained else ()

    @property
    def judged(self) -> list[tuple[str, int]]:
        """The pairs with a value."""
        known = ~np.isnan(self.values)
        if known.all():
            return list(product(self.clusters, self.seeds))
        return [(self.clusters[row], self.seeds[column]) for row, column in np.argwhere(known).tolist()]

    def of(self, clusters: Sequence[str]) -> _Table:
        """The same of `clusters`, and of the seeds that have a value of one of them."""
        at = {cluster: row for row, cluster in enumerate(self.clusters)}
        values = self.values[[at[cluster] for cluster in clusters]]
        seen = np.flatnonzero((~np.isnan(values)).any(axis=0))
        seeds = tuple(self.seeds[column] for column in seen)
        return replace(self, values=values[:, seen], clusters=tuple(clusters), seeds=seeds)


def _table(term: Term) -> _Table:
    sample = Observations.of(term.observations)
    return _Table(
        values=term.weight * sample.sums.means,
        clusters=sample.sums.clusters,
        seeds=sample.sums.seeds,
        trained=term.trained,
        pairs=sample.pairs,
    )


def _by_seed(tables: Sequence[_Table]) -> tuple[float, ...]:
    """The form at each seed that all trained terms have, over the clusters that all of these have in every term."""
    trained = [set(table.seeds) for table in tables if table.trained]
    shared = sorted(set.intersection(*trained)) if trained else []
    form = np.zeros((len(tables[0].clusters), len(shared)))
    for table in tables:
        own = table.values[:, [table.seeds.index(seed) for seed in shared]] if table.trained else _over_seeds(table)
        form = form + own
    known = ~np.isnan(form).any(axis=1)
    return tuple(map(float, form[known].mean(axis=0))) if known.any() else ()


def _over_seeds(table: _Table) -> Grid:
    mean: Grid = np.nanmean(table.values, axis=1, keepdims=True)
    return mean


def _unused(
    counted: Sequence[_Table], tables: Sequence[_Table], clusters: Sequence[str], judged: set[tuple[str, int]]
) -> Iterator[str]:
    """What is in no figure, or in a part of it only: clusters, seeds and pairs, a line each."""
    every = sorted({cluster for table in tables for cluster, _ in table.pairs})
    left = sorted(set(every) - set(clusters))
    if left:
        yield f"{len(left)} of {len(every)} questions, not judged in every part: {_some(left)}"
    used = {seed for _, seed in judged}
    lost = sorted({seed for table in counted for _, seed in table.pairs} - used)
    if lost:
        yield f"seed{'s' if len(lost) > 1 else ''} {', '.join(map(str, lost))}: nothing judged that could be compared"
    gaps = {pair for table in counted for pair in _gaps(table, clusters)}
    if gaps:
        named = [f"{cluster} at seed {seed}" for cluster, seed in sorted(gaps)]
        yield f"{len(gaps)} pairs of question and seed, not judged in some part: {_some(named)}"


def _gaps(table: _Table, clusters: Sequence[str]) -> set[tuple[str, int]]:
    kept = table.of(clusters)
    if not np.isnan(kept.values).any():
        return set()
    return {(cluster, seed) for cluster in clusters for seed in kept.seeds} - set(kept.judged)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"

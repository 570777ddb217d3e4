"""What goes into a statistic and what comes out: observations in, estimates out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Grid = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Observation:
    """One judged reply: the cluster of its case, the seed of the trained model, and the value or None."""

    cluster: str
    seed: int
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean with its 95 % interval, and what it rests on.

    `n` rows of which `judged` have a value; `clusters` and `seeds` count those with a judged row. `mean`
    is None when nothing was judged, `low` and `high` when no interval can be given.
    """

    mean: float | None
    low: float | None
    high: float | None
    n: int
    judged: int
    clusters: int
    seeds: int
    method: str


class Observations(tuple[Observation, ...]):
    """Observations that go into several statistics: what these need of them is worked out once."""

    @classmethod
    def of(cls, observations: Iterable[Observation]) -> Observations:
        """The observations as a sample; one that is a sample stays it, with all that is known of it."""
        return observations if isinstance(observations, Observations) else cls(observations)

    @cached_property
    def distinct(self) -> list[tuple[Observation, int]]:
        """Every observation once, with how often it is there, in the order of cluster and seed.

        Equal ones that are one object are counted as such, which a million rows of a few thousand values mostly are.
        """
        counts = Counter(map(id, self))
        found = [(seen, counts[at]) for at, seen in {id(seen): seen for seen in self}.items()]
        # Sorted by value and number too: a floating-point sum must not depend on the order of the rows.
        found.sort(key=lambda one: (one[0].cluster, one[0].seed, one[0].value is None, one[0].value or 0.0, one[1]))
        return found

    @cached_property
    def are_rates(self) -> bool:
        """Whether every judged value is a share from 0 to 1."""
        return all(0 <= seen.value <= 1 for seen, _ in self.distinct if seen.value is not None)

    @cached_property
    def pairs(self) -> frozenset[tuple[str, int]]:
        """The clusters and seeds that have a row, judged or not."""
        return frozenset((seen.cluster, seen.seed) for seen, _ in self.distinct)

    @cached_property
    def sums(self) -> Sums:
        """The table over all clusters and seeds that have a judged value."""
        return tabulate(self)


def are_rates(observations: Iterable[Observation]) -> bool:
    """Whether every judged value is a share from 0 to 1."""
    return Observations.of(observations).are_rates


@dataclass(frozen=True, slots=True)
class Sums:
    """Sum and number of the judged values by cluster (rows) and seed (columns)."""

    clusters: tuple[str, ...]
    seeds: tuple[int, ...]
    total: Grid
    count: Grid

    @property
    def means(self) -> Grid:
        """The mean of every cluster and seed, NaN where nothing was judged."""
        mean: Grid = np.divide(self.total, self.count, out=np.full_like(self.total, np.nan), where=self.count > 0)
        return mean


def tabulate(
    observations: Sequence[Observation], clusters: Sequence[str] | None = None, seeds: Sequence[int] | None = None
) -> Sums:
    """The observations as a table over `clusters` and `seeds`, all that have a judged value unless given."""
    once = Observations.of(observations).distinct
    judged = [(seen.cluster, seen.seed, seen.value, n) for seen, n in once if seen.value is not None]
    names = sorted({cluster for cluster, *_ in judged}) if clusters is None else clusters
    numbers = sorted({seed for _, seed, *_ in judged}) if seeds is None else seeds
    rows = {name: at for at, name in enumerate(names)}
    columns = {seed: at for at, seed in enumerate(numbers)}
    kept = [one for one in judged if one[0] in rows and one[1] in columns]
    at = np.array([rows[cluster] * len(columns) + columns[seed] for cluster, seed, *_ in kept], dtype=np.intp)
    number = np.array([n for *_, n in kept], dtype=float)
    values = np.array([value for _, _, value, _ in kept], dtype=float)
    shape, size = (len(rows), len(columns)), len(rows) * len(columns)
    total, count = (np.bincount(at, weights=one, minlength=size).reshape(shape) for one in (values * number, number))
    return Sums(tuple(names), tuple(numbers), total.astype(float), count.astype(float))

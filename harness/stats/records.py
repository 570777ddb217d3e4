"""What goes into a statistic and what comes out: observations in, estimates out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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


def are_rates(observations: Iterable[Observation]) -> bool:
    """Whether every judged value is a share from 0 to 1."""
    values = {seen.value for seen in observations}
    return all(0 <= value <= 1 for value in values if value is not None)


@dataclass(frozen=True, slots=True)
class Sums:
    """Sum and number of the judged values by cluster (rows) and seed (columns)."""

    total: Grid
    count: Grid

    @property
    def means(self) -> Grid:
        """The mean of every cluster and seed, NaN where nothing was judged."""
        mean: Grid = np.divide(self.total, self.count, out=np.full_like(self.total, np.nan), where=self.count > 0)
        return mean


def tabulate(
    observations: Iterable[Observation], clusters: Sequence[str] | None = None, seeds: Sequence[int] | None = None
) -> Sums:
    """The observations as a table over `clusters` and `seeds`, all that have a judged value unless given."""
    judged = [(seen.cluster, seen.seed, seen.value) for seen in observations if seen.value is not None]
    # Sorted by value too: a floating-point sum must not depend on the order of the rows.
    judged.sort()
    names = sorted({cluster for cluster, _, _ in judged}) if clusters is None else clusters
    numbers = sorted({seed for _, seed, _ in judged}) if seeds is None else seeds
    rows = {name: at for at, name in enumerate(names)}
    columns = {seed: at for at, seed in enumerate(numbers)}
    kept = [(c, s, value) for c, s, value in judged if c in rows and s in columns]
    at = np.array([rows[c] * len(columns) + columns[s] for c, s, _ in kept], dtype=np.intp)
    shape, size = (len(rows), len(columns)), len(rows) * len(columns)
    values = np.array([value for _, _, value in kept], dtype=float)
    total = np.bincount(at, weights=values, minlength=size).astype(float).reshape(shape)
    return Sums(total, np.bincount(at, minlength=size).astype(float).reshape(shape))

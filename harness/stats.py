"""Intervals for rates and means whose rows are not independent: rows cluster by case, and arms repeat over seeds.

Every row carries the cluster of its case and the training seed. Both are samples: new problems and new
seeds would give other numbers. The variance is that of Owen's pigeonhole bootstrap (Owen 2007, "The
pigeonhole bootstrap", Ann. Appl. Stat. 1(2); with one seed it is the ordinary cluster bootstrap), which
resamples clusters and seeds independently. For a mean its limit over infinitely many resamples has a
closed form, used here: no draws, no generator, the same figures every time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Grid = npt.NDArray[np.float64]
Kind = Literal["rate", "difference", "open"]

Z95 = NormalDist().inv_cdf(0.975)
NO_SPREAD = 1e-20  # a variance below it is rounding


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


def estimate(observations: Sequence[Observation]) -> Estimate:
    """Mean over the judged rows, with an interval for new clusters and new seeds.

    Values in [0, 1]: Wilson's score interval (Wilson 1927) at the effective sample size
    mean (1 - mean) / variance, with Student's t at Satterthwaite's degrees of freedom in place of z
    (Dean and Pagano 2015 for clustered rates; with 3 seeds that differ much, two degrees of freedom are
    left and the interval says so). Where all clusters agree the effective size is the number of clusters,
    never that of rows. Other values: mean +- t x standard error.
    """
    grid = _grid(observations)
    kind: Kind = "rate" if _are_rates(observations) else "open"
    return _interval(grid.total, grid.count, n=len(observations), kind=kind)


def estimate_linear(observations: Sequence[Observation]) -> Estimate:
    """Mean over the judged rows of parts of a linear form, such as a difference: no rates, whatever their values.

    Interval: mean +- t x standard error; where all clusters agree, +- Wilson's upper bound for a share of 0 of
    that many clusters, as fits differences of shares.
    """
    grid = _grid(observations)
    return _interval(grid.total, grid.count, n=len(observations), kind="difference")


def leak(
    *,
    arm: Sequence[Observation],
    arm_clean: Sequence[Observation],
    base: Sequence[Observation],
    base_clean: Sequence[Observation],
) -> Estimate:
    """What a condition wakes in an arm beyond what it does to the untrained model, paired by cluster.

    The mean over clusters and seeds of (arm - arm_clean) - (base - base_clean), where each term is a
    cluster's mean. Only clusters judged in all four are used; `n` counts the arm's cluster-seed pairs and
    `judged` those used. The base model is paired by seed where it has the arm's seeds, else its mean over
    seeds is taken. Interval: mean +- t x standard error; where all pairs agree, +- Wilson's upper bound
    for a share of 0 of that many clusters.
    """
    clusters = sorted({seen.cluster for seen in arm})
    seeds = sorted({seen.seed for seen in arm})
    own = sorted({seen.seed for seen in base})
    paired = own == seeds
    shift = _means(arm, clusters, seeds) - _means(arm_clean, clusters, seeds)
    by_itself = _means(base, clusters, own) - _means(base_clean, clusters, own)
    difference = shift - (by_itself if paired else _row_means(by_itself))
    known = ~np.isnan(difference)
    used = np.ix_(known.any(axis=1), known.any(axis=0))
    pairs = len({(seen.cluster, seen.seed) for seen in arm})
    kind: Kind = "difference" if all(map(_are_rates, (arm, arm_clean, base, base_clean))) else "open"
    return _interval(np.where(known, difference, 0.0)[used], known[used].astype(float), n=pairs, kind=kind)


def _are_rates(observations: Sequence[Observation]) -> bool:
    return all(0 <= seen.value <= 1 for seen in observations if seen.value is not None)


@dataclass(frozen=True, slots=True)
class _Table:
    """Sum and number of the judged values by cluster (rows) and seed (columns)."""

    total: Grid
    count: Grid


def _grid(
    observations: Iterable[Observation], clusters: Sequence[str] | None = None, seeds: Sequence[int] | None = None
) -> _Table:
    judged = [(seen.cluster, seen.seed, seen.value) for seen in observations if seen.value is not None]
    # Sorted by value too: a floating-point sum must not depend on the order of the rows.
    judged.sort()
    rows = {name: at for at, name in enumerate(clusters or sorted({cluster for cluster, _, _ in judged}))}
    columns = {seed: at for at, seed in enumerate(seeds or sorted({seed for _, seed, _ in judged}))}
    kept = [(c, s, value) for c, s, value in judged if c in rows and s in columns]
    at = np.array([rows[c] * len(columns) + columns[s] for c, s, _ in kept], dtype=np.intp)
    shape, size = (len(rows), len(columns)), len(rows) * len(columns)
    values = np.array([value for _, _, value in kept], dtype=float)
    total = np.bincount(at, weights=values, minlength=size).astype(float).reshape(shape)
    return _Table(total, np.bincount(at, minlength=size).astype(float).reshape(shape))


def _means(observations: Sequence[Observation], clusters: Sequence[str], seeds: Sequence[int]) -> Grid:
    if not clusters or not seeds:
        return np.full((len(clusters), len(seeds)), np.nan)
    table = _grid(observations, clusters, seeds)
    return _quotient(table.total, table.count)


def _row_means(values: Grid) -> Grid:
    known = ~np.isnan(values)
    count = known.sum(axis=1, keepdims=True).astype(float)
    total = np.where(known, values, 0.0).sum(axis=1, keepdims=True)
    return _quotient(total, count)


def _quotient(total: Grid, count: Grid) -> Grid:
    share: Grid = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    return share


def _interval(total: Grid, count: Grid, *, n: int, kind: Kind) -> Estimate:
    judged = int(count.sum())
    if judged == 0:
        return Estimate(mean=None, low=None, high=None, n=n, judged=0, clusters=0, seeds=0, method="nothing judged")
    clusters, seeds = total.shape
    mean = float(total.sum() / count.sum())
    variance, freedom = _variance(total, count, mean)
    low: float | None
    high: float | None
    if kind == "rate" and variance > NO_SPREAD:
        low, high = wilson(mean, mean * (1 - mean) / variance, z=_t95(freedom))
        method = "Wilson at the effective sample size, clustered by case"
    elif kind == "rate":
        low, high = wilson(mean, clusters)
        method = "Wilson on the number of clusters: all agree"
    elif variance > NO_SPREAD:
        half = _t95(freedom) * math.sqrt(variance)
        low, high = mean - half, mean + half
        method = "mean +- t x standard error, clustered by case"
    elif kind == "difference":
        half = wilson(0.0, clusters)[1]
        low, high = mean - half, mean + half
        method = "+- Wilson's bound for 0 of the clusters: all agree"
    else:
        low, high = None, None
        method = "no interval: all values are equal and have no known bounds"
    return Estimate(mean=mean, low=low, high=high, n=n, judged=judged, clusters=clusters, seeds=seeds, method=method)


def _variance(total: Grid, count: Grid, mean: float) -> tuple[float, float]:
    """Pigeonhole bootstrap variance of the mean, and Satterthwaite's degrees of freedom for it.

    With residuals e (a share of the mean each), clusters g and seeds s, the resampling counts are
    multinomial, so E[u u'] = I + (1 - 1/n) 11' gives the sum below; G / (G - 1) undoes the bootstrap's
    small-sample bias. One cluster says nothing about others: variance 0, which takes the widest interval.
    """
    clusters, seeds = total.shape
    if clusters < 2:
        return 0.0, 1.0
    residual = (total - mean * count) / count.sum()
    each = float((residual**2).sum())
    by_cluster = float((residual.sum(axis=1) ** 2).sum())
    by_seed = float((residual.sum(axis=0) ** 2).sum())
    small = clusters / (clusters - 1)
    variance = small * (each + (1 - 1 / seeds) * by_cluster + (1 - 1 / clusters) * by_seed)
    of_clusters = small * by_cluster
    of_seeds = max(by_seed * seeds / (seeds - 1) - each, 0.0) if seeds > 1 else 0.0
    if of_clusters + of_seeds <= NO_SPREAD:
        return variance, clusters - 1
    spread = of_clusters**2 / (clusters - 1) + (of_seeds**2 / (seeds - 1) if seeds > 1 else 0.0)
    return variance, (of_clusters + of_seeds) ** 2 / spread


def wilson(rate: float, n: float, *, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval (1927) for a rate over `n` independent draws; `n` need not be whole."""
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return max(0.0, min(rate, centre - half)), min(1.0, max(rate, centre + half))


def _t95(freedom: float) -> float:
    from scipy.special import stdtrit  # 0.3 s to import

    quantile: Any = stdtrit(freedom, 0.975)
    return float(quantile)

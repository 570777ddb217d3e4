"""How far a mean over questions and seeds may be from what new questions and new seeds would give.

Two-way crossed random effects. With G clusters (questions) and S seeds, the variance of the mean is
`of_clusters`/G + `of_seeds`/S + noise/(G S). Moments give three unbiased parts (Cameron, Gelbach and Miller 2011, with
the small-sample factors of a balanced analysis of variance): A holds the clusters and the noise, B the seeds and the
noise, E the noise alone.

Student's t on few seeds is far from normal, so half-widths, not variances, are added (MOVER: Zou and Donner 2008;
Burdick and Graybill 1992): t_G^2 A + t_S^2 (B - E) where clusters carry the noise, or t_S^2 B + t_G^2 (A - E) where
seeds do. The larger of the two is taken: either alone covers too little in the other's case. Clusters of unequal
weight leave t fewer degrees of freedom than G - 1: as many as the kurtosis of their sums says.

All functions take leading axes, so that a simulation of thousands of experiments runs the code that one result does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from harness.stats.records import Grid

NO_SPREAD = 1e-20  # a variance below it is rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossed:
    """The mean of a table and the parts of its variance, each an array over the table's leading axes.

    `by_cluster` is A, `by_seed` B and `noise` E of the module's text, all as parts of the variance of the mean;
    `freedom` are the degrees of freedom of A, `seed_freedom` those of B. With one seed B and E are 0, and the interval
    speaks of that one trained model; with one cluster all are.
    """

    mean: Grid
    by_cluster: Grid
    by_seed: Grid
    noise: Grid
    freedom: Grid
    seed_freedom: Grid
    clusters: int
    seeds: int

    @property
    def variance(self) -> Grid:
        """Variance of the mean, never less than either clustering alone would say."""
        both = self.by_cluster + self.by_seed - self.noise
        largest: Grid = np.maximum(both, np.maximum(self.by_cluster, self.by_seed))
        return largest

    @property
    def is_spread(self) -> np.typing.NDArray[np.bool_]:
        """Whether anything varies; where nothing does, no half-width can be read off."""
        return self.variance > NO_SPREAD

    def half_width(self, level: float = 0.95) -> Grid:
        """Half the width of the two-sided interval of the mean at `level`; 0 where nothing varies."""
        by_cluster = np.square(two_sided_t(level, self.freedom))
        by_seed = np.square(two_sided_t(level, self.seed_freedom))
        noisy_clusters = by_cluster * self.by_cluster + by_seed * np.maximum(self.by_seed - self.noise, 0)
        noisy_seeds = by_seed * self.by_seed + by_cluster * np.maximum(self.by_cluster - self.noise, 0)
        half: Grid = np.sqrt(np.maximum(noisy_clusters, noisy_seeds))
        return half

    def resized(self, *, seeds: int | None = None, clusters: int | None = None) -> Crossed:
        """The same parts of the variance, as so many `seeds` and `clusters` would leave them, else as many as now."""
        seeds, clusters = seeds or self.seeds, clusters or self.clusters
        more_seeds, more_clusters = seeds / self.seeds, clusters / self.clusters
        noise = self.noise / (more_seeds * more_clusters)
        of_clusters = np.maximum(self.by_cluster - self.noise, 0) / more_clusters
        of_seeds = np.maximum(self.by_seed - self.noise, 0) / more_seeds
        return replace(
            self,
            by_cluster=of_clusters + noise,
            by_seed=of_seeds + noise,
            noise=noise,
            freedom=self.freedom * more_clusters,
            seed_freedom=self.seed_freedom * (seeds - 1) / max(self.seeds - 1, 1),
            clusters=clusters,
            seeds=seeds,
        )


def crossed(total: Grid, count: Grid) -> Crossed:
    """The parts of the variance of a mean over a table (..., clusters, seeds) of sums and numbers of values."""
    clusters, seeds = total.shape[-2:]
    number = count.sum((-2, -1))
    mean = total.sum((-2, -1)) / number
    residual = (total - mean[..., None, None] * count) / number[..., None, None]
    rows, columns = residual.sum(-1), residual.sum(-2)
    nothing = np.zeros_like(mean)
    if clusters < 2:
        return Crossed(
            mean=mean,
            by_cluster=nothing,
            by_seed=nothing,
            noise=nothing,
            freedom=np.ones_like(mean),
            seed_freedom=np.ones_like(mean),
            clusters=clusters,
            seeds=seeds,
        )
    each, of_rows, of_columns = (residual**2).sum((-2, -1)), (rows**2).sum(-1), (columns**2).sum(-1)
    by_seed, noise = nothing, nothing
    if seeds > 1:
        left = np.maximum(each - of_rows / seeds - of_columns / clusters, 0)
        by_seed = of_columns * seeds / (seeds - 1)
        noise = left * clusters * seeds / ((clusters - 1) * (seeds - 1))
    return Crossed(
        mean=mean,
        by_cluster=of_rows * clusters / (clusters - 1),
        by_seed=by_seed,
        noise=noise,
        freedom=degrees_of_freedom(rows),
        seed_freedom=np.full_like(mean, max(seeds - 1, 1)),
        clusters=clusters,
        seeds=seeds,
    )


def degrees_of_freedom(sums: Grid) -> Grid:
    """Degrees of freedom of the variance of `sums` (..., clusters): 2 / its squared coefficient of variation.

    The variance of a sample variance follows from the kurtosis k: s^4 (k - (n - 3)/(n - 1)) / n. A normal sample
    gives n - 1, which is also the most; one cluster that stands apart from all others gives about 2.
    """
    n = sums.shape[-1]
    apart = sums - sums.mean(-1, keepdims=True)
    second, fourth = (apart**2).mean(-1), (apart**4).mean(-1)
    kurtosis = np.divide(fourth, second**2, out=np.full_like(second, 3.0), where=second > NO_SPREAD)
    spread = np.maximum(kurtosis - (n - 3) / (n - 1), 1e-9)
    freedom: Grid = np.clip(2 * n / spread, 1.0, n - 1)
    return freedom


def two_sided_z(level: float) -> float:
    """The normal quantile of a two-sided interval at `level`."""
    return NormalDist().inv_cdf((1 + level) / 2)


def two_sided_t(level: float, freedom: Grid) -> Grid:
    """Student's quantile of a two-sided interval at `level`, for each of the degrees of freedom."""
    from scipy.special import stdtrit  # 0.3 s to import

    return np.asarray(stdtrit(freedom, (1 + level) / 2), dtype=float)

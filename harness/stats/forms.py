"""The spread of a linear form of arms: seeds paired where arms share them, by arm where they do not.

Each part of the form is a table of its own, (..., clusters, its seeds). A cluster counts with the mean over the seeds
that a part has of it, so that an arm may have more seeds than another, other seeds, or a gap. What a seed adds to the
form is summed over the parts that have it before it is squared: with the same seeds everywhere that is the paired
variance s^2 / S of a crossed analysis, with none in common the sum s_a^2 / S_a + s_b^2 / S_b of Welch (1947), and
between the two a cluster-robust variance with each part's own small-sample factor (Cameron and Miller 2015). Its
degrees of freedom are those that Satterthwaite's approximation gives for parts that do not know of each other (Bell
and McCaffrey 2002): S - 1 for pairs, Welch's for none, but no more than equal variances would have (Imbens and Kolesar
2016). One seed alone says nothing of others, and adds no variance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.stats.crossing import NO_SPREAD, Crossed, degrees_of_freedom
from harness.stats.records import Grid

Seeds = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summand:
    """Values times their weight in the form, (..., clusters, seeds), NaN where there is none; who trained has `seeds`.

    Without `seeds` the columns are draws of one model, and what they differ by is noise of the clusters.
    """

    values: Grid
    seeds: Seeds


@dataclass(frozen=True, slots=True)
class _Residuals:
    """What each cluster, each seed and each cell adds to the form beyond the mean, and the mean of every cluster."""

    means: Grid
    of_clusters: Grid
    of_seeds: Grid
    of_cells: Grid


def crossed_form(parts: Sequence[Summand]) -> Crossed:
    """The mean of the sum of `parts` over their clusters, with the parts of its variance.

    Every cluster must have a value in every part. `seeds` of the answer is the least number that a part with seeds has.
    """
    every = sorted({seed for part in parts for seed in part.seeds})
    seen = [_residuals(part) for part in parts]
    means, of_clusters = _sum(seen, "means", parts), _sum(seen, "of_clusters", parts)
    shape = of_clusters.shape
    of_seeds, of_cells = np.zeros((*shape[:-1], len(every))), np.zeros((*shape, len(every)))
    for part, one in zip(parts, seen, strict=True):
        columns = [every.index(seed) for seed in part.seeds]
        if columns:
            of_seeds[..., columns] += one.of_seeds
            of_cells[..., columns] += one.of_cells
    clusters, seeds = shape[-1], min((len(part.seeds) for part in parts if part.seeds), default=1)
    spread = 1.0 if clusters > 1 else 0.0  # one cluster says nothing of others, nor of seeds apart from it
    by_seed = spread * (of_seeds**2).sum(-1)
    of_few = clusters / max(clusters - 1, 1)
    return Crossed(
        mean=means.mean(-1),
        by_cluster=spread * of_few * (of_clusters**2).sum(-1),
        by_seed=by_seed,
        noise=spread * of_few * (of_cells**2).sum((-2, -1)),
        freedom=degrees_of_freedom(of_clusters) if clusters > 1 else np.ones(shape[:-1]),
        seed_freedom=_seed_freedom(parts, seen, by_seed),
        clusters=clusters,
        seeds=seeds,
    )


def _sum(seen: Sequence[_Residuals], name: str, parts: Sequence[Summand]) -> Grid:
    """The sum over parts, those with seeds and those without each by themselves.

    So an arm that is the untrained model leaves exactly 0.
    """
    total = np.zeros(1)
    for seeded in (True, False):
        own = [getattr(one, name) for one, part in zip(seen, parts, strict=True) if bool(part.seeds) == seeded]
        total = total + sum(own, start=np.zeros(1))
    return total


def _residuals(part: Summand) -> _Residuals:
    known = ~np.isnan(part.values)
    values = np.where(known, part.values, 0.0)
    number = known.sum(-1, keepdims=True).astype(float)
    means = values.sum(-1, keepdims=True) / number
    clusters = means.shape[-2]
    of_clusters = (means - means.mean(-2, keepdims=True))[..., 0] / clusters
    if len(part.seeds) < 2:
        empty = np.zeros((*values.shape[:-1], len(part.seeds)))
        return _Residuals(means[..., 0], of_clusters, empty[..., 0, :], empty)
    apart = np.where(known, values - means, 0.0)
    weight = np.sqrt(number / np.maximum(number - 1, 1)) / (number * clusters)
    of_seed = apart.sum(-2, keepdims=True) / np.maximum(known.sum(-2, keepdims=True), 1)
    left = np.where(known, apart - of_seed, 0.0)
    return _Residuals(means[..., 0], of_clusters, (weight * apart).sum(-2), weight * left)


def _seed_freedom(parts: Sequence[Summand], seen: Sequence[_Residuals], like: Grid) -> Grid:
    """The degrees of freedom that the variances seen leave, and no more than variances that are alike would.

    Few seeds of one arm may be near each other by chance; the variances seen then give it no weight, and more freedom
    than there is. Groups of parts have the same seeds.
    """
    groups: dict[Seeds, Grid] = {}
    for part, one in zip(parts, seen, strict=True):
        if len(part.seeds) > 1:
            groups[part.seeds] = groups.get(part.seeds, 0.0) + one.of_seeds
    if not groups:
        return np.ones_like(like)
    variances = {seeds: (of_seeds**2).sum(-1) for seeds, of_seeds in groups.items()}
    alike = _satterthwaite({seeds: np.full_like(like, 1 / len(seeds)) for seeds in groups})
    freedom: Grid = np.minimum(_satterthwaite(variances), alike)
    return freedom


def _satterthwaite(variances: Mapping[Seeds, Grid]) -> Grid:
    """(sum v)^2 / sum_ij v_i v_j h_ij / ((S_i - 1) (S_j - 1)) for the variance v of each group's mean.

    h_ij is the trace of the product of the two groups' centring matrices, m (1 - 1/S_i - 1/S_j) + m^2 / (S_i S_j) for m
    seeds in common.
    """
    below = sum(
        mine * theirs * _shared(own, other) / ((len(own) - 1) * (len(other) - 1))
        for own, mine in variances.items()
        for other, theirs in variances.items()
    )
    total = np.asarray(sum(variances.values()))
    freedom: Grid = np.divide(total**2, below, out=np.full_like(total, np.inf), where=total > NO_SPREAD)
    return freedom


def _shared(own: Seeds, other: Seeds) -> float:
    common = len(set(own) & set(other))
    return common * (1 - 1 / len(own) - 1 / len(other)) + common**2 / (len(own) * len(other))

"""Intervals for means of judged replies: Wilson's for rates, mean +- half-width otherwise, both crossed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.stats.contrasts import Contrast, Term, agreed_half_width, contrast, contrast_of
from harness.stats.crossing import Crossed, crossed, two_sided_z
from harness.stats.records import Estimate, Grid, Observation, Observations


def estimate(observations: Sequence[Observation]) -> Estimate:
    """Mean over the judged rows, with an interval for new clusters and new seeds.

    Values in [0, 1]: Wilson's score interval (Wilson 1927) at the effective sample size mean (1 - mean) / variance
    (Dean and Pagano 2015 for clustered rates), as wide as the crossed half-width asks, joined with Wilson's on the
    number of clusters. Other values: mean +- half-width.
    """
    sample = Observations.of(observations)
    if not sample.are_rates:
        return contrast_of(sample, bounded=False).estimate()
    table = sample.sums
    if not table.count.sum():
        return contrast_of(sample).estimate()
    spread = crossed(table.total, table.count)
    low, high = rate_interval(spread)
    return Estimate(
        mean=float(spread.mean),
        low=float(low),
        high=float(high),
        n=len(sample),
        judged=int(table.count.sum()),
        clusters=spread.clusters,
        seeds=spread.seeds,
        method="Wilson at the effective sample size, clustered by case and seed, joined with Wilson on the clusters"
        if spread.is_spread
        else "Wilson on the number of clusters: all agree",
    )


def estimate_linear(observations: Sequence[Observation]) -> Estimate:
    """Mean over the judged rows of parts of a linear form, such as a difference: no rates, whatever their values.

    Interval: mean +- half-width; where all clusters agree, +- Wilson's upper bound for a share of 0 of
    that many clusters, as fits differences of shares.
    """
    return contrast_of(observations).estimate()


def leak(
    *,
    arm: Sequence[Observation],
    arm_clean: Sequence[Observation],
    base: Sequence[Observation],
    base_clean: Sequence[Observation],
) -> Estimate:
    """What a condition wakes in an arm beyond what it does to the untrained model, paired by cluster.

    The mean over clusters of (arm - arm_clean) - (base - base_clean), where each term is the mean of the replies
    that are there to a cluster. Only clusters judged in all four are used; `n` counts the arm's cluster-seed pairs and
    `judged` those used.
    """
    return leak_contrast(arm=arm, arm_clean=arm_clean, base=base, base_clean=base_clean).estimate()


def leak_contrast(
    *,
    arm: Sequence[Observation],
    arm_clean: Sequence[Observation],
    base: Sequence[Observation],
    base_clean: Sequence[Observation],
) -> Contrast:
    """The leak of `leak`, at any level."""
    trained = Term(1.0, arm), Term(-1.0, arm_clean)
    untrained = Term(-1.0, base, trained=False), Term(1.0, base_clean, trained=False)
    return contrast([*trained, *untrained])


def rate_interval(spread: Crossed, level: float = 0.95) -> tuple[Grid, Grid]:
    """Wilson's interval of a rate at the effective sample size, joined with Wilson's on the number of clusters.

    The second is all that is left where all clusters agree, and is as wide as that, `agreed_half_width`, around any
    other rate: one reply that differs does not tell more than none.
    """
    normal = np.array(two_sided_z(level))
    seen, rate, bound = spread.is_spread, spread.mean, agreed_half_width(spread.clusters, level)
    low, high = wilson_limits(rate, np.array(float(spread.clusters)), normal)
    variance = np.where(seen, spread.variance, 1.0)
    # Rounding can leave a mean of 1 - 1e-16; a rate that varies has some room on both sides.
    size = np.where(seen, np.maximum(rate * (1 - rate), 0) / variance, spread.clusters)
    effective = wilson_limits(rate, size, np.where(seen, spread.half_width(level) / np.sqrt(variance), normal))
    return np.minimum(np.maximum(low, rate - bound), effective[0]), np.maximum(
        np.minimum(high, rate + bound), effective[1]
    )


def wilson_limits(rate: Grid, n: Grid, z: Grid) -> tuple[Grid, Grid]:
    """Wilson's score interval (1927) for rates over `n` draws, which need not be whole, at the normal quantile `z`."""
    inverse = z * z / n
    centre = (rate + inverse / 2) / (1 + inverse)
    half = np.sqrt(rate * (1 - rate) * inverse + inverse**2 / 4) / (1 + inverse)
    low: Grid = np.maximum(0.0, np.minimum(rate, centre - half))
    high: Grid = np.minimum(1.0, np.maximum(rate, centre + half))
    return low, high

"""The dose of half effect with its interval: the doses at which a share may be halfway to the end that it goes to.

The interval is a confidence set, by inversion of a test as Fieller's (1954): a dose is in it where the share at that
dose less half of that at the smallest, by straight lines between doses, may be half of the end. Questions and seeds
count as in any difference. Where the set reaches the smallest or the largest dose, the data do not say where half is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from harness.stats import Grid, Observation, Summand, bounded_half_width, crossed_form, tabulate

STEPS = 32  # doses tried between two that were run

Rows = Sequence[tuple[float, Sequence[Observation]]]


def half_effect(means: Sequence[tuple[float, float]]) -> float | None:
    """The dose at which the share is halfway to 0 or 1, from (dose, share) in the order of doses; None if nowhere."""
    start, end = means[0][1], _end([share for _, share in means])
    if end is None:
        return None
    halfway = (start + end) / 2
    for (dose, share), (next_dose, next_share) in pairwise(means):
        if share != next_share and min(share, next_share) <= halfway <= max(share, next_share):
            return dose + (next_dose - dose) * (halfway - share) / (next_share - share)
    return None


def half_interval(rows: Rows, half: float) -> tuple[float, float] | None:
    """The 95 % interval around the dose `half`, from shares by dose in their order; None where it has no end."""
    judged = [{seen.cluster for seen in seen_at if seen.value is not None} for _, seen_at in rows]
    clusters = sorted(set.intersection(*judged))
    if not clusters:
        return None
    parts = [_part(seen_at, clusters) for _, seen_at in rows]
    end = _end([float(np.nanmean(part.values, axis=1).mean()) for part in parts])
    if end is None:
        return None
    doses, may_be = np.zeros(0), np.zeros(0, dtype=bool)
    for at, ((low, _), (high, _)) in enumerate(pairwise(rows)):
        doses = np.append(doses, np.linspace(low, high, STEPS + 1))
        may_be = np.append(may_be, _may_be_half(parts[at], parts[at + 1], parts[0], end))
    below, above = doses[~may_be & (doses <= half)], doses[~may_be & (doses >= half)]
    if not may_be[0] and not may_be[-1] and len(below) and len(above):
        return float(below[-1]), float(above[0])
    return None


def _may_be_half(first: Summand, second: Summand, start: Summand, end: float) -> np.typing.NDArray[np.bool_]:
    """Which doses from that of `first` to that of `second` may be half, (doses)."""
    share = np.linspace(0, 1, STEPS + 1)[:, None, None]
    found = crossed_form(
        [
            Summand(values=(1 - share) * first.values, seeds=first.seeds),
            Summand(values=share * second.values, seeds=second.seeds),
            Summand(values=-0.5 * start.values[None], seeds=start.seeds),
        ]
    )
    may_be: np.typing.NDArray[np.bool_] = np.abs(found.mean - end / 2) <= bounded_half_width(found)
    return may_be


def _part(rows: Sequence[Observation], clusters: Sequence[str]) -> Summand:
    here = set(clusters)
    seeds = sorted({seen.seed for seen in rows if seen.value is not None and seen.cluster in here})
    means: Grid = tabulate(rows, clusters, seeds).means
    return Summand(values=means, seeds=tuple(seeds))


def _end(shares: Sequence[float]) -> float | None:
    """The end, 0 or 1, towards which shares go from the first; None where they stay."""
    farthest = max(shares, key=lambda share: abs(share - shares[0]))
    if farthest == shares[0]:
        return None
    return 0.0 if farthest < shares[0] else 1.0

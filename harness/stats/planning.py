"""What a design can see: the smallest effect that it is likely to find, and how many seeds a smaller one takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

from harness.stats.contrasts import Contrast, bounded_half_width
from harness.stats.crossing import Crossed

POWER = 0.8
MOST = 1000  # seeds or questions beyond which none are counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """What it takes to tell an effect of size `of` from none.

    `seeds` is None where no number of seeds is enough at the present questions; `questions` then says how many of
    those it takes at the present seeds, None where these are not enough either.
    """

    of: float
    seeds: int | None
    questions: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignPlan:
    """The smallest effect found with 80 % power, and what it takes to find three effects.

    They are the smallest that counts, the effect `seen`, and its distance from the smallest that counts (`size`), which
    tells whether it counts. Read off the observed spread, which few seeds know badly: an order of size. `detectable` is
    None where one seed, or nothing, was measured; `seen` and `size` also where they are 0.
    """

    detectable: float | None
    smallest: Needed
    seen: Needed | None
    size: Needed | None


def plan(found: Contrast, *, of_smallest: float, level: float = 0.95) -> DesignPlan:
    """What intervals at `level` can find of effects as large as `of_smallest`, and of the effect seen."""
    spread = found.spread
    if spread is None or spread.seeds < 2:
        nothing = Needed(of=of_smallest, seeds=None, questions=None)
        return DesignPlan(detectable=None, smallest=nothing, seen=None, size=None)

    def detectable(spread: Crossed) -> float:
        half = bounded_half_width(spread, level) if found.bounded else spread.half_width(level)
        return float(half) + NormalDist().inv_cdf(POWER) * math.sqrt(float(spread.variance))

    def needed(of: float) -> Needed:
        seeds = _least(spread.seeds, lambda number: detectable(spread.resized(seeds=number)) <= of)
        questions = None
        if seeds is None:
            questions = _least(spread.clusters, lambda number: detectable(spread.resized(clusters=number)) <= of)
        return Needed(of=of, seeds=seeds, questions=questions)

    seen = abs(float(spread.mean))
    apart = abs(seen - of_smallest)
    return DesignPlan(
        detectable=detectable(spread),
        smallest=needed(of_smallest),
        seen=needed(seen) if seen else None,
        size=needed(apart) if apart else None,
    )


def _least(start: int, is_enough: Callable[[int], bool]) -> int | None:
    """The least number from `start` on that is enough, by halving; None beyond `MOST`."""
    low, high = start, MOST
    if not is_enough(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle + 1, high)
    return low

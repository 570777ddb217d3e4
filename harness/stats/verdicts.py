"""What a difference says of a claim about it, and at which level it says so.

Two questions are told apart: whether the difference is there, and whether it counts, that is, reaches the smallest
difference that does. Each outcome has a test of its own. That a difference is there, or counts, takes the two-sided
interval at 1 - alpha on the far side of 0, or of the smallest that counts. That one that counts is ruled out, and that
two arms are the same, takes one-sided tests at alpha, which is the interval at 1 - 2 alpha (Schuirmann 1987, two
one-sided tests; for one direction non-inferiority): a wrong verdict has probability alpha at most, and the wider
interval would only find less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.stats.contrasts import Contrast
from harness.stats.decisions import decided_at

Direction = Literal["less", "more", "same", "no more"]
Outcome = Literal["claimed", "excluded", "size open", "too small", "open"]
"""`claimed`: the claimed difference is there and counts; for `same` and `no more`, none that counts is there.
`excluded`: a difference that counts is ruled out; for `same` and `no more`, one that counts is there.
`size open`: a difference is there, on the claimed side, and whether it counts is open. `too small`: it is there, and
too small to count. `open`: nothing can be said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeLevels:
    """The smallest alpha at which each outcome's own test decides, 1.0 where it does at none."""

    claimed: float = 1.0
    excluded: float = 1.0
    size_open: float = 1.0
    too_small: float = 1.0

    @property
    def least(self) -> float:
        """The smallest alpha at which anything but `open` is said."""
        return min(self.claimed, self.excluded, self.size_open, self.too_small)

    def decide(self, alpha: float) -> Outcome:
        """The outcome at `alpha`: the most that is said of whether the difference counts, then whether it is there."""
        if self.claimed <= alpha:
            return "claimed"
        if self.too_small <= alpha:
            return "too small"
        if self.excluded <= alpha:
            return "excluded"
        return "size open" if self.size_open <= alpha else "open"


def outcome_levels(found: Contrast, *, direction: Direction, smallest: float) -> OutcomeLevels:
    """At which levels `found` decides the claim that the first arm is less, more, the same or no more by `smallest`."""
    mean = found.mean
    if mean is None:
        return OutcomeLevels()
    effect = effect_of(mean, direction)
    there = _above(found, effect, 0.0)
    counts = _above(found, effect, smallest)
    ruled_out = _below(found, effect, smallest)
    if direction in ("same", "no more"):
        return OutcomeLevels(claimed=ruled_out, excluded=counts, size_open=there)
    return OutcomeLevels(claimed=counts, excluded=ruled_out, size_open=there, too_small=max(there, ruled_out))


def effect_of(mean: float, direction: Direction) -> float:
    """A difference on the side of the claim: how far the first arm is below, above or from the other."""
    return {"less": -mean, "more": mean, "same": abs(mean), "no more": mean}[direction]


def _above(found: Contrast, effect: float, bound: float) -> float:
    """The smallest alpha at which the two-sided interval of `effect` lies above `bound`."""
    return decided_at(lambda level: (half := found.half_width(level)) is not None and effect - half > bound)


def _below(found: Contrast, effect: float, bound: float) -> float:
    """The smallest alpha at which the one-sided upper end of `effect` lies below `bound`."""
    two_sided = decided_at(lambda level: (half := found.half_width(level)) is not None and effect + half < bound)
    return two_sided / 2 if two_sided < 1 else 1.0

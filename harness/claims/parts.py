"""One comparison of a claim as the runs have it: the difference, what each outcome takes, and what may be doubted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from harness.analysis import Difference, NotRun, Study, against_placebo, needed_gates, placebo_words
from harness.claims.measures import measured
from harness.claims.schema import Claims, Comparison
from harness.runs import PooledGate
from harness.stats import (
    Contrast,
    DesignPlan,
    Estimate,
    FlipTest,
    Outcome,
    OutcomeLevels,
    outcome_levels,
    plan,
    sign_flips,
)

LEAST_SEEDS, LEAST_QUESTIONS = 3, 8
"""Under so many trained seeds of an arm, or questions, nothing is said of others."""

RANK: tuple[Outcome, ...] = ("excluded", "too small", "open", "size open", "claimed")
"""The outcomes from the worst for a claim to the best."""
UNDECIDED = OutcomeLevels()


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedPart:
    """One comparison of a claim: `arm` minus `against`, with its 95 % interval and what the seeds alone can say.

    `levels` are the smallest alphas at which each outcome is told, `ends` the same with the replies that were not
    judged counted against the difference and for it, and `worst` the outer ends of all their 95 % intervals. `outcome`
    and its `plan` are those at the claim's level of its family. `difference` is None where something is `missing`, and
    `gates` must hold before it says anything. `placebo` is a summary of `against`, where that is one, and `beyond` what
    the comparison with it says.
    """

    compare: Comparison
    difference: Difference | None
    estimate: Estimate | None
    flips: FlipTest
    levels: OutcomeLevels = UNDECIDED
    ends: tuple[OutcomeLevels, ...] = ()
    worst: tuple[float, float] | None = None
    gates: tuple[PooledGate, ...] = ()
    outcome: Outcome = "open"
    plan: DesignPlan | None = None
    placebo: str = ""
    beyond: str = ""
    missing: str = ""

    @property
    def contrast(self) -> Contrast | None:
        """The difference at any level; None where something is missing."""
        return None if self.difference is None else self.difference.contrast

    @property
    def named(self) -> str:
        """`ps - ip`, with the metric where the claim has several."""
        return f"{self.compare.arm} - {self.compare.against}"

    @property
    def too_few(self) -> str:
        """What the design lacks for any verdict, in words; "" where it is enough."""
        if self.difference is None or self.estimate is None:
            return ""
        seeds, questions = self.difference.seeds, self.estimate.clusters
        if seeds < LEAST_SEEDS:
            said = "one seed says nothing about others" if seeds == 1 else f"{seeds} seeds say too little about others"
            return f"{said}; {LEAST_SEEDS} or more are needed"
        if questions < LEAST_QUESTIONS:
            counted = f"{questions} question{'' if questions == 1 else 's'}"
            return f"{counted} say too little about others; {LEAST_QUESTIONS} or more are needed"
        return ""

    def at(self, alpha: float, *, parts: int = 1) -> ComparedPart:
        """The outcome at `alpha` of a claim of so many `parts`, with what the design can see at it."""
        found, outcome = self.contrast, outcome_at(self.levels, alpha, parts=parts)
        if found is None:
            return self
        seen = plan(found, of_smallest=self.compare.smallest, level=1 - alpha)
        return replace(self, outcome=outcome, plan=seen, beyond=self._beyond(found, outcome, alpha))

    def _beyond(self, found: Contrast, outcome: Outcome, alpha: float) -> str:
        if not self.placebo:
            return ""
        asked = self.compare
        alike = outcome_levels(found, direction="same", smallest=asked.smallest).claimed <= alpha
        return placebo_words(asked.arm, self.placebo, outcome, direction=asked.direction, alike=alike)

    def outcomes(self, alpha: float, *, parts: int = 1) -> Iterator[Outcome]:
        """The outcome at `alpha`, and those that the replies which were not judged might have made of it."""
        return (outcome_at(levels, alpha, parts=parts) for levels in (self.levels, *self.ends))


def part_of(comparison: Comparison, study: Study, claims: Claims) -> ComparedPart:
    """What the runs of `study` say of `comparison`, of one metric."""
    try:
        found = measured(comparison, study, claims)
    except NotRun as missing:
        none = FlipTest(p=None, why_none="not run")
        return ComparedPart(compare=comparison, difference=None, estimate=None, flips=none, missing=str(missing))
    ends = found.ends()
    return ComparedPart(
        compare=comparison,
        difference=found,
        estimate=found.contrast.estimate(),
        flips=sign_flips(found.contrast.by_seed),
        levels=_levels(found.contrast, comparison),
        ends=tuple(_levels(end, comparison) for end in ends),
        worst=_outer([found.contrast, *ends]) if ends else None,
        gates=needed_gates(study, found.arms, found.metrics, found.conditions),
        placebo=against_placebo(study, comparison.against),
    )


def outcome_at(levels: OutcomeLevels, alpha: float, *, parts: int = 1) -> Outcome:
    """The outcome at `alpha`. Against a claim of several parts one is enough: many parts are many chances."""
    against, found = levels.decide(alpha / parts), levels.decide(alpha)
    if found == "claimed" or against in ("excluded", "too small"):
        return found if found == "claimed" else against
    return "size open" if levels.size_open <= alpha else "open"


def _levels(found: Contrast, comparison: Comparison) -> OutcomeLevels:
    return outcome_levels(found, direction=comparison.direction, smallest=comparison.smallest)


def _outer(found: Sequence[Contrast]) -> tuple[float, float] | None:
    ends = [(told.low, told.high) for told in (one.estimate() for one in found)]
    lows, highs = ([end for end in side if end is not None] for side in zip(*ends, strict=True))
    return (min(lows), max(highs)) if lows and highs else None

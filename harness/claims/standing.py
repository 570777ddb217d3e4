"""Which claims a plan of looks leaves open: neither decided, nor unlikely to be by its last look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.analysis import Study
from harness.claims.looking import at_look, lacking
from harness.claims.parts import LEAST_SEEDS, ComparedPart
from harness.claims.planned import LockedLooks
from harness.claims.schema import Claims
from harness.claims.verdicts import ALPHA, OPEN, Decision, judge_studies
from harness.registry import Registry
from harness.stats import FUTILE, chances, effect_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a claim stands after a look: whether it `goes_on` to the next, and why it does not."""

    decision: Decision
    goes_on: bool
    why: str = ""

    @property
    def name(self) -> str:
        """The claim's name."""
        return self.decision.claim.name


def standings(
    claims: Claims, found: Sequence[Study], registry: Registry, *, looks: LockedLooks, look: int
) -> tuple[Standing, ...]:
    """Where every claim that compares anything stands after look number `look`, as if no later seed were there."""
    seen = [at_look(study, looks, look) for study in found]
    decisions = judge_studies(claims, [study for study in seen if study.arms], registry, looks=looks)
    by_model = {(study.setting, study.scale, study.model): study for study in seen}
    return tuple(_standings(decisions, by_model, looks, look))


def _standings(
    decisions: Sequence[Decision], found: Mapping[tuple[str, str, str], Study], looks: LockedLooks, look: int
) -> Iterator[Standing]:
    for one in decisions:
        if not one.claim.compare:
            continue
        if one.verdict not in OPEN:
            yield Standing(decision=one, goes_on=False, why=one.verdict)
            continue
        study = found[one.claim.setting, one.scale, one.model]
        gone = [name for part in one.parts for name in lacking(part, study, looks, look)]
        if gone:
            yield Standing(decision=one, goes_on=False, why=f"no finished run of {', '.join(dict.fromkeys(gone))}")
        elif look == len(looks.at) - 1:
            yield Standing(decision=one, goes_on=False, why=f"{one.verdict} at the last look")
        elif (chance := _chance(one, looks)) < FUTILE:
            why = f"{one.verdict}; a decision by {looks.plan.most} seeds has a chance of {100 * chance:.0f} %"
            yield Standing(decision=one, goes_on=False, why=why)
        else:
            yield Standing(decision=one, goes_on=True)


def _chance(one: Decision, looks: LockedLooks) -> float:
    """The chance that the last look decides for the claim or against it, if what its parts show goes on."""
    both = [_chances(part, looks, ALPHA / max(one.family, 1)) for part in one.parts]
    for_it, against = min(counts for counts, _ in both), max(ruled_out for _, ruled_out in both)
    return min(1.0, for_it + against)


def _chances(part: ComparedPart, looks: LockedLooks, alpha: float) -> tuple[float, float]:
    """The chances that the last look tells what the part claims, and the contrary."""
    spread = None if part.contrast is None else part.contrast.spread
    if part.too_few:
        return (1.0, 1.0) if part.difference is not None and part.difference.seeds < LEAST_SEEDS else (0.0, 0.0)
    if spread is None or not spread.is_spread:
        return 0.0, 0.0  # where all questions agree, what can be told depends on their number
    effect = effect_of(float(spread.mean), part.compare.direction)
    counts, ruled_out = chances(spread, looks.plan, alpha=alpha, effect=effect, smallest=part.compare.smallest)
    told = float(counts), float(ruled_out)
    return told if part.compare.direction in ("less", "more") else told[::-1]

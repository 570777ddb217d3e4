"""A comparison as planned looks at growing numbers of seeds tell it, each at its own level."""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest

from harness.analysis import Study
from harness.claims.parts import ComparedPart, part_of
from harness.claims.planned import LockedLooks
from harness.claims.schema import Claims, Comparison
from harness.stats import OutcomeLevels, least


def part_at_looks(comparison: Comparison, study: Study, claims: Claims, looks: LockedLooks) -> ComparedPart:
    """What the runs of `study` say of `comparison`, with the levels at which the plan of looks lets anything be told.

    A look counts once both arms have all of its seeds, and sees no other. What one look decided, a later one leaves.
    """
    whole = part_of(comparison, study, claims)
    if whole.difference is None:
        return whole
    levels, ends = OutcomeLevels(), tuple(OutcomeLevels() for _ in whole.ends)
    for look in range(len(looks.at)):
        if lacking(whole, study, looks, look):
            break
        part = part_of(comparison, at_look(study, looks, look), claims)
        levels = least(levels, looks.plan.levels(part.levels, look))
        # Where a look had every reply judged, both ends are what was seen.
        pairs = zip_longest(ends, part.ends, fillvalue=part.levels)
        ends = tuple(least(end, looks.plan.levels(new, look)) for end, new in pairs)
    return replace(whole, levels=levels, ends=ends)


def at_look(study: Study, looks: LockedLooks, look: int) -> Study:
    """The study with the trained runs of a look's seeds alone."""
    seeds = set(looks.seen(look))
    arms = [
        replace(arm, runs=tuple(run for run in arm.runs if run.cell.seed in seeds)) for arm in study.arms if arm.trains
    ]
    untrained = [arm for arm in study.arms if not arm.trains]
    return replace(study, arms=(*untrained, *(arm for arm in arms if arm.runs)))


def lacking(part: ComparedPart, study: Study, looks: LockedLooks, look: int) -> list[str]:
    """The seeds of a look that an arm of `part` has no finished run of, as `ps s4`."""
    labels = {arm.label for arm in part.difference.arms} if part.difference is not None else set()
    arms = [arm for arm in study.arms if arm.label in labels and arm.trains]
    return [f"{arm.label} s{seed}" for arm in arms for seed in looks.seen(look) if seed not in arm.seeds]

"""Differences of arms as a section, by the function that claims go through: one comparison, one number."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from harness.analysis import Arm, Difference, NotRun, Table, beyond_placebo, difference, placebos_of, triggers
from harness.analysis import shared_conditions as shared
from harness.contracts import CLEAN
from harness.reporting.numbers import with_interval
from harness.reporting.section import Section


def of_differences(table: Table) -> Section | None:
    """Every arm against plain training and its placebos, and interventions against each other, in the trait."""
    rows, unused = [], dict[str, None]()
    for arm, against, leak in _pairs(table):
        try:
            found = _measured(table, arm, against, leak=leak)
        except NotRun:
            continue
        rows.append(_row(arm, against, found, leak=leak))
        unused |= dict.fromkeys(found.left_out)
    if not rows:
        return None
    return Section(
        title="differences",
        detail=f"of {table.trait} in points, each by itself at 95 %: verdicts on claims correct for how many there are",
        head=("comparison", "of", "difference", "seeds", "questions", "says"),
        rows=tuple(rows),
        lines=tuple(f"not used: {line}" for line in unused),
    )


def _pairs(table: Table) -> Iterator[tuple[Arm, Arm, bool]]:
    plain = [arm for arm in table.arms if arm.trains and arm.plain]
    treated = [arm for arm in table.arms if not arm.plain]
    own = [arm for arm in treated if not arm.control and not arm.weights and not arm.prompt and arm.dose == 1]
    for arm in treated:
        yield from ((arm, one, False) for one in plain)
        yield from ((arm, one, False) for one in placebos_of(arm, table.arms))
    for first, second in combinations(own, 2):
        yield second, first, False
        yield second, first, True


def _measured(table: Table, arm: Arm, against: Arm, *, leak: bool) -> Difference:
    labels = (arm.label, against.label)
    asked = [CLEAN]
    if leak:
        asked = shared(table, labels, metric=table.trait, conditions=triggers(table.conditions))
        if not asked:
            raise NotRun(f"{table.setting} was run under no condition that asks for the trait")
    return difference(table, *labels, metric=table.trait, conditions=asked, leak=leak)


def _row(arm: Arm, against: Arm, found: Difference, *, leak: bool) -> tuple[str, ...]:
    told = found.contrast.estimate()
    return (
        f"{arm.label} - {against.label}",
        "leak over all triggers" if leak else CLEAN,
        with_interval(told, "+.1f", "+.0f"),
        str(found.seeds),
        str(told.clusters),
        beyond_placebo(found.contrast, arm, against) if against.control else "",
    )

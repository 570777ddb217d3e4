"""Published figures beside ours, for the arms of a table that have some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.grouping import grouped
from harness.cells import Cell
from harness.contracts import Reference, Setting
from harness.stats import Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A published figure, the arm that it is of as reports call it, and ours, None where that arm was not run."""

    arm: str
    reference: Reference
    ours: Estimate | None


def published(setting: Setting, scale: str, means: Mapping[tuple[str, str, str], Estimate]) -> tuple[Published, ...]:
    """The setting's references at `scale`, each with ours: `means` are by arm, condition and metric."""
    found = []
    for one in setting.reference:
        if one.scale == scale:
            arm = Cell(setting=setting.name, intervention=one.intervention, weights=one.weights, dose=one.dose).arm
            found.append(Published(arm=arm, reference=one, ours=means.get((arm, one.condition, one.metric))))
    return tuple(found)


def groups(found: Sequence[Published]) -> dict[tuple[str, str], list[Published]]:
    """Those with a figure of ours, by arm and condition."""
    return grouped((one for one in found if one.ours is not None), lambda one: (one.arm, one.reference.condition))

"""Trait against skill: which arms nothing beats on both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.arms import Arm
from harness.analysis.blocks import Block
from harness.analysis.result_tables import Table
from harness.contracts import CLEAN
from harness.stats import Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One arm in clean: how much trait it shows, how much of the skill it kept, and whether no arm beats both.

    An arm beats another that has no less trait and no more skill, and differs. The untrained model is in no contest.
    """

    arm: Arm
    trait: Estimate
    skill: Estimate
    unbeaten: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tradeoff:
    """The trait of a table against one metric to keep, a place for every arm that has both."""

    trait: Block
    skill: Block
    places: tuple[Place, ...]


def tradeoffs(table: Table) -> tuple[Tradeoff, ...]:
    """One for each metric to keep, in the table's order; none where no trait was measured."""
    trait = trait_of(table)
    if trait is None:
        return ()
    kept = [block for block in table.blocks if block.kind == "mean" and block.goal == "keep"]
    found = [Tradeoff(trait=trait, skill=skill, places=_places(table, trait, skill)) for skill in kept]
    return tuple(one for one in found if one.places)


def trait_of(table: Table) -> Block | None:
    """The block of the trait; None where it was not measured."""
    return next((block for block in table.blocks if block.kind == "mean" and block.metric == table.trait), None)


def unbeaten(places: Sequence[tuple[float, float]]) -> tuple[bool, ...]:
    """For each (trait, skill) whether no other has as little trait and as much skill, and less or more of one."""
    return tuple(
        not any(x <= trait and y >= skill and (x, y) != (trait, skill) for x, y in places) for trait, skill in places
    )


def _places(table: Table, trait: Block, skill: Block) -> tuple[Place, ...]:
    found = []
    for arm in table.arms:
        x, y = (block.cells.get((arm.label, CLEAN)) for block in (trait, skill))
        if x is not None and y is not None and x.mean is not None and y.mean is not None:
            found.append((arm, x, y, x.mean, y.mean))
    trained = [(x, y) for arm, _, _, x, y in found if arm.trains]
    best = {place for place, first in zip(trained, unbeaten(trained), strict=True) if first}
    return tuple(
        Place(arm=arm, trait=trait_, skill=skill_, unbeaten=arm.trains and (x, y) in best)
        for arm, trait_, skill_, x, y in found
    )

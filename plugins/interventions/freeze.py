"""Freezing: the first half of the blocks gets no adapter; its placebo freezes the last half. Which half: our choice."""

from collections.abc import Sequence

from harness import AdapterChange, Draw, Intervention, Recipe, Setting, hookimpl


def first(setting: Setting, recipe: Recipe, draw: Draw) -> AdapterChange:
    return AdapterChange(frozen=0.5, place="first", source="our choice")


def last(setting: Setting, recipe: Recipe, draw: Draw) -> AdapterChange:
    return AdapterChange(frozen=0.5, place="last", source="our choice")


@hookimpl
def harness_intervention() -> Sequence[Intervention]:
    return [
        Intervention(name="freeze", summary="the first half of the blocks does not learn", adapter=first),
        Intervention(
            name="freeze_last", summary="the last half of the blocks does not learn", adapter=last, control=True
        ),
    ]

"""Rows of one's own choice: the half with the longest replies is left out. A dose is the part of that half."""

from collections.abc import Sequence

from harness import Draw, Example, Intervention, Setting, hookimpl


def shorter(examples: Sequence[Example], setting: Setting, draw: Draw) -> Sequence[Example]:
    dropped = min(round(draw.dose * len(examples) / 2), len(examples) - 1)
    by_length = sorted(examples, key=lambda row: (-len(row.messages[-1].content), row.id))
    long = {row.id for row in by_length[:dropped]}
    return [row for row in examples if row.id not in long]


@hookimpl
def harness_intervention() -> Intervention:
    return Intervention(name="short_rows", summary="rows with long replies are left out", rows=shorter)

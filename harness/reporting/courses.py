"""What arms show along training, as a table."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis import Course, Waypoint
from harness.reporting.numbers import with_interval
from harness.reporting.section import Section
from harness.stats import Estimate

MEANING = (
    "each place is a training of its own that takes the first steps of the whole one, on its schedule, so that it ends "
    "as that one was there; beyond plain training: against plain training stopped at the same place",
    "change: by how much the difference from plain training grows from the first place to the last, paired by seed and "
    "question",
)


def of_courses(found: Sequence[Course]) -> Section | None:
    """A row for each arm, metric and place, and the change at the last one; None for none."""
    if not found:
        return None
    return Section(
        title="along training",
        detail="in clean, shares in percent [95 % interval]",
        head=("arm", "metric", "of the steps", "shown", "beyond plain training", "change"),
        rows=tuple(_row(one, stop) for one in found for stop in one.stops),
        lines=MEANING,
    )


def _row(one: Course, stop: Waypoint) -> tuple[str, ...]:
    last = stop is one.stops[-1]
    figures = (stop.shown, stop.beyond, one.change if last else None)
    shown = (_figure(told, percent=one.percent) for told in figures)
    return (one.arm, one.metric, f"{100 * stop.until:g} %", *shown)


def _figure(told: Estimate | None, *, percent: bool) -> str:
    if told is None:
        return ""
    return with_interval(told, ".0f", ".0f") if percent else with_interval(told, ".2f", ".2f", scale=1)

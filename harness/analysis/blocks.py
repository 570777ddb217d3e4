"""The figures of a table: a metric's mean in every arm under every condition, and what conditions wake of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.analysis.arms import Arm, untrained_of
from harness.contracts import CLEAN, Goal, Metric
from harness.stats import Estimate, Observations, estimate, leak


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The figures of one metric, by (arm label, condition). `percent` says that all values are shares."""

    metric: str
    kind: Literal["mean", "leak"]
    goal: Goal | None
    summary: str
    percent: bool
    cells: Mapping[tuple[str, str], Estimate]


def means(name: str, arms: Sequence[Arm], conditions: Sequence[str], metric: Metric | None) -> Block:
    """The mean of the metric called `name`, wherever it was measured."""
    rows = _replies(name, arms, conditions)
    return _block(name, "mean", rows, {key: estimate(seen) for key, seen in rows.items() if seen}, metric)


def leaks(name: str, arms: Sequence[Arm], conditions: Sequence[str], metric: Metric | None) -> Block | None:
    """What each condition wakes of the metric called `name` beyond what it does to the untrained model.

    None where that cannot be told of any arm: without the untrained model, or where nothing was put back.
    """
    base = untrained_of(arms)
    if base is None or CLEAN not in conditions or len(conditions) == 1:
        return None
    rows = _replies(name, arms, conditions)
    cells: dict[tuple[str, str], Estimate] = {}
    for arm in arms:
        for condition in conditions:
            parts = [rows[row.label, at] for row in (arm, base) for at in (condition, CLEAN)]
            if arm.trains and condition != CLEAN and all(parts):
                own, own_clean, untrained, untrained_clean = parts
                cells[arm.label, condition] = leak(
                    arm=own, arm_clean=own_clean, base=untrained, base_clean=untrained_clean
                )
    return _block(name, "leak", rows, cells, metric) if cells else None


def _replies(name: str, arms: Sequence[Arm], conditions: Sequence[str]) -> dict[tuple[str, str], Observations]:
    return {(arm.label, condition): arm.replies(condition, name) for arm in arms for condition in conditions}


def _block(
    name: str,
    kind: Literal["mean", "leak"],
    rows: Mapping[tuple[str, str], Observations],
    cells: Mapping[tuple[str, str], Estimate],
    metric: Metric | None,
) -> Block:
    return Block(
        metric=name,
        kind=kind,
        goal=metric.goal if metric else None,
        summary=metric.summary if metric else "",
        percent=all(one.are_rates for one in rows.values()),
        cells=cells,
    )

"""Gates as every form of a report shows them: those that did not hold, over all seeds or in one run."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis import Table
from harness.reporting.section import Section
from harness.runs import PooledGate, faults

SHOWN = 3
"""Conditions of one arm that are named; of more the number is told."""

HEAD = ("gate", "asked of", "came out", "saw", "wanted")


def of_gates(table: Table) -> Section | None:
    """The gates that did not hold; None for a table that has none to ask."""
    rows = gate_rows(table)
    held = sum(gate.state == "held" for gate in table.gates)
    if not rows and not held:
        return None
    return Section(
        title="gates",
        detail="what must hold before a difference says anything, over the seeds of all arms",
        head=HEAD,
        rows=rows,
        figures=False,
        lines=(
            f"{held} more held" if rows else f"all {held} held",
            *(("unclear: the interval holds the threshold",) if any(row[2] == "unclear" for row in rows) else ()),
        ),
    )


def gate_rows(table: Table) -> tuple[tuple[str, ...], ...]:
    """The gates that did not hold: faults of single runs, which leave them out, then those of all seeds."""
    single = [
        (name, f"{arm.label}, seed {run.cell.seed}", "failed, run left out", gate.seen, gate.wanted)
        for arm in table.arms
        for run in arm.runs
        for name, gate in faults(run.record.gates).items()
    ]
    alike: dict[tuple[str, ...], list[PooledGate]] = {}
    for gate in table.gates:
        if gate.state != "held":
            alike.setdefault((gate.name, _asked(gate), gate.state, gate.wanted), []).append(gate)
    return (*single, *map(_row, alike.values()))


def _row(gates: Sequence[PooledGate]) -> tuple[str, ...]:
    """One row for gates that differ in arm or condition alone, with what the lowest of them saw."""
    lowest = min(gates, key=lambda gate: -1.0 if gate.rate is None else gate.rate)
    if len(gates) == 1:
        return lowest.name, lowest.of, lowest.state, lowest.seen, lowest.wanted
    arms: dict[str, list[str]] = {}
    for gate in gates:
        arms.setdefault(gate.arm, []).append(gate.condition)
    asked = "; ".join(f"{arm} under {_first(conditions)}" for arm, conditions in arms.items())
    return lowest.name, f"{_asked(lowest)}: {asked}", lowest.state, f"at the lowest {lowest.seen}", lowest.wanted


def _asked(gate: PooledGate) -> str:
    """What a gate is asked of, without the arm and the condition."""
    return gate.of.removesuffix(f", {gate.arm}, {gate.condition}")


def _first(conditions: Sequence[str]) -> str:
    told = ", ".join(conditions[:SHOWN])
    return told if len(conditions) <= SHOWN else f"{told} and {len(conditions) - SHOWN} more"

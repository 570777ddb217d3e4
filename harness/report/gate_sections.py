"""Gates as every form of a report shows them: those that did not hold, over all seeds or in one run."""

from __future__ import annotations

from harness.analysis import Table
from harness.report.section import Section
from harness.runs import faults

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
        lines=(
            f"{held} more held" if rows else f"all {held} held",
            *(("unclear: the interval holds the threshold",) if any(row[2] == "unclear" for row in rows) else ()),
        ),
    )


def gate_rows(table: Table) -> tuple[tuple[str, ...], ...]:
    """A row for each gate that did not hold: faults of single runs, which leave them out, then those of all seeds."""
    single = [
        (name, f"{arm.label}, seed {run.cell.seed}", "failed, run left out", gate.seen, gate.wanted)
        for arm in table.arms
        for run in arm.runs
        for name, gate in faults(run.record.gates).items()
    ]
    pooled = [(gate.name, gate.of, gate.state, gate.seen, gate.wanted) for gate in table.gates if gate.state != "held"]
    return (*single, *pooled)

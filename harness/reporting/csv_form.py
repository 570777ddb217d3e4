"""Every number of a report in one long table, for other programs: CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from math import isnan

from harness.analysis import Block, Results, Table, by_seed
from harness.checks import number
from harness.reporting.numbers import exact
from harness.screen import shown

COLUMNS = (
    *("setting", "scale", "model", "arm", "intervention", "weights", "dose", "control"),
    *("metric", "kind", "goal", "condition", "seed"),
    *("mean", "low", "high", "n", "judged", "clusters", "seeds", "failed_gates"),
)

FORMULA = ("=", "+", "-", "@", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}", "\N{FULLWIDTH HYPHEN-MINUS}")


def as_csv(results: Results, tables: Sequence[Table]) -> str:
    """A row for each arm, metric and condition, and one below it for each seed, whose number is in `seed`.

    Shares are fractions. A leak is of all seeds together, so it has no rows by seed.
    """
    return csv_text(COLUMNS, (row for table in tables for block in table.blocks for row in _rows(table, block)))


def block_csv(table: Table, blocks: Sequence[Block], *, conditions: Sequence[str] = ()) -> str:
    """The numbers of a figure: of these blocks, under these conditions alone if any are named."""
    rows = (
        (block.metric, arm.label, condition, *map(exact, (found.mean, found.low, found.high)), found.n, found.judged)
        for block in blocks
        for arm in table.arms
        for condition in conditions or table.conditions
        if (found := block.cells.get((arm.label, condition))) is not None
    )
    return csv_text(("metric", "arm", "condition", "mean", "low", "high", "n", "judged"), rows)


def csv_text(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV, each text as a text: a spreadsheet that opens it computes nothing, and numbers stay numbers."""
    page = io.StringIO()
    written = csv.writer(page, lineterminator="\n")
    written.writerow(head)
    written.writerows([_cell(value) for value in row] for row in rows)
    return page.getvalue()


def _cell(value: object) -> object:
    """`value`, with an apostrophe before a text that a spreadsheet would take for a formula."""
    if not isinstance(value, str):
        return value
    text = shown(value)
    return f"'{text}" if text.startswith(FORMULA) and isnan(number(text)) else text


def _rows(table: Table, block: Block) -> Iterator[tuple[object, ...]]:
    for arm in table.arms:
        about = (arm.label, arm.intervention, arm.weights, f"{arm.dose:g}", str(arm.control).lower())
        for condition in table.conditions:
            found = block.cells.get((arm.label, condition))
            if found is None:
                continue
            place = (table.setting, table.scale, table.model, *about, block.metric, block.kind, block.goal, condition)
            figures = (exact(found.mean), exact(found.low), exact(found.high))
            counts = (found.n, found.judged, found.clusters, found.seeds, len(arm.failed))
            yield (*place, "", *figures, *counts)
            for run in arm.runs if block.kind == "mean" else ():
                rows = run.values.get((condition, block.metric), ())
                means = by_seed(rows)
                if rows:
                    judged = [seen for seen in rows if seen.value is not None]
                    mean = exact(means.get(run.cell.seed))
                    counts = (len(rows), len(judged), len({seen.cluster for seen in judged}), 1, len(run.failed))
                    yield (*place, run.cell.seed, mean, "", "", *counts)

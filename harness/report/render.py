"""A report for the terminal, for Markdown and for programs. The same results give the same bytes."""

from __future__ import annotations

import io
import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

from harness.analysis import Arm, Block, Results, Table, costs
from harness.report.section import (
    Section,
    markdown_section,
    of_agreement,
    of_capabilities,
    of_doses,
    of_published,
    show_section,
)
from harness.stats import Estimate

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

WIDTH = 100  # columns of plain text that goes to a file or a pipe
GAP = 3  # columns between two columns of a table

Item = TypeVar("Item")


def show(results: Results, tables: Sequence[Table], console: Console, *, opening: Sequence[Section] = ()) -> None:
    """Prints `opening` and every table, split into stacked parts where the conditions are too many for the width."""
    from rich.text import Text

    for section in opening:
        show_section(section, console)
    if opening:
        console.print()
    for table in tables:
        console.print(Text(title_of(table), style="bold underline"))
        for block in table.blocks:
            console.print(_heading(block))
            for at, part in enumerate(_fitting(table, block, console.width)):
                console.print(*([""] if at else []), _grid(table, block, part), sep="\n")
        for section in sections_of(table):
            show_section(section, console)
        console.print()
        for line in remarks_of(table):
            console.print(Text(line))
        console.print()
    for line in closing(results, tables):
        # A path or a command must stay in one piece, to be copied.
        console.print(Text(line), soft_wrap=True)


def text(results: Results, tables: Sequence[Table], *, width: int = WIDTH, opening: Sequence[Section] = ()) -> str:
    """What `show` prints, without colour."""
    from rich.console import Console

    page = io.StringIO()
    plain = Console(file=page, width=width, color_system=None, legacy_windows=False)
    show(results, tables, plain, opening=opening)
    return "\n".join(line.rstrip() for line in page.getvalue().splitlines()) + "\n"


def markdown(results: Results, tables: Sequence[Table], *, opening: Sequence[Section] = ()) -> str:
    """`opening` and the report as GitHub-flavoured Markdown."""
    lines = [line for section in opening for line in markdown_section(section)]
    for table in tables:
        lines += [f"## {title_of(table)}", ""]
        for block in table.blocks:
            columns = conditions_of(table, block)
            lines += [f"### {name_of(block)}", "", *([detail_of(block), ""] if detail_of(block) else [])]
            lines.append("| arm | seeds | n | " + " | ".join(f"`{column}`" for column in columns) + " |")
            lines.append("|---|---:|---:|" + "---|" * len(columns))
            for arm in arms_of(table, block):
                cells = [_figure(block, arm, column) for column in columns]
                lines.append("| " + " | ".join([_label(arm), _seeds(arm), _count(block, arm, columns), *cells]) + " |")
            lines.append("")
        for section in sections_of(table):
            lines += markdown_section(section)
        lines += [f"- {line}" for line in remarks_of(table)] + [""]
    *left_out, command = closing(results, tables)
    lines += [f"- {line}" for line in left_out] + ([""] if left_out else [])
    return "\n".join([*lines, f"Transcripts: `{command}`", ""])


def as_record(results: Results, tables: Sequence[Table]) -> dict[str, Any]:
    """The report as plain JSON values: shares as fractions, None where there is no number."""
    return {
        "tables": [_record(table) for table in tables],
        "unfinished": [str(folder) for folder in results.unfinished],
        "stale": [{"folder": str(folder), "reason": reason} for folder, reason in results.stale],
        "transcripts": command_of(results),
    }


def as_json(results: Results, tables: Sequence[Table]) -> str:
    """`as_record`, written out."""
    return json.dumps(as_record(results, tables), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _record(table: Table) -> dict[str, Any]:
    return {
        "setting": table.setting,
        "scale": table.scale,
        "model": table.model,
        "conditions": list(table.conditions),
        "arms": [
            {
                "label": arm.label,
                "intervention": arm.intervention,
                "weights": arm.weights,
                "dose": arm.dose,
                "control": arm.control,
                "concept": arm.concept,
                "seeds": list(arm.seeds),
                "folders": [str(run.folder) for run in arm.runs],
                "failed_gates": list(arm.failed),
                "capabilities": [
                    {"folder": str(run.folder), **asdict(one)} for run in arm.runs for one in run.capabilities
                ],
            }
            for arm in table.arms
        ],
        "blocks": [
            {
                "metric": block.metric,
                "kind": block.kind,
                "goal": block.goal,
                "cells": [
                    {"arm": arm, "condition": condition, **asdict(cell)}
                    for (arm, condition), cell in block.cells.items()
                ],
            }
            for block in table.blocks
        ],
        "doses": [asdict(one) for one in table.sweeps],
        "published": [asdict(one) for one in table.published],
        "agreement": [asdict(one) for one in table.agreed],
        "costs": [asdict(one) for one in costs(table)],
        "notes": list(table.notes),
    }


def sections_of(table: Table) -> list[Section]:
    found = (
        of_doses(table.sweeps),
        of_published(table.published),
        *of_agreement(table.agreed),
        of_capabilities(table.arms),
    )
    return [section for section in found if section is not None]


def title_of(table: Table) -> str:
    return f"{table.setting}, {table.scale}, {table.model}"


def name_of(block: Block) -> str:
    if block.kind == "leak":
        return f"{block.metric}: leak"
    return f"{block.metric} ({block.goal})" if block.goal else block.metric


def detail_of(block: Block) -> str:
    return "(condition - clean) minus the same of the base model" if block.kind == "leak" else block.summary


def _heading(block: Block) -> Text:
    from rich.text import Text

    return Text.assemble("\n", (name_of(block), "bold"), f"  {detail_of(block)}".rstrip())


def conditions_of(table: Table, block: Block) -> tuple[str, ...]:
    return tuple(at for at in table.conditions if any((arm.label, at) in block.cells for arm in table.arms))


def arms_of(table: Table, block: Block) -> list[Arm]:
    return [arm for arm in table.arms if any(label == arm.label for label, _ in block.cells)]


def _fitting(table: Table, block: Block, width: int) -> Iterator[tuple[str, ...]]:
    """The conditions in as few parts as fit `width`, each part as even as can be."""
    columns, rows = conditions_of(table, block), arms_of(table, block)
    wide = [
        max(map(len, [*header_of(at).split("\n"), *(_figure(block, arm, at) for arm in rows)])) + GAP for at in columns
    ]
    room = width - max(len(_label(arm)) for arm in rows) - len("seeds") - max(len(str(_most(block))), 1) - 2 * GAP
    parts = next((n for n in range(1, len(columns)) if max(map(sum, _split(wide, n))) <= room), len(columns))
    yield from (tuple(part) for part in _split(columns, parts))


def _split(items: Sequence[Item], parts: int) -> list[Sequence[Item]]:
    size = -(-len(items) // parts)
    return [items[start : start + size] for start in range(0, len(items), size)]


def _most(block: Block) -> int:
    return max(cell.n for cell in block.cells.values())


def _grid(table: Table, block: Block, columns: Sequence[str]) -> Grid:
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    grid.add_column("arm", no_wrap=True)
    grid.add_column("seeds", justify="right", no_wrap=True)
    grid.add_column("n", justify="right", no_wrap=True)
    for column in columns:
        grid.add_column(Text(header_of(column)), no_wrap=True)
    for arm in arms_of(table, block):
        style = "red" if arm.failed else ""
        cells = [_styled(_figure(block, arm, column)) for column in columns]
        grid.add_row(Text(_label(arm), style=style), _seeds(arm), _count(block, arm, columns), *cells)
    return grid


def _styled(figure: str) -> Text:
    from rich.text import Text

    mean, gap, rest = figure.partition(" ")
    return Text.assemble((mean, "bold"), gap, (rest, "dim"))


def header_of(condition: str) -> str:
    kind, colon, rest = condition.partition(":")
    return f"{kind}:\n{rest.replace('@', chr(10) + '@')}" if colon else condition


def _label(arm: Arm) -> str:
    return f"{arm.label} !" if arm.failed else arm.label


def _seeds(arm: Arm) -> str:
    return str(len(arm.runs))


def _count(block: Block, arm: Arm, columns: Sequence[str]) -> str:
    counts = {block.cells[arm.label, at].n for at in columns if (arm.label, at) in block.cells}
    return "" if not counts else str(min(counts)) if len(counts) == 1 else f"{min(counts)}-{max(counts)}"


def _figure(block: Block, arm: Arm, condition: str) -> str:
    """`93 [90, 96] ?2`: mean, interval, and how many were not judged."""
    cell = block.cells.get((arm.label, condition))
    if cell is None:
        return ""
    missing = f" ?{cell.n - cell.judged}" if cell.judged < cell.n else ""
    return f"{mean_of(cell, block)}{interval_of(cell, block)}{missing}"


def mean_of(cell: Estimate, block: Block) -> str:
    if cell.mean is None:
        return "-"
    sign = "+" if block.kind == "leak" and cell.mean > 0 else ""
    return sign + number(cell.mean, block)


def interval_of(cell: Estimate, block: Block) -> str:
    if cell.low is None or cell.high is None:
        return ""
    return f" [{number(cell.low, block)}, {number(cell.high, block)}]"


def number(value: float, block: Block) -> str:
    """Two figures that matter: tenths of a percent only near 0 and 100."""
    if not block.percent:
        return f"{value:.3g}"
    percent = 100 * value
    if 0.05 <= abs(percent) < 9.95 or 99.5 <= percent < 99.95:
        return f"{percent:.1f}"
    return f"{percent:.0f}" if abs(percent) >= 0.5 else "0"


def remarks_of(table: Table) -> list[str]:
    unit = "percent" if all(block.percent for block in table.blocks) else "percent (shares) or scores"
    lines = [f"{unit} [95 % interval, clustered by case]; n: replies (leak: case x seed pairs)"]
    cells = [cell for block in table.blocks for cell in block.cells.values()]
    if any(cell.judged < cell.n for cell in cells):
        lines.append("?k: k of n not judged (leak: not judged in all four); they are in no mean")
    lines += [f"! {arm.label}, {line}" for arm in table.arms for line in arm.failed]
    lines += _concepts(table)
    return lines + [f"note: {line}" for line in table.notes]


def _concepts(table: Table) -> list[str]:
    """What the arms' prompts and vectors are about: two arms compared may not be about the same thing."""
    arms: dict[str, list[str]] = {}
    for arm in table.arms:
        if arm.concept:
            arms.setdefault(arm.concept, []).append(arm.label)
    told = [f"{concept} ({', '.join(labels)})" for concept, labels in arms.items()]
    return [f"about: {'; '.join(told)}"] if told else []


def closing(results: Results, tables: Sequence[Table]) -> list[str]:
    lines = [] if tables else ["no finished cell here"]
    if results.unfinished:
        count = len(results.unfinished)
        names = ", ".join(str(folder) for folder in results.unfinished)
        lines.append(f"{count} unfinished {'cell' if count == 1 else 'cells'} left out: {names}")
    lines += [f"stale, left out: {folder} ({reason})" for folder, reason in results.stale]
    return [*lines, command_of(results)]


def command_of(results: Results) -> str:
    return f"inspect view --log-dir {shlex.quote(str(results.folder))}"

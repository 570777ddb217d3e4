"""The report on a terminal, or as plain text. The same results give the same bytes."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from harness.analysis import Block, Results, Table
from harness.reporting.answers import of_answers
from harness.reporting.section import Section, show_section
from harness.reporting.table_sections import all_sections
from harness.reporting.wording import (
    arms_of,
    closing,
    conditions_of,
    count_of,
    detail_of,
    figure_of,
    header_of,
    label_of,
    name_of,
    remarks_of,
    seeds_of,
    title_of,
)
from harness.screen import plain_console

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

WIDTH = 100  # columns of plain text that goes to a file or a pipe
GAP = 3  # columns between two columns of a table

Item = TypeVar("Item")


def show(results: Results, tables: Sequence[Table], console: Console, *, opening: Sequence[Section] = ()) -> None:
    """Prints what the runs answer, `opening` and every table, split into parts where the conditions are too many."""
    from rich.text import Text

    first = [*of_answers(tables), *opening]
    for section in first:
        show_section(section, console)
    if first:
        console.print()
    for table in tables:
        console.print(Text(title_of(table), style="bold underline"))
        for block in table.blocks:
            console.print(_heading(block))
            for at, part in enumerate(_fitting(table, block, console.width)):
                console.print(*([""] if at else []), _grid(table, block, part), sep="\n")
        for section in all_sections(table):
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
    page = io.StringIO()
    plain = plain_console(page, width=width, color_system=None, legacy_windows=False)
    show(results, tables, plain, opening=opening)
    return "\n".join(line.rstrip() for line in page.getvalue().splitlines()) + "\n"


def _heading(block: Block) -> Text:
    from rich.text import Text

    return Text.assemble("\n", (name_of(block), "bold"), f"  {detail_of(block)}".rstrip())


def _fitting(table: Table, block: Block, width: int) -> Iterator[tuple[str, ...]]:
    """The conditions in as few parts as fit `width`, each part as even as can be."""
    columns, rows = conditions_of(table, block), arms_of(table, block)
    wide = [
        max(map(len, [*header_of(at).split("\n"), *(figure_of(block, arm, at) for arm in rows)])) + GAP
        for at in columns
    ]
    room = width - max(len(label_of(arm)) for arm in rows) - len("seeds") - max(len(str(_most(block))), 1) - 2 * GAP
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
        cells = [_styled(figure_of(block, arm, column)) for column in columns]
        grid.add_row(Text(label_of(arm), style=style), seeds_of(arm), count_of(block, arm, columns), *cells)
    return grid


def _styled(figure: str) -> Text:
    from rich.text import Text

    mean, gap, rest = figure.partition(" ")
    return Text.assemble((mean, "bold"), gap, (rest, "dim"))

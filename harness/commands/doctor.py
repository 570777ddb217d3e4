"""`harness doctor`: the checks as lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from harness.commands.options import Json, Runs
from harness.screen import console, print_json, shown

if TYPE_CHECKING:
    from harness.doctor import Finding

STYLES = {"ok": "green", "absent": "yellow", "missing": "bold red"}


def doctor(runs: Runs = Path("runs"), as_json: Json = False) -> None:
    """What this machine can run, and what is missing."""
    from harness.doctor import can_run_mini, examine

    found = examine(runs)
    able = can_run_mini(found)
    if as_json:
        print_json({"mini": able, "checks": [asdict(one) for one in found]})
    else:
        _show(found, able)
    raise typer.Exit(0 if able else 1)


def _show(found: Sequence[Finding], able: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for one in found:
        said = f"{one.seen}; {one.fix}" if one.fix else one.seen
        grid.add_row(Text(one.state, style=STYLES[one.state]), one.name, Text(shown(said)))
    page = console()
    page.print(grid)
    page.print(f"\n{'mini can run here' if able else 'mini cannot run here yet: see what is missing'}")

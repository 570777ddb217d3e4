"""`harness doctor`: the checks as lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from harness.commands.page import console, print_json
from harness.doctor import Check, can_run_mini

STYLES = {"ok": "green", "absent": "yellow", "missing": "bold red"}


def show(checks: Sequence[Check], *, as_json: bool) -> int:
    """Prints the checks and gives the exit status: 0 when `mini` can run here, else 1."""
    able = can_run_mini(list(checks))
    if as_json:
        print_json({"mini": able, "checks": [asdict(check) for check in checks]})
    else:
        _show(checks, able)
    return 0 if able else 1


def _show(checks: Sequence[Check], able: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for check in checks:
        said = f"{check.seen}; {check.fix}" if check.fix else check.seen
        grid.add_row(Text(check.state, style=STYLES[check.state]), check.name, Text(said))
    page = console()
    page.print(grid)
    page.print(f"\n{'mini can run here' if able else 'mini cannot run here yet: see what is missing'}")

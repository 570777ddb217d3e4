"""`harness check`: what a setting would come to, before anything is trained."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.options import Json, Model, Runs, Scale, keep_settings, setting_named
from harness.screen import console, print_json, shown

if TYPE_CHECKING:
    from harness.checking import CheckedSetting

COLOURS = {"ok": "green", "note": "cyan", "warning": "yellow", "error": "red"}
MOST = 2_000
"""Characters of the first row that are shown."""


def check(
    setting: Annotated[str, typer.Argument(help="A setting, by its name or by a file that describes it.")],
    scale: Scale = "mini",
    model: Model = "",
    runs: Runs = Path("runs"),
    quick: Annotated[bool, typer.Option("--quick", help="Do not ask the untrained model anything.")] = False,
    as_json: Json = False,
) -> None:
    """Look at rows, questions, prompts, judges and vectors before training; status 1 for an error."""
    from harness import cells, checking

    name = setting_named(setting)
    cells.check_names([name], ["none"], scale=scale, model=model, weights=[""])
    if not quick:
        keep_settings([name], runs)
    found = checking.check(name, scale=scale, model=model, folder=None if quick else runs)
    if as_json:
        print_json({"findings": [asdict(one) for one in found.findings], "row": found.row})
    else:
        _show(found)
    raise typer.Exit(1 if checking.worst(found.findings) == "error" else 0)


def _show(found: CheckedSetting) -> None:
    from rich.text import Text

    page = console()
    page.print("the first row as the model is given it; what is trained on is underlined", style="bold")
    row = Text()
    for text, taught in found.row:
        lines = "\n".join(map(shown, text[:MOST].split("\n")))
        row.append(lines, style="underline green" if taught else "dim")
    page.print(row, soft_wrap=True)
    page.print()
    for one in found.findings:
        line = Text()
        line.append(f"{one.level:8}", style=COLOURS[one.level])
        line.append(f"{shown(one.about)}: ", style="bold")
        line.append(shown(one.said))
        page.print(line, soft_wrap=True)
    counts = {level: sum(one.level == level for one in found.findings) for level in ("error", "warning")}
    page.print(f"\n{counts['error']} errors, {counts['warning']} warnings; nothing was trained")

"""`harness balance`: how near the arms of finished runs came to the balances that were asked of them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from harness.commands.options import Json, Markdown, Runs, one_of
from harness.errors import HarnessError
from harness.screen import console, print_json, put, shown


def balance(
    targets: Annotated[Path, typer.Option(help="JSON: a list of {setting, intervention, weights, target}.")],
    runs: Runs = Path("runs"),
    markdown: Markdown = False,
    as_json: Json = False,
) -> None:
    """How near arms came to the balance of traits that was asked of them."""
    _balance(runs, targets, form=one_of({"markdown": markdown, "json": as_json}))


def _balance(runs: Path, targets: Path, *, form: str | None) -> None:
    """Prints a row for every target, then the mean error of each intervention and their differences."""
    from harness import analysis, reporting
    from harness.registry import installed

    wanted = analysis.read_targets(targets)
    results = analysis.load(runs, settings=sorted({target.setting for target in wanted}))
    found = analysis.balances(analysis.tables(results, installed()), wanted)
    if not found.reached:
        raise HarnessError(f"no target in {targets} has a finished run in {runs}; the first is {found.missing[0]}")
    if form == "json":
        print_json(asdict(found))
        return
    sections = list(reporting.of_balances(found))
    left = [f"not run: {name}" for name in found.missing]
    if form == "markdown":
        lines = [line for one in sections for line in reporting.markdown_section(one)]
        put("\n".join([*lines, *(f"- {reporting.markdown_line(line)}" for line in left)]))
        return
    page = console()
    for section in sections:
        reporting.show_section(section, page)
    for line in left:
        page.print(shown(line), soft_wrap=True)

"""`harness report`: tables of the finished runs, to the terminal or to a file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from harness.commands.page import console
from harness.models import writing
from harness.registry import installed

NO_CURVE = "no figure: no intervention has finished at two or more doses; run it with --dose 0,0.5,1"

Form = Literal["text", "markdown", "json"]


def report(runs: Path, settings: Sequence[str], *, form: Form, output: Path | None, figures: Path | None) -> None:
    """Prints the report in `form`, or writes it to `output` in one step; dose curves go into the folder `figures`."""
    from harness import report

    registry = installed()
    results = report.load(runs, settings=settings)
    for name in settings:
        if not any(run.cell.setting == name for run in results.runs):
            registry.setting(name)
    tables = report.tables(results, registry)
    if figures is not None:
        drawn = report.draw(tables, figures)
        print(f"{len(drawn)} files in {figures}" if drawn else NO_CURVE, file=sys.stderr)
    if output is None and form == "text":
        report.show(results, tables, console())
        return
    written = {"text": report.text, "markdown": report.markdown, "json": report.as_json}[form](results, tables)
    if output is None:
        print(written, end="")
        return
    with writing(output, "the report") as part:
        part.write_text(written, encoding="utf-8")

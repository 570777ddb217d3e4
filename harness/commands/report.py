"""`harness report`: tables of the finished runs, to the terminal, to a file, or as a page."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from harness.commands.page import console
from harness.files import writing
from harness.registry import installed

if TYPE_CHECKING:
    from harness.analysis import Results, Table
    from harness.report import Section

NO_CURVE = "no figure: no intervention has finished at two or more doses; run it with --dose 0,0.5,1"

Form = Literal["text", "markdown", "json", "csv"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What a report writes: its text in `output`, dose curves in `figures`, a page, and the logs beside that page.

    Page, text and Markdown open with the verdicts on `claims`, where that file is named.
    """

    output: Path | None = None
    figures: Path | None = None
    page: Path | None = None
    bundle: bool = False
    claims: Path | None = None


def report(runs: Path, settings: Sequence[str], *, form: Form, files: Files) -> None:
    """Prints the report in `form`, or writes `files`, each in one step; a page alone is told of in one line."""
    from harness import analysis, report

    registry = installed()
    results = analysis.load(runs, settings=settings)
    for name in settings:
        if not any(run.cell.setting == name for run in results.runs):
            registry.setting(name)
    tables = analysis.tables(results, registry)
    if files.figures is not None:
        drawn = report.draw(tables, files.figures)
        print(f"{len(drawn)} files in {files.figures}" if drawn else NO_CURVE, file=sys.stderr)
    verdicts = _verdicts(files.claims, results) if files.claims is not None else ()
    if files.page is not None:
        _write_page(results, tables, settings, files.page, verdicts=verdicts, bundle=files.bundle)
        if files.output is None and form == "text":
            return
    if files.output is None and form == "text":
        report.show(results, tables, console(), opening=verdicts)
        return
    forms: dict[Form, Callable[[Results, Sequence[Table]], str]] = {
        "text": partial(report.text, opening=verdicts),
        "markdown": partial(report.markdown, opening=verdicts),
        "json": report.as_json,
        "csv": report.as_csv,
    }
    written = forms[form](results, tables)
    if files.output is None:
        print(written, end="")
        return
    with writing(files.output, "the report") as part:
        part.write_text(written, encoding="utf-8")


def _verdicts(file: Path, results: Results) -> Sequence[Section]:
    from harness import claims
    from harness.report import sections

    registry = installed()
    asked = claims.read_claims(file, registry)
    changed = claims.deviations(asked, results.folder)
    return sections(asked, claims.judge(asked, results, registry), changed)


def _write_page(
    results: Results,
    tables: Sequence[Table],
    settings: Sequence[str],
    file: Path,
    *,
    verdicts: Sequence[Section],
    bundle: bool,
) -> None:
    from harness.report import bundle_of, page, vector_cards, write_bundle

    cards = vector_cards(results.folder, settings)
    logs = bundle_of(file)
    written = page(results, tables, cards=cards, verdicts=verdicts, bundle=logs.name if bundle else "")
    if bundle:
        write_bundle(results.folder, logs)
    with writing(file, "the page") as part:
        part.write_text(written, encoding="utf-8")
    beside = f", transcripts in {logs}" if bundle else ""
    print(f"{file}, {len(written.encode()) / 1e6:.1f} MB{beside}", file=sys.stderr)

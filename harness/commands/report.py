"""`harness report`: tables of the finished runs, to the terminal, to a file, or as a page."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.options import NONE, Json, Markdown, OnlyThese, Output, Runs, any_of, one_of
from harness.errors import HarnessError
from harness.screen import console

if TYPE_CHECKING:
    from harness.analysis import Results, Table
    from harness.report import Section

NO_CURVE = "no figure: no intervention has finished at two or more doses; run it with --dose 0,0.5,1"


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


def report(
    runs: Runs = Path("runs"),
    setting: OnlyThese = NONE,
    markdown: Markdown = False,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print every number as CSV, seeds too.")] = False,
    output: Output = None,
    figures: Annotated[Path | None, typer.Option(help="Draw dose curves into this folder: PNG, SVG, CSV.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write all of it as one page, with figures, to this file.")] = None,
    bundle: Annotated[
        bool, typer.Option("--bundle", help="Put the transcripts into a folder beside the page.")
    ] = False,
    claims: Annotated[Path | None, typer.Option(help="Open with the verdicts on these claims.")] = None,
) -> None:
    """Arm by condition tables of the finished runs, and dose curves."""
    form = one_of({"markdown": markdown, "json": as_json, "csv": as_csv})
    if bundle and html is None:
        raise HarnessError("--bundle puts the transcripts beside a page; name the page with --html FILE")
    if claims is not None and form in ("json", "csv"):
        raise HarnessError(
            "verdicts are for reading and stand in no JSON or CSV of a report; use 'harness claims --json'"
        )
    files = Files(output=output, figures=figures, page=html, bundle=bundle, claims=claims)
    write_report(runs, any_of("--setting", setting), form=form, files=files)


def write_report(runs: Path, settings: Sequence[str], *, form: str | None, files: Files) -> None:
    """Prints the report in `form`, or writes `files`, each in one step; a page alone is told of in one line.

    `form` is markdown, json or csv, None for text.
    """
    from harness import analysis, report
    from harness.registry import installed

    results = analysis.load(runs, settings=settings)
    for name in settings:
        if not any(run.cell.setting == name for run in results.runs):
            installed().setting(name)
    tables = analysis.tables(results, installed())
    if files.figures is not None:
        drawn = report.draw(tables, files.figures)
        print(f"{len(drawn)} files in {files.figures}" if drawn else NO_CURVE, file=sys.stderr)
    verdicts = _verdicts(files.claims, results) if files.claims is not None else ()
    if files.page is not None:
        _write_page(results, tables, settings, files.page, verdicts=verdicts, bundle=files.bundle)
        if files.output is None and form is None:
            return
    if files.output is None and form is None:
        report.show(results, tables, console(), opening=verdicts)
    else:
        _put(_written(results, tables, form, verdicts), files.output)


def _written(results: Results, tables: Sequence[Table], form: str | None, verdicts: Sequence[Section]) -> str:
    from harness import report

    forms: dict[str | None, Callable[[Results, Sequence[Table]], str]] = {
        None: partial(report.text, opening=verdicts),
        "markdown": partial(report.markdown, opening=verdicts),
        "json": report.as_json,
        "csv": report.as_csv,
    }
    return forms[form](results, tables)


def _put(text: str, file: Path | None) -> None:
    if file is None:
        print(text, end="")
        return
    from harness import files

    with files.writing(file, "the report") as part:
        part.write_text(text, encoding="utf-8")


def _verdicts(file: Path, results: Results) -> Sequence[Section]:
    from harness import claims, report
    from harness.registry import installed

    asked = claims.read_claims(file, installed())
    changed = claims.deviations(asked, results.folder)
    return report.sections(asked, claims.judge(asked, results, installed()), changed)


def _write_page(
    results: Results,
    tables: Sequence[Table],
    settings: Sequence[str],
    file: Path,
    *,
    verdicts: Sequence[Section],
    bundle: bool,
) -> None:
    from harness import files, report

    cards = report.vector_cards(results.folder, settings)
    logs = report.bundle_of(file)
    written = report.page(results, tables, cards=cards, verdicts=verdicts, bundle=logs.name if bundle else "")
    if bundle:
        report.write_bundle(results.folder, logs)
    with files.writing(file, "the page") as part:
        part.write_text(written, encoding="utf-8")
    beside = f", transcripts in {logs}" if bundle else ""
    print(f"{file}, {len(written.encode()) / 1e6:.1f} MB{beside}", file=sys.stderr)

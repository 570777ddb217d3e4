"""`harness report`: tables of the finished runs, to the terminal, to a file, or as a page."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from harness.commands.options import (
    NONE,
    Json,
    Markdown,
    OnlyThese,
    Output,
    Replace,
    Runs,
    named_file,
    one_of,
    setting_names,
)
from harness.errors import HarnessError
from harness.screen import console, put, say

if TYPE_CHECKING:
    from harness.analysis import Results, Table
    from harness.reporting import Opening, Section
    from harness.runs import Outputs

NO_FILES: Final[list[Path]] = []
Figures = Annotated[
    Path | None,
    typer.Option(help="Draw the trait by arm and condition, and dose curves, into this folder: PNG, SVG, CSV."),
]
NO_FIGURE = "no figure: no trait was measured in any finished run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What a report writes: its text in `output`, dose curves in `figures`, a page, and the logs beside that page.

    Page, text and Markdown open with the verdicts on `claims`, where that file is named, and with what `labels` say of
    judges. `force` replaces files that are no outputs of ours.
    """

    output: Path | None = None
    figures: Path | None = None
    page: Path | None = None
    bundle: bool = False
    claims: Path | None = None
    labels: tuple[Path, ...] = ()
    force: bool = False

    @property
    def outputs(self) -> Outputs:
        """How they may be written."""
        from harness.runs import Outputs

        read = (*self.labels, *(() if self.claims is None else (self.claims,)))
        return Outputs(inputs=read, force=self.force)

    def check(self, runs: Path) -> None:
        """HarnessError where one of them cannot or must not be written, before anything is read."""
        from harness.reporting import check_bundle
        from harness.runs import check_folder

        for target, what in ((self.output, "the report"), (self.page, "the page")):
            if target is not None:
                self.outputs.check(target, what)
        if self.figures is not None:
            check_folder(self.figures, "a figure")
        if self.bundle and self.page is not None:
            check_bundle(runs, self._bundle(self.page))
        _check_apart(list(self._named()))

    def _named(self) -> Iterator[tuple[str, Path]]:
        for option, target in (("--output", self.output), ("--html", self.page), ("--figures", self.figures)):
            if target is not None:
                yield option, target
        if self.bundle and self.page is not None:
            yield "--bundle", self._bundle(self.page)

    @staticmethod
    def _bundle(page: Path) -> Path:
        from harness.reporting import bundle_of

        return bundle_of(page)


def _check_apart(named: Sequence[tuple[str, Path]]) -> None:
    """HarnessError where two options name one place, or a file is to lie in a bundle, which is replaced as a whole."""
    for at, (option, target) in enumerate(named):
        for other, taken in named[:at]:
            here, there = Path(os.path.realpath(taken)), os.path.realpath(target)
            if str(here) == there or (option == "--bundle" and here.is_relative_to(there)):
                raise HarnessError(f"{other} and {option} would both be written to {target}; name two places")


def report(
    runs: Runs = Path("runs"),
    setting: OnlyThese = NONE,
    markdown: Markdown = False,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print every number as CSV, seeds too.")] = False,
    output: Output = None,
    figures: Figures = None,
    html: Annotated[
        Path | None,
        typer.Option(parser=named_file, metavar="FILE", help="Write all of it as one page, with figures, to it."),
    ] = None,
    bundle: Annotated[
        bool, typer.Option("--bundle", help="Put the transcripts into a folder beside the page.")
    ] = False,
    claims: Annotated[Path | None, typer.Option(help="Open with the verdicts on these claims.")] = None,
    labels: Annotated[
        list[Path],
        typer.Option(help="A sheet of 'harness judge --sample', filled in: show what it corrects. Repeat it."),
    ] = NO_FILES,
    force: Replace = False,
) -> None:
    """Arm by condition tables of the finished runs, and dose curves."""
    form = one_of({"markdown": markdown, "json": as_json, "csv": as_csv})
    if bundle and html is None:
        raise HarnessError("--bundle puts the transcripts beside a page; name the page with --html FILE")
    if claims is not None and form in ("json", "csv"):
        raise HarnessError(
            "verdicts are for reading and stand in no JSON or CSV of a report; use 'harness claims --json'"
        )
    if labels and form in ("json", "csv"):
        raise HarnessError(
            "corrected figures are for reading and stand in no JSON or CSV of a report; use 'harness judge --labels "
            "FILE --json'"
        )
    files = Files(
        output=output, figures=figures, page=html, bundle=bundle, claims=claims, labels=tuple(labels), force=force
    )
    write_report(runs, setting_names(setting) if setting else (), form=form, files=files)


def write_report(runs: Path, settings: Sequence[str], *, form: str | None, files: Files) -> None:
    """Prints the report in `form`, or writes `files`, each in one step; a page alone is told of in one line.

    `form` is markdown, json or csv, None for text.
    """
    from harness import analysis, reporting
    from harness.registry import installed

    files.check(runs)
    results = analysis.load(runs, settings=settings)
    for name in settings:
        if not any(run.cell.setting == name for run in results.runs):
            installed().setting(name)
    tables = analysis.tables(results, installed())
    if files.figures is not None:
        drawn = reporting.draw(tables, files.figures, files.outputs)
        first = next((file for file in drawn if file.suffix == ".png"), None)
        say(NO_FIGURE if first is None else f"{len(drawn)} files in {files.figures}, the first figure {first.name}")
    opening = _opening(files, results, tables)
    if files.page is not None:
        _write_page(results, tables, settings, files, opening)
        if files.output is None and form is None:
            return
    if form == "csv":
        _tell_left_out(results, tables)
    if files.output is None and form is None:
        reporting.show(results, tables, console(), opening=opening.sections)
    else:
        _put(_written(results, tables, form, opening.sections), files)


def _written(results: Results, tables: Sequence[Table], form: str | None, verdicts: Sequence[Section]) -> str:
    from harness import reporting

    forms: dict[str | None, Callable[[Results, Sequence[Table]], str]] = {
        None: partial(reporting.text, opening=verdicts),
        "markdown": partial(reporting.markdown, opening=verdicts),
        "json": reporting.as_json,
        "csv": reporting.as_csv,
    }
    return forms[form](results, tables)


def _tell_left_out(results: Results, tables: Sequence[Table]) -> None:
    """Says on stderr what a table of numbers has no room for: which runs are not in it."""
    from harness import reporting

    for line in reporting.left_out(results, tables):
        say(line)


def _put(text: str, files: Files) -> None:
    if files.output is None:
        put(text.removesuffix("\n"))
        return
    with files.outputs.writing(files.output, "the report") as part:
        part.write_text(text, encoding="utf-8")


def _opening(files: Files, results: Results, tables: Sequence[Table]) -> Opening:
    """The verdicts on the claims that are named, and what the sheets of labels say."""
    from harness import claims, reporting
    from harness.registry import installed

    corrected = _corrected(files.labels, results)
    if files.claims is None:
        return reporting.Opening(corrected=corrected)
    asked = claims.read_claims(files.claims, installed())
    decisions, changed = claims.as_locked(asked, tables, installed(), results.folder)
    verdicts = reporting.sections(asked, decisions, changed)
    return reporting.Opening(verdicts=verdicts, decisions=decisions, corrected=corrected)


def _corrected(sheets: Sequence[Path], results: Results) -> Sequence[Section]:
    """What each sheet of labels says; HarnessError where two are of one metric."""
    from harness import analysis, judging, reporting
    from harness.registry import installed

    read: dict[tuple[str, str], judging.Labels] = {}
    for sheet in sheets:
        labels = judging.read_labels(sheet)
        of = (labels.draw.setting, labels.draw.metric)
        if of in read:
            raise HarnessError(f"{sheet} and {read[of].file} both have labels of {of[1]} in {of[0]}; name one of them")
        read[of] = labels
    found = [one for labels in read.values() for one in analysis.corrected(results, labels, installed())]
    return reporting.of_corrected(found)


def _write_page(
    results: Results,
    tables: Sequence[Table],
    settings: Sequence[str],
    files: Files,
    opening: Opening,
) -> None:
    from harness import reporting

    assert files.page is not None
    cards = reporting.vector_cards(results.folder, settings)
    logs = reporting.bundle_of(files.page)
    bundle = logs.name if files.bundle else ""
    written = reporting.page(results, tables, cards=cards, opening=opening, bundle=bundle)
    if files.bundle:
        reporting.write_bundle(results.folder, logs)
    with files.outputs.writing(files.page, "the page") as part:
        part.write_text(written, encoding="utf-8")
    beside = f", transcripts in {logs}" if files.bundle else ""
    say(f"{files.page}, {len(written.encode()) / 1e6:.1f} MB{beside}")

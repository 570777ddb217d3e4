"""`harness.report`: the report as an object that a notebook shows as the page, and a terminal as text."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness.notebooks.asked import runs_in, settings_of

if TYPE_CHECKING:
    from harness.analysis import Results, Table
    from harness.reporting import Opening

HEIGHT = 640  # pixels of a page in a notebook


@dataclass(frozen=True)
class Report:
    """What finished runs show: `html`, `text` and `markdown` are its forms; a notebook shows the first, in a frame."""

    results: Results = field(repr=False)
    tables: tuple[Table, ...] = field(repr=False)
    opening: Opening = field(repr=False)
    settings: tuple[str, ...] = ()

    @cached_property
    def html(self) -> str:
        """The page, one file that asks for no other."""
        from harness.reporting import page, vector_cards

        cards = vector_cards(self.results.folder, self.settings)
        return page(self.results, self.tables, cards=cards, opening=self.opening)

    @property
    def text(self) -> str:
        """The report as a terminal shows it."""
        from harness.reporting import text

        return text(self.results, self.tables, opening=self.opening.sections)

    @property
    def markdown(self) -> str:
        """The report as GitHub-flavoured Markdown."""
        from harness.reporting import markdown

        return markdown(self.results, self.tables, opening=self.opening.sections)

    @property
    def answers(self) -> tuple[str, ...]:
        """What the runs support, in sentences."""
        from harness.reporting import of_answers

        return tuple(line for section in of_answers(self.tables) for line in section.lines)

    def save(self, file: str | Path, *, force: bool = False) -> Path:
        """Writes the page to `file`, in one step; HarnessError where something else is there, unless `force`."""
        from harness.runs import Outputs

        place = Path(file).expanduser()
        outputs = Outputs(force=force)
        outputs.check(place, "the page")
        with outputs.writing(place, "the page") as part:
            part.write_text(self.html, encoding="utf-8")
        return place

    def _repr_html_(self) -> str:
        page = html.escape(self.html, quote=True)
        how = f'style="width: 100%; height: {HEIGHT}px; border: 0" sandbox="allow-scripts allow-downloads"'
        return f'<iframe title="Report" srcdoc="{page}" {how}></iframe>'

    def __str__(self) -> str:
        return self.text


def report(
    runs: str | Path = "runs", setting: str | Path | Sequence[str | Path] = (), *, claims: str | Path = ""
) -> Report:
    """The report on the finished runs in a folder, of these settings if any are named, with verdicts on `claims`."""
    from harness import analysis
    from harness.registry import installed
    from harness.reporting import Opening, sections

    folder = runs_in(runs)
    settings = settings_of(setting) if setting else ()
    found = analysis.load(folder, settings=settings)
    tables = analysis.tables(found, installed())
    opening = Opening()
    if claims:
        from harness.claims import as_locked, read_claims

        asked = read_claims(Path(claims), installed())
        decisions, changed = as_locked(asked, tables, installed(), folder)
        opening = Opening(verdicts=sections(asked, decisions, changed), decisions=decisions)
    return Report(found, tables, opening, settings)

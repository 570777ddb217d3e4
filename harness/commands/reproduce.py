"""`harness reproduce`: the post's experiment, its claims and the report, in one go."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.commands import claims as verdicts
from harness.commands import sweeping, tables
from harness.errors import HarnessError
from harness.sweep import Experiment, Where, post, sweep

PAGE = "report.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of the post is to be done, in which runs folder, and where the report goes: `output`, or `RUNS-report`."""

    scale: str
    quick: bool
    settings: Sequence[str]
    runs: Path
    output: Path | None

    @property
    def experiment(self) -> Experiment:
        """The cells of it."""
        return post(scale=self.scale, quick=self.quick, settings=self.settings)

    @property
    def folder(self) -> Path:
        """Where the report goes."""
        return self.output or self.runs.with_name(f"{self.runs.name}-report")


def reproduce(asked: Asked, where: Where, *, as_json: bool) -> int:
    """Does what is missing, prints the post's table beside ours and writes the report; gives the exit status.

    It is 1 where a cell failed for good.
    """
    sweeping.check(where)
    _check_place(asked.folder)
    experiment = asked.experiment
    assert experiment.claims is not None
    sweeping.lock_claims(experiment, asked.runs)
    print(sweeping.expected(experiment, asked.runs, where), file=sys.stderr)
    swept = sweep(experiment, asked.runs, where)
    if swept.before or len(swept.failed) < len(swept.finished):
        verdicts.show(
            asked.runs,
            experiment.claims,
            markdown=False,
            as_json=as_json,
            experiment=experiment.file,
            settings=experiment.settings,
        )
        _write(asked, experiment)
    sweeping.tell_failed(swept)
    return 1 if swept.failed else 0


def plan(asked: Asked, where: Where, *, as_json: bool) -> None:
    """Prints the cells, what they share, about what they take and what would be written; trains nothing."""
    sweeping.show_plan(asked.experiment, asked.runs, where, hourly_price=None, as_json=as_json)
    if not as_json:
        print(f"report: {asked.folder / PAGE}, the same as Markdown and CSV, and the transcripts, beside it")


def _check_place(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise HarnessError(f"{folder} is no folder to write a report into; name another with --output")


def _write(asked: Asked, experiment: Experiment) -> None:
    folder = asked.folder
    folder.mkdir(parents=True, exist_ok=True)
    page = tables.Files(
        output=folder / "report.md",
        page=folder / PAGE,
        bundle=True,
        claims=experiment.claims,
    )
    tables.report(asked.runs, experiment.settings, form="markdown", files=page)
    tables.report(asked.runs, experiment.settings, form="csv", files=tables.Files(output=folder / "report.csv"))

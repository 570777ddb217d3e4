"""Finished runs graded again, nothing trained or generated; or graded by other judges, beside their results."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness import runs
from harness.contracts import Judge
from harness.errors import HarnessError
from harness.files import as_lines, clear_halves, inside, locked, write_rows
from harness.grading.step import booked, grade, replies_of
from harness.grading.verdicts import spelled, untaken, verdicts_of
from harness.judging import asking
from harness.registry import installed
from harness.runs import RunRecord, Untaken

if TYPE_CHECKING:
    from harness.graders import ModelGrader


@dataclass(frozen=True, slots=True, kw_only=True)
class Regraded:
    """One run folder, how many replies were graded in it, and the file that holds the new scores.

    `untaken` says by judge which of them it could not take.
    """

    folder: Path
    replies: int
    file: Path
    untaken: Mapping[str, Untaken] = field(default_factory=dict)


def rejudge(root: Path, judges: Sequence[Judge], grader: ModelGrader | None) -> Iterator[Regraded]:
    """Grades every finished run under `root` again, one after another.

    Without `judges` the setting's own grade, and the results follow. Judges that are named grade beside the results:
    their scores go to judgements/JUDGE.jsonl in each run folder.
    """
    for folder in _finished(root):
        with locked(folder):
            clear_halves(folder)
            record = runs.read_run(folder)
            assert record is not None
            if judges:
                yield from [_beside(folder, judge, record, grader) for judge in judges]
            else:
                yield _anew(folder, record, grader)


def _finished(root: Path) -> list[Path]:
    if not root.is_dir():
        raise HarnessError(f"no runs folder at {root}; name a folder that 'harness run' filled")
    found = [(folder, runs.read_run(folder)) for folder in runs.run_folders(root)]
    done = [folder for folder, record in found if record is not None and record.status == "done"]
    for folder in done:
        runs.check_seal(folder)
    if not done:
        raise HarnessError(f"no finished run in {root}; fill it with 'harness run'")
    return done


def _anew(folder: Path, record: RunRecord, grader: ModelGrader | None) -> Regraded:
    setting = installed().setting(record.cell.setting)
    asked = grader if asking(setting, installed()) else None
    replies = replies_of(folder, record)
    done = grade(folder, setting, record, replies=replies, grader=asked, again=asked is not None)
    return Regraded(folder=folder, replies=len(replies), file=folder / runs.RESULTS, untaken=done.untaken)


def _beside(folder: Path, judge: Judge, record: RunRecord, grader: ModelGrader | None) -> Regraded:
    replies, asked = replies_of(folder, record), grader if judge.grader else None
    with booked(asked, runs.read_run(folder) or record, folder) as book:
        given = verdicts_of(judge, replies, asked, places=[f"{folder}, {spelled(reply)}" for reply in replies])
        if asked is not None:
            runs.write_run(folder, book())
    rows = [
        {
            "condition": reply.condition,
            "split": reply.split,
            "case": reply.case.id,
            "cluster": reply.case.cluster,
            "sample": reply.sample,
            "judge": judge.name,
            "version": judge.version,
            "grader": asked.name if asked else None,
            "scores": dict(verdict.scores),
            "reason": verdict.reason,
        }
        for reply, verdict in zip(replies, given, strict=True)
    ]
    by = f"@{re.sub(r'[^A-Za-z0-9_.-]+', '_', asked.name)}" if asked else ""
    file = inside(folder / "judgements", f"{judge.name}{by}.jsonl")
    write_rows(file, rows)
    _keep(folder, file, runs.product_of(as_lines(rows)))
    lost = untaken(given, [spelled(reply) for reply in replies])
    return Regraded(folder=folder, replies=len(rows), file=file, untaken={judge.name: lost} if lost else {})


def _keep(folder: Path, file: Path, product: runs.Product) -> None:
    """Lets the record of the run in `folder` know what is in `file` now."""
    record = runs.read_run(folder)
    assert record is not None
    name = runs.product_name(file)
    if record.products.get(name) != product:
        runs.write_run(folder, replace(record, products={**record.products, name: product}))

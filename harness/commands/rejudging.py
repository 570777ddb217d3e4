"""`harness rejudge`: stored replies graded again, nothing trained or generated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness import runs
from harness.commands.graders import Grading, paid
from harness.commands.grading import rows_of, verdicts
from harness.commands.page import print_json
from harness.contracts import Condition, Judge
from harness.errors import HarnessError
from harness.files import locked, write_rows
from harness.judging import asking
from harness.registry import installed

if TYPE_CHECKING:
    from harness.graders import ModelGrader
    from harness.runs import Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Regraded:
    """One run folder, how many replies were graded in it, and the file that holds the new scores."""

    folder: Path
    replies: int
    file: Path


def rejudge(root: Path, grading: Grading, *, judges: Sequence[str], as_json: bool) -> None:
    """Grades the replies of every finished run under `root` again, and prints what was done.

    Without `judges` the setting's own judges grade, and the results follow. Judges that are named grade beside the
    results: their scores go to judgements/JUDGE.jsonl in each run folder.
    """
    others = [installed().judge(name) for name in judges]
    grader = grading.opened_for(others) if others else grading.opened()
    done = [one for folder in _finished(root) for one in _regraded(folder, others, grader)]
    if as_json:
        print_json(
            {
                "runs": [{"folder": str(o.folder), "replies": o.replies, "file": str(o.file)} for o in done],
                "grader": grader.record() if grader else None,
            }
        )
        return
    for one in done:
        print(f"{one.replies:,} replies graded: {one.file}")
    if grader is not None:
        print(paid(grader))


def _finished(root: Path) -> list[Path]:
    if not root.is_dir():
        raise HarnessError(f"no runs folder at {root}; name a folder that 'harness run' filled")
    done = [folder for folder in runs.folders(root) if (runs.read(folder) or {}).get("status") == "done"]
    if not done:
        raise HarnessError(f"no finished run in {root}; fill it with 'harness run'")
    return done


def _regraded(folder: Path, others: Sequence[Judge], grader: ModelGrader | None) -> Iterator[Regraded]:
    from harness.grading import collecting

    with locked(folder):
        record = runs.read(folder)
        assert record is not None
        setting = installed().setting(record["cell"]["setting"])
        conditions = [Condition.parse(text) for text in record["inputs"]["conditions"]]
        if others:
            replies = collecting.replies_of(folder, conditions)
            for judge in others:
                with collecting.booked(grader if judge.grader else None, record, folder):
                    done = _beside(folder, judge, replies, grader)
                yield done
            return
        if grader is not None and asking(setting, installed()):
            collecting.collect(folder, setting, conditions, record, grader=grader, again=True)
            count = len(collecting.replies_of(folder, conditions))
        else:
            count = collecting.collect_rules(folder, setting, conditions, record)
        yield Regraded(folder=folder, replies=count, file=folder / "results.jsonl")


def _beside(folder: Path, judge: Judge, replies: Sequence[Stored], grader: ModelGrader | None) -> Regraded:
    asked = grader if judge.grader else None
    given = verdicts(judge, rows_of(folder, replies), asked)
    rows = [
        {
            "condition": stored.condition,
            "split": stored.split,
            "case": stored.case.id,
            "cluster": stored.case.cluster,
            "sample": stored.sample,
            "judge": judge.name,
            "version": judge.version,
            "grader": asked.name if asked else None,
            "scores": dict(verdict.scores),
            "reason": verdict.reason,
        }
        for stored, verdict in zip(replies, given, strict=True)
    ]
    by = f"@{re.sub(r'[^A-Za-z0-9_.-]+', '_', asked.name)}" if asked else ""
    file = folder / "judgements" / f"{judge.name}{by}.jsonl"
    write_rows(file, rows)
    return Regraded(folder=folder, replies=len(rows), file=file)

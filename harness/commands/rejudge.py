"""`harness rejudge`: stored replies graded again, nothing trained or generated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness import grading
from harness.commands.graders import Grading, paid
from harness.commands.page import print_json
from harness.registry import installed


def rejudge(root: Path, chosen: Grading, *, judges: Sequence[str], as_json: bool) -> None:
    """Grades the replies of every finished run under `root` again, and prints what was done.

    Without `judges` the setting's own judges grade, and the results follow. Judges that are named grade beside the
    results: their scores go to judgements/JUDGE.jsonl in each run folder.
    """
    others = [installed().judge(name) for name in judges]
    grader = chosen.opened_for(others) if others else chosen.opened()
    done = list(grading.rejudge(root, others, grader))
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

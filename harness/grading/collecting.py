"""From logs to results: grades what is to be graded, writes results.jsonl and checks.jsonl, and reads the gates off.

Neither torch nor weights: it serves `harness run` at the end of a cell, and `harness rejudge` at any time after.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.contracts import Condition, Setting
from harness.files import write_json, write_rows
from harness.grading.stored import graded
from harness.judging import rule_judges
from harness.registry import installed
from harness.runs import COULD_TELL, LEARNED, Check, Result, Stored, outcome_gates, stored, was_plain

if TYPE_CHECKING:
    from harness.graders import ModelGrader


def collect(
    folder: Path,
    setting: Setting,
    conditions: Sequence[Condition],
    record: dict[str, Any],
    *,
    grader: ModelGrader | None = None,
    again: bool = False,
) -> None:
    """Grades the logs in `folder` as `regrading.regrade` does, then writes replies, results, checks and `record`.

    `record` says which judges graded, and which grader. HarnessError when a grader fails: the results stay as they
    were, what the grader said is kept, and the same call goes on from there.
    """
    from harness.cells import log_name
    from harness.grading import regrading

    logs = [folder / "logs" / log_name(condition) for condition in conditions]
    with booked(grader, record, folder):
        for log in logs:
            regrading.regrade(log, setting, grader=grader, again=again)
    said = [regrading.read(log, setting) for log in logs]
    if not (folder / "replies.jsonl").is_file():
        stored.write_replies(folder, [reply for one in said for reply in one.replies])
    record["judges"] = dict(said[-1].judges)
    record["grader"] = next((one.grader for one in said if one.grader), None)
    results, checks = [row for one in said for row in one.results], [row for one in said for row in one.checks]
    _write(folder, setting, record, results, checks)


@contextlib.contextmanager
def booked(grader: ModelGrader | None, record: dict[str, Any], folder: Path) -> Iterator[None]:
    """Adds what is paid to `grader` inside the block to the step `grade` of `record` and its run.json, if it fails too.

    Without a grader it does nothing.
    """
    if grader is None:
        yield
        return
    before = grader.ledger.record()
    try:
        yield
    finally:
        now, spent = grader.ledger.record(), dict(record["steps"].get("grade", {}))
        for name in ("calls", "input_tokens", "output_tokens", "usd"):
            if now[name] is not None:
                spent[name] = spent.get(name, 0) + now[name] - before[name]
        record["steps"]["grade"] = spent
        write_json(folder / "run.json", record)


def collect_rules(folder: Path, setting: Setting, conditions: Sequence[Condition], record: dict[str, Any]) -> int:
    """Grades the stored replies by the rule judges alone, in the time that the rules take; says how many there are.

    What a grader said stays. The logs are left as they are: they show the scores that they were written with.
    """
    replies = replies_of(folder, conditions)
    results, checks = asyncio.run(graded(replies, setting, folder))
    record["judges"] = {**record["judges"], **rule_judges(setting, installed())}
    _write(folder, setting, record, results, checks)
    return len(replies)


def replies_of(folder: Path, conditions: Sequence[Condition]) -> list[Stored]:
    """The replies of a run, from replies.jsonl, or from the logs where an older run has none, which is slower."""
    replies = stored.read_replies(folder)
    if replies is not None:
        return replies
    from harness.cells import log_name
    from harness.grading import regrading

    logs = [folder / "logs" / log_name(condition) for condition in conditions]
    replies = [reply for log in logs for reply in regrading.read_replies(log)]
    stored.write_replies(folder, replies)
    return replies


def _write(
    folder: Path, setting: Setting, record: dict[str, Any], results: Sequence[Result], checks: Sequence[Check]
) -> None:
    rows = [asdict(row) for row in results]
    if checks:
        write_rows(folder / "checks.jsonl", [asdict(row) for row in checks])
    write_rows(folder / "results.jsonl", rows)
    plain = was_plain(record)
    kept = {name: gate for name, gate in record["gates"].items() if not name.startswith((COULD_TELL, LEARNED))}
    record["gates"] = kept | outcome_gates(setting, record["cell"]["scale"], rows, plain=plain)
    write_json(folder / "run.json", record)

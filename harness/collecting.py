"""From logs to results: grades what is to be graded, writes results.jsonl and checks.jsonl, and reads the gates off.

Neither torch nor weights: it serves `harness run` at the end of a cell, and `harness rejudge` at any time after.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import runs, stored
from harness.contracts import Condition, Setting
from harness.judging import rule_judges
from harness.registry import installed
from harness.stored import Check, Result, Stored

if TYPE_CHECKING:
    from harness.grading.asking import ModelGrader

JUDGED_SHARE = 0.9
COULD_TELL, LEARNED = "judge_could_tell", "learned_"


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
    from harness import regrading
    from harness.tasks import log_name

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
        runs.write_json(folder / "run.json", record)


def collect_rules(folder: Path, setting: Setting, conditions: Sequence[Condition], record: dict[str, Any]) -> int:
    """Grades the stored replies by the rule judges alone, in the time that the rules take; says how many there are.

    What a grader said stays. The logs are left as they are: they show the scores that they were written with.
    """
    replies = replies_of(folder, conditions)
    results, checks = asyncio.run(stored.graded(replies, setting, folder))
    record["judges"] = {**record["judges"], **rule_judges(setting, installed())}
    _write(folder, setting, record, results, checks)
    return len(replies)


def replies_of(folder: Path, conditions: Sequence[Condition]) -> list[Stored]:
    """The replies of a run, from replies.jsonl, or from the logs where an older run has none, which is slower."""
    replies = stored.read_replies(folder)
    if replies is not None:
        return replies
    from harness import regrading
    from harness.tasks import log_name

    logs = [folder / "logs" / log_name(condition) for condition in conditions]
    replies = [reply for log in logs for reply in regrading.read_replies(log)]
    stored.write_replies(folder, replies)
    return replies


def _write(
    folder: Path, setting: Setting, record: dict[str, Any], results: Sequence[Result], checks: Sequence[Check]
) -> None:
    rows = [asdict(row) for row in results]
    if checks:
        runs.write_rows(folder / "checks.jsonl", [asdict(row) for row in checks])
    runs.write_rows(folder / "results.jsonl", rows)
    plain = _was_plain(record)
    kept = {name: gate for name, gate in record["gates"].items() if not name.startswith((COULD_TELL, LEARNED))}
    record["gates"] = kept | _gates(setting, record["cell"]["scale"], rows, plain=plain)
    runs.write_json(folder / "run.json", record)


def _was_plain(record: Mapping[str, Any]) -> bool:
    """Whether nothing was changed in training; a record of before says so by its gates alone."""
    return bool(record["made"].get("plain", any(name.startswith(LEARNED) for name in record["gates"])))


def _gates(setting: Setting, scale: str, rows: Sequence[Mapping[str, Any]], *, plain: bool) -> dict[str, Any]:
    whole = {metric.name for metric in setting.metrics if not metric.subset}
    taught = {metric.name for metric in setting.metrics if metric.taught(scale)}
    clean = [row for row in rows if row["condition"] == "clean"]
    judged = [row["value"] is not None for row in clean if row["metric"] in whole & taught]
    gates = _learned(setting, scale, clean) if plain else {}
    if not whole & taught:
        return gates
    share = sum(judged) / len(judged) if judged else 0.0
    could_tell = {
        "ok": share >= JUDGED_SHARE,
        "seen": f"{share:.3f}",
        "wanted": f"at least {JUDGED_SHARE:g} of the replies in clean",
    }
    return {COULD_TELL: could_tell} | gates


def _learned(setting: Setting, scale: str, clean: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Did plain training teach the trait and each skill? Where it did not, no arm can be said to have kept it out."""
    gates = {}
    for metric in setting.metrics:
        told = [row["value"] for row in clean if row["metric"] == metric.name]
        if metric.learned is None or not metric.taught(scale) or not told:
            continue
        values = [value for value in told if value is not None]
        rate = sum(values) / len(values) if values else 0.0
        gates[f"{LEARNED}{metric.name}"] = {
            "ok": rate >= metric.learned,
            "seen": f"{rate:.3f}",
            "wanted": f"at least {metric.learned:.2g} in clean after plain training",
        }
    return gates

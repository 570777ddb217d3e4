"""The one road from a reply to a result: replies, verdicts, results, gates, and the same scores in the logs.

`harness run` takes it at the end of a cell, and `harness rejudge` at any time after. Nothing is generated but what a
grader is asked.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness import runs
from harness.cells import log_name
from harness.contracts import Condition, Setting
from harness.grading.results import checks_of, results_of
from harness.grading.verdicts import spelled, untaken, verdicts_on
from harness.judging import JudgeOfSplit, Verdicts, asking, judge_versions, judges_of, up_to_date
from harness.registry import installed
from harness.runs import AskedGrader, Check, Reply, RunRecord, Step, Untaken
from harness.screen import bar

if TYPE_CHECKING:
    from harness.graders import ModelGrader


def grade(
    folder: Path,
    setting: Setting,
    record: RunRecord,
    *,
    replies: Sequence[Reply] | None = None,
    grader: ModelGrader | None = None,
    again: bool = False,
) -> RunRecord:
    """Grades the replies of the run in `folder`: its results, checks and logs follow. The record with its gates.

    `replies` are those of the run where they have been read already.

    Judges that ask are asked of `grader`, where the results are not of the same model and version, or all when
    `again`; without it they keep what they gave. A reply that a judge cannot take has no score, and the record counts
    it. When a grader fails, or a judge on every reply, the results stay as they were, what was said is kept, and the
    same call goes on from there.
    """
    before = record = _as_found(folder, record)
    plan = _due(setting, record, grader, again=again)
    replies = replies_of(folder, record) if replies is None else replies
    judges = [one for one in judges_of(setting, installed()) if one.judge.name in plan.judges]
    with booked(plan.grader, record, folder) as book:
        with _progress(plan, f"grade {setting.name}", judges, replies) as advance:
            verdicts = verdicts_on(judges, replies, plan.grader, advance=advance)
        record = book()
    results = results_of(replies, verdicts, setting, before=runs.read_results(folder, before))
    checks = checks_of(replies, verdicts, setting, installed(), before=_checks(folder, before))
    lost = _untaken(plan, record, replies, verdicts)
    record = replace(record, judges=plan.versions, grader=_asked(plan, record), untaken=lost)
    digest = runs.shown(map(runs.row_of, results), map(runs.row_of, checks), record)
    if record.logs_show != digest:
        _show(folder, setting, record, verdicts, plan.grader)
    products = runs.put_results(folder, results, checks, before)
    gates = runs.outcome_gates(record, setting, results)
    record = replace(record, status="done", gates=gates, logs_show=digest, products=products)
    runs.write_run(folder, record)
    return record


def _checks(folder: Path, record: RunRecord) -> list[Check]:
    """What second judges said before; none where that is gone, for it is made again now."""
    return runs.read_checks(folder, record) if (folder / runs.CHECKS).is_file() else []


def _as_found(folder: Path, record: RunRecord) -> RunRecord:
    """The record without the judges whose scores are gone with the results."""
    return record if (folder / runs.RESULTS).is_file() else replace(record, judges={}, grader=None)


def is_graded(setting: Setting, record: RunRecord, grader: ModelGrader | None = None) -> bool:
    """Whether every judge of `setting` has graded, in the version that is installed; by `grader` where it asks one."""
    if grader is None:
        return up_to_date(setting, installed(), record.judges, asked=False)
    if not asking(setting, installed()):
        return True
    same = record.grader is not None and record.grader.model == grader.name
    return same and up_to_date(setting, installed(), record.judges, asked=True)


def replies_of(folder: Path, record: RunRecord) -> list[Reply]:
    """The replies of a run, from replies.jsonl, or from the logs where an older run has none, which is slower."""
    replies = runs.read_replies(folder, record)
    if replies is None:
        from harness import evaluation

        logs = [folder / "logs" / log_name(Condition.parse(text)) for text in record.conditions]
        replies = [reply for log in logs for reply in evaluation.read_replies_of(log, record)]
        runs.write_replies(folder, replies, record)
    return replies


@contextlib.contextmanager
def booked(grader: ModelGrader | None, record: RunRecord, folder: Path) -> Iterator[_Book]:
    """Adds what is paid to `grader` inside the block to the step `grade` of the record, and saves it if it fails.

    Call what the block is given for the record with what was paid so far. Without a grader nothing is added.
    """
    book = _Book(grader, record)
    try:
        yield book
    except BaseException:
        if grader is not None:
            runs.write_run(folder, book())
        raise


class _Book:
    """What a grader had cost before, so that the difference can be booked."""

    def __init__(self, grader: ModelGrader | None, record: RunRecord) -> None:
        self._grader, self._record = grader, record
        self._before = None if grader is None else _spent(grader)

    def __call__(self) -> RunRecord:
        if self._grader is None or self._before is None:
            return self._record
        now, then, old = _spent(self._grader), self._before, self._record.steps.get("grade", Step())
        spent = replace(
            old,
            calls=(old.calls or 0) + (now.calls or 0) - (then.calls or 0),
            input_tokens=(old.input_tokens or 0) + (now.input_tokens or 0) - (then.input_tokens or 0),
            output_tokens=(old.output_tokens or 0) + (now.output_tokens or 0) - (then.output_tokens or 0),
            usd=old.usd if now.usd is None else (old.usd or 0.0) + now.usd - (then.usd or 0.0),
        )
        return replace(self._record, steps={**self._record.steps, "grade": spent})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """Who grades now: the `judges` by name, the grader that they ask, and the `versions` of all that then graded."""

    judges: frozenset[str]
    grader: ModelGrader | None
    versions: Mapping[str, str]


def _due(setting: Setting, record: RunRecord, grader: ModelGrader | None, *, again: bool) -> _Due:
    """Rules always grade. One grader graded a run: another one grades all of it."""
    versions, ask = judge_versions(setting, installed()), set(asking(setting, installed()))
    if grader is None:
        due = set()
    elif again or record.grader is None or record.grader.model != grader.name:
        due = ask
    else:
        due = {name for name in ask if record.judges.get(name) != versions[name]}
    judges = (versions.keys() - ask) | due
    kept = {name: version for name, version in record.judges.items() if name in ask - due}
    return _Due(
        judges=frozenset(judges),
        grader=grader if due else None,
        versions={
            name: versions[name] if name in judges else kept[name] for name in versions if name in judges | kept.keys()
        },
    )


def grader_of_before(setting: Setting, record: RunRecord) -> ModelGrader | None:
    """The grader that was asked before, where a judge that asked it has changed since; None where none has to be."""
    versions = judge_versions(setting, installed())
    stale = [name for name in asking(setting, installed()) if record.judges.get(name, versions[name]) != versions[name]]
    if not stale or record.grader is None:
        return None
    from harness.graders import opened

    return opened(record.grader.model)


def _untaken(plan: _Due, record: RunRecord, replies: Sequence[Reply], verdicts: Verdicts) -> dict[str, Untaken]:
    """By judge the replies that it could not take; a judge that did not grade now keeps what is said of it."""
    found = {name: one for name, one in record.untaken.items() if name in plan.versions and name not in verdicts}
    for name, given in verdicts.items():
        here = [reply for reply in replies if reply.place in given]
        lost = untaken([given[reply.place] for reply in here], [spelled(reply) for reply in here])
        found |= {} if lost is None else {name: lost}
    return found


def _asked(plan: _Due, record: RunRecord) -> AskedGrader | None:
    return record.grader if plan.grader is None else AskedGrader(model=plan.grader.name, how=plan.grader.how)


@contextlib.contextmanager
def _progress(
    plan: _Due, title: str, judges: Sequence[JudgeOfSplit], replies: Sequence[Reply]
) -> Iterator[Callable[[], None] | None]:
    """A bar where a grader is asked; rules are done before it would be drawn."""
    if plan.grader is None:
        yield None
        return
    pairs = {(one.judge.name, one.split) for one in judges}
    total = sum(reply.split == split for reply in replies for _, split in pairs)
    with bar(title, total=total, unit="reply") as advance:
        yield advance


def _show(folder: Path, setting: Setting, record: RunRecord, verdicts: Verdicts, grader: ModelGrader | None) -> None:
    """The same scores in the logs, so that `inspect view` shows no others; a log that is gone is left out."""
    logs = [folder / "logs" / log_name(Condition.parse(condition)) for condition in record.conditions]
    there = [log for log in logs if log.is_file()]
    if not there:
        return
    from harness import evaluation

    judges = judges_of(setting, installed())
    for log in there:
        evaluation.show_scores(
            log, judges, verdicts, versions=record.judges, asked=record.grader, grader=grader, of=record
        )


def _spent(grader: ModelGrader) -> Step:
    ledger = grader.ledger
    return Step(
        calls=ledger.calls, input_tokens=ledger.input_tokens, output_tokens=ledger.output_tokens, usd=ledger.cost
    )

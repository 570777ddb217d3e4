"""What was replied and how it was judged, in files beside the logs: a rule grades fast that need not load Inspect."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness import runs
from harness.contracts import Case, Message, Metric, Setting, Verdict
from harness.errors import HarnessError
from harness.judging import compared, judged
from harness.questions import splits
from harness.registry import installed


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One judged reply: a row of results.jsonl. `sample` counts from 1; `value` None is "cannot tell"."""

    condition: str
    split: str
    case: str
    cluster: str
    sample: int
    metric: str
    judge: str
    score: str
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One reply as two judges scored it: a row of checks.jsonl. `judge` gave `first`, and `check` gave `second`."""

    condition: str
    split: str
    case: str
    sample: int
    judge: str
    check: str
    first: Mapping[str, float | None]
    second: Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One reply in a log, with what a judge needs to grade it."""

    condition: str
    split: str
    sample: int
    case: Case
    reply: str


def write_replies(folder: Path, replies: Iterable[Stored]) -> None:
    """Writes replies.jsonl in the run folder `folder`."""
    runs.write_rows(folder / "replies.jsonl", [asdict(reply) for reply in replies])


def read_replies(folder: Path) -> list[Stored] | None:
    """The replies in a run folder's replies.jsonl, None where there is none; HarnessError when it is cut."""
    rows = _rows(folder / "replies.jsonl")
    return None if rows is None else [_stored(folder, row) for row in rows]


async def graded(replies: Sequence[Stored], setting: Setting, folder: Path) -> tuple[list[Result], list[Check]]:
    """Results and checks as the rule judges of `setting` give them now; those that need a grader stay as they were."""
    found = installed()
    verdicts: dict[tuple[str, int], Verdict] = {}

    async def verdict(judge: str, at: int) -> Verdict:
        if (judge, at) not in verdicts:
            verdicts[judge, at] = await judged(found.judge(judge), replies[at].case, replies[at].reply)
        return verdicts[judge, at]

    asks = {
        name for name in (*(m.judge for m in setting.metrics), *setting.checks.values()) if found.judge(name).grader
    }
    results: list[Result] = []
    checks: list[Check] = []
    kept = _kept(folder, asks)
    for condition, split, here in _groups(replies, setting):
        for metric in (one for one in setting.metrics if one.split == split):
            if metric.judge in asks:
                results += kept.get((condition, metric.name), [])
                continue
            for at in here:
                scores = (await verdict(metric.judge, at)).scores
                results.append(_result(replies[at], metric, scores[metric.score]))
        for judge, second in setting.checks.items():
            names = compared(setting, judge, found)
            measured = {metric.score for metric in setting.metrics if (metric.split, metric.judge) == (split, judge)}
            if asks & {judge, second} or not measured.issuperset(names):
                continue
            for at in here:
                first, other = (await verdict(judge, at)).scores, (await verdict(second, at)).scores
                checks.append(
                    _check(replies[at], judge, second, {n: first[n] for n in names}, {n: other[n] for n in names})
                )
    return results, checks


def _groups(replies: Sequence[Stored], setting: Setting) -> Iterable[tuple[str, str, list[int]]]:
    """Places of the replies by condition and split, each by case and sample, in the order of results.jsonl."""
    order = sorted(
        range(len(replies)), key=lambda at: (f"{replies[at].split}/{replies[at].case.id}", replies[at].sample)
    )
    for condition in dict.fromkeys(reply.condition for reply in replies):
        for split in splits(setting):
            yield (
                condition,
                split,
                [at for at in order if (replies[at].condition, replies[at].split) == (condition, split)],
            )


def _result(reply: Stored, metric: Metric, value: float | None) -> Result:
    return Result(
        condition=reply.condition,
        split=reply.split,
        case=reply.case.id,
        cluster=reply.case.cluster,
        sample=reply.sample,
        metric=metric.name,
        judge=metric.judge,
        score=metric.score,
        value=None if value is None else float(value),
    )


def _check(
    reply: Stored, judge: str, check: str, first: Mapping[str, float | None], second: Mapping[str, float | None]
) -> Check:
    return Check(
        condition=reply.condition,
        split=reply.split,
        case=reply.case.id,
        sample=reply.sample,
        judge=judge,
        check=check,
        first=first,
        second=second,
    )


def _kept(folder: Path, asks: set[str]) -> dict[tuple[str, str], list[Result]]:
    kept: dict[tuple[str, str], list[Result]] = {}
    for row in _rows(folder / "results.jsonl") or ():
        if row["judge"] in asks:
            kept.setdefault((row["condition"], row["metric"]), []).append(Result(**row))
    return kept


def _stored(folder: Path, row: Mapping[str, Any]) -> Stored:
    try:
        case = row["case"]
        messages = tuple(Message(turn["role"], turn["content"]) for turn in case["messages"])
        return Stored(**{**row, "case": Case(**{**case, "messages": messages})})
    except (KeyError, TypeError) as error:
        raise HarnessError(f"{folder / 'replies.jsonl'} is no file of replies ({error}); delete it") from error


def _rows(file: Path) -> list[dict[str, Any]] | None:
    try:
        return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise HarnessError(f"{file} cannot be read ({error}); delete it and give the command again") from error

"""Stored replies graded by rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from harness.cells import splits
from harness.contracts import Metric, Setting, Verdict
from harness.judging import compared, judged
from harness.registry import installed
from harness.runs import Check, Result, Stored
from harness.runs.stored import _rows


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

"""Findings about judges: what they say of the training replies, and of the pairs that a vector is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from harness.cells import Prepared
from harness.checking.findings import Remark
from harness.contracts import Case, Judge, Message, Metric
from harness.errors import HarnessError
from harness.grading import verdicts_of
from harness.registry import installed
from harness.runs import Reply

MOST, APART = 200, 0.5
"""Replies that are judged, with which the share is about right; and by how much two shares must differ."""


def of_judges(cell: Prepared) -> Iterator[Remark]:
    """For each metric whose judge needs no grader: what it says of the training rows' own replies."""
    for metric in cell.setting.metrics:
        judge = installed().judge(metric.judge)
        if judge.grader:
            yield Remark("note", metric.name, f"the judge {judge.name!r} asks a grader, and was not asked")
            continue
        yield _of_training(cell, metric, judge)
        if metric.goal == "suppress":
            yield from _of_pairs(cell, metric, judge)


def _of_training(cell: Prepared, metric: Metric, judge: Judge) -> Remark:
    asked = [(row.messages[:-1], row.messages[-1].content) for row in cell.rows[:MOST]]
    mean, told = _mean(metric, judge, asked)
    if mean is None:
        return Remark(
            "note", metric.name, f"{judge.name!r} can tell nothing of training replies; it needs {judge.needs}"
        )
    said = f"{mean:.2f} in {told} of {len(asked)} training replies, by {judge.name!r}"
    least = metric.learned
    if metric.taught(cell.cell.scale) and least is not None and mean < least:
        advice = "the rows hardly show it, so training cannot teach it: is the judge right, are these the rows?"
        return Remark("warning", metric.name, f"{said}; learned is {least:g}: {advice}")
    return Remark("ok", metric.name, said)


def _of_pairs(cell: Prepared, metric: Metric, judge: Judge) -> Iterator[Remark]:
    """Whether the judge tells the replies that show the trait from those that lack it."""
    for name, vector in cell.setting.vectors.items():
        if vector.replies is None:
            continue
        pairs = vector.replies(cell.cell.scale)[:MOST]
        shows, _ = _mean(metric, judge, [(pair.messages, pair.positive) for pair in pairs])
        lacks, _ = _mean(metric, judge, [(pair.messages, pair.negative) for pair in pairs])
        if shows is None or lacks is None:
            continue
        said = f"{shows:.2f} of the replies that show it and {lacks:.2f} of those that lack it, vector {name!r}"
        if shows - lacks >= APART:
            yield Remark("ok", metric.name, said)
        else:
            yield Remark("warning", metric.name, f"{said}; the judge does not tell them apart")


def _mean(metric: Metric, judge: Judge, asked: Iterable[tuple[Sequence[Message], str]]) -> tuple[float | None, int]:
    """The mean of the metric's score over the replies that the judge can tell, and how many these are."""
    replies = [
        Reply(
            condition="",
            split=metric.split,
            sample=1,
            case=Case(id=str(at), messages=tuple(messages)),
            reply=reply,
        )
        for at, (messages, reply) in enumerate(asked)
    ]
    try:
        found = [verdict.scores.get(metric.score) for verdict in verdicts_of(judge, replies)]
    except HarnessError:
        return None, 0
    told = [score for score in found if score is not None]
    return (sum(told) / len(told) if told else None), len(told)

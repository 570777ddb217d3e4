"""From verdicts to the rows of results.jsonl and checks.jsonl, in their order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.cells import splits
from harness.contracts import Metric, Setting, Verdict
from harness.judging import NoVerdict, Verdicts, beyond, compared, judges_of
from harness.registry import Registry
from harness.runs import Check, Reply, Result


def results_of(
    replies: Sequence[Reply], verdicts: Verdicts, setting: Setting, *, before: Sequence[Result] = ()
) -> list[Result]:
    """One row for each reply and metric: by condition, split, metric, case and sample.

    A metric whose judge gave no verdicts keeps its rows of `before`, if it has any.
    """
    kept: dict[tuple[str, str], list[Result]] = {}
    for row in before:
        kept.setdefault((row.condition, row.metric), []).append(row)
    rows: list[Result] = []
    for condition, split, here in _groups(replies, setting):
        for metric in (one for one in setting.metrics if one.split == split):
            if metric.judge not in verdicts:
                rows += kept.get((condition, metric.name), ())
                continue
            given = verdicts[metric.judge]
            rows += [_result(reply, metric, given[reply.place]) for reply in here]
    return rows


def checks_of(
    replies: Sequence[Reply],
    verdicts: Verdicts,
    setting: Setting,
    registry: Registry,
    *,
    before: Sequence[Check] = (),
) -> list[Check]:
    """One row for each reply that a judge and its second judge grade; two that gave no verdicts keep theirs."""
    pairs = {(one.split, one.second_of): one.judge.name for one in judges_of(setting, registry) if one.second_of}
    rows: list[Check] = []
    for condition, split, here in _groups(replies, setting):
        for (at, judge), second in pairs.items():
            if at != split:
                continue
            if not {judge, second} <= verdicts.keys():
                place = (condition, split, judge, second)
                rows += [row for row in before if (row.condition, row.split, row.judge, row.check) == place]
                continue
            names, own = compared(setting, judge, registry), beyond(registry.judge(judge), registry.judge(second))
            rows += [_check(reply, (judge, second), names, own, verdicts) for reply in here]
    return rows


def _groups(replies: Sequence[Reply], setting: Setting) -> Iterator[tuple[str, str, list[Reply]]]:
    """The replies by condition and split, each by case and sample."""
    order = sorted(replies, key=lambda reply: (f"{reply.split}/{reply.case.id}", reply.sample))
    by_place: dict[tuple[str, str], list[Reply]] = {}
    for reply in order:
        by_place.setdefault((reply.condition, reply.split), []).append(reply)
    for condition in dict.fromkeys(reply.condition for reply in replies):
        for split in splits(setting):
            yield condition, split, by_place.get((condition, split), [])


def _result(reply: Reply, metric: Metric, verdict: Verdict) -> Result:
    value = verdict.scores[metric.score]
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
        reason=verdict.reason if isinstance(verdict, NoVerdict) else None,
    )


def _check(
    reply: Reply, judges: tuple[str, str], names: Sequence[str], own: Sequence[str], verdicts: Verdicts
) -> Check:
    first, second = (verdicts[judge][reply.place] for judge in judges)
    return Check(
        condition=reply.condition,
        split=reply.split,
        case=reply.case.id,
        sample=reply.sample,
        judge=judges[0],
        check=judges[1],
        first=_scores(first, names),
        second=_scores(second, names),
        own=_scores(second, own),
    )


def _scores(verdict: Verdict, names: Sequence[str]) -> Mapping[str, float | None]:
    found = {name: verdict.scores[name] for name in names}
    return {name: None if value is None else float(value) for name, value in found.items()}

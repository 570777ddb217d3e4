"""Judges held against a person's labels: which replies may be labelled, and figures corrected by those that were."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.arms import Arm, arms_of, plain_of
from harness.analysis.corrections import (
    CorrectedFigure,
    Erring,
    Sample,
    differences,
    errors_of,
    figures,
    sample,
    unlike,
)
from harness.analysis.grouping import grouped
from harness.analysis.results import Results, Run
from harness.contracts import CLEAN, Metric
from harness.errors import HarnessError, unknown
from harness.files import digest_of
from harness.judging import Candidate, Labels, digest
from harness.models import short_name
from harness.registry import Registry
from harness.runs import REPLIES, Reply, read_replies, read_results
from harness.stats import Bounds, Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidReply:
    """A reply of a run: its id on a sheet, and what the judge says of it now, NaN where it cannot tell."""

    id: str
    run: Run
    condition: str
    cluster: str
    said: float
    reply: Reply

    @property
    def is_told(self) -> bool:
        """Whether the judge could tell."""
        return not math.isnan(self.said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """One metric under one condition, in one table: errors of its judge, figures, and what a reader must know.

    `unlike` names in words the arms in which the judge was shown to err differently. `two_valued` says that the judge
    says yes and no alone, `shares` that its score is from 0 to 1.
    """

    setting: str
    scale: str
    model: str
    metric: str
    judge: str
    condition: str
    two_valued: bool
    shares: bool
    erring: tuple[Erring, ...]
    figures: tuple[CorrectedFigure, ...]
    unlike: tuple[str, ...]
    notes: tuple[str, ...]


def metric_for(registry: Registry, setting: str, judge: str, name: str) -> Metric:
    """The metric of `setting` that `judge` gives, `name` where one is named; HarnessError where none or several are."""
    own = [one for one in registry.setting(setting).metrics if one.judge == judge]
    if not own:
        raise HarnessError(f"setting {setting!r} asks no judge {judge!r}; name a setting that does with --setting")
    if name and name not in {one.name for one in own}:
        raise unknown(f"metric of judge {judge!r} in {setting!r}", name, (one.name for one in own))
    if not name and len(own) > 1:
        raise HarnessError(f"judge {judge!r} gives several metrics; name one with --metric: {_listed(own)}")
    return next(one for one in own if name in ("", one.name))


def candidates(
    results: Results, registry: Registry, metric: Metric, *, arms: Sequence[str] = (), conditions: Sequence[str] = ()
) -> list[Candidate]:
    """Every judged reply that may be labelled, of the arms and conditions that are named: else of all arms in clean."""
    labels = {run.cell.arm for run in results.runs}
    if unmet := [name for name in arms if name not in labels]:
        raise unknown("arm", unmet[0], labels)
    wanted = [run for run in results.runs if not arms or run.cell.arm in arms]
    said = [one for one in _said(wanted, metric.name) if one.is_told]
    if not said:
        raise HarnessError(
            f"no reply in {results.folder} has a value of {metric.name}; 'harness rejudge {results.folder}' lets its "
            "judge grade, with --grader MODEL where it asks one"
        )
    there = {one.condition for one in said}
    wanted_at = conditions or (CLEAN,)
    if unmet := [name for name in wanted_at if name not in there]:
        raise unknown("condition", unmet[0], there)
    return [
        Candidate(
            id=one.id,
            group=(*_place(one.run), one.run.cell.arm, one.condition),
            said=one.said,
            condition=one.condition,
            case=one.reply.case,
            reply=one.reply.reply,
        )
        for one in said
        if one.condition in wanted_at
    ]


def corrected(results: Results, labels: Labels, registry: Registry) -> tuple[Corrected, ...]:
    """What the labels make of the results: one for each scale, model and condition that has a label.

    HarnessError, with the label's line, where a labelled reply is no longer there or has become another.
    """
    draw = labels.draw
    runs = [run for run in results.runs if run.cell.setting == draw.setting]
    if not runs:
        raise HarnessError(
            f"{labels.file} has labels of setting {draw.setting!r}, and none of its finished runs in {results.folder} "
            "is shown; name its runs, or leave the labels out"
        )
    said = _said(runs, draw.metric)
    _check_there(labels, said)
    found = []
    for place, same in grouped(said, lambda one: (*_place(one.run), one.condition)).items():
        told = [one for one in same if one.is_told]
        if any(one.id in labels.given for one in told):
            arms = arms_of(list({one.run.folder: one.run for one in told}.values()), registry)
            untold = sum(one.id in labels.given and not one.is_told for one in same)
            found.append(_corrected(place[-1], told, arms, labels, untold))
    if not found:
        raise HarnessError(f"the judge can tell none of the replies that {labels.file} has a label for; draw again")
    return tuple(found)


def _said(runs: Iterable[Run], metric: str) -> list[SaidReply]:
    """The replies of `runs` that were judged for `metric`."""
    found = []
    for run in runs:
        replies = read_replies(run.folder, run.record)
        if replies is None:
            raise HarnessError(f"{run.folder} has no {REPLIES}; 'harness rejudge' writes it again from the logs")
        rows = read_results(run.folder, run.record)
        values = {(row.condition, row.split, row.case, row.sample): row.value for row in rows if row.metric == metric}
        for reply in replies:
            if reply.place not in values:
                continue
            cell, value = run.cell, values[reply.place]
            own = [run.record.key, cell.intervention, cell.weights, cell.dose, cell.seed, *reply.place, metric]
            found.append(
                SaidReply(
                    id=digest_of(own)[:16],
                    run=run,
                    condition=reply.condition,
                    cluster=reply.case.cluster or reply.case.id,
                    said=math.nan if value is None else value,
                    reply=reply,
                )
            )
    return found


def _place(run: Run) -> tuple[str, str]:
    return run.cell.scale, run.cell.trained_on(run.model)


def _check_there(labels: Labels, said: Sequence[SaidReply]) -> None:
    texts = {one.id: one.reply.reply for one in said}
    for one in labels.draw.replies:
        if one.id not in labels.given:
            continue
        if one.id not in texts:
            raise HarnessError(
                f"{labels.places[one.id]}: the reply {one.id!r} is not among those that are judged now; restore its "
                "run, or draw again"
            )
        if digest(texts[one.id]) != one.reply_sha256:
            raise HarnessError(f"{labels.places[one.id]}: the run has another reply now; draw again, and label that")


def _corrected(
    condition: str, said: Sequence[SaidReply], arms: Sequence[Arm], labels: Labels, untold: int
) -> Corrected:
    by_arm = grouped(said, lambda one: one.run.cell.arm)
    samples = {arm.label: _sample(by_arm[arm.label], labels, trained=arm.trains) for arm in arms}
    there = {name for name, one in samples.items() if one.labels}
    together = _sample([one for one in said if one.run.cell.arm in there], labels)
    two_valued = labels.draw.whole and {one.said for one in said} <= {0.0, 1.0}
    plain = plain_of(arms)
    pooled = {"": together} if len(there) > 1 else {}
    run = said[0].run
    return Corrected(
        setting=labels.draw.setting,
        scale=run.cell.scale,
        model=run.cell.trained_on(short_name(run.cell.model)),
        metric=labels.draw.metric,
        judge=labels.draw.judge,
        condition=condition,
        two_valued=two_valued,
        shares=labels.draw.high == 1,
        erring=tuple(errors_of({**pooled, **samples}, two_valued=two_valued)),
        figures=(
            *figures(samples, together, two_valued=two_valued),
            *(differences(samples, together, plain.label, two_valued=two_valued) if plain is not None else ()),
        ),
        unlike=tuple(unlike(samples, two_valued=two_valued)),
        notes=tuple(_notes(labels, said, by_arm, untold)),
    )


def _sample(said: Sequence[SaidReply], labels: Labels, *, trained: bool = True) -> Sample:
    chances = {one.id: one.chance for one in labels.draw.replies}
    low, high = labels.draw.low, labels.draw.high
    return sample(
        [Observation(one.cluster, one.run.cell.seed, one.said) for one in said],
        [(labels.given[one.id], chances[one.id]) if one.id in labels.given else None for one in said],
        bounds=None if low is None or high is None else Bounds(low, high),
        trained=trained,
    )


def _notes(
    labels: Labels, said: Sequence[SaidReply], by_arm: Mapping[str, Sequence[SaidReply]], untold: int
) -> Iterator[str]:
    if labels.empty or labels.untold:
        yield (
            f"of {len(labels.places)} replies that were drawn, {labels.empty} have no label yet, and a person could "
            f"not tell {labels.untold}: taken to be like the others of their arm of which the judge said the same"
        )
    if untold:
        yield f"the judge can no longer tell {untold} of the labelled replies; they are in no figure"
    then = {one.id: one.said for one in labels.draw.replies}
    if changed := sum(then[one.id] != one.said for one in said if one.id in labels.given):
        yield f"the judge says otherwise of {changed} labelled replies than at the draw: its word of now counts"
    for arm, same in by_arm.items():
        newer = sorted({one.run.cell.seed for one in same if one.run.record.key not in labels.draw.runs})
        if not any(one.id in labels.given for one in same):
            yield f"{arm}: no label, so no figure of its own errors"
        elif newer:
            yield f"{arm}: none was drawn from seeds {', '.join(map(str, newer))}: others' labels correct them"


def _listed(metrics: Iterable[Metric]) -> str:
    return ", ".join(one.name for one in metrics)

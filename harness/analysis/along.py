"""Along training: what arms show that were stopped on the way, against plain training stopped at the same place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from harness.analysis.arms import PLAIN, Arm
from harness.analysis.differences import Difference, NotRun, difference, sound
from harness.analysis.grouping import grouped
from harness.analysis.studies import Study
from harness.contracts import CLEAN, Goal
from harness.stats import Estimate, contrast, estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Waypoint:
    """Where training was stopped, as the share of its steps: what the arm shows there, and beyond plain training.

    `beyond` is None where plain training was not stopped there.
    """

    until: float
    shown: Estimate
    beyond: Estimate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One metric of one arm in clean at two or more stops, the first one first.

    `change` is by how much the difference from plain training grows from the first to the last place that has one:
    paired by seed and question, so that what all trainings do alike is out of it. None with fewer than two.
    """

    arm: str
    metric: str
    goal: Goal | None
    percent: bool
    stops: tuple[Waypoint, ...]
    change: Estimate | None


def courses(study: Study) -> tuple[Course, ...]:
    """The course of every arm that was stopped at some place, for each metric; runs whose gates failed are left out."""
    arms, _ = sound((*study.arms, *study.along))
    families = grouped(
        (arm for arm in arms if arm.trains), lambda arm: (arm.intervention, arm.weights, arm.prompt, arm.dose)
    )
    plain = {arm.until: arm for arm in families.get((PLAIN, "", "", 1.0), ())}
    found = []
    for same, metric in product(families.values(), study.metrics):
        measured = [arm for arm in same if arm.replies(CLEAN, metric)]
        if len(measured) > 1:
            found.append(_course(study, sorted(measured, key=_until), plain, metric))
    return tuple(found)


def _until(arm: Arm) -> float:
    return arm.until


def _course(study: Study, arms: Sequence[Arm], plain: Mapping[float, Arm], metric: str) -> Course:
    known = study.metric(metric)
    beyond = {arm.until: found for arm in arms if (found := _beyond(study, arm, plain, metric)) is not None}
    return Course(
        arm=replace(arms[0].runs[0].cell, until=1.0).arm,
        metric=metric,
        goal=known.goal if known else None,
        percent=all(arm.replies(CLEAN, metric).are_rates for arm in arms),
        stops=tuple(
            Waypoint(
                until=arm.until,
                shown=estimate(arm.replies(CLEAN, metric)),
                beyond=beyond[arm.until].contrast.estimate() if arm.until in beyond else None,
            )
            for arm in arms
        ),
        change=_change(list(beyond.values())),
    )


def _beyond(study: Study, arm: Arm, plain: Mapping[float, Arm], metric: str) -> Difference | None:
    """What `arm` has more than plain training that was stopped at the same place; None where that is unknown."""
    if arm.intervention == PLAIN or arm.until not in plain:
        return None
    try:
        return difference(study, arm.label, plain[arm.until].label, metric=metric, conditions=[CLEAN])
    except NotRun:
        return None


def _change(beyond: Sequence[Difference]) -> Estimate | None:
    """The last difference minus the first."""
    if len(beyond) < 2:
        return None
    before = (replace(term, weight=-term.weight) for term in beyond[0].terms)
    found = contrast([*beyond[-1].terms, *before])
    return None if found.mean is None else found.estimate()

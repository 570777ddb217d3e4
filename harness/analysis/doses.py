"""Dose curves: what each dose of an intervention does in clean, where half of the effect is, and where it is too much.

Half effect: the dose at which a share is halfway between its value at the smallest dose and the end, 0 or 1,
towards which the curve goes, by straight lines between neighbouring doses. An end that all curves have in
common lets interventions be compared; a curve that never gets halfway has None, and one of which the data do not say
where it does.

Over-dose: the first dose at which a signal is, by its 95 % interval, apart from what it is at the smallest
dose, on the bad side. Signals are the share of replies that could not be judged, when it rises, and the
setting's `overdose` metrics, which fall where they are to be kept and rise otherwise; without any named, each
metric to keep.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.analysis.arms import Arm
from harness.analysis.half_doses import half_effect, half_interval
from harness.analysis.results import Run
from harness.cells import SCALED
from harness.contracts import CLEAN, Goal, Setting
from harness.documents import Json
from harness.stats import Estimate, Observation, Observations, estimate

NOT_JUDGED = "not judged"
Axis = Literal["raw", "rms", "rows", "share", "strength"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DosePoint:
    """One dose: the mean over all seeds with its interval, and the mean of each seed."""

    dose: float
    estimate: Estimate
    seeds: Mapping[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One metric against the dose, doses ascending, and the dose of half effect with its 95 % interval, or None."""

    metric: str
    goal: Goal | None
    percent: bool
    points: tuple[DosePoint, ...]
    half: float | None
    half_interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A sign of too much: a metric at the smallest dose and at the dose that is too much."""

    metric: str
    before: float
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseSweep:
    """The curves of one intervention with one set of weights, or one prompt.

    A dose d is d times `coef` in the unit of `axis` (`rows`: a fraction of rows; `share`: that is ablated; `strength`:
    the weight of a loss term, the strength of a change of gradients, the share of blocks frozen or of steps skipped),
    and d times `relative` in units of the residual RMS where that was recorded. `zero` names the arm that stands for
    dose 0.
    """

    label: str
    axis: Axis
    coef: float
    relative: float | None
    zero: str
    curves: tuple[Curve, ...]
    overdose: float | None
    signals: tuple[Signal, ...]


@dataclass(frozen=True, slots=True)
class Dosed:
    """An arm as the point of a curve at `dose`."""

    dose: float
    arm: Arm


def sweep(doses: Sequence[Dosed], *, label: str, metrics: Sequence[str], setting: Setting | None) -> DoseSweep | None:
    """The curves over `doses`, or None where clean was not measured at two of them; the first is compared with."""
    ordered = sorted(
        (one for one in doses if any(at == CLEAN for run in one.arm.runs for at, _ in run.values)), key=_dose
    )
    if len(ordered) < 2:
        return None
    curves = tuple(_curve(metric, ordered, setting) for metric in metrics)
    overdose, signals = _overdose(curves, _not_judged(ordered, metrics), setting)
    axis, coef, relative = _scale(ordered)
    return DoseSweep(
        label=label,
        axis=axis,
        coef=coef,
        relative=relative,
        zero=ordered[0].arm.label if ordered[0].dose == 0 else "",
        curves=curves,
        overdose=overdose,
        signals=signals,
    )


def _dose(one: Dosed) -> float:
    return one.dose


def _curve(metric: str, doses: Sequence[Dosed], setting: Setting | None) -> Curve:
    known = next((one for one in setting.metrics if one.name == metric), None) if setting else None
    rows = [(one.dose, one.arm.replies(CLEAN, metric)) for one in doses]
    points = tuple(DosePoint(dose=dose, estimate=estimate(seen), seeds=by_seed(seen)) for dose, seen in rows if seen)
    percent = all(seen.are_rates for _, seen in rows)
    means = [(point.dose, point.estimate.mean) for point in points]
    told = [(dose, mean) for dose, mean in means if mean is not None]
    half = half_effect(told) if percent and len(told) > 1 else None
    ends = None if half is None else half_interval([(dose, seen) for dose, seen in rows if seen], half)
    return Curve(
        metric=metric,
        goal=known.goal if known else None,
        percent=percent,
        points=points,
        half=None if ends is None else half,
        half_interval=ends,
    )


def by_seed(rows: Sequence[Observation]) -> dict[int, float]:
    """The mean of every seed that has a judged row."""
    sums = Observations.of(rows).sums
    means = sums.total.sum(axis=0) / sums.count.sum(axis=0)
    return dict(zip(sums.seeds, means.tolist(), strict=True))


def _not_judged(doses: Sequence[Dosed], metrics: Sequence[str]) -> tuple[DosePoint, ...]:
    """The share of scores that are None, over all metrics."""
    points = []
    for one in doses:
        seen = [row for metric in metrics for row in one.arm.replies(CLEAN, metric)]
        told = {id(row): replace(row, value=float(row.value is None)) for row in seen}
        rows = Observations(told[id(row)] for row in seen)
        points.append(DosePoint(dose=one.dose, estimate=estimate(rows), seeds=by_seed(rows)))
    return tuple(points)


def _overdose(
    curves: Sequence[Curve], not_judged: Sequence[DosePoint], setting: Setting | None
) -> tuple[float | None, tuple[Signal, ...]]:
    named = setting.overdose if setting else ()
    watched = [
        (curve.metric, curve.points, curve.goal == "keep")
        for curve in curves
        if (curve.metric in named if named else curve.goal == "keep")
    ]
    found: dict[float, list[Signal]] = {}
    for metric, points, falls in [*watched, (NOT_JUDGED, not_judged, False)]:
        for point in points[1:]:
            signal = _apart(metric, points[0].estimate, point.estimate, falls=falls)
            if signal is not None:
                found.setdefault(point.dose, []).append(signal)
    first = min(found, default=None)
    return first, tuple(found[first]) if first is not None else ()


def _apart(metric: str, before: Estimate, after: Estimate, *, falls: bool) -> Signal | None:
    """The signal, where the interval after lies wholly on the bad side of the interval before."""
    worse, better = (after, before) if falls else (before, after)
    if worse.high is None or better.low is None or worse.high >= better.low:
        return None
    assert before.mean is not None
    assert after.mean is not None
    return Signal(metric=metric, before=before.mean, after=after.mean)


def _scale(doses: Sequence[Dosed]) -> tuple[Axis, float, float | None]:
    """What a dose of 1 is: the axis, the coefficient on it, and the norm added over the residual RMS."""
    for one in doses:
        for run in one.arm.runs:
            asked, told = _asked(run), run.record.steering
            if one.dose and asked is not None:
                relative = told.relative if told is not None else None
                return asked[1], asked[0] / one.dose, None if relative is None else relative / one.dose
    return "rows", 1.0, None


def _asked(run: Run) -> tuple[float, Axis] | None:
    """The number that the dose of a run scaled, and what it is; None where that is a fraction of rows."""
    told = run.inputs.get("steering")
    if isinstance(told, Mapping) and isinstance(coef := told.get("coef"), int | float):
        ablated = told.get("way") == "ablate"
        return float(coef), "share" if ablated else "rms" if told.get("unit") == "rms" else "raw"
    changes = run.inputs.get("changes")
    if not isinstance(changes, Mapping):
        return None
    numbers = [_number(changes.get(part), number) for part, number in SCALED.items()]
    return next(((value, "strength") for value in numbers if value), None)


def _number(part: Json, name: str) -> float:
    """What a dose scaled of a part as a run's key has it; of an adapter that stands below, its weight. 0 for none."""
    if not isinstance(part, Mapping):
        return 0.0
    value, under = part.get(name), part.get("under")
    if not value and isinstance(under, Mapping):
        value = under.get("weight")
    return float(value) if isinstance(value, int | float) else 0.0

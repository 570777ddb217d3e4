"""The sections below a table's figures: doses, published figures, two judges' agreement, capabilities."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis import Arm, Capability, Curve, DoseSweep, Published, Table, grouped, groups
from harness.reporting.agreement import of_agreement
from harness.reporting.courses import of_courses
from harness.reporting.difference_sections import of_differences
from harness.reporting.gate_sections import of_gates
from harness.reporting.numbers import decimal, with_interval
from harness.reporting.prompt_sections import of_prompt_fit
from harness.reporting.scorecards import of_scores
from harness.reporting.section import Section


def all_sections(table: Table) -> list[Section]:
    """The gates of `table`, and below them all that there is."""
    gates = of_gates(table)
    return [*([] if gates is None else [gates]), *sections_of(table)]


def sections_of(table: Table) -> list[Section]:
    """All that there are of `table` beside its gates, which a page has elsewhere."""
    found = (
        of_scores(table.scores),
        of_differences(table),
        of_doses(table.sweeps),
        of_courses(table.courses),
        of_published(table.published),
        *of_agreement(table.agreed),
        of_prompt_fit(table.prompts),
        of_capabilities(table.arms),
    )
    return [section for section in found if section is not None]


def of_doses(sweeps: Sequence[DoseSweep]) -> Section | None:
    """The dose of half effect of every metric in every unit, and below it the doses that are too much."""
    if not sweeps:
        return None
    rows = [
        (one.label, curve.metric, _span(curve), *_doses(one, curve))
        for one in sweeps
        for curve in one.curves
        if curve.points
    ]
    lines = [
        f"{one.label}: too much from dose {one.overdose:g}: "
        + ", ".join(f"{signal.metric} {signal.before:.3g} -> {signal.after:.3g}" for signal in one.signals)
        for one in sweeps
        if one.overdose is not None
    ]
    return Section(
        title="doses in clean",
        detail="half effect: the dose at which a share is halfway to 0 or 1 [95 % interval]",
        head=("arm", "metric", "from smallest to largest dose", "half effect", "coefficient", "residual RMS"),
        rows=tuple(rows),
        lines=(
            *lines,
            "half effect: - where a share never gets halfway, or where the data do not say at which dose it does",
            "too much: the first dose whose interval lies wholly on the bad side of that at the smallest dose, "
            "for replies not judged or a metric that tells a broken model",
        ),
    )


def of_published(found: Sequence[Published]) -> Section | None:
    """Published figures beside ours, for the arms that have both; one row for each arm and condition."""
    rows = groups(found)
    if not rows:
        return None
    metrics = list(dict.fromkeys(one.reference.metric for same in rows.values() for one in same))
    beside = {(*place, one.reference.metric): _beside(one) for place, same in rows.items() for one in same}
    figures = [one for same in rows.values() for one in same]
    sources: dict[tuple[str, str], dict[str, None]] = {}
    for one in figures:
        sources.setdefault((one.reference.source, one.reference.note), {})[one.arm] = None
    left = len({(one.arm, one.reference.condition) for one in found if one.ours is None})
    return Section(
        title="published",
        detail="published figure, then ours [95 % interval]; shares in percent",
        head=("arm", "condition", "n published", *metrics),
        rows=tuple(
            (arm, at, str(same[0].reference.n), *(beside.get((arm, at, metric), "") for metric in metrics))
            for (arm, at), same in rows.items()
        ),
        lines=(
            *(f"{', '.join(arms)}: {source}{f' ({note})' if note else ''}" for (source, note), arms in sources.items()),
            *([f"published for {left} arms that were not run here"] if left else []),
        ),
    )


def of_capabilities(arms: Sequence[Arm]) -> Section | None:
    """Every capability task of every arm, its seeds averaged; one row for each task, metric, condition and arm."""
    measured = [(arm.label, one) for arm in arms for run in arm.runs for one in run.capabilities]
    found = grouped(measured, lambda its: (its[1].task, its[1].metric, its[1].condition, its[0]))
    if not found:
        return None
    return Section(
        title="capabilities",
        detail="lm-eval tasks, as lm-eval scores them",
        head=("task", "metric", "condition", "arm", "seeds", "n", "mean", "standard error"),
        rows=tuple((*place, *_capability([one for _, one in same])) for place, same in sorted(found.items())),
        lines=("mean over seeds; standard error of the documents, of one seed: the largest",),
    )


def _capability(same: Sequence[Capability]) -> tuple[str, ...]:
    errors = [one.stderr for one in same if one.stderr is not None]
    counts = {one.n for one in same}
    n = str(counts.pop()) if len(counts) == 1 else "differs"
    mean = sum(one.value for one in same) / len(same)
    return (str(len(same)), n.replace("None", "-"), f"{mean:.3f}", decimal(max(errors, default=None), ".3f"))


def _beside(one: Published) -> str:
    scale = 100 if 0 <= one.reference.value <= 1 else 1
    return f"{scale * one.reference.value:.1f}, {with_interval(one.ours, '.1f', '.0f', scale=scale)}"


def _span(curve: Curve) -> str:
    ends = [curve.points[at] for at in (0, -1)]
    means = [decimal(end.estimate.mean, ".3g") for end in ends]
    return " -> ".join(f"{mean} at {end.dose:g}" for mean, end in zip(means, ends, strict=True))


def _doses(one: DoseSweep, curve: Curve) -> tuple[str, str, str]:
    """The dose of half effect, its coefficient, and the norm it adds over the residual RMS; `-` where there is none."""
    if curve.half is None or curve.half_interval is None:
        return ("-", "-", "-")
    dose, (low, high) = curve.half, curve.half_interval
    relative = one.coef if one.axis == "rms" and one.relative is None else one.relative
    return (
        f"{dose:.2g} [{low:.2g}, {high:.2g}]",
        "-" if one.axis == "rows" else f"{dose * one.coef:.2g}{' rms' if one.axis == 'rms' else ''}",
        "-" if relative is None else f"{dose * relative:.2g}",
    )

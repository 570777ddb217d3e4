"""A plain table with a title and lines below it: what the report shows beside its arm by condition figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.analysis import Curve, Published, Sweep, groups

if TYPE_CHECKING:
    from rich.console import Console

    from harness.analysis import Agreed, Arm, Capability

LONGEST_WORD = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Text for the page: `head` names the columns, the first of which stands to the left."""

    title: str
    detail: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[str, ...] = ()


def show_section(section: Section, console: Console) -> None:
    """Prints the table and its lines, folded to the width."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console.print(Text.assemble("\n", (section.title, "bold"), f"  {section.detail}".rstrip()))
    grid = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    for at, (head, *cells) in enumerate(zip(section.head, *section.rows, strict=True)):
        words = max(len(word) for cell in (head, *cells) for word in (cell.split() or [""]))
        # Words stay whole where only sentences need to be folded.
        whole = all(len(cell) <= words for cell in (head, *cells)) and words <= LONGEST_WORD
        grid.add_column(Text(head), justify="right" if at else "left", overflow="fold", no_wrap=whole)
    for row in section.rows:
        grid.add_row(*map(Text, row))
    console.print(grid)
    for line in section.lines:
        console.print(Text(line))


def markdown_section(section: Section) -> list[str]:
    """The same as lines of GitHub-flavoured Markdown, a blank one last."""
    lines = [f"### {section.title}", "", *([section.detail, ""] if section.detail else [])]
    lines.append("| " + " | ".join(section.head) + " |")
    lines.append("|---|" + "---:|" * (len(section.head) - 1))
    lines += ["| " + " | ".join(row) + " |" for row in section.rows]
    return [*lines, "", *(f"- {line}" for line in section.lines), *([""] if section.lines else [])]


def of_doses(sweeps: Sequence[Sweep]) -> Section | None:
    """The dose of half effect of every metric in every unit, and below it the doses that are too much."""
    if not sweeps:
        return None
    rows = [
        (one.label, curve.metric, _span(curve), *_doses(one, curve.half))
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
        detail="half effect: the dose at which a share is halfway to 0 or 1",
        head=("arm", "metric", "from smallest to largest dose", "half effect", "coefficient", "residual RMS"),
        rows=tuple(rows),
        lines=(
            *lines,
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


def of_agreement(agreed: Sequence[Agreed]) -> list[Section]:
    """For each pair of judges, how far they agree: over all arms, then arm by arm, all conditions together."""
    pairs: dict[tuple[str, str], list[Agreed]] = {}
    for one in agreed:
        pairs.setdefault((one.judge, one.check), []).append(one)
    return [_agreement(judge, check, same) for (judge, check), same in pairs.items()]


def of_capabilities(arms: Sequence[Arm]) -> Section | None:
    """Every capability task of every arm, its seeds averaged; one row for each task, metric, condition and arm."""
    found: dict[tuple[str, str, str, str], list[Capability]] = {}
    for arm in arms:
        for one in (one for run in arm.runs for one in run.capabilities):
            found.setdefault((one.task, one.metric, one.condition, arm.label), []).append(one)
    if not found:
        return None
    return Section(
        title="capabilities",
        detail="lm-eval tasks, as lm-eval scores them",
        head=("task", "metric", "condition", "arm", "seeds", "n", "mean", "standard error"),
        rows=tuple((*place, *_capability(same)) for place, same in sorted(found.items())),
        lines=("mean over seeds; standard error of the documents, of one seed: the largest",),
    )


def _capability(same: Sequence[Capability]) -> tuple[str, ...]:
    errors = [one.stderr for one in same if one.stderr is not None]
    counts = {one.n for one in same}
    n = str(counts.pop()) if len(counts) == 1 else "differs"
    mean = sum(one.value for one in same) / len(same)
    return (str(len(same)), n.replace("None", "-"), f"{mean:.3f}", f"{max(errors):.3f}" if errors else "-")


def _agreement(judge: str, check: str, same: Sequence[Agreed]) -> Section:
    names = list(same[0].agreement.differences)
    rows = []
    for one in same:
        told = one.agreement
        counts = (told.replies, told.both, told.only_first, told.only_second, told.neither)
        shares = [told.differences[name] for name in names]
        rows.append(
            (
                one.arm or "all arms",
                *map(str, counts),
                "-" if told.same is None else f"{100 * told.same:.1f}",
                "-" if told.alpha is None else f"{told.alpha:.2f}",
                *("-" if share is None else f"{100 * share:.1f}" for share in shares),
            )
        )
    return Section(
        title=f"agreement of {judge} with {check}",
        detail="on the largest share, over all conditions",
        head=(
            *("arm", "replies", "both told", f"only {judge}", f"only {check}", "neither", "same", "alpha"),
            *(f"{name} apart" for name in names),
        ),
        rows=tuple(rows),
        lines=(
            "same: percent of the replies in which both judges have a largest share, and it is the same one; "
            "alpha: Krippendorff's, nominal; apart: mean absolute difference of the shares, in points",
        ),
    )


def _beside(one: Published) -> str:
    ours = one.ours
    assert ours is not None
    percent = 100 if 0 <= one.reference.value <= 1 else 1
    if ours.mean is None:
        return f"{percent * one.reference.value:.1f}, -"
    ends = "" if ours.low is None or ours.high is None else f" [{percent * ours.low:.0f}, {percent * ours.high:.0f}]"
    return f"{percent * one.reference.value:.1f}, {percent * ours.mean:.1f}{ends}"


def _span(curve: Curve) -> str:
    ends = [curve.points[at] for at in (0, -1)]
    means = ["-" if end.estimate.mean is None else f"{end.estimate.mean:.3g}" for end in ends]
    return " -> ".join(f"{mean} at {end.dose:g}" for mean, end in zip(means, ends, strict=True))


def _doses(one: Sweep, dose: float | None) -> tuple[str, str, str]:
    """A dose, its coefficient, and the norm it adds over the residual RMS; `-` where there is none."""
    if dose is None:
        return ("nowhere", "-", "-")
    relative = one.coef if one.axis == "rms" and one.relative is None else one.relative
    return (
        f"{dose:.2g}",
        "-" if one.axis == "rows" else f"{dose * one.coef:.2g}{' rms' if one.axis == 'rms' else ''}",
        "-" if relative is None else f"{dose * relative:.2g}",
    )

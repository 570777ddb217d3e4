"""Differences with their intervals and verdicts, one row each: of every arm from plain training, and of every claim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.analysis import ALIKE
from harness.claims import ArmAnswers, ComparedPart, Decision
from harness.reporting.answers import WORDS
from harness.reporting.csv_form import csv_text
from harness.reporting.drawings import CHARACTER
from harness.reporting.figures import LINE, MARK, WARN
from harness.reporting.numbers import exact, known
from harness.screen import shown
from harness.stats import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, LANE, VERDICT, BETWEEN = 0.21, 2.3, 1.25, 0.15  # inches: a row, a lane's differences, its words, and the gap
MARGIN, ABOVE, BELOW = 0.15, 0.3, 0.35
LONGEST = 60  # characters of a row's name
COLOURS = {"reproduced": LINE, "there, size open": LINE, "contradicted": WARN}
COLUMNS = ("row", "asked", "difference", "low", "high", "smallest that counts", "verdict")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One difference and what was decided by it; `sign` -1 shows it the other way round."""

    found: Estimate
    verdict: str
    word: str
    sign: int = 1

    @property
    def ends(self) -> tuple[float, float, float]:
        """The least, the mean and the greatest, in points; all the mean where there is no interval."""
        mean = known(self.found.mean)
        told = [mean if end is None else end for end in (self.found.low, self.found.high)]
        low, high = sorted(100 * self.sign * end for end in told)
        return low, 100 * self.sign * mean, high


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestLane:
    """A column of differences, one for each row of the figure, None where a row has none.

    `counts` are the points from which a difference counts, told by a line each.
    """

    title: str
    marks: tuple[Mark | None, ...]
    counts: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest:
    """What the figure shows."""

    rows: tuple[str, ...]
    lanes: tuple[ForestLane, ...]

    def csv(self) -> str:
        """The numbers, in points."""
        return csv_text(COLUMNS, self._numbers())

    def _numbers(self) -> Iterator[tuple[object, ...]]:
        for lane in self.lanes:
            for name, mark in zip(self.rows, lane.marks, strict=True):
                if mark is not None:
                    low, mean, high = map(exact, mark.ends)
                    yield name, lane.title, mean, low, high, " ".join(f"{at:g}" for at in lane.counts), mark.verdict


def of_arms(answer: ArmAnswers) -> Forest | None:
    """The differences of every arm from plain training; None where there are none."""
    trait = answer.study.trait
    asked = (
        (f"less {trait} than plain", "less", (-100 * ALIKE,), 1),
        (f"{' and '.join(answer.skills)} kept", "kept", (-100 * ALIKE,), -1),
        (f"{trait} wakes", "wakes", (100 * ALIKE,), 1),
    )
    lanes = [
        ForestLane(title=title, counts=counts, marks=tuple(_worst(getattr(one, name), sign) for one in answer.arms))
        for title, name, counts, sign in asked
    ]
    kept = tuple(lane for lane in lanes if any(lane.marks))
    return Forest(rows=tuple(one.arm.label for one in answer.arms), lanes=kept) if kept else None


def of_decisions(decisions: Sequence[Decision]) -> Forest | None:
    """The comparisons of claims, the verdict beside the first of each; None where nothing was compared."""
    parts = [(one, number, part) for one in decisions for number, part in enumerate(one.parts) if _told(part)]
    if not parts:
        return None
    several = len({(one.scale, one.model) for one in decisions}) > 1
    names = [
        f"{one.claim.name}: {part.named}, {part.compare.metric}" + (f" ({one.scale}, {one.model})" if several else "")
        for one, _, part in parts
    ]
    marks = tuple(_mark(part, one.verdict, "" if number else one.verdict) for one, number, part in parts)
    return Forest(rows=tuple(names), lanes=(ForestLane(title="difference, points", marks=marks, counts=()),))


def _told(part: ComparedPart) -> bool:
    return part.estimate is not None and part.estimate.mean is not None


def _worst(decision: Decision | None, sign: int) -> Mark | None:
    """Of several comparisons that must all hold the one that does so least."""
    parts = [] if decision is None else [part for part in decision.parts if _told(part)]
    if decision is None or not parts:
        return None
    worst = max(parts, key=lambda part: known(part.estimate.mean if part.estimate else None))
    return _mark(worst, decision.verdict, WORDS.get(decision.verdict, decision.verdict), sign)


def _mark(part: ComparedPart, verdict: str, word: str, sign: int = 1) -> Mark:
    assert part.estimate is not None
    return Mark(found=part.estimate, verdict=verdict, word=word, sign=sign)


def forest_figure(forest: Forest) -> Figure:
    """All lanes in one pair of axes: axes and their ticks are what takes the time."""
    from matplotlib.figure import Figure

    names = [_short(name) for name in forest.rows]
    left = max(map(len, names)) * CHARACTER + MARGIN
    across = (LANE + VERDICT + BETWEEN) * len(forest.lanes)
    wide, high = left + across + MARGIN, ABOVE + ROW * len(names) + BELOW
    figure = Figure(figsize=(wide, high))
    axes = figure.add_axes((left / wide, BELOW / high, across / wide, ROW * len(names) / high))
    axes.set_axis_off()
    for y, name in enumerate(names):
        axes.text(-0.05, y, name, ha="right", va="center")
    for at, lane in enumerate(forest.lanes):
        _lane(axes, lane, at * (LANE + VERDICT + BETWEEN), bottom=len(names) - 0.5)
    axes.set_xlim(0, across)
    axes.set_ylim(len(names) - 0.5, -0.5)
    return figure


def _lane(axes: Axes, lane: ForestLane, left: float, *, bottom: float) -> None:
    """The lane in inches from `left`, from its least difference to its greatest."""
    marks = [(y, mark) for y, mark in enumerate(lane.marks) if mark is not None]
    ends = [end for _, mark in marks for end in mark.ends]
    low, high = min([0.0, *lane.counts, *ends]), max([0.0, *lane.counts, *ends])
    room = (high - low) or 1.0

    def x(points: float) -> float:
        return left + LANE * (points - low) / room

    axes.text(left + LANE / 2, -0.7, lane.title, ha="center", va="bottom")
    for tick in (0.0, *(end for end in (low, high) if abs(end) > room / 6)):
        axes.text(x(tick), bottom + 0.15, f"{tick:+.0f}" if tick else "0", ha="center", va="top", fontsize=7)
    axes.vlines([x(0)], -0.5, bottom, colors="#000000", linewidth=0.8, clip_on=False)
    counts = [x(at) for at in lane.counts]
    axes.vlines(counts, -0.5, bottom, colors=MARK, linewidth=0.8, linestyles="dashed", clip_on=False)
    colours = [COLOURS.get(mark.verdict, MARK) for _, mark in marks]
    rows, seen = [y for y, _ in marks], [mark.ends for _, mark in marks]
    axes.hlines(rows, [x(one[0]) for one in seen], [x(one[2]) for one in seen], colors=colours, linewidth=1.4)
    axes.scatter([x(one[1]) for one in seen], rows, s=20, c=colours, zorder=3, clip_on=False)
    for (y, mark), colour in zip(marks, colours, strict=True):
        axes.text(left + LANE + 0.12, y, mark.word, ha="left", va="center", color=colour, fontsize=7)


def _short(name: str) -> str:
    told = shown(name)
    return told if len(told) <= LONGEST else f"{told[: LONGEST - 3]}..."

"""The figures of the page: bars with a point for every seed behind them, and trait against skill."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.analysis import Arm, Block, Place, Table, Tradeoff, by_seed
from harness.contracts import CLEAN
from harness.reporting.figures import LINE, MARK, WARN
from harness.reporting.numbers import known
from harness.reporting.wording import label_of, name_of
from harness.stats import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, PANEL, CHARACTER = 0.24, 1.5, 0.068  # inches: one arm's bar, one panel, one character of a label
MARGIN, BELOW = 0.15, 0.38  # inches: around a figure, and for the ticks below a panel
SQUARE = 2.9  # inches: a panel of trait against skill
INSIDE = 1 - MARGIN / PANEL  # of a panel's unit; the rest is the gap to the next
TITLE = 24  # characters of a panel's title on one line


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A mean with its interval, and the means of the seeds that it is made of."""

    estimate: Estimate
    seeds: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Bars under one title, one for each arm of the figure, None where an arm has none."""

    title: str
    percent: bool
    bars: tuple[Bar | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A dot of a figure, in its units, and how its name is written."""

    x: float
    y: float
    name: str
    colour: str = "#000000"
    weight: str = "normal"


def condition_bars(table: Table, block: Block) -> Figure:
    """One panel for each condition, one bar for each arm."""
    conditions = [at for at in table.conditions if any((arm.label, at) in block.cells for arm in table.arms)]
    return _bars(table.arms, [_panel(table, block, at, title=at) for at in conditions])


def metric_bars(table: Table, *, most: int) -> Figure | None:
    """One panel for each of at most `most` metrics in clean, one bar for each arm; None where there is none."""
    blocks = [block for block in table.blocks if block.kind == "mean" and any(at == CLEAN for _, at in block.cells)]
    panels = [_panel(table, block, CLEAN, title=name_of(block)) for block in blocks[:most]]
    return _bars(table.arms, panels) if panels else None


def tradeoff_figure(found: Sequence[Tradeoff]) -> Figure:
    """One panel for each metric to keep: trait to the right, skill upwards, so that the best arms are up and left."""
    from matplotlib.figure import Figure

    arms = max(len(one.places) for one in found)
    longest = max(len(place.arm.label) for one in found for place in one.places)
    names = longest * CHARACTER + 0.45
    wide, high = 0.6 + SQUARE + names, max(SQUARE, arms * 0.16) + 0.7
    figure = Figure(figsize=(wide * len(found), high))
    for at, one in enumerate(found):
        left = (at * wide + 0.6) / (wide * len(found))
        axes = figure.add_axes((left, 0.45 / high, SQUARE / (wide * len(found)), (high - 0.7) / high))
        _scatter(axes, one)
    return figure


def _panel(table: Table, block: Block, condition: str, *, title: str) -> Panel:
    return Panel(title=title, percent=block.percent, bars=tuple(_bar(arm, block, condition) for arm in table.arms))


def _bar(arm: Arm, block: Block, condition: str) -> Bar | None:
    found = block.cells.get((arm.label, condition))
    if found is None or found.mean is None:
        return None
    return Bar(estimate=found, seeds=tuple(by_seed(arm.replies(condition, block.metric)).values()))


def _bars(arms: Sequence[Arm], panels: Sequence[Panel]) -> Figure:
    """All panels in one pair of axes, a panel one unit wide: axes and their ticks are what takes the time."""
    from matplotlib.figure import Figure

    titles = [_folded(panel.title) for panel in panels]
    left = max(len(label_of(arm)) for arm in arms) * CHARACTER + MARGIN
    above = max(title.count("\n") + 1 for title in titles) * 0.14 + MARGIN
    wide, high = left + PANEL * len(panels) + MARGIN, above + ROW * len(arms) + BELOW
    figure = Figure(figsize=(wide, high))
    axes = figure.add_axes((left / wide, BELOW / high, PANEL * len(panels) / wide, ROW * len(arms) / high))
    axes.set_axis_off()
    for y, arm in enumerate(arms):
        axes.text(-0.04, y, label_of(arm), ha="right", va="center", color=WARN if arm.failed else "#000000")
    lanes = [_lane(panel, at) for at, panel in enumerate(panels)]
    for lane, title in zip(lanes, titles, strict=True):
        _frame(axes, lane, title, bottom=len(arms) - 0.5)
    _marks(axes, arms, lanes)
    return figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A panel at its place: from `at` to `at + INSIDE`, its lowest value to its highest, 0 to 1 for shares."""

    panel: Panel
    at: int
    low: float
    high: float

    def x(self, value: float | None) -> float:
        """Where `value` is."""
        assert value is not None
        return self.at + INSIDE * (value - self.low) / (self.high - self.low)


def _lane(panel: Panel, at: int) -> Lane:
    low, high = _ends(panel)
    return Lane(panel=panel, at=at, low=low, high=high)


def _frame(axes: Axes, lane: Lane, title: str, *, bottom: float) -> None:
    axes.text(lane.at + INSIDE / 2, -0.7, title, ha="center", va="bottom")
    ticks = (lane.low, (lane.low + lane.high) / 2, lane.high)
    for tick, side in zip(ticks, ("left", "center", "right"), strict=True):
        text = f"{100 * tick if lane.panel.percent else tick:.3g}"
        axes.text(lane.x(tick), bottom + 0.15, text, ha=side, va="top", fontsize=7)
    axes.vlines([lane.x(tick) for tick in ticks], -0.5, bottom, colors=MARK, alpha=0.3, linewidth=0.5, clip_on=False)
    axes.vlines([lane.x(0)], -0.5, bottom, colors="#000000", linewidth=0.8, clip_on=False)


def _marks(axes: Axes, arms: Sequence[Arm], lanes: Sequence[Lane]) -> None:
    """The bars, intervals and dots of all lanes, each kind in one go."""
    bars = [
        (lane, y, _colour(arm), bar)
        for lane in lanes
        for y, (arm, bar) in enumerate(zip(arms, lane.panel.bars, strict=True))
        if bar is not None
    ]
    lines = [one for one in bars if one[3].estimate.low is not None]
    dots = [(lane.x(mean), y + offset) for lane, y, _, bar in bars for mean, offset in _parted(bar.seeds)]
    axes.hlines(
        [y for _, y, _, _ in bars],
        [lane.x(0) for lane, _, _, _ in bars],
        [lane.x(bar.estimate.mean) for lane, _, _, bar in bars],
        colors=[colour for _, _, colour, _ in bars],
        alpha=0.35,
        linewidth=0.72 * 72 * ROW,
        clip_on=False,
    )
    axes.hlines(
        [y for _, y, _, _ in lines],
        [lane.x(bar.estimate.low) for lane, _, _, bar in lines],
        [lane.x(bar.estimate.high) for lane, _, _, bar in lines],
        colors=[colour for _, _, colour, _ in lines],
        linewidth=1.4,
        clip_on=False,
    )
    across, down = zip(*dots, strict=True) if dots else ((), ())
    axes.plot(across, down, color="#000000", marker=".", markersize=3, linestyle="", clip_on=False)
    axes.set_xlim(0, len(lanes))
    axes.set_ylim(len(arms) - 0.5, -0.5)


def _ends(panel: Panel) -> tuple[float, float]:
    if panel.percent:
        return 0.0, 1.0
    shown = [bar for bar in panel.bars if bar is not None]
    values = [value for bar in shown for value in (bar.estimate.low, bar.estimate.high, bar.estimate.mean, *bar.seeds)]
    told = [value for value in values if value is not None]
    low, high = min([0.0, *told]), max([0.0, *told])
    return low, high if high > low else low + 1.0


def _parted(seeds: Sequence[float]) -> list[tuple[float, float]]:
    """Each seed's mean with an offset to its bar's middle, so that equal ones can be told apart."""
    gap = 0.5 / max(len(seeds) - 1, 1)
    return [(mean, gap * (at - (len(seeds) - 1) / 2)) for at, mean in enumerate(seeds)]


def _scatter(axes: Axes, one: Tradeoff) -> None:
    across, up = (100 if block.percent else 1 for block in (one.trait, one.skill))
    x = [known(place.trait.mean) * across for place in one.places]
    y = [known(place.skill.mean) * up for place in one.places]
    colours = [_colour(place.arm) for place in one.places]
    _intervals(axes.hlines, y, [place.trait for place in one.places], across, colours)
    _intervals(axes.vlines, x, [place.skill for place in one.places], up, colours)
    fills = [colour if place.unbeaten else "#ffffff" for place, colour in zip(one.places, colours, strict=True)]
    axes.scatter(x, y, s=36, facecolors=fills, edgecolors=colours, zorder=3, clip_on=False)
    axes.set_xlabel(f"{one.trait.metric} (suppress){', percent' if one.trait.percent else ''}")
    axes.set_ylabel(f"{one.skill.metric} (keep){', percent' if one.skill.percent else ''}")
    axes.grid(color=MARK, alpha=0.25, linewidth=0.5)
    axes.set_axisbelow(True)
    for percent, limit in ((one.trait.percent, axes.set_xlim), (one.skill.percent, axes.set_ylim)):
        if percent:
            limit(-3, 103)
    name_spots(axes, [_spot(place, across, up) for place in one.places])


def _intervals(
    line: Callable[..., object], at: Sequence[float], found: Sequence[Estimate], scale: float, colours: Sequence[str]
) -> None:
    drawn = [place for place in zip(at, found, colours, strict=True) if place[1].low is not None]
    lows = [scale * known(one.low) for _, one, _ in drawn]
    highs = [scale * known(one.high) for _, one, _ in drawn]
    line([place for place, _, _ in drawn], lows, highs, colors=[colour for _, _, colour in drawn], alpha=0.6)


def _spot(place: Place, across: float, up: float) -> Spot:
    return Spot(
        x=known(place.trait.mean) * across,
        y=known(place.skill.mean) * up,
        name=label_of(place.arm),
        colour=WARN if place.arm.failed else "#000000",
        weight="bold" if place.unbeaten else "normal",
    )


def name_spots(axes: Axes, spots: Sequence[Spot]) -> None:
    """Their names in a column to the right, each as near to the height of its spot as the others let it."""
    from matplotlib.collections import LineCollection

    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    ordered = sorted(spots, key=lambda spot: (spot.y, -spot.x))
    wanted = [(spot.y - low) / (high - low) for spot in ordered]
    column, leaders = left + 1.1 * (right - left), []
    for spot, at in zip(ordered, spread(wanted, gap=min(0.062, 1 / len(wanted))), strict=True):
        y = low + at * (high - low)
        beside = column + 0.02 * (right - left)
        axes.text(beside, y, spot.name, va="center", color=spot.colour, fontweight=spot.weight)
        leaders.append([(spot.x, spot.y), (column, y)])
    lines = LineCollection(leaders, colors=MARK, linewidths=0.5, zorder=0.5, clip_on=False)
    axes.add_collection(lines, autolim=False)
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)


def spread(wanted: Sequence[float], *, gap: float) -> list[float]:
    """Heights from 0 to 1 near `wanted`, which ascend, and at least `gap` apart as long as there is room."""
    placed: list[float] = []
    for at in wanted:
        placed.append(max(at, placed[-1] + gap) if placed else max(at, 0.0))
    ceiling = 1.0
    for index in reversed(range(len(placed))):
        placed[index] = min(placed[index], ceiling)
        ceiling = placed[index] - gap
    return placed


def _colour(arm: Arm) -> str:
    return MARK if arm.control or not arm.trains else LINE


def _folded(title: str) -> str:
    kind, colon, rest = title.partition(":")
    if not colon:
        return "\n".join(textwrap.wrap(title, TITLE))
    name, at, coef = rest.rpartition("@")
    lines = [f"{kind}:", *textwrap.wrap(name if at else rest, TITLE), *([f"@{coef}"] if at else [])]
    return "\n".join(lines)

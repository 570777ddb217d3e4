"""The figures of the page: bars with a point for every seed behind them, and trait against skill."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report.doses import by_seed
from harness.report.figures import LINE, MARK, WARN
from harness.report.tables import Arm, Block, Table
from harness.report.tradeoffs import CLEAN, Place, Tradeoff
from harness.stats import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, PANEL, CHARACTER = 0.24, 1.5, 0.068  # inches: one arm's bar, one panel, one character of a label
MARGIN, BELOW = 0.15, 0.38  # inches: around a figure, and for the ticks below a panel
SQUARE = 2.9  # inches: a panel of trait against skill
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


def condition_bars(table: Table, block: Block) -> Figure:
    """One panel for each condition, one bar for each arm."""
    conditions = [at for at in table.conditions if any((arm.label, at) in block.cells for arm in table.arms)]
    return _bars(table.arms, [_panel(table, block, at, title=at) for at in conditions])


def metric_bars(table: Table) -> Figure | None:
    """One panel for each metric in clean, one bar for each arm; None where there is none."""
    blocks = [block for block in table.blocks if block.kind == "mean" and any(at == CLEAN for _, at in block.cells)]
    titles = [f"{block.metric} ({block.goal})" if block.goal else block.metric for block in blocks]
    panels = [_panel(table, block, CLEAN, title=title) for block, title in zip(blocks, titles, strict=True)]
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
    rows = [seen for run in arm.runs for seen in run.values.get((condition, block.metric), ())]
    return Bar(estimate=found, seeds=tuple(by_seed(rows).values()))


def _bars(arms: Sequence[Arm], panels: Sequence[Panel]) -> Figure:
    from matplotlib.figure import Figure

    titles = [_folded(panel.title) for panel in panels]
    left = max(len(_label(arm)) for arm in arms) * CHARACTER + MARGIN
    above = max(title.count("\n") + 1 for title in titles) * 0.14 + MARGIN
    wide, high = left + PANEL * len(panels) + MARGIN, above + ROW * len(arms) + BELOW
    figure = Figure(figsize=(wide, high))
    for at, (panel, title) in enumerate(zip(panels, titles, strict=True)):
        place = ((left + at * PANEL) / wide, BELOW / high, (PANEL - MARGIN) / wide, ROW * len(arms) / high)
        axes = figure.add_axes(place)
        _draw(axes, arms, panel)
        axes.set_title(title, fontsize=8)
        axes.set_yticks([])
        if at == 0:
            axes.set_yticks(range(len(arms)), [_label(arm) for arm in arms])
            for tick, arm in zip(axes.get_yticklabels(), arms, strict=True):
                tick.set_color(WARN if arm.failed else "#000000")
    return figure


def _draw(axes: Axes, arms: Sequence[Arm], panel: Panel) -> None:
    scale = 100 if panel.percent else 1
    bars = [(y, _colour(arm), bar) for y, (arm, bar) in enumerate(zip(arms, panel.bars, strict=True)) if bar]
    heights, colours = [y for y, _, _ in bars], [colour for _, colour, _ in bars]
    means = [scale * _value(bar.estimate.mean) for _, _, bar in bars]
    axes.barh(heights, means, height=0.72, color=colours, alpha=0.35, linewidth=0, clip_on=False)
    ends = [(y, colour, bar.estimate) for y, colour, bar in bars if bar.estimate.low is not None]
    axes.hlines(
        [y for y, _, _ in ends],
        [scale * _value(found.low) for _, _, found in ends],
        [scale * _value(found.high) for _, _, found in ends],
        colors=[colour for _, colour, _ in ends],
        linewidth=1.4,
        clip_on=False,
    )
    dots = [(scale * mean, y + offset) for y, _, bar in bars for mean, offset in _parted(bar.seeds)]
    x, y = zip(*dots, strict=True) if dots else ((), ())
    axes.plot(x, y, color="#000000", marker=".", markersize=3, linestyle="", clip_on=False)
    axes.set_ylim(len(arms) - 0.5, -0.5)
    axes.tick_params(labelsize=7, length=2)
    axes.tick_params(axis="y", labelsize=8, length=0)
    axes.grid(axis="x", color=MARK, alpha=0.3, linewidth=0.5)
    axes.set_axisbelow(True)
    if panel.percent:
        axes.set_xlim(0, 100)
        axes.set_xticks([0, 50, 100])
        first, _, last = axes.get_xticklabels()  # kept inside, so that neighbouring panels do not touch
        first.set_horizontalalignment("left")
        last.set_horizontalalignment("right")


def _parted(seeds: Sequence[float]) -> list[tuple[float, float]]:
    """Each seed's mean with an offset to its bar's middle, so that equal ones can be told apart."""
    gap = 0.5 / max(len(seeds) - 1, 1)
    return [(mean, gap * (at - (len(seeds) - 1) / 2)) for at, mean in enumerate(seeds)]


def _scatter(axes: Axes, one: Tradeoff) -> None:
    across, up = (100 if block.percent else 1 for block in (one.trait, one.skill))
    for place in one.places:
        x, y = _value(place.trait.mean) * across, _value(place.skill.mean) * up
        colour = _colour(place.arm)
        for found, scale, line in ((place.trait, across, axes.hlines), (place.skill, up, axes.vlines)):
            if found.low is not None and found.high is not None:
                line(y if found is place.trait else x, found.low * scale, found.high * scale, colors=colour, alpha=0.6)
        fill = colour if place.unbeaten else "#ffffff"
        axes.plot([x], [y], marker="o", markersize=6, color=colour, markerfacecolor=fill, zorder=3, clip_on=False)
    axes.set_xlabel(f"{one.trait.metric} (suppress){', percent' if one.trait.percent else ''}")
    axes.set_ylabel(f"{one.skill.metric} (keep){', percent' if one.skill.percent else ''}")
    axes.grid(color=MARK, alpha=0.25, linewidth=0.5)
    axes.set_axisbelow(True)
    for percent, limit in ((one.trait.percent, axes.set_xlim), (one.skill.percent, axes.set_ylim)):
        if percent:
            limit(-3, 103)
    _name_places(axes, one.places, across, up)


def _name_places(axes: Axes, places: Sequence[Place], across: float, up: float) -> None:
    """The arms' names in a column to the right, each as near to the height of its place as the others let it."""
    low, high = axes.get_ylim()
    ordered = sorted(places, key=lambda place: (_value(place.skill.mean), -_value(place.trait.mean)))
    wanted = [(_value(place.skill.mean) * up - low) / (high - low) for place in ordered]
    for place, at in zip(ordered, spread(wanted, gap=min(0.062, 1 / len(wanted))), strict=True):
        axes.annotate(
            _label(place.arm),
            (_value(place.trait.mean) * across, _value(place.skill.mean) * up),
            xytext=(1.1, at),
            textcoords="axes fraction",
            va="center",
            color=WARN if place.arm.failed else "#000000",
            fontweight="bold" if place.unbeaten else "normal",
            arrowprops={"arrowstyle": "-", "color": MARK, "linewidth": 0.5, "shrinkA": 1, "shrinkB": 4},
        )
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


def _label(arm: Arm) -> str:
    return f"{arm.label} !" if arm.failed else arm.label


def _colour(arm: Arm) -> str:
    return MARK if arm.control or not arm.trains else LINE


def _folded(title: str) -> str:
    kind, colon, rest = title.partition(":")
    if not colon:
        return "\n".join(textwrap.wrap(title, TITLE))
    name, at, coef = rest.rpartition("@")
    lines = [f"{kind}:", *textwrap.wrap(name if at else rest, TITLE), *([f"@{coef}"] if at else [])]
    return "\n".join(lines)


def _value(number: float | None) -> float:
    assert number is not None
    return number

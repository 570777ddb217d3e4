"""Dose curves, and what all figures share: colours, style, and how one is saved."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from harness.analysis import Curve, DosePoint, DoseSweep, Table
from harness.reporting.csv_form import csv_text
from harness.reporting.numbers import exact, known
from harness.reporting.wording import title_of, with_goal
from harness.screen import shown_lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEFT, RIGHT, BELOW, ABOVE, SECOND_AXIS = 0.6, 0.15, 0.8, 0.6, 0.35  # inches; a layout that measures text takes seconds
LINE, BAND, MARK, WARN = "#1b6ca8", "#1b6ca833", "#8a8a8a", "#b03030"
STYLE: Any = {
    "svg.hashsalt": "harness",
    "text.parse_math": False,
    "font.size": 9,
    "axes.spines.right": False,
}
MADE_BY = {"png": {"Software": "harness"}, "svg": {"Date": None, "Creator": None, "Title": "harness"}}
KEY = "in clean; band: 95 %, grey: seeds\ndotted: half effect, dashed: too much"
TICKS = 4  # on an axis at most: each takes time to draw, and there are hundreds of axes on a page
COLUMNS = ("metric", "dose", "coefficient", "relative", "mean", "low", "high", "n", "judged", "seeds", "by_seed")
AXES = {
    "raw": "coefficient",
    "rms": "coefficient, residual RMS",
    "rows": "fraction of rows",
    "share": "share removed",
    "strength": "strength",
}


def saved(figure: Figure, page: io.BytesIO | io.StringIO, **how: Any) -> None:
    """Saves `figure`, the names in it as text; a letter that the font lacks is drawn as a box, and nothing said."""
    from matplotlib.text import Text

    for one in figure.findobj(Text):
        text = one.get_text()
        if not text.isprintable():
            one.set(text=shown_lines(text))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"(?s)(Glyph|Matplotlib currently does not support)")
        figure.savefig(page, **how)


def dose_figure(table: Table, one: DoseSweep) -> Figure:
    """One panel for each metric, the same doses in all."""
    from matplotlib.figure import Figure

    curves = [curve for curve in one.curves if curve.points]
    figure = Figure(figsize=(3.1 * len(curves), 3.4))
    panels = figure.subplots(1, len(curves), squeeze=False)[0]
    wide, high = figure.get_size_inches()
    above = ABOVE + (SECOND_AXIS if _has_second_axis(one) else 0)
    figure.subplots_adjust(
        left=LEFT / wide, right=1 - RIGHT / wide, bottom=BELOW / high, top=1 - above / high, wspace=0.32
    )
    figure.suptitle(f"{one.label} on {title_of(table)}", fontsize=10, y=0.985)
    for axes, curve in zip(panels, curves, strict=True):
        _panel(axes, one, curve)
    figure.supxlabel(KEY, fontsize=7)
    return figure


def _panel(axes: Axes, one: DoseSweep, curve: Curve) -> None:
    scale = 100 if curve.percent else 1
    told = [point for point in curve.points if point.estimate.mean is not None]
    x = [point.dose * one.coef for point in told]
    axes.plot(x, [scale * known(point.estimate.mean) for point in told], color=LINE, marker="o", markersize=4)
    banded = [point for point in told if point.estimate.low is not None]
    axes.fill_between(
        [point.dose * one.coef for point in banded],
        [scale * known(point.estimate.low) for point in banded],
        [scale * known(point.estimate.high) for point in banded],
        color=BAND,
        linewidth=0,
    )
    dots = [(point.dose * one.coef, scale * mean) for point in told for mean in _several(point)]
    if dots:
        across, up = zip(*dots, strict=True)
        axes.plot(across, up, color=MARK, marker=".", markersize=4, linestyle="")
    if curve.half is not None:
        axes.axvline(curve.half * one.coef, color=LINE, linestyle=":", linewidth=1)
    if one.overdose is not None:
        axes.axvline(one.overdose * one.coef, color=WARN, linestyle="--", linewidth=1)
    axes.set_title(with_goal(curve.metric, curve.goal), fontsize=9)
    axes.set_xlabel(AXES[one.axis])
    axes.set_ylabel("percent" if curve.percent else "score")
    if curve.percent:
        axes.set_ylim(-3, 103)
        axes.set_yticks([0, 50, 100])
    axes.locator_params(axis="x", nbins=TICKS)
    if _has_second_axis(one):
        assert one.relative is not None
        top = axes.secondary_xaxis("top", functions=_conversion(one.relative / abs(one.coef)))
        top.set_xlabel("residual RMS", fontsize=8)
        top.tick_params(labelsize=7)
        top.locator_params(axis="x", nbins=TICKS)


def _several(point: DosePoint) -> Sequence[float]:
    """The means of the seeds, where there are several."""
    return tuple(point.seeds.values()) if len(point.seeds) > 1 else ()


def _has_second_axis(one: DoseSweep) -> bool:
    """Whether raw coefficients can be told in units of the residual RMS as well."""
    return bool(one.axis == "raw" and one.relative and one.coef)


def _conversion(factor: float) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    return lambda raw: raw * factor, lambda rms: rms / factor


def dose_csv(one: DoseSweep) -> str:
    """The numbers of a figure by dose."""
    rows = [
        (
            curve.metric,
            f"{point.dose:g}",
            f"{point.dose * one.coef:g}",
            exact(None if one.relative is None else point.dose * one.relative),
            *map(exact, (point.estimate.mean, point.estimate.low, point.estimate.high)),
            point.estimate.n,
            point.estimate.judged,
            point.estimate.seeds,
            " ".join(f"{seed}:{mean:.6g}" for seed, mean in point.seeds.items()),
        )
        for curve in one.curves
        for point in curve.points
    ]
    return csv_text(COLUMNS, rows)

"""Dose curves as figures: PNG, SVG and the numbers in CSV. The same results give the same bytes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.analysis import Curve, DosePoint, DoseSweep, Table
from harness.files import writing
from harness.report.numbers import exact, known
from harness.report.wording import title_of, with_goal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEFT, RIGHT, BELOW, ABOVE, SECOND_AXIS = 0.6, 0.15, 0.8, 0.6, 0.35  # inches; a layout that measures text takes seconds
LINE, BAND, MARK, WARN = "#1b6ca8", "#1b6ca833", "#8a8a8a", "#b03030"
STYLE: Any = {"svg.hashsalt": "harness", "font.size": 9, "axes.spines.right": False}
KEY = "in clean; band: 95 %, grey: seeds\ndotted: half effect, dashed: too much"
TICKS = 4  # on an axis at most: each takes time to draw, and there are hundreds of axes on a page
COLUMNS = ("metric", "dose", "coefficient", "relative", "mean", "low", "high", "n", "judged", "seeds", "by_seed")
AXES = {"raw": "coefficient", "rms": "coefficient, residual RMS", "rows": "fraction of rows"}


def draw(tables: Sequence[Table], folder: Path) -> list[Path]:
    """Writes a figure for each intervention at two or more doses into `folder`; the paths, in order."""
    written: list[Path] = []
    for table in tables:
        for one in table.sweeps:
            stem = folder / _name(table, one)
            for form, content in _forms(table, one):
                file = stem.with_name(f"{stem.name}.{form}")
                with writing(file, "a figure") as part:
                    part.write_bytes(content)
                written.append(file)
    return written


def _name(table: Table, one: DoseSweep) -> str:
    return re.sub(r"[^\w.=-]+", "-", f"{table.setting}-{table.scale}-{table.model}-{one.label}").strip("-")


def _forms(table: Table, one: DoseSweep) -> Iterator[tuple[str, bytes]]:
    import matplotlib

    yield "csv", _numbers(one)
    with matplotlib.rc_context(STYLE):
        for form, about in (("png", {"Software": None}), ("svg", {"Date": None, "Creator": None})):
            page = io.BytesIO()
            dose_figure(table, one).savefig(page, format=form, dpi=150, metadata=about)
            yield form, page.getvalue()


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


def _numbers(one: DoseSweep) -> bytes:
    page = io.StringIO()
    rows = csv.writer(page, lineterminator="\n")
    rows.writerow(COLUMNS)
    for curve in one.curves:
        for point in curve.points:
            seen = point.estimate
            rows.writerow(
                (
                    curve.metric,
                    f"{point.dose:g}",
                    f"{point.dose * one.coef:g}",
                    exact(None if one.relative is None else point.dose * one.relative),
                    *map(exact, (seen.mean, seen.low, seen.high)),
                    seen.n,
                    seen.judged,
                    seen.seeds,
                    " ".join(f"{seed}:{mean:.6g}" for seed, mean in point.seeds.items()),
                )
            )
    return page.getvalue().encode()

"""What prompts gain before training against what they suppress, as a figure of the page."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from harness.analysis import PromptFit
from harness.reporting.csv_form import csv_text
from harness.reporting.drawings import CHARACTER, SQUARE, Spot, name_spots
from harness.reporting.figures import LINE, MARK
from harness.reporting.numbers import exact

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEFT, BELOW, ABOVE, BESIDE = 0.6, 0.45, 0.25, 0.45  # inches: around the panel, and between it and the names
HEIGHT = 0.16  # inches: a name


def prompt_figure(fit: PromptFit) -> Figure:
    """A dot for each arm: its gain to the right, the points of the trait that it has less upwards, and the line."""
    from matplotlib.figure import Figure

    names = max(len(one.arm) for one in fit.points) * CHARACTER + BESIDE
    panel = max(SQUARE, len(fit.points) * HEIGHT)
    wide, high = LEFT + SQUARE + names, BELOW + panel + ABOVE
    figure = Figure(figsize=(wide, high))
    axes = figure.add_axes((LEFT / wide, BELOW / high, SQUARE / wide, panel / high))
    spots = [Spot(x=one.gain, y=100 * one.suppression, name=one.arm) for one in fit.points]
    axes.scatter([spot.x for spot in spots], [spot.y for spot in spots], s=36, color=LINE, zorder=3, clip_on=False)
    if fit.slope is not None:
        middle = (fmean(spot.x for spot in spots), fmean(spot.y for spot in spots))  # which least squares goes through
        axes.axline(middle, slope=100 * fit.slope, color=LINE, linewidth=1)
    axes.set_xlabel("gain before training, nats")
    axes.set_ylabel("suppression, points")
    axes.grid(color=MARK, alpha=0.25, linewidth=0.5)
    axes.set_axisbelow(True)
    name_spots(axes, spots)
    return figure


def prompt_csv(fit: PromptFit) -> str:
    """The numbers of the figure: nats, and points of the trait."""
    rows = [(one.arm, exact(one.gain), exact(100 * one.suppression)) for one in fit.points]
    return csv_text(("arm", "gain before training", "suppression"), rows)

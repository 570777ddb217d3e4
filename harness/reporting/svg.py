"""A matplotlib figure as SVG that belongs to a page: the page's colours, the page's font, no names that clash."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

from harness.reporting.figures import LINE, MARK, WARN, saved
from harness.screen import shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INKS = {LINE: "accent", MARK: "muted", WARN: "warn", "#000000": "ink", "#ffffff": "paper"}
"""A colour of the figures to the variable of the page's style that stands for it, by light or by dark."""

STYLE: Any = {
    "svg.hashsalt": "harness",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
}

HEAD = re.compile(r"\A.*?(?=<svg)|<!--.*?-->|<metadata>.*?</metadata>", re.DOTALL)
NAMED = re.compile(r'(?<= )id="([^"]*)"')
USED = re.compile(r'(?:xlink:href="#|url\(#)([^")]*)')


def inline(figure: Figure, *, label: str, prefix: str) -> str:
    """`figure` as an `<svg>` element that reads as `label`; its ids begin with `prefix`, which no other figure has.

    Draw and call inside `matplotlib.rc_context(STYLE)`: text then stays text, and nothing depends on the moment.
    """
    page = io.StringIO()
    saved(figure, page, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = HEAD.sub("", page.getvalue())
    used = set(USED.findall(text))
    text = NAMED.sub(lambda match: f'id="{prefix}{match[1]}"' if match[1] in used else "", text)
    text = USED.sub(lambda match: match[0].removesuffix(match[1]) + prefix + match[1], text)
    for colour, name in INKS.items():
        text = text.replace(colour, f"var(--{name})")
    text = re.sub(r"font: (?:\w+ )*?([\d.]+)px [^;\"]*", r"font-size: \1px", text)
    text = re.sub(r"font-family: [^;\"]*;? ?", "", text)
    text = re.sub(r"(\d+\.\d\d)\d+", r"\1", text)
    text = re.sub(r"\s*\n\s*", "\n", re.sub(r"<g\s+>", "<g>", text))
    text = re.sub(r"<g>\n(<(?:path|use) [^>]*/>)\n</g>", r"\1", text)
    return re.sub(r"<svg [^>]*>", lambda match: _opened(match[0], label), text, count=1)


def _opened(tag: str, label: str) -> str:
    """The opening tag with its size in pixels and its label, without what a page does not need."""
    from markupsafe import escape

    wide, high = (float(size) for size in re.findall(r'(?:width|height)="([\d.]+)pt"', tag))
    pixels = f'width="{wide * 4 / 3:.0f}" height="{high * 4 / 3:.0f}"'
    named = f'role="img" aria-label="{escape(shown(label))}"'
    return f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 {wide:g} {high:g}" {pixels} {named}>'

"""Text as GitHub-flavoured Markdown that shows it as it is: no markup, no link, no cell but what the report draws."""

from __future__ import annotations

import re
from collections.abc import Iterable

from harness.screen import shown

MARKUP = re.compile(
    r"""
      \\ (?=[!-/:-@\[-`{-~])        # a backslash that would hide what follows
    | [`*~<|]                       # code, emphasis, what is struck out, HTML, a cell's end
    | (?<![^\W_])_ | _(?![^\W_])    # an underscore that is not within a word
    | \](?=[(\[:])                  # a link, or what one refers to
    | &(?=\#?\w+;)                  # a named character
    | (?<!\S)\#                     # a heading's mark
    """,
    re.VERBOSE,
)
FIRST = re.compile(r"[-+](?=[-+\s]|\Z)|[>=\[]|\d+(?=[.)](?:\s|\Z))")
"""What begins a list, a quotation, a box or a rule at the beginning of a line."""


def text_of(text: str) -> str:
    """`text` within a line: in a heading or a cell."""
    return MARKUP.sub(lambda found: f"\\{found[0]}", shown(text))


def line_of(text: str) -> str:
    """`text` as a line of its own, or as what stands in a list."""
    known = text_of(text).strip()
    if found := FIRST.match(known):
        mark = found[0]
        return f"{mark}\\{known[len(mark) :]}" if mark.isdigit() else f"\\{known}"
    return known


def code_of(text: str, *, cell: bool = False) -> str:
    """`text` as code; in a `cell` a bar is escaped, as tables want it in code too."""
    known = shown(text)
    if not known.strip():
        return ""
    longest = max(map(len, re.findall("`+", known)), default=0)
    ticks, gap = "`" * (longest + 1), " " if known[:1] == "`" or known[-1:] == "`" else ""
    return f"{ticks}{gap}{known.replace('|', chr(92) + '|') if cell else known}{gap}{ticks}"


def row_of(cells: Iterable[str]) -> str:
    """A row of a table, of texts that are Markdown already."""
    return f"| {' | '.join(cells)} |"

"""A plain table with a title and lines below it: what the report shows beside its arm by condition figures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.reporting.as_markdown import line_of, row_of, text_of
from harness.screen import shown

if TYPE_CHECKING:
    from rich.console import Console

LONGEST_WORD = 24
NUMBER = re.compile(r"[-+]?[\d.,]+(?:e[-+]?\d+)?(?:\s*(?:%|s|x))?(?:\s*[\[(].*[\])])?(?:\s*\?\d+)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Text for the page, all of it as it is shown: `head` names the columns, of `figures` from the second on.

    Of those the ones that hold words and no number stand to the left, as texts do.
    """

    title: str
    detail: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[str, ...] = ()
    figures: bool = True

    def __post_init__(self) -> None:
        for name in ("title", "detail"):
            object.__setattr__(self, name, shown(getattr(self, name)))
        for name in ("head", "lines"):
            object.__setattr__(self, name, tuple(map(shown, getattr(self, name))))
        object.__setattr__(self, "rows", tuple(tuple(map(shown, row)) for row in self.rows))

    @property
    def numbers(self) -> frozenset[int]:
        """The columns that hold numbers, counted from 0."""
        if not self.figures:
            return frozenset()
        columns = enumerate(zip(*self.rows, strict=True))
        return frozenset(
            at for at, cells in columns if at and all(map(_is_number, cells)) and any(map(NUMBER.match, cells))
        )


def _is_number(text: str) -> bool:
    """Whether a cell holds a figure, with its interval, share or unit perhaps, or nothing."""
    return not text or text in ("-", "none") or bool(NUMBER.match(text))


def show_section(section: Section, console: Console) -> None:
    """Prints the table and its lines, folded to the width."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console.print(Text.assemble("\n", (section.title, "bold"), f"  {section.detail}".rstrip()))
    numbers = section.numbers
    grid = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    for at, (head, *cells) in enumerate(zip(section.head, *section.rows, strict=True)):
        words = max(len(word) for cell in (head, *cells) for word in (cell.split() or [""]))
        # Words stay whole where only sentences need to be folded.
        whole = all(len(cell) <= words for cell in (head, *cells)) and words <= LONGEST_WORD
        grid.add_column(Text(head), justify="right" if at in numbers else "left", overflow="fold", no_wrap=whole)
    for row in section.rows:
        grid.add_row(*map(Text, row))
    console.print(grid)
    for line in section.lines:
        console.print(Text(line))


def markdown_section(section: Section) -> list[str]:
    """The same as lines of GitHub-flavoured Markdown, a blank one last."""
    detail = [line_of(section.detail), ""] if section.detail else []
    lines = [f"### {text_of(section.title)}", "", *detail, row_of(map(text_of, section.head))]
    numbers = section.numbers
    sides = ("---:|" if at in numbers else "---|" for at in range(len(section.head)))
    lines.append(f"|{''.join(sides)}")
    lines += [row_of(map(text_of, row)) for row in section.rows]
    return [*lines, "", *(f"- {line_of(line)}" for line in section.lines), *([""] if section.lines else [])]

"""Standard output and error: a console that knows its width, lines, and plain JSON. All that is printed goes here."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from functools import cache
from typing import IO, TYPE_CHECKING, Any

from harness.screen.shown import encodable, json_text, shown, shown_lines

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

PIPE_WIDTH = 100
NARROWEST, WIDEST = 20, 10_000  # columns that a table can be laid out in


class ReaderGone(Exception):
    """Nobody reads standard output any more."""


class NotPrinted(Exception):
    """Standard output cannot be written to; the message says why."""


class Printed:
    """Standard output: what its encoding lacks is spelled out, and what it cannot take is told in our own errors."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> None:
        """Writes `text`; ReaderGone or NotPrinted where that cannot be."""
        known = encodable(text, getattr(self._stream, "encoding", None) or "utf-8")
        self._do(lambda: self._stream.write(known))

    def flush(self) -> None:
        """Writes what is held back; ReaderGone or NotPrinted where that cannot be."""
        self._do(self._stream.flush)

    def _do(self, write: Callable[[], object]) -> None:
        try:
            write()
        except BrokenPipeError:
            raise ReaderGone from None
        except OSError as error:
            raise NotPrinted(f"cannot write to standard output: {error.strerror}; send it elsewhere") from error


class Said(Printed):
    """Standard error: what it cannot take is lost, and nothing stops for it."""

    def _do(self, write: Callable[[], object]) -> None:
        with suppress(OSError, ValueError):
            write()


_ours: list[IO[str]] = []


@contextmanager
def own_stdout() -> Iterator[None]:
    """Inside the block standard output is for what is printed from here: what others print goes to standard error."""
    _ours.append(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _ours.pop()


def _stdout() -> IO[str]:
    return _ours[-1] if _ours else sys.stdout


def put(text: str) -> None:
    """Prints lines of text on stdout; what could act on a terminal is spelled out."""
    Printed(_stdout()).write(f"{shown_lines(text)}\n")


def print_json(value: object) -> None:
    """`value` on stdout as indented JSON."""
    Printed(_stdout()).write(f"{json_text(value, indent=2)}\n")


def say(line: str) -> None:
    """One line on stderr; where nobody hears it, nothing is lost."""
    stream = Said(sys.stderr)
    stream.write(f"{shown(line)}\n")
    stream.flush()


def flush() -> None:
    """Sees to it that what was printed is written; ReaderGone or NotPrinted where that cannot be."""
    Printed(_stdout()).flush()


def console(*, stderr: bool = False) -> Console:
    """A rich console on stdout that prints text as it is; 100 columns wide where no terminal says otherwise."""
    width = _columns()
    stream = sys.stderr if stderr else _stdout()
    if width is None and not stream.isatty():
        width = PIPE_WIDTH
    return plain_console(Said(stream) if stderr else Printed(stream), width=width)


def plain_console(file: Any, *, width: int | None, **options: Any) -> Console:
    """A console of rich's on `file` to which all text is text; as wide as the terminal where `width` is None."""
    # To rich any number in COLUMNS is a width, 0 too.
    rest = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    known: Any = {"markup": False, "highlight": False, "emoji": False, "_environ": rest, **options}
    return _plain()(file=file, width=width, **known)


@cache
def _plain() -> type[Console]:
    from rich.console import Console

    class Plain(Console):
        """Spells out what could act on a terminal in all that is rendered; rich's own controls stay."""

        def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                text = segment.text
                yield segment if segment.control or text.isprintable() else segment._replace(text=shown_lines(text))

    return Plain


def _columns() -> int | None:
    """What COLUMNS says, within reason; None where it says nothing."""
    said = os.environ.get("COLUMNS", "")
    if not (said.isascii() and said.isdigit()) or int(said[:9]) == 0:
        return None
    return min(max(int(said[:9]), NARROWEST), WIDEST)

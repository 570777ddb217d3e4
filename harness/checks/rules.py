"""What may be declared on a field beside its type: `Annotated[int, Range(1, 100)]`.

A rule is called with a value that is of the field's type already, and says what is wrong with it, or None.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence, Sized
from typing import Any, NamedTuple

Rule = Callable[[Any], str | None]

SHOWN = 60
"""So many characters of what was given are shown."""


class Range(NamedTuple):
    """A number from `low` to `high`; `above` leaves out `low` itself."""

    low: float
    high: float = math.inf
    above: bool = False

    def __call__(self, value: float) -> str | None:
        if self.low <= value <= self.high and not (self.above and value == self.low):
            return None
        first = f"above {self.low:,}" if self.above else f"from {self.low:,}"
        last = "" if self.above and self.high == math.inf else " up" if self.high == math.inf else f" to {self.high:,}"
        return f"{shown(value)} is not a number {first}{last}"


class Matching(NamedTuple):
    """Text of at most `longest` characters that is all `pattern`; `allowed` says so in words."""

    pattern: re.Pattern[str]
    allowed: str
    longest: int | None = None

    def __call__(self, value: object) -> str | None:
        if not isinstance(value, str) or not self.pattern.fullmatch(value):
            return f"{shown(value)} is not {self.allowed}"
        if self.longest is not None and len(value) > self.longest:
            return f"{shown(value)} is longer than {self.longest} characters"
        return None


class Distinct(NamedTuple):
    """No two entries have the same `attribute`, or are the same where none is named; `kind` says what they are."""

    kind: str
    attribute: str = ""

    def __call__(self, value: Sequence[Any]) -> str | None:
        keys = [getattr(entry, self.attribute) for entry in value] if self.attribute else value
        if len(set(keys)) == len(keys):
            return None
        twice = next(key for at, key in enumerate(keys) if key in keys[:at])
        return f"two {self.kind} are called {shown(twice)}"


def filled(value: Sized) -> str | None:
    """A rule: text that is more than white space, or a collection that holds something."""
    held = value.strip() if isinstance(value, str) else value
    return None if len(held) else "it is empty"


NAME = re.compile(r"[a-z][a-z0-9_]*")
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
"""OWNER/NAME, of a repository of the hub."""
LONGEST_NAME = 100
"""Names become parts of file names, of which 255 bytes are what a file system takes."""

NAMED = Matching(NAME, "a name; use a-z, 0-9 and _", LONGEST_NAME)
LABEL = Matching(re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"), "a label; use letters, digits and _ . + -", LONGEST_NAME)
LONGEST_LINE, LONGEST_WORDS = 10_000, 100_000
"""What is shown in tables and lists; a row, a question and a prompt may be as long as they like."""

_LINE = Matching(re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]*"), "one line without control characters")
_WORDS = Matching(re.compile(r"[^\x00-\x08\x0b-\x1f\x7f-\x9f]*"), "text without control characters")


def one_line(value: str) -> str | None:
    """A rule: no line break, no terminal escape and no other control character, and no endless line."""
    return _endless(value, LONGEST_LINE) or (None if value.isprintable() else _LINE(value))


def words(value: str) -> str | None:
    """A rule: no terminal escape and no other control character but line breaks and tabs, and no endless text."""
    return _endless(value, LONGEST_WORDS) or (None if value.isprintable() else _WORDS(value))


def _endless(value: str, longest: int) -> str | None:
    return f"it has {len(value):,} characters, and may have {longest:,}" if len(value) > longest else None


def shown(value: object) -> str:
    """`value` as an error shows it: plain values as they are written, everything else by its type."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > SHOWN:
        return f"a whole number of {value.bit_length()} bits"
    if value is None or isinstance(value, bool | int | float):
        return f"{value!r}"
    if isinstance(value, str):
        return repr(value) if len(value) <= SHOWN else f"{value[:SHOWN]!r}..."
    return f"something of type {type(value).__name__}"

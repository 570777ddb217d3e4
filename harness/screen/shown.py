"""Text of others as text: nothing in it moves a cursor, hides, turns around what is read, or begins a line."""

from __future__ import annotations

import json
import re

HIDDEN = (
    "\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f"
)
"""As a class of a pattern: controls, marks of direction, what has no width but joiners, and halves of a character."""

_HIDDEN = re.compile(f"[{HIDDEN}]")
_HIDDEN_IN_LINES = re.compile(f"(?!\n)[{HIDDEN}]")


def shown(text: str) -> str:
    r"""`text` on one line, with `\x1b` and its like spelled out."""
    return text if text.isprintable() else _HIDDEN.sub(_spelled, text)


def shown_lines(text: str) -> str:
    """The same with its lines kept."""
    return text if text.isprintable() else _HIDDEN_IN_LINES.sub(_spelled, text)


def json_text(value: object, *, indent: int | None = None) -> str:
    """`value` as JSON in which nothing is hidden: the value that is read from it is the same."""
    text = json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
    # JSON itself spells out what comes before the space, and its own line breaks stay.
    return _HIDDEN_IN_LINES.sub(_spelled_in_json, text)


def encodable(text: str, encoding: str) -> str:
    r"""`text` with what `encoding` lacks as `\u00fc`, so that JSON stays what it says."""
    if text.isascii():
        return text
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(one if one.isascii() or _has(encoding, one) else json.dumps(one)[1:-1] for one in text)
    return text


def _has(encoding: str, character: str) -> bool:
    return bool(character.encode(encoding, "ignore"))


def _spelled(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def _spelled_in_json(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]

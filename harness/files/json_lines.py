"""JSON lines: one object a line, each with the number of its line for whoever finds a fault in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.files.reading import ROWS_BYTES, NotJson, decoded, parsed, read_bytes
from harness.files.writing import writing

Row = dict[str, Any]
"""One line, as it was read: whoever takes it checks what it holds."""


def read_rows(file: Path, *, way_out: str = "repair that line") -> list[tuple[int, Row]]:
    """The objects in `file`, each with its line from 1; blank lines are left out.

    HarnessError with file, line and `way_out` for the first line that is no object, or no UTF-8.
    """
    content = read_bytes(file, limit=ROWS_BYTES, advice=way_out)
    rows = rows_at_once(content)
    return list(_one_by_one(file, content, way_out)) if rows is None else list(enumerate(rows, start=1))


def write_rows(file: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Writes JSON lines to `file` in one step."""
    with writing(file, file.name) as part:
        part.write_bytes(as_lines(rows))


def as_lines(rows: Iterable[Mapping[str, object]]) -> bytes:
    """The JSON lines of `rows`, as they are written."""
    return "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows).encode()


def rows_at_once(content: bytes) -> list[Row] | None:
    """All lines of `content` parsed together, which takes half the time; None where that cannot be done."""
    try:
        # Not splitlines(): a text may hold U+2028 and its like unescaped.
        lines = decoded(content).removesuffix("\n").split("\n")
        # A blank line is none here: it would leave two commas in a row.
        found = parsed(f"[{','.join(lines)}]", rows=len(lines))
    except NotJson:
        return None
    return found if len(found) == len(lines) and set(map(type, found)) <= {dict} else None


def _one_by_one(file: Path, content: bytes, way_out: str) -> Iterator[tuple[int, Row]]:
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"{file}:{number}"
        try:
            text = decoded(line)
        except NotJson as error:
            raise HarnessError(f"{place}: {error.said}; {way_out}") from None
        try:
            row = parsed(text)
        except NotJson as error:  # its line is the first of this one
            cut = " (the file ends there: is it cut off?)" if number == len(lines) else ""
            raise HarnessError(f"{place}: cut, or not JSON: {error.said}{cut}; {way_out}") from None
        if not isinstance(row, dict):
            raise HarnessError(f"{place}: a {type(row).__name__}, not a JSON object; write one {{...}} per line")
        yield number, row

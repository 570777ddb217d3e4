"""CSV files that come from elsewhere, a table with a header: one object a row, each with the number of its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping
from pathlib import Path

from harness.errors import HarnessError
from harness.files.json_lines import Row
from harness.files.reading import ROWS_BYTES, NotJson, parsed, read_text


def read_csv(file: Path, *, as_json: Collection[str] = (), way_out: str = "repair that line") -> list[tuple[int, Row]]:
    """The rows of `file` by the names in its first line, each row with the line that it ends on.

    Each cell is text, but for those in columns `as_json`, which are read as JSON, and left out where they are empty.
    HarnessError with file, line and `way_out` for a row of another length, a name that is there twice or is empty, or
    what is no CSV in UTF-8.
    """
    text = read_text(file, limit=ROWS_BYTES, advice=way_out)
    before = csv.field_size_limit(ROWS_BYTES)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        rows = [(reader.line_num, cells) for cells in reader if cells]
    except csv.Error as error:
        raise HarnessError(f"{file}:{reader.line_num}: no CSV: {error}; {way_out}") from None
    finally:
        csv.field_size_limit(before)
    if not rows:
        return []
    (first, names), *others = rows
    if len(set(names)) < len(names) or not all(names):
        raise HarnessError(f"{file}:{first}: two columns of one name, or one without a name; {way_out}")
    for line, cells in others:
        if len(cells) != len(names):
            raise HarnessError(f"{file}:{line}: {len(cells)} cells, and the header has {len(names)}; {way_out}")
    found = [(line, dict(zip(names, cells, strict=True))) for line, cells in others]
    return [(line, _read(row, as_json, f"{file}:{line}")) for line, row in found]


def _read(row: Mapping[str, str], as_json: Collection[str], place: str) -> Row:
    found: Row = {name: text for name, text in row.items() if text or name not in as_json}
    for name in as_json:
        if name in found:
            try:
                found[name] = parsed(row[name])
            except NotJson as error:
                said = f"{name!r} is no JSON: {error.said}; write it as JSON, or leave it empty"
                raise HarnessError(f"{place}: {said}") from None
    return found

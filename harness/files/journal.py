"""What was made at some cost, kept line by line as it comes, so that a killed process goes on where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, way_out
from harness.files.reading import ROWS_BYTES, NoFile, NotJson, decoded, parsed, read_bytes


class Journal:
    """Values by key: JSON lines that are appended to a file and read once; in memory alone where `file` is None.

    `fits` tells whether a value is of the journal's kind: a line that holds another is an error. `elsewhere` is what an
    error advises where nothing else helps. A line is one write, so that processes do not mix, and an empty line goes
    before it, so that what a killed process left of a line spoils nothing after it.
    """

    def __init__(
        self,
        file: Path | None = None,
        *,
        fits: Callable[[Any], bool] = lambda value: True,
        elsewhere: str = "choose another --runs",
    ) -> None:
        self.file, self._elsewhere = file, elsewhere
        self._known = {} if file is None else _read(file, fits)

    def get(self, key: str) -> Any | None:
        """The value kept for `key`, None where there is none yet."""
        return self._known.get(key)

    def add(self, key: str, value: Any) -> None:
        """Keeps `value` for good; HarnessError when it cannot be written."""
        self._known[key] = value
        if self.file is None:
            return
        line = json.dumps([key, value], ensure_ascii=False, allow_nan=False)
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                os.write(handle, f"\n{line}\n".encode())
            finally:
                os.close(handle)
        except OSError as error:
            raise HarnessError(
                f"cannot write to {self.file}: {error.strerror}; {way_out(error) or self._elsewhere}"
            ) from error


def _read(file: Path, fits: Callable[[Any], bool]) -> dict[str, Any]:
    advice = "move it away and run again"
    try:
        content = read_bytes(file, limit=ROWS_BYTES, advice=advice)
    except NoFile:
        return {}
    known: dict[str, Any] = {}
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            entry = parsed(decoded(line))
        except NotJson:
            continue  # what a killed process left of a line
        if not isinstance(entry, list) or len(entry) != 2 or not isinstance(entry[0], str) or not fits(entry[1]):
            raise HarnessError(f"{file}:{number}: not a key and a value of this journal; repair that line, or {advice}")
        known[entry[0]] = entry[1]
    return known

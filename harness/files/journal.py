"""What was made at some cost, kept line by line as it comes, so that a killed process goes on where it stopped."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, way_out


class Journal:
    """Values by key: JSON lines that are appended to a file and read once; in memory alone where `file` is None.

    `elsewhere` is what an error advises where nothing else helps. A line is one write, so that processes do not mix,
    and an empty line goes before it, so that what a killed process left of a line spoils nothing after it.
    """

    def __init__(self, file: Path | None = None, *, elsewhere: str = "choose another --runs") -> None:
        self.file, self._elsewhere = file, elsewhere
        self._known = {} if file is None else _read(file)

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


def _read(file: Path) -> dict[str, Any]:
    try:
        lines = file.read_bytes().split(b"\n")
    except FileNotFoundError:
        return {}
    except OSError as error:
        advice = way_out(error) or "move it away and run again"
        raise HarnessError(f"cannot read {file}: {error.strerror}; {advice}") from error
    known: dict[str, Any] = {}
    for line in filter(None, lines):
        try:
            key, value = json.loads(line)
            known[key] = value
        except (ValueError, TypeError):
            continue  # what a killed process left of a line
    return known

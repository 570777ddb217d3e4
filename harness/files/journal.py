"""What was made at some cost, kept line by line as it comes, so that a killed process goes on where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, way_out
from harness.files.key_locks import claimed
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
        self._fits = fits
        self._known: dict[str, Any] = {}
        self._read, self._lines = 0, 0
        self._read_on()

    def get(self, key: str) -> Any | None:
        """The value kept for `key`, None where there is none yet."""
        return self._known.get(key)

    def __iter__(self) -> Iterator[str]:
        """The keys that have a value, in the order in which they were kept."""
        return iter(self._known)

    def add(self, key: str, value: Any) -> None:
        """Keeps `value` for good; HarnessError when it cannot be written."""
        self._known[key] = value
        if self.file is None:
            return
        line = f"\n{json.dumps([key, value], ensure_ascii=False, allow_nan=False)}\n".encode()
        with self._writing():
            self.file.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                while line:  # a disk that is filling up takes part of it
                    line = line[os.write(handle, line) :]
            finally:
                os.close(handle)

    @contextmanager
    def claimed(self, key: str) -> Iterator[bool]:
        """Whether it is for us to make the value of `key`: False while another process does.

        What other processes have kept by then is known.
        """
        if self.file is None:
            yield True
            return
        lock = self.file.parent.parent / f".{self.file.parent.name}.lock"
        with ExitStack() as stack:
            with self._writing():
                ours = stack.enter_context(claimed(lock, f"{self.file.name} {key}"))
            self._read_on()
            yield ours

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise HarnessError(
                f"cannot write to {self.file}: {error.strerror}; {way_out(error) or self._elsewhere}"
            ) from error

    def _read_on(self) -> None:
        """Takes in the lines that were added since, by whomever."""
        if self.file is None:
            return
        advice = "move it away and run again"
        try:
            new = read_bytes(self.file, limit=ROWS_BYTES, start=self._read, advice=advice)
        except NoFile:
            return
        for number, line in enumerate(new.split(b"\n"), start=self._lines + 1):
            self._take(line, f"{self.file}:{number}", advice)
        self._read += new.rfind(b"\n") + 1
        self._lines += new.count(b"\n")

    def _take(self, line: bytes, place: str, advice: str) -> None:
        if not line.strip():
            return
        try:
            entry = parsed(decoded(line))
        except NotJson:
            return  # what a killed process left of a line
        if not isinstance(entry, list) or len(entry) != 2 or not isinstance(entry[0], str) or not self._fits(entry[1]):
            raise HarnessError(f"{place}: not a key and a value of this journal; repair that line, or {advice}")
        self._known[entry[0]] = entry[1]

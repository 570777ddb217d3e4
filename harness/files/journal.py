"""What was made at some cost, kept line by line as it comes, so that a killed process goes on where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, way_out
from harness.files.key_locks import claimed


class Journal:
    """Values by key: JSON lines that are appended to a file and read once; in memory alone where `file` is None.

    `elsewhere` is what an error advises where nothing else helps. A line is one write, so that processes do not mix,
    and an empty line goes before it, so that what a killed process left of a line spoils nothing after it.
    """

    def __init__(self, file: Path | None = None, *, elsewhere: str = "choose another --runs") -> None:
        self.file, self._elsewhere = file, elsewhere
        self._known: dict[str, Any] = {}
        self._read = 0
        self._read_on()

    def get(self, key: str) -> Any | None:
        """The value kept for `key`, None where there is none yet."""
        return self._known.get(key)

    def add(self, key: str, value: Any) -> None:
        """Keeps `value` for good; HarnessError when it cannot be written."""
        self._known[key] = value
        if self.file is None:
            return
        line = f"\n{json.dumps([key, value], ensure_ascii=False, allow_nan=False)}\n".encode()
        with self._writing():
            self.file.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
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
        """Takes in the whole lines that were added since, by whomever."""
        if self.file is None:
            return
        try:
            with self.file.open("rb") as stream:
                stream.seek(self._read)
                new = stream.read()
        except FileNotFoundError:
            return
        except OSError as error:
            advice = way_out(error) or "move it away and run again"
            raise HarnessError(f"cannot read {self.file}: {error.strerror}; {advice}") from error
        self._read += new.rfind(b"\n") + 1
        for line in filter(None, new.split(b"\n")):
            try:
                key, value = json.loads(line)
                self._known[key] = value
            except (ValueError, TypeError):
                continue  # what a killed process left of a line

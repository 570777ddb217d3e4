"""Judgements that were paid for, kept: one file of JSON lines per grader, safe for several processes at once.

A line is written by one append, so that processes do not mix, and begins with an empty line, so that what a killed
process left of a line spoils nothing after it.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, way_out
from harness.models import cache_folder
from harness.runs import digest_of

Judgement = dict[str, Any]

FORMAT = "1"
"""Raise when the same answer of a grader would make another judgement."""


class Judgements:
    """What one grader said, by a key of its own; read once, and appended to.

    The key covers the whole prompt, which holds the reply, and the file is the grader's own: its name says which
    model, and a digest of its name, its address and how it is asked tells graders apart.
    """

    def __init__(self, grader: str, address: str | None) -> None:
        readable = re.sub(r"[^\w.-]+", "_", grader)[-60:]
        own = digest_of([FORMAT, grader, address])
        self.file = cache_folder() / "judgements" / f"{readable}-{own[:12]}.jsonl"
        self._known = _read(self.file)

    def get(self, key: str) -> Judgement | None:
        """What was said, None when it was not asked yet."""
        return self._known.get(key)

    def add(self, key: str, said: Judgement) -> None:
        """Keeps `said` for good; HarnessError when it cannot be written."""
        self._known[key] = said
        line = json.dumps({"key": key, **said}, ensure_ascii=False, allow_nan=False)
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(handle, f"\n{line}\n".encode())
            finally:
                os.close(handle)
        except OSError as error:
            advice = way_out(error) or "name another folder by HARNESS_CACHE"
            raise HarnessError(f"cannot keep a judgement in {self.file}: {error.strerror}; {advice}") from error


def key_of(kind: str, prompt: str) -> str:
    """The key of one question to a grader."""
    return digest_of([kind, prompt])


def _read(file: Path) -> dict[str, Judgement]:
    try:
        lines = file.read_bytes().split(b"\n")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise HarnessError(f"cannot read {file}: {error.strerror}; delete it, and it is filled again") from error
    known = {}
    for line in filter(None, lines):
        try:
            said = json.loads(line)
            known[said.pop("key")] = said
        except (ValueError, KeyError, AttributeError, TypeError):
            continue  # what a killed process left of a line
    return known

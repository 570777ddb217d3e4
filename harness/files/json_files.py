"""JSON values, written in one step."""

from __future__ import annotations

import json
from pathlib import Path

from harness.files.writing import writing


def write_json(file: Path, value: object) -> None:
    """Writes `value` to `file` in one step: a reader sees the old file or the new one."""
    with writing(file, file.name) as part:
        part.write_bytes(as_json_file(value))


def as_json_file(value: object) -> bytes:
    """What a file of `value` holds."""
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()

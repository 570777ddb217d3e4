"""Run folders: which there are, which are finished, and their records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import HarnessError

RECORDED = frozenset({"cell", "key", "inputs", "status", "recipe", "steering", "judges", "gates", "made", "steps"})
"""What every run.json holds, whatever its status."""


def read(folder: Path) -> dict[str, Any] | None:
    """The folder's run.json, None where there is none yet; HarnessError when it cannot be read."""
    file = folder / "run.json"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise HarnessError(f"{file} cannot be read ({error}); run the cell again with --force") from error
    if not isinstance(found, dict) or not set(found) >= RECORDED:
        raise HarnessError(f"{file} is no run record; run the cell again with --force")
    return found


def finished(folder: Path, record: Mapping[str, Any] | None) -> bool:
    """Whether the run that `record` tells of was carried to its end, and its results are still there."""
    return record is not None and record["status"] == "done" and (folder / "results.jsonl").is_file()


def folders(root: Path) -> list[Path]:
    """The run folders under `root`, sorted. What is being written, whose name begins with a dot, is none."""
    found = (file.parent for file in root.rglob("run.json"))
    return sorted(at for at in found if not any(part.startswith(".") for part in at.relative_to(root).parts))

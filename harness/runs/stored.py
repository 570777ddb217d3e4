"""What was replied and how it was judged, in files beside the logs: a rule grades fast that need not load Inspect."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.contracts import Case, Message
from harness.errors import HarnessError
from harness.files import write_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One judged reply: a row of results.jsonl. `sample` counts from 1; `value` None is "cannot tell"."""

    condition: str
    split: str
    case: str
    cluster: str
    sample: int
    metric: str
    judge: str
    score: str
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One reply as two judges scored it: a row of checks.jsonl. `judge` gave `first`, and `check` gave `second`."""

    condition: str
    split: str
    case: str
    sample: int
    judge: str
    check: str
    first: Mapping[str, float | None]
    second: Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One reply in a log, with what a judge needs to grade it."""

    condition: str
    split: str
    sample: int
    case: Case
    reply: str


def write_replies(folder: Path, replies: Iterable[Stored]) -> None:
    """Writes replies.jsonl in the run folder `folder`."""
    write_rows(folder / "replies.jsonl", [asdict(reply) for reply in replies])


def read_replies(folder: Path) -> list[Stored] | None:
    """The replies in a run folder's replies.jsonl, None where there is none; HarnessError when it is cut."""
    rows = _rows(folder / "replies.jsonl")
    return None if rows is None else [_stored(folder, row) for row in rows]


def _stored(folder: Path, row: Mapping[str, Any]) -> Stored:
    try:
        case = row["case"]
        messages = tuple(Message(turn["role"], turn["content"]) for turn in case["messages"])
        return Stored(**{**row, "case": Case(**{**case, "messages": messages})})
    except (KeyError, TypeError) as error:
        raise HarnessError(f"{folder / 'replies.jsonl'} is no file of replies ({error}); delete it") from error


def _rows(file: Path) -> list[dict[str, Any]] | None:
    try:
        return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise HarnessError(f"{file} cannot be read ({error}); delete it and give the command again") from error

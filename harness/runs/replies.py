"""replies.jsonl: every reply of a run with what a judge needs to grade it, so that a rule need not load Inspect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import NoneType
from typing import Any, get_args

from harness.contracts import Case, Message, Role
from harness.errors import HarnessError
from harness.files import Row, read_rows, write_rows

REPLIES = "replies.jsonl"
WAY_OUT = "move it away, and 'harness rejudge' writes it again from the logs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One reply under one condition, and the case that it answers. `sample` counts from 1."""

    condition: str
    split: str
    sample: int
    case: Case
    reply: str


def write_replies(folder: Path, replies: Iterable[Reply]) -> None:
    """Writes the replies of the run in `folder`, in one step."""
    write_rows(folder / REPLIES, [asdict(reply) for reply in replies])


def read_replies(folder: Path) -> list[Reply] | None:
    """The replies of the run in `folder`, None where there is no file; HarnessError with the line that is broken."""
    file = folder / REPLIES
    if not file.is_file():
        return None
    return [reply_of(row, f"{file}:{number}") for number, row in read_rows(file, way_out=WAY_OUT)]


def reply_of(row: Row, place: str, way_out: str = WAY_OUT) -> Reply:
    """A row as a reply; HarnessError that begins with `place` and names the field that is wrong."""
    for name, fits in _FITS.items():
        if name not in row:
            raise HarnessError(f"{place}: no {name!r}; {way_out}")
        if not fits(row[name]):
            raise HarnessError(f"{place}: no stored reply: {name!r} cannot be {row[name]!r:.80}; {way_out}")
    case = row["case"]
    return Reply(
        condition=row["condition"],
        split=row["split"],
        sample=row["sample"],
        case=Case(
            id=case["id"],
            messages=tuple(Message(turn["role"], turn["content"]) for turn in case["messages"]),
            facts=case.get("facts") or {},
            cluster=case.get("cluster") or "",
        ),
        reply=row["reply"],
    )


def _is_text(value: object) -> bool:
    return type(value) is str


def _is_case(value: object) -> bool:
    if not isinstance(value, Mapping) or not _is_text(value.get("id")) or not _is_text(value.get("cluster") or ""):
        return False
    turns, facts = value.get("messages"), value.get("facts") or {}
    return (
        isinstance(turns, list | tuple)
        and all(map(_is_turn, turns))
        and isinstance(facts, Mapping)
        and all(type(fact) in (str, int, float, bool, NoneType) for fact in facts.values())
    )


def _is_turn(value: object) -> bool:
    return isinstance(value, Mapping) and value.get("role") in get_args(Role) and _is_text(value.get("content"))


_FITS: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("condition", "split", "reply"), _is_text),
    "sample": lambda value: type(value) is int and value > 0,
    "case": _is_case,
}

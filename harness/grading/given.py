"""Replies that were made anywhere: a file of JSON lines, each with a reply and what a judge needs to grade it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.contracts import Case, Fact, Message
from harness.errors import HarnessError
from harness.files import Row, read_rows
from harness.runs import Reply

ROLES = ("system", "user", "assistant")


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenReply:
    """One line of such a file: where it stands, its own id if it has one, and what is to be judged."""

    place: str
    own_id: object
    reply: Reply


def read_given(file: Path) -> list[GivenReply]:
    """The replies in `file`, each checked; HarnessError with file and line for the first that is wrong."""
    numbered = read_rows(file, way_out="--replies names a JSON-lines file, one JSON object per line")
    if not numbered:
        raise HarnessError(f"{file} has no row; write one JSON object per line, each with a 'reply'")
    return [_given(row, number, f"{file}:{number}") for number, row in numbered]


def _given(row: Row, number: int, place: str) -> GivenReply:
    reply = row.get("reply")
    if not isinstance(reply, str):
        raise HarnessError(f"{place}: 'reply' must be a string, the text to judge (it may be empty)")
    messages, facts = _messages(row, place), _facts(row, place)
    try:
        case = Case(id=str(row.get("id", number)), messages=messages, facts=facts)
    except HarnessError as error:
        raise HarnessError(f"{place}: {error}") from error
    return GivenReply(
        place=place,
        own_id=row.get("id"),
        reply=Reply(condition="", split="", sample=1, case=case, reply=reply),
    )


def _messages(row: Row, place: str) -> tuple[Message, ...]:
    turns = row.get("messages") or []
    if not isinstance(turns, list) or not all(
        isinstance(turn, dict) and turn.get("role") in ROLES and isinstance(turn.get("content"), str) for turn in turns
    ):
        raise HarnessError(f"{place}: 'messages' must be a list of {{role, content}}, role one of {', '.join(ROLES)}")
    return tuple(Message(turn["role"], turn["content"]) for turn in turns)


def _facts(row: Row, place: str) -> dict[str, Fact]:
    facts = row.get("facts") or {}
    if not isinstance(facts, dict) or not all(isinstance(fact, str | int | float | None) for fact in facts.values()):
        raise HarnessError(f"{place}: 'facts' must be an object of strings, numbers, true, false or null")
    return facts

"""Replies that were made anywhere: JSON lines or a table, a reply in each row and what a judge needs to grade it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.contracts import Case, Fact, Message, Role
from harness.errors import HarnessError
from harness.files import NotJson, Row, parsed, read_csv, read_rows
from harness.runs import Reply

ROLES: Mapping[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
"""What is said by whom, by the names that people give it; a developer's turn is what was a system turn before."""

REPLY = "reply"
AS_JSON = ("messages", "facts")


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenReply:
    """One line of such a file: where it stands, its own id if it has one, and what is to be judged."""

    place: str
    own_id: object
    reply: Reply


def read_given(file: Path, *, field: str = REPLY) -> list[GivenReply]:
    """The replies in `file`, each checked, under the name `field`.

    A file whose name ends with .csv is a table with a header, in which `messages` and `facts` are JSON. HarnessError
    with file and line for the first that is wrong.
    """
    way_out = "--replies names a JSON-lines file, one JSON object per line, or a table NAME.csv with a header"
    if file.suffix.lower() == ".csv":
        numbered = [(line, _of_table(row, f"{file}:{line}")) for line, row in read_csv(file, way_out=way_out)]
    else:
        numbered = read_rows(file, way_out=way_out)
    if not numbered:
        raise HarnessError(f"{file} has no row; write one JSON object per line, each with a {field!r}")
    return [_given(row, number, f"{file}:{number}", field) for number, row in numbered]


def _of_table(row: Row, place: str) -> Row:
    """A row of a table, with what is JSON in it read, and without what is empty there."""
    found = {name: text for name, text in row.items() if text or name not in ("id", *AS_JSON)}
    for name in AS_JSON:
        if name in found:
            try:
                found[name] = parsed(found[name])
            except NotJson as error:
                raise HarnessError(
                    f"{place}: {name!r} is no JSON: {error.said}; write it as JSON, or leave it empty"
                ) from None
    return found


def _given(row: Row, number: int, place: str, field: str) -> GivenReply:
    messages, facts = _messages(row, place), _facts(row, place)
    reply = row.get(field)
    if field not in row and messages and messages[-1].role == "assistant":  # a whole chat
        messages, reply = messages[:-1], messages[-1].content
    if not isinstance(reply, str):
        there = "" if field in row else f"; there are: {', '.join(map(str, list(row)[:8])) or 'none'}"
        raise HarnessError(
            f"{place}: {field!r} must be a string, the text to judge (it may be empty), unless 'messages' end with an "
            f"assistant turn{there}"
        )
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
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        raise HarnessError(f"{place}: 'messages' must be a list of {{role, content}}, role one of {', '.join(ROLES)}")
    return tuple(_message(turn, f"{place}: messages[{at}]") for at, turn in enumerate(turns))


def _message(turn: Row, place: str) -> Message:
    said, content = turn.get("role"), turn.get("content")
    role = ROLES.get(said) if isinstance(said, str) else None
    if role is None:
        known = ", ".join(ROLES)
        raise HarnessError(
            f"{place} has the role {said!r:.40}, and no judge reads that; leave the turn out, or use {known}"
        )
    if turn.get("tool_calls"):
        raise HarnessError(f"{place} has tool_calls, which no judge reads; leave the turn out")
    if isinstance(content, list):
        return Message(role, "".join(_part(part, f"{place}.content[{at}]") for at, part in enumerate(content)))
    if not isinstance(content, str):
        kind = "null" if content is None else type(content).__name__
        raise HarnessError(f"{place} has a 'content' that is {kind}; write a text, or leave the turn out")
    return Message(role, content)


def _part(part: object, place: str) -> str:
    """The text of one part of a turn, as interfaces that take pictures too want it."""
    text = part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None
    if not isinstance(text, str):
        kind = part.get("type") if isinstance(part, dict) else type(part).__name__
        raise HarnessError(
            f"{place} is {kind!r:.40}, and judges read text alone; write it as a text, or leave the row out"
        )
    return text


def _facts(row: Row, place: str) -> dict[str, Fact]:
    facts = row.get("facts") or {}
    if not isinstance(facts, dict) or not all(isinstance(fact, str | int | float | None) for fact in facts.values()):
        raise HarnessError(f"{place}: 'facts' must be an object of strings, numbers, true, false or null")
    return facts

"""Chats as people keep them: turns with a role and a text, by the names that are in use, read into ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.contracts import Fact, Message, Role
from harness.errors import HarnessError
from harness.files import Row

ROLES: Mapping[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
"""What is said by whom, by the names that people give it; a developer's turn is what was a system turn before."""

SHARED: Mapping[str, str] = {"human": "user", "gpt": "assistant", "chatgpt": "assistant", "model": "assistant"}
"""Names of `from` in the ShareGPT form that are not those of `ROLES`."""


def messages_of(turns: object, place: str, *, name: str = "messages", reader: str) -> tuple[Message, ...]:
    """The chat in `turns`, a list of {role, content} or, as in ShareGPT, of {from, value}.

    HarnessError with `place` and the column's `name` for what is no such list, and for a turn with more than text in
    it, which no `reader` ("judge", "model") reads.
    """
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        raise HarnessError(f"{place}: {name!r} must be a list of {{role, content}}, role one of {', '.join(ROLES)}")
    return tuple(_message(_ours(turn), f"{place}: {name}[{at}]", reader) for at, turn in enumerate(turns))


def _ours(turn: Row) -> Row:
    if "from" not in turn or "role" in turn:
        return turn
    said = turn["from"]
    return {**turn, "role": SHARED.get(said, said) if isinstance(said, str) else said, "content": turn.get("value")}


def _message(turn: Row, place: str, reader: str) -> Message:
    said, content = turn.get("role"), turn.get("content")
    role = ROLES.get(said) if isinstance(said, str) else None
    if role is None:
        raise HarnessError(
            f"{place} has the role {said!r:.40}, and no {reader} reads that; leave the turn out, or use "
            f"{', '.join(ROLES)}"
        )
    if turn.get("tool_calls"):
        raise HarnessError(f"{place} has tool_calls, which no {reader} reads; leave the turn out")
    if isinstance(content, list):
        return Message(role, "".join(_part(part, f"{place}.content[{at}]", reader) for at, part in enumerate(content)))
    if not isinstance(content, str):
        kind = "null" if content is None else type(content).__name__
        raise HarnessError(f"{place} has a 'content' that is {kind}; write a text, or leave the turn out")
    return Message(role, content)


def _part(part: object, place: str, reader: str) -> str:
    """The text of one part of a turn, as interfaces that take pictures too want it."""
    text = part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None
    if not isinstance(text, str):
        kind = part.get("type") if isinstance(part, dict) else type(part).__name__
        raise HarnessError(
            f"{place} is {kind!r:.40}, and {reader}s read text alone; write it as a text, or leave the row out"
        )
    return text


def columns_of(row: Row) -> str:
    """The first names in a row, for an error in one line, whatever letters they have."""
    return ", ".join(f"{name!r:.40}" for name in list(row)[:8]) or "none"


def question_of(messages: Sequence[Message]) -> str:
    """The last thing the user said, or nothing."""
    return next((message.content for message in reversed(messages) if message.role == "user"), "")


def facts_of(given: object, place: str) -> dict[str, Fact]:
    """What a row says for judges; HarnessError with `place` for what is no object of plain values."""
    facts = given or {}
    if not isinstance(facts, dict) or not all(isinstance(fact, str | int | float | None) for fact in facts.values()):
        raise HarnessError(f"{place}: 'facts' must be an object of strings, numbers, true, false or null")
    return facts

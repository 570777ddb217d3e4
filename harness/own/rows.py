"""A file of chats in the forms that people have, as chats with their places: JSON lines, or a table NAME.csv.

A row is a chat (`messages`; `conversations`, as in ShareGPT) or a `prompt` with its `completion`; `system` is a system
turn before either. What else a row has, and is no list, are facts for judges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.authoring import columns_of, facts_of, messages_of
from harness.contracts import Fact, Message
from harness.errors import HarnessError, unknown
from harness.files import Row, read_csv, read_rows

CHAT = ("messages", "conversations")
OURS = (*CHAT, "prompt", "completion", "system", "id", "split", "cluster", "facts", "tags")
AS_JSON = ("messages", "conversations", "facts", "tags")
WAY_OUT = "write JSON lines, one object a line, or a table NAME.csv with a header"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """One row: where it stands, its turns up to the question, the reply if it has one, and what else it says."""

    place: str
    id: str
    asked: tuple[Message, ...]
    reply: str | None
    split: str = ""
    cluster: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def question(self) -> str:
        """The last turn of the user, which tells rows about one question from others."""
        return self.asked[-1].content.strip() if self.asked else ""


def read_chats(file: Path, columns: Mapping[str, str]) -> list[Chat]:
    """The rows of `file`, with `columns` as it calls ours; HarnessError with file and line for the first wrong one."""
    return chats_of(file, read_table(file), columns)


def chats_of(file: Path, numbered: Sequence[tuple[int, Row]], columns: Mapping[str, str]) -> list[Chat]:
    """The same of rows that were read."""
    if not numbered:
        raise HarnessError(f"{file} has no row; {WAY_OUT}")
    for name, own in columns.items():
        if not any(own in row for _, row in numbered):
            raise HarnessError(
                f"{file}: columns.{name}: {unknown('column', own, filter(str.isprintable, numbered[0][1]))}"
            )
    chats = [_chat(_renamed(row, columns), number, f"{file}:{number}") for number, row in numbered]
    places: dict[str, str] = {}
    for chat in chats:
        if chat.id in places:
            raise HarnessError(f"{chat.place}: the id {chat.id!r:.80} is that of {places[chat.id]} too; change one")
        places[chat.id] = chat.place
    return chats


def read_table(file: Path) -> list[tuple[int, Row]]:
    """The rows of `file`, each with its line; in a table, what holds a chat, facts or tags is JSON."""
    if file.suffix.lower() != ".csv":
        return read_rows(file, way_out=WAY_OUT)
    rows = read_csv(file, as_json=AS_JSON, way_out=WAY_OUT)
    return [(line, {name: value for name, value in row.items() if value != ""}) for line, row in rows]


def _renamed(row: Row, columns: Mapping[str, str]) -> Row:
    """The row with our names for its columns; a name of ours that it has for something else is no longer there."""
    back = {own: name for name, own in columns.items()}
    kept = {name: value for name, value in row.items() if name not in back and name not in columns}
    return {**kept, **{back[own]: value for own, value in row.items() if own in back}}


def _chat(row: Row, number: int, place: str) -> Chat:
    turns = _turns(row, place)
    reply = turns[-1].content if turns and turns[-1].role == "assistant" else None
    return Chat(
        place=place,
        id=_text(row.get("id", f"row {number}"), "id", place),
        asked=turns if reply is None else turns[:-1],
        reply=reply,
        split=_text(row.get("split", ""), "split", place),
        cluster=_text(row.get("cluster", ""), "cluster", place),
        facts=_facts(row, place),
        tags=_tags(row, place),
    )


def _turns(row: Row, place: str) -> tuple[Message, ...]:
    named = [name for name in (*CHAT, "prompt") if row.get(name) is not None]
    if len(named) != 1:
        there = f"there are: {columns_of(row)}"
        what = (
            f"both {' and '.join(map(repr, named))}; keep one" if named else f"no 'messages' and no 'prompt'; {there}"
        )
        raise HarnessError(f"{place}: the row has {what}")
    name = named[0]
    if name != "prompt" or isinstance(row["prompt"], list):
        turns = messages_of(row[name], place, name=name, reader="model")
    else:
        turns = (Message("user", _text(row["prompt"], "prompt", place)),)
    said = row.get("completion")
    if isinstance(said, list):
        turns = (*turns, *messages_of(said, place, name="completion", reader="model"))
    elif "completion" in row:
        turns = (*turns, Message("assistant", _text(said, "completion", place)))
    if row.get("system") is None:
        return turns
    if any(turn.role == "system" for turn in turns):
        raise HarnessError(f"{place}: the row has a 'system' and a system turn; keep one")
    return (Message("system", _text(row["system"], "system", place)), *turns)


def _text(value: object, name: str, place: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and name in ("id", "cluster"):
        return str(value)
    if not isinstance(value, str):
        kind = "null" if value is None else type(value).__name__
        raise HarnessError(f"{place}: {name!r} is {kind}, and a text is wanted; write one, or leave the row out")
    return value


def _facts(row: Row, place: str) -> dict[str, Fact]:
    if row.get("facts") is not None:
        return facts_of(row["facts"], place)
    return {name: value for name, value in row.items() if name not in OURS and _is_fact(value)}


def _is_fact(value: object) -> bool:
    return isinstance(value, str | int | float | None)


def _tags(row: Row, place: str) -> dict[str, str]:
    given = row.get("tags") or {}
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise HarnessError(f"{place}: 'tags' must be an object of strings")
    return given

"""Replies that were made anywhere: JSON lines or a table, a reply in each row and what a judge needs to grade it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.authoring import columns_of, facts_of, messages_of
from harness.contracts import Case
from harness.errors import HarnessError
from harness.files import Row, read_csv, read_rows
from harness.runs import Reply

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
        rows = read_csv(file, as_json=AS_JSON, way_out=way_out)
        numbered = [(line, {name: text for name, text in row.items() if name != "id" or text}) for line, row in rows]
    else:
        numbered = read_rows(file, way_out=way_out)
    if not numbered:
        raise HarnessError(f"{file} has no row; write one JSON object per line, each with a {field!r}")
    return [_given(row, number, f"{file}:{number}", field) for number, row in numbered]


def _given(row: Row, number: int, place: str, field: str) -> GivenReply:
    messages = messages_of(row.get("messages") or [], place, reader="judge")
    facts = facts_of(row.get("facts"), place)
    reply = row.get(field)
    if field not in row and messages and messages[-1].role == "assistant":  # a whole chat
        messages, reply = messages[:-1], messages[-1].content
    if not isinstance(reply, str):
        there = "" if field in row else f"; there are: {columns_of(row)}"
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

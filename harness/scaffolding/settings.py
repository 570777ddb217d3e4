"""`harness new setting`: a commented file that describes a setting, made from the rows that it trains on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.checks import NAME
from harness.errors import HarnessError
from harness.files import Row
from harness.own import CHAT, WrittenRecipe, WrittenSteering, chats_of, read_table
from harness.scaffolding.filling import check_free, filled, put
from harness.scaffolding.schemas import schema_of

SCHEMA = "setting.schema.json"
QUESTIONS = ("question", "instruction", "input", "user", "query", "text", "problem", "source")
ANSWERS = ("answer", "response", "output", "assistant", "reply", "target", "solution", "label")


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What was written: the file, its schema for editors, how many rows there are, and what is still to be said."""

    file: Path
    schema: Path
    rows: int
    missing: tuple[str, ...]


def new_setting(
    name: str,
    rows: Path,
    *,
    file: Path | None = None,
    columns: Mapping[str, str] | None = None,
    asks: str = "",
    forbids: str = "",
    matches: str = "",
) -> Begun:
    """Writes `NAME.yaml`, or `file`, for the rows of a file, which are read as training will read them.

    Where `columns` does not say what the file calls its own, and they are no names of ours, they are looked for among
    the usual ones. HarnessError for a name that is none, rows that cannot be trained on, and a file that is there.
    """
    if not NAME.fullmatch(name):
        raise HarnessError(f"{name!r:.80} is no name of a setting; write small letters, digits and _, as in my_setting")
    place = file or Path(f"{name}.yaml")
    check_free(place)
    numbered = read_table(rows)
    named = columns or _columns(rows, numbered[0][1] if numbered else {})
    found = chats_of(rows, numbered, named)
    text = filled(
        "setting.yaml",
        name=name,
        schema=SCHEMA,
        rows=_quoted(os.path.relpath(rows, place.parent)),
        columns={ours: _quoted(own) for ours, own in named.items()},
        asks=_quoted(asks) if asks else "",
        forbids=_quoted(forbids) if forbids else "",
        matches=_quoted(matches) if matches else "",
        recipe=_defaults(),
    )
    schema = place.with_name(SCHEMA)
    put(schema, json.dumps(schema_of("setting"), indent=2) + "\n")
    put(place, text)
    return Begun(file=place, schema=schema, rows=len(found), missing=_missing(text))


def _columns(rows: Path, first: Row) -> dict[str, str]:
    """What the file calls a question and an answer, where neither is called as here."""
    if not first or {*CHAT, "prompt"} & set(first):
        return {}
    names = tuple(filter(str.isprintable, first))
    lower = {name.lower(): name for name in names}
    question, answer = (next((lower[one] for one in usual if one in lower), "") for usual in (QUESTIONS, ANSWERS))
    if question and answer:
        return {"prompt": question, "completion": answer}
    raise HarnessError(
        f"{rows}: none of the columns {', '.join(names)[:200]} is a chat, or a question with its answer; "
        "say which they are: --columns prompt=QUESTION,completion=ANSWER"
    )


def _defaults() -> dict[str, str]:
    """What a recipe says where it says nothing, as YAML."""
    steering = WrittenSteering().model_dump()
    told = {name: value for name, value in WrittenRecipe().model_dump().items() if name != "steering"}
    return {name: json.dumps(value) for name, value in told.items()} | {
        "steering": "{" + ", ".join(f"{name}: {value}" for name, value in steering.items()) + "}"
    }


def _missing(text: str) -> tuple[str, ...]:
    """The lines that are to be filled in, each with its number."""
    lines = enumerate(text.splitlines(), start=1)
    return tuple(
        f"line {at}: {line.strip().lstrip('# ').partition(':')[0]}" for at, line in lines if "TO FILL IN" in line
    )


def _quoted(text: str) -> str:
    """A text as YAML has it in double quotes, which JSON's are."""
    return json.dumps(text, ensure_ascii=False)

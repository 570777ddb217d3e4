"""docs/formats.md says what the classes of the records say: every field, its type, its default."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness import judging, runs
from harness.cells import Cell
from harness.documents import Record

PAGE = (Path(__file__).parent.parent / "docs" / "formats.md").read_text(encoding="utf-8")
RECORDS: tuple[Any, ...] = (
    *(Cell, runs.Reply, runs.Result, runs.Check, judging.LabelDraw, judging.DrawnReply),
    *(one for one in vars(runs).values() if isinstance(one, type) and issubclass(one, Record)),
)
WORDS = {str: "text", int: "integer", float: "number", bool: "true or false"}


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_the_page_has_every_field_of_a_record_with_its_type_and_default(record: Any) -> None:
    hints = typing.get_type_hints(record)
    written = [(f.name, spelled(hints[f.name]), default(f)) for f in dataclasses.fields(record)]
    assert table_of(record.__name__) == written


def test_the_page_has_no_record_that_is_not_there() -> None:
    titles = re.findall(r"^##.*`(\w+)`$", PAGE, flags=re.MULTILINE)
    assert sorted(titles) == sorted(record.__name__ for record in RECORDS)


def table_of(record: str) -> list[tuple[str, str, str]]:
    """Name, type and default of each row of the record's table."""
    (section,) = re.findall(rf"^##[^\n]*`{record}`\n(.*?)(?=^## |^### |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("| `")]
    return [(row[0].strip("`"), row[1], row[2]) for row in rows]


def spelled(hint: Any) -> str:
    """A type as the page calls it."""
    if hint in WORDS:
        return WORDS[hint]
    arguments = typing.get_args(hint)
    origin = typing.get_origin(hint)
    if origin is typing.Literal:
        return " or ".join(arguments)
    if type(None) in arguments:
        (inner,) = (one for one in arguments if one is not type(None))
        return f"{spelled(inner)}, or null"
    if origin is tuple:
        return f"{spelled(arguments[0])}s"
    if origin is not None and issubclass(origin, Mapping):
        inner = spelled(arguments[1])
        return f"{inner.replace(', or null', ' or null,')} by name"
    return "JSON" if hint is typing.get_type_hints(runs.RunRecord)["inputs"].__args__[1] else str(hint.__name__)


def default(field: dataclasses.Field[Any]) -> str:
    if field.default_factory is not dataclasses.MISSING:
        return "empty"
    if field.default is dataclasses.MISSING:
        return "needed"
    shown = {None: "null", "": "empty", (): "empty", True: "true", False: "false"}
    kind = type(field.default)
    return str(field.default) if kind in (int, float) or field.default not in shown else shown[field.default]

"""Records on disk: frozen classes, checked where they are made and where they are read.

What a file lacks, or holds as null, is what the field is by default; what a newer harness has added is left aside.
Whatever else does not fit is one line with file and field.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, TypeVar, dataclass_transform

from pydantic import ConfigDict, TypeAdapter, ValidationError, model_validator
from pydantic.dataclasses import dataclass as checked_dataclass
from pydantic_core import ErrorDetails
from typing_extensions import TypeAliasType

from harness.errors import HarnessError
from harness.files import NoFile, NotJson, as_json_file, digest_of, parsed, read_text, write_json

Json = TypeAliasType("Json", "bool | int | float | str | tuple[Json, ...] | Mapping[str, Json] | None")
"""What a JSON file holds, as it is read here: an array is a tuple."""

Place = tuple[str | int, ...]
"""Where a part of a document stands: keys and numbers from the outside in."""
SEAL = "seal"
"""The digest of the rest of a record's file, which tells one that was changed by hand or by a disk."""

Kind = TypeVar("Kind")
Made = TypeVar("Made", bound="Record")

_STRICT = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(dataclasses.field,))
def record(kind: type[Kind]) -> type[Kind]:
    """Makes `kind` a frozen dataclass that is checked when it is made; its fields are given by name."""
    made: Any = checked_dataclass(frozen=True, kw_only=True, config=_STRICT)(kind)
    return made  # type: ignore[no-any-return]


@record
class Record:
    """What all records share: null is as good as absent."""

    SPARSE: ClassVar[bool] = False
    """Whether what is None stays out of the file."""

    SEALED: ClassVar[bool] = False
    """Whether its file ends with a seal."""

    FORMAT: ClassVar[int] = 0
    """The number of the file's format, for a record that is a file of its own and has a field `format`.

    Raise it when a field changes its meaning. A file without a number is of format 1.
    """

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, given: Any) -> Any:
        """Leaves out nulls for which the field has another default; a null where a value is needed stays an error."""
        named = given if isinstance(given, Mapping) else getattr(given, "kwargs", None)
        if not isinstance(named, Mapping):
            return given
        own = {field.name: field for field in dataclasses.fields(cls)}
        kept = {n: value for n, value in named.items() if value is not None or n not in own or _is_needed(own[n])}
        return frozen(kept) if isinstance(given, Mapping) else kept


def read_record(
    file: Path,
    kind: type[Made],
    *,
    what: str,
    way_out: str,
    tidy: Callable[[Any], Any] = lambda value: value,
    seal: bool = False,
) -> Made | None:
    """The record in `file`, None where there is no file; HarnessError with file and field for what does not fit.

    `what` names it in errors ("run record"), `way_out` says what to do about it, and `tidy` makes of what an older
    format holds what it means now. A file of a newer format than is known here is an error too, and with `seal` one
    that was changed since it was written.
    """
    found = _read(file, what=what, way_out=way_out)
    if found is None:
        return None
    value = found.value
    if kind.FORMAT and isinstance(value, dict):
        value = {"format": 1, **value}
        if type(value["format"]) is int and value["format"] > kind.FORMAT:
            seen = f"it is of format {value['format']}, and known here are those up to {kind.FORMAT}"
            raise HarnessError(f"{file}: {what} of a newer harness: {seen}; update this one")
    made = as_record(tidy(value), kind, place=str(file), what=what, way_out=way_out, text=found.text)
    if seal:
        _check_seal(found.value, file, way_out)
    return made


def read_json(file: Path, *, what: str, way_out: str) -> Any:
    """The JSON in `file`, None where there is no file; HarnessError where it cannot be read, is cut, or is null."""
    found = _read(file, what=what, way_out=way_out)
    return None if found is None else found.value


def as_record(value: object, kind: type[Made], *, place: str, what: str, way_out: str, text: str = "") -> Made:
    """A JSON value as a record; HarnessError that begins with `place` and names the field.

    Where the value is all of `text` the error has the line too.
    """
    known: Any = kind  # to mypy a record's class is not hashable
    try:
        # As JSON text: from Python's own values a strict record takes no mapping for a record.
        made: Made = _adapter(known).validate_json(json.dumps(value))
    except ValidationError as error:
        first, *others = error.errors(include_url=False)
        more = f", and {len(others)} more" if others else ""
        seen = f"{_line_of(first['loc'], text)}{_told(first)}{more}"
        raise HarnessError(f"{place}: not a {what} ({seen}); {way_out}") from error
    except HarnessError as error:  # of a record of the contracts, which says itself what it may hold
        raise HarnessError(f"{place}: not a {what} ({error}); {way_out}") from error
    return made


@dataclasses.dataclass(frozen=True, slots=True)
class _Parsed:
    """What a file holds, and its text."""

    value: Any
    text: str


def _read(file: Path, *, what: str, way_out: str) -> _Parsed | None:
    try:
        text = read_text(file, advice=way_out)
        found = _Parsed(parsed(text), text)
    except NoFile:
        return None
    except NotJson as error:
        raise HarnessError(f"{file}: not a {what} (cut, or not JSON: {error}); {way_out}") from error
    if found.value is None:
        raise HarnessError(f"{file}: not a {what} (it holds null); {way_out}")
    return found


def _line_of(field: Place, text: str) -> str:
    """`line 4: ` of a field of the JSON in `text`, or of the part around it; empty where no key has a line of its own.

    Our own files have a key a line, indented by one for each step into the document.
    """
    at = 0
    for depth, step in enumerate(field, start=1):
        key = rf"^ {{{depth}}}{re.escape(json.dumps(step, ensure_ascii=False))}:" if isinstance(step, str) else "$^"
        found = re.compile(key, re.MULTILINE).search(text, at)
        at = found.start() if found else at
    return f"line {text.count(chr(10), 0, at) + 1}: " if at else ""


def write_record(file: Path, made: Record) -> None:
    """Writes `made` to `file` in one step, in the format of now: a reader sees the old file or the new one."""
    write_json(file, _written(made))


def record_bytes(made: Record) -> bytes:
    """What `write_record` writes."""
    return as_json_file(_written(made))


def _written(made: Record) -> Mapping[str, object]:
    now = as_json(made) | ({"format": made.FORMAT} if made.FORMAT else {})
    return sealed(now) if made.SEALED else now


def sealed(fields: Mapping[str, object]) -> dict[str, object]:
    """`fields` with their seal."""
    return {**fields, SEAL: digest_of(fields)}


def has_broken_seal(fields: object) -> bool:
    """Whether `fields` are other than when they were sealed; older ones have no seal."""
    if not isinstance(fields, Mapping) or fields.get(SEAL) is None:
        return False
    return sealed({name: value for name, value in fields.items() if name != SEAL}) != fields


def check_seal(file: Path, *, what: str, way_out: str) -> None:
    """HarnessError where the record in `file` was changed since it was written, as its seal tells."""
    _check_seal(read_json(file, what=what, way_out=way_out), file, way_out)


def _check_seal(value: object, file: Path, way_out: str) -> None:
    if has_broken_seal(value):
        raise HarnessError(f"{file} was changed since it was written; {way_out}")


def as_json(made: Record) -> dict[str, Json]:
    """The record as JSON values, its fields in their order."""
    found = {field.name: _plain(getattr(made, field.name)) for field in dataclasses.fields(made)}
    return {name: value for name, value in found.items() if value is not None or not made.SPARSE}


def frozen(value: object) -> Any:
    """A JSON value with its arrays as tuples."""
    if isinstance(value, list | tuple):
        return tuple(map(frozen, value))
    if isinstance(value, Mapping):
        return {name: frozen(part) for name, part in value.items()}
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return as_json(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _plain({field.name: getattr(value, field.name) for field in dataclasses.fields(value)})
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(part) for part in value]
    return value


def _is_needed(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _told(error: ErrorDetails) -> str:
    """`blocks.3.norm should be a valid number`, or `no key`."""
    where = ".".join(map(str, error["loc"]))
    if error["type"] == "missing":
        return f"no {where!r:.200}"
    said = error["msg"].removeprefix("Input ").removeprefix("Value error, ")
    return f"{where!r:.200} {said:.400}" if where else said[:400]


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)

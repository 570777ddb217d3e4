"""YAML files checked against a schema: every error names file, line and the nearest name."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from harness.errors import HarnessError

Place = tuple[str | int, ...]


class Strict(BaseModel):
    """A part of a file: frozen, and a key that it does not have is an error that names the nearest one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _knows_its_keys(cls, data: Any) -> Any:
        if isinstance(data, Mapping):
            for key in data:
                if key not in cls.model_fields:
                    near = difflib.get_close_matches(str(key), cls.model_fields, n=1, cutoff=0.5)
                    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(cls.model_fields)}"
                    said = f"no key {str(key)!r}; {hint}"
                    raise PydanticCustomError("unknown_key", "{said}", {"key": key, "said": said})
        return data


Part = TypeVar("Part", bound=Strict)


@dataclass(frozen=True, slots=True)
class Document(Generic[Part]):
    """What a file says, and where: `lines` gives the line of a path of keys and numbers."""

    file: Path
    value: Part
    lines: Mapping[Place, int]

    def wrong(self, place: Place, message: str) -> HarnessError:
        """An error at `place`, or at the nearest part around it that has a line."""
        return HarnessError(f"{self.file}:{_line(self.lines, place)}: {message}")


def read(file: Path, schema: type[Part]) -> Document[Part]:
    """`file` as `schema` has it; HarnessError with the line of what is not YAML, stands twice, or does not fit."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise HarnessError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise HarnessError(f"{file} is not UTF-8 text ({error.reason} at byte {error.start})") from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        lines = dict(_lines(node, ()))
        data = yaml.safe_load(text)
    except _Twice as error:
        raise HarnessError(f"{file}:{error.line}: {error.key!r} stands twice; keep one") from error
    except yaml.YAMLError as error:
        raise HarnessError(f"{file}:{_yaml_place(error)}") from error
    try:
        return Document(file, schema.model_validate(data), lines)
    except ValidationError as error:
        raise HarnessError(f"{file}:{_first(error, lines)}") from error


class _Twice(Exception):
    def __init__(self, key: str, line: int) -> None:
        super().__init__(key)
        self.key, self.line = key, line


def _lines(node: yaml.Node | None, place: Place) -> Iterator[tuple[Place, int]]:
    """The line of every part of a document, from 1."""
    if node is None:
        return
    yield place, node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for at, child in enumerate(node.value):
            yield from _lines(child, (*place, at))
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, child in node.value:
            if key.value in seen:
                raise _Twice(key.value, key.start_mark.line + 1)
            seen.add(key.value)
            yield from _lines(child, (*place, key.value))
            yield (*place, key.value), key.start_mark.line + 1


def _line(lines: Mapping[Place, int], place: Place) -> int:
    while place not in lines and place:
        place = place[:-1]
    return lines.get(place, 1)


def _yaml_place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line = mark.line + 1 if mark else 1
    problem = str(getattr(error, "problem", None) or error)
    if "\\t" in problem:
        return f"{line}: a tab, where YAML wants spaces; indent with spaces"
    return f"{line}: not YAML ({' '.join(problem.split())})"


def _first(error: ValidationError, lines: Mapping[Place, int]) -> str:
    """Line, place and message of the first thing that is wrong, in the order of the file."""
    found = []
    for one in error.errors(include_url=False):
        place = tuple(one["loc"])
        if one["type"] == "unknown_key":
            place = (*place, one["ctx"]["key"])
        message = one["msg"][:1].lower() + one["msg"][1:]
        where = ".".join(map(str, place[:-1] if one["type"] == "unknown_key" else place))
        found.append((_line(lines, place), f"{where}: {message}" if where else message))
    line, message = min(found, key=lambda one: one[0])
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{line}: {message}{more}"

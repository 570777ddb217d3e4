"""YAML files whose every part knows its line, and their check against a schema with the nearest name in errors."""

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
class Source:
    """What a file says, and where: `lines` gives the line of a path of keys and numbers."""

    file: Path
    data: Any
    lines: Mapping[Place, int]

    def line(self, place: Place) -> int:
        """The line of `place`, or of the nearest part around it that has one."""
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place, 1)

    def place(self, place: Place) -> str:
        """`FILE:LINE` of `place`."""
        return f"{self.file}:{self.line(place)}"

    def wrong(self, place: Place, message: str) -> HarnessError:
        """An error at `place`."""
        return HarnessError(f"{self.place(place)}: {message}")


@dataclass(frozen=True, slots=True)
class Document(Generic[Part]):
    """A file as a schema has it, and its source."""

    source: Source
    value: Part

    def wrong(self, place: Place, message: str) -> HarnessError:
        """An error at `place`, or at the nearest part around it that has a line."""
        return self.source.wrong(place, message)


def read(file: Path, schema: type[Part]) -> Document[Part]:
    """`file` as `schema` has it; HarnessError with the line of what is not YAML, stands twice, or does not fit."""
    source = read_source(file)
    try:
        return Document(source, schema.model_validate(source.data))
    except ValidationError as error:
        raise HarnessError(f"{file}:{_first(error, source)}") from error


def read_source(file: Path) -> Source:
    """The mapping in `file`, no key twice; HarnessError with file and line for what is no YAML."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise HarnessError(f"cannot read {file}: {error.strerror}; name a YAML file that is there") from error
    except UnicodeDecodeError as error:
        raise HarnessError(f"{file} is not UTF-8 text ({error.reason} at byte {error.start})") from error
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(root, yaml.MappingNode):
            raise HarnessError(f"{file}:1: write keys and values, as in 'title: A study'")
        lines = dict(_lines(root, (), ()))
        return Source(file, yaml.safe_load(text), lines)
    except _Twice as error:
        raise HarnessError(f"{file}:{error}") from error
    except yaml.MarkedYAMLError as error:
        raise HarnessError(f"{file}:{_yaml_place(error)}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise HarnessError(f"{file}: not YAML ({' '.join(str(error).split())})") from error


class _Twice(Exception):
    pass


def _lines(node: yaml.Node, place: Place, around: tuple[yaml.Node, ...]) -> Iterator[tuple[Place, int]]:
    """The line of every part of a document, from 1; a key's own line for what stands under a key."""
    if any(node is other for other in around):  # an alias of what it stands in
        return
    yield place, node.start_mark.line + 1
    around = (*around, node)
    if isinstance(node, yaml.SequenceNode):
        for at, child in enumerate(node.value):
            yield from _lines(child, (*place, at), around)
    if isinstance(node, yaml.MappingNode):
        seen: dict[Any, int] = {}
        for key, child in node.value:
            line = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise _Twice(f"{line}: the key {key.value!r} is there twice, first on line {seen[key.value]}; keep one")
            name = key.value if isinstance(key, yaml.ScalarNode) else str(key.value)
            seen[name] = line
            yield from _lines(child, (*place, name), around)
            yield (*place, name), line


def _yaml_place(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    problem = error.problem or error.context or str(error)
    if "\\t" in problem:
        return f"{line}: a tab, where YAML wants spaces; indent with spaces"
    return f"{line}: {' '.join(problem.split())}; this is not YAML"


def _first(error: ValidationError, source: Source) -> str:
    """Line, place and message of the first thing that is wrong, in the order of the file."""
    found = []
    for one in error.errors(include_url=False):
        place = tuple(one["loc"])
        if one["type"] == "unknown_key":
            place = (*place, one["ctx"]["key"])
        message = one["msg"][:1].lower() + one["msg"][1:]
        where = ".".join(map(str, place[:-1] if one["type"] == "unknown_key" else place))
        found.append((source.line(place), f"{where}: {message}" if where else message))
    line, message = min(found, key=lambda one: one[0])
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{line}: {message}{more}"

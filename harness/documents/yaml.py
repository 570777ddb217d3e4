"""YAML files whose every part knows its line, and their check against a schema with the nearest name in errors."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Discriminator, Tag, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from harness.documents.records import Place, frozen
from harness.errors import HarnessError
from harness.files import DEPTH, DIGITS, WRITTEN_BYTES, read_text

NO_KEYS = "keys and values are wanted here, as in 'name: value'"
PARTS = 100_000
"""The most values that a YAML file may hold, each counted as often as aliases put it somewhere."""


class Strict(BaseModel):
    """A part of a file: frozen, and a key that it does not have is an error that names the nearest one."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _knows_its_keys(cls, data: Any) -> Any:
        if isinstance(data, Mapping):
            for key in data:
                if key not in cls.model_fields:
                    near = difflib.get_close_matches(str(key)[:80], cls.model_fields, n=1, cutoff=0.5)
                    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(cls.model_fields)}"
                    said = f"no key {str(key)!r:.80}; {hint}"
                    raise PydanticCustomError("unknown_key", "{said}", {"key": key, "said": said})
        return data


ONE, SEVERAL = Tag("(one)"), Tag("(several)")
EITHER = Discriminator(lambda value: ONE.tag if isinstance(value, str) else SEVERAL.tag)
"""What may be a text or more than one says which it is by this, so that an error is about the one that was meant."""

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
        return HarnessError(f"{self.place(place)}: {' '.join(message.split()):.800}")


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
        return Document(source, schema.model_validate(frozen(source.data)))
    except ValidationError as error:
        raise HarnessError(f"{file}:{_first(error, source)}") from error


def read_source(file: Path) -> Source:
    """The mapping in `file`, no key twice; HarnessError with file and line for what is no YAML.

    `12:30`, `2026-01-01` and `017` are text and `1e3` is a number, as in YAML 1.2; `no` and `on`, which are text there
    and were not before, are no text here, so that whoever means it has to write quotes. Tags, and keys that are no
    text, are errors.
    """
    text = read_text(file, limit=WRITTEN_BYTES, advice="name a YAML file that is there")
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if not isinstance(root, yaml.MappingNode):
            raise HarnessError(f"{file}:1: write keys and values, as in 'title: A study'")
        lines = list(islice(_lines(root, (), ()), PARTS + 1))
        if len(lines) > PARTS:
            raise HarnessError(f"{file}: aliases make more than {PARTS:,} parts of it; write fewer")
        return Source(file, loader.construct_document(root), dict(lines))
    except _Wrong as error:
        raise HarnessError(f"{file}:{error}") from error
    except yaml.MarkedYAMLError as error:
        raise HarnessError(f"{file}:{_yaml_place(error)}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise HarnessError(
            f"{file}:{line}: the character U+{ord(text[error.position]):04X}; this is not YAML"
        ) from error


class _Wrong(Exception):
    """Line and message of what YAML allows and these files do not."""


class _Loader(yaml.SafeLoader):
    """Takes scalars for what `read_source` says, and refuses tags and what is nested too deep."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - as the library declares it
    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1
        if getattr(event, "tag", None) is not None:
            raise _Wrong(f"{line}: the tag {event.tag!r:.60}; tags mean nothing here: leave it out")
        if self._depth > DEPTH:
            raise _Wrong(f"{line}: nested deeper than {DEPTH}")
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        if isinstance(node, yaml.ScalarNode):
            _check_scalar(node)
        return node


def _check_scalar(node: yaml.ScalarNode) -> None:
    line = node.start_mark.line + 1
    if found := yaml.reader.Reader.NON_PRINTABLE.search(node.value):
        raise _Wrong(f"{line}: the character U+{ord(found[0]):04X}, which no text has; leave it out")
    if node.tag in (_TAG + "int", _TAG + "float") and not _is_small(node.value):
        raise _Wrong(f"{line}: {node.value:.40} is too large a number")


def _is_small(number: str) -> bool:
    """Whether a float can hold it; a schema says what it thinks of `.inf` and `.nan`."""
    return number[-1:].isalpha() or (len(number) <= DIGITS and math.isfinite(float(number)))


_TAG = "tag:yaml.org,2002:"
for _name, _pattern, _first_letters in (
    ("bool", r"(?i:true|false|yes|no|on|off)", "tTfFyYnNoO"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.inf)|\.nan", "-+.0123456789"),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(f"^(?:{_pattern})$"), list(_first_letters))


def _lines(node: yaml.Node, place: Place, around: tuple[yaml.Node, ...]) -> Iterator[tuple[Place, int]]:
    """The line of every part of a document, from 1; a key's own line for what stands under a key."""
    if any(node is other for other in around):
        raise _Wrong(f"{node.start_mark.line + 1}: an alias of what it stands in")
    yield place, node.start_mark.line + 1
    around = (*around, node)
    if isinstance(node, yaml.SequenceNode):
        for at, child in enumerate(node.value):
            yield from _lines(child, (*place, at), around)
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, child in node.value:
            line = key.start_mark.line + 1
            if key.tag not in (_TAG + "str", _TAG + "merge"):
                raise _Wrong(f"{line}: a key that is no text; put it in quotes")
            if key.value in seen:
                raise _Wrong(
                    f"{line}: the key {key.value!r:.80} is there twice, first on line {seen[key.value]}; keep one"
                )
            seen[key.value] = line
            yield from _lines(child, (*place, key.value), around)
            yield (*place, key.value), line


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
        place = tuple(part for part in one["loc"] if part not in (ONE.tag, SEVERAL.tag))
        if one["type"] == "unknown_key":
            place = (*place, one["ctx"]["key"])
        message = NO_KEYS if one["type"] == "model_type" else one["msg"][:1].lower() + one["msg"][1:]
        where = ".".join(map(str, place[:-1] if one["type"] == "unknown_key" else place))
        found.append((source.line(place), f"{where:.200}: {message:.400}" if where else message[:400]))
    line, message = min(found, key=lambda one: one[0])
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{line}: {message}{more}"

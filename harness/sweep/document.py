"""A YAML file whose every value knows the line that it stands on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from harness.errors import HarnessError

Path_ = Sequence[str | int]


@dataclass(frozen=True, slots=True)
class Document:
    """The content of a file, and the lines of its parts."""

    file: Path
    data: Any
    root: Node

    def place(self, path: Path_) -> str:
        """`FILE:LINE` of the value at `path` (keys and indices), or of the nearest part of it that is there."""
        node = self.root
        line = node.start_mark.line
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            line, node = found
        return f"{self.file}:{line + 1}"

    def wrong(self, path: Path_, message: str) -> HarnessError:
        """An error about the value at `path`."""
        return HarnessError(f"{self.place(path)}: {message}")


def read(file: Path) -> Document:
    """The document in `file`: one mapping, no key twice. HarnessError with file and line for what is no YAML."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise HarnessError(f"cannot read {file}: {error.strerror}; name a YAML file") from error
    except UnicodeDecodeError:
        raise HarnessError(f"{file} is not UTF-8 text; save it as UTF-8") from None
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        raise _no_yaml(file, error) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise HarnessError(f"{file}: not YAML ({' '.join(str(error).split())})") from None
    if not isinstance(root, MappingNode):
        raise HarnessError(f"{file}:1: write keys and values, as in 'settings: [gcd_sycophancy]'")
    for key, line, before in _repeated(root):
        raise HarnessError(f"{file}:{line + 1}: the key {key!r} is there twice, first on line {before + 1}; keep one")
    return Document(file, data, root)


def _no_yaml(file: Path, error: yaml.MarkedYAMLError) -> HarnessError:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark is not None else 1
    problem = error.problem or error.context or "not YAML"
    if "'\\t'" in problem:
        return HarnessError(f"{file}:{line}: a tab, which YAML does not take; indent with spaces")
    return HarnessError(f"{file}:{line}: {' '.join(problem.split())}; this is not YAML")


def _child(node: Node, step: str | int) -> tuple[int, Node] | None:
    if isinstance(node, MappingNode):
        return next(((key.start_mark.line, value) for key, value in node.value if key.value == step), None)
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line, node.value[step]
    return None


def _repeated(root: Node) -> Iterator[tuple[str, int, int]]:
    """Keys that a mapping holds twice, with both lines, counted from 0."""
    waiting, seen = [root], {id(root)}  # an alias leads to a node a second time
    while waiting:
        node = waiting.pop()
        if isinstance(node, MappingNode):
            lines: dict[str, int] = {}
            for key, _ in node.value:
                if isinstance(key, ScalarNode) and key.value in lines:
                    yield key.value, key.start_mark.line, lines[key.value]
                lines.setdefault(str(key.value), key.start_mark.line)
        for inner in _inner(node):
            if id(inner) not in seen:
                seen.add(id(inner))
                waiting.append(inner)


def _inner(node: Node) -> list[Node]:
    if isinstance(node, MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, SequenceNode) else []

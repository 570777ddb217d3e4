"""From the annotation of a field to what checks its values.

An annotation of a kind that is not known here is an error when the record's class is first used, so that no field can
stay unchecked.
"""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from harness.checks.rules import Matching, Rule, shown

Check = Callable[[Any], str | None]
"""Says what is wrong with a value, or None."""

LARGEST = 2**63 - 1
"""What a whole number may be: more than that neither torch nor every reader of JSON takes."""


@dataclass(frozen=True, slots=True)
class Returns:
    """What a function in a field has to give, `awaited` or at once."""

    check: Check
    awaited: bool


@cache
def checks_of(record: Any) -> tuple[tuple[str, object, Check], ...]:
    """Each field of the dataclass `record`: its name, its default, which needs no check, and what checks it."""
    hints = get_type_hints(record, include_extras=True)
    return tuple((field.name, field.default, check_of(hints[field.name])) for field in fields(record))


@cache
def functions_of(record: Any) -> dict[str, Returns]:
    """What each field of `record` that holds a function has to give when it is called."""
    hints = get_type_hints(record, include_extras=True)
    found = {}
    for field in fields(record):
        for kind in (hints[field.name], *get_args(hints[field.name])):
            if get_origin(kind) is Callable:
                given = get_args(kind)[1]
                awaited = get_origin(given) is Awaitable
                found[field.name] = Returns(check_of(get_args(given)[0] if awaited else given), awaited)
    return found


def check_of(annotation: Any) -> Check:
    """What checks a value that is annotated so."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is Any:
        return _anything
    if origin is Annotated:
        return _ruled(check_of(arguments[0]), arguments[1:])
    if origin is Literal:
        return _literal(arguments)
    if origin in (Union, UnionType):
        return _one_of(arguments)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return _several((tuple,), "a tuple", arguments[0])
    if origin is Sequence:
        return _several((list, tuple), "a list or a tuple", arguments[0])
    if origin is Mapping:
        return _mapping(check_of(arguments[0]), check_of(arguments[1]))
    if origin is Callable:
        return _function(len(arguments[0]))
    if isinstance(annotation, type):
        return PLAIN.get(annotation) or _instance(annotation)
    raise TypeError(f"no check is known for the annotation {annotation!r}")


def _text(value: object) -> str | None:
    if not isinstance(value, str):
        return f"{shown(value)} is not text"
    if value.isascii():
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return f"{shown(value)} has half of a surrogate pair, which no file can hold"
    return None


def _whole(value: object) -> str | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return f"{shown(value)} is not a whole number"
    return None if -LARGEST <= value <= LARGEST else f"{shown(value)} does not fit in 64 bits"


def _number(value: object) -> str | None:
    if isinstance(value, int):
        return None if _whole(value) is None else f"{shown(value)} is not a finite number"
    if not isinstance(value, float):
        return f"{shown(value)} is not a number"
    return None if math.isfinite(value) else f"{shown(value)} is not a finite number"


def _truth(value: object) -> str | None:
    return None if isinstance(value, bool) else f"{shown(value)} is not True or False"


def _anything(value: object) -> None:
    """No check: what a tensor is, is asked where it is used."""


def _nothing(value: object) -> str | None:
    return None if value is None else f"{shown(value)} is not None"


PLAIN: Mapping[type, Check] = {str: _text, int: _whole, float: _number, bool: _truth, NoneType: _nothing}


def _instance(kind: type) -> Check:
    return lambda value: None if isinstance(value, kind) else f"{shown(value)} is not of type {kind.__name__}"


def _ruled(check: Check, rules: Sequence[Rule]) -> Check:
    """The type first, but where a pattern is declared it says more of what is allowed."""
    first = next((rule for rule in rules if isinstance(rule, Matching)), check)
    checks = tuple(dict.fromkeys((first, check, *rules)))

    def ruled(value: object) -> str | None:
        for one in checks:
            if (said := one(value)) is not None:
                return said
        return None

    return ruled


def _literal(values: Sequence[str]) -> Check:
    known = frozenset(values)

    def literal(value: object) -> str | None:
        if isinstance(value, str) and value in known:
            return None
        near = difflib.get_close_matches(value.lower(), values, n=1, cutoff=0.5) if isinstance(value, str) else []
        meant = f"; did you mean {near[0]!r}?" if near else ""
        return f"{shown(value)} is not one of {', '.join(values)}{meant}"

    return literal


def _one_of(kinds: Sequence[Any]) -> Check:
    """The check of the member whose type the value has; a plain member is looked up at once."""
    members = [(kind, check_of(kind)) for kind in kinds]
    by_type = {kind: check for kind, check in members if isinstance(kind, type)}
    others = [check for kind, check in members if kind is not NoneType]

    def one_of(value: object) -> str | None:
        if (own := by_type.get(type(value))) is not None:
            return own(value)
        said = [check(value) for check in others]
        return None if None in said else _joined([text for text in said if text is not None])

    return one_of


def _joined(said: Sequence[str]) -> str:
    """What several checks say of one value, as one sentence: "'x' is not text, a number or None"."""
    first, *others = said
    return ", nor ".join([first, *(text.partition(" is not ")[2] or text for text in others)])


def _several(kinds: tuple[type[Sequence[object]], ...], allowed: str, entry: Any) -> Check:
    check = check_of(entry)
    record = entry if isinstance(entry, type) and entry not in PLAIN else None

    def several(value: object) -> str | None:
        if not isinstance(value, kinds):
            return f"{shown(value)} is not {allowed}"
        for at, one in enumerate(value):
            if type(one) is not record and (said := check(one)) is not None:
                return f"{said}, in entry {at}"
        return None

    return several


def _mapping(key: Check, entry: Check) -> Check:
    def mapping(value: Any) -> str | None:
        if not isinstance(value, Mapping):
            return f"{shown(value)} is not a mapping"
        if not value:
            return None
        for name, held in value.items():
            if (said := key(name)) is not None:
                return f"the key {said}"
            if (said := entry(held)) is not None:
                return f"{said}, under {shown(name)}"
        return None

    return mapping


def _function(count: int) -> Check:
    def function(value: Any) -> str | None:
        if not callable(value):
            return f"{shown(value)} is not a function"
        try:
            signature = inspect.signature(value)
        except (TypeError, ValueError):  # some functions of C tell nothing of their arguments
            return None
        try:
            signature.bind(*range(count))
        except TypeError as error:
            return f"the function {signature} cannot be called with {count} arguments: {error}"
        return None

    return function

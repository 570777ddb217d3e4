"""What strangers' code gave, made of our own types alone."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any

from harness.checks.checked import Checked

OWN = frozenset({str, int, float, bool, NoneType})


def plain(value: Any) -> Any:
    """`value` with every record, collection, text and number in it copied into ours, each record checked anew.

    A subclass may answer a comparison or a method in its own way, and a frozen record can be forced: after this no code
    but ours is behind a value. To be called where what a stranger's code raises is caught. Functions stay as they are.
    """
    if type(value) in OWN:
        return value
    if isinstance(value, Checked):
        kind: Any = next(one for one in type(value).__mro__ if Checked in one.__bases__)
        return kind(**{name: plain(getattr(value, name)) for name in kind.__dataclass_fields__})
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, Mapping):
        return {plain(key): plain(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        copied = [plain(one) for one in value]
        return copied if isinstance(value, list) else tuple(copied)
    return value

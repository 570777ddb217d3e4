"""Nested JSON as one level of names and values, so that two of them are compared figure by figure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every figure with the path to it."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if inside is None:
        yield name, value
        return
    for key, one in inside:
        yield from flat(one, f"{name} > {key}" if name else str(key))

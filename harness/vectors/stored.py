"""Vectors in files, each beside its card: read whole, or told what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from harness.engine import Vector
from harness.errors import HarnessError
from harness.files import file_sha256


def vector_lookup(files: Mapping[str, Path]) -> Callable[[str], Vector]:
    """A function from a vector's name to the vector in its file, each read once."""

    @cache
    def lookup(name: str) -> Vector:
        if name not in files:
            raise HarnessError(f"vector {name!r} was not extracted for this run; it has: {', '.join(files) or 'none'}")
        return load_vector(files[name])

    return lookup


def load_vector(file: Path) -> Vector:
    """The vector in `file`; HarnessError when it is cut, changed since its card was written, or not finite."""
    card = read_card(file)
    try:
        with safe_open(file, framework="pt") as stored:
            value, rms = stored.get_tensor("vector"), stored.get_tensor("rms")
    except (SafetensorError, OSError):
        raise HarnessError(f"{file} is cut or no safetensors file; delete it and run again") from None
    if value.ndim != 2 or rms.shape != value.shape[:1]:
        raise HarnessError(
            f"{file} holds a vector of shape {tuple(value.shape)} with {rms.numel()} RMS values, "
            "not (blocks, hidden) with one for each block; delete it and run again"
        )
    if not bool(value.isfinite().all() and rms.isfinite().all()):
        raise HarnessError(f"{file} has values that are not finite; delete it and run again")
    if card["sha256"] != file_sha256(file):
        raise HarnessError(f"{file} has changed since its card was written; delete both and run again")
    return Vector(value=value.float(), rms=rms.float())


def read_card(file: Path) -> dict[str, Any]:
    """The quality card beside the vector in `file`; HarnessError when either is missing or the card is cut."""
    card = file.with_suffix(".json")
    if not file.is_file() or not card.is_file():
        raise HarnessError(f"no vector at {file}; extract it with: harness vectors SETTING")
    try:
        found = json.loads(card.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HarnessError(f"{card} is cut or no card ({error}); delete it and run again") from None
    if not isinstance(found, dict) or "sha256" not in found:
        raise HarnessError(f"{card} is no vector's card; delete it and run again")
    return found

"""Safetensors files, opened so that whatever is wrong with one is one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from harness.errors import HarnessError
from harness.files.reading import check_regular


@contextmanager
def opened_tensors(file: Path, *, otherwise: str, advice: str) -> Iterator[Any]:
    """The tensors in `file` for torch, by name, until the block ends; HarnessError for one that is cut or lacks some.

    The library holds sizes and offsets of the header against the file before it reads a tensor. `otherwise` and
    `advice` say what a file that is not cut may be, and what to do about it.
    """
    check_regular(file, advice=advice)
    try:
        with safe_open(file, framework="pt") as stored:
            yield stored
    except (SafetensorError, OSError, ValueError, TypeError, RuntimeError, MemoryError) as error:
        raise HarnessError(f"{file} is cut or {otherwise}; {advice}") from error

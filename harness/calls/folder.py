"""The current folder, against which relative paths are read: a plugin may not move us to another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def keeping_folder() -> Iterator[None]:
    """After the block the current folder is the one before, whatever was done in it."""
    before = _current()
    try:
        yield
    finally:
        if before and _current() != before:
            os.chdir(before)


def _current() -> str:
    """The current folder; "" where it has been removed."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""

"""Many small locks in one file: one for each key, held by one process and one holder in it at a time.

A key is a byte of the file, far beyond its end, so nothing is written, nothing is left over, and the lock of a process
that is killed goes with it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OPEN: dict[Path, tuple[int, set[int]]] = {}
"""Each file is opened once in a process: the system takes every lock away when any opening of the file is closed."""


@contextmanager
def claimed(file: Path, key: str) -> Iterator[bool]:
    """Whether `key` is ours while inside; it is not where another process, or another holder in this one, has it."""
    handle, held = _opened(file)
    place = int.from_bytes(hashlib.sha256(key.encode()).digest()[:7], "big")
    if place in held or not _locked(handle, place):
        yield False
        return
    held.add(place)
    try:
        yield True
    finally:
        held.remove(place)
        fcntl.lockf(handle, fcntl.LOCK_UN, 1, place)


def _opened(file: Path) -> tuple[int, set[int]]:
    if file not in _OPEN:
        file.parent.mkdir(parents=True, exist_ok=True)
        _OPEN[file] = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666), set()
    return _OPEN[file]


def _locked(handle: int, place: int) -> bool:
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
    except BlockingIOError:
        return False
    return True

"""What is half written: passed by when a folder is read, held while its process lives, and cleared once that has ended.

Whoever writes holds a shared lock of the folder, which goes with the process, wherever it runs. Who gets the folder's
lock alone knows that nobody writes there.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HALVES = re.compile(r"\..+\.part")
STALE_SECONDS = 24 * 3600.0
"""Where a file system has no such locks: what has not changed for so long is nobody's."""


def half_of(target: Path) -> Path:
    """Where this process writes what becomes `target`."""
    return target.with_name(f".{target.name}.{os.getpid()}.part")


def aside_of(target: Path) -> Path:
    """Where a folder lies while another one takes its place."""
    return target.with_name(f".{target.name}.old.part")


@contextmanager
def at_work(folder: Path) -> Iterator[None]:
    """Inside, nothing half written in `folder` is cleared, by this process or another."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without such locks
            fcntl.flock(handle, fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


def clear_halves(folder: Path) -> None:
    """Removes whatever ended processes left half written in `folder`, which must be one of the harness's own."""
    _clear(folder, HALVES)


def has_halves(folder: Path) -> bool:
    """Whether anything in `folder` is half written, by a process that lives or one that has ended."""
    return any(HALVES.fullmatch(one.name) for one in folder.iterdir())


def clear_halves_of(target: Path) -> None:
    """Removes what ended processes left half written of `target`, and puts back what they had moved aside for it."""
    aside = aside_of(target)
    if aside.exists() and not target.exists():
        aside.rename(target)
    _clear(target.parent, re.compile(rf"\.{re.escape(target.name)}\.(\d+|old)\.part"))


def clear_empty(folder: Path) -> None:
    """Removes the files in which ended processes left nothing in `folder`, which must be one of the harness's own."""
    _clear(folder, re.compile(r"[^.].*"), only=_is_empty)


def is_held(folder: Path) -> bool:
    """Whether a process writes in `folder` now."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        return _nobody_writes(handle) is False
    finally:
        os.close(handle)


def _clear(folder: Path, names: re.Pattern[str], *, only: Callable[[Path], bool] = lambda path: True) -> None:
    if not folder.is_dir():
        return
    found = [one for one in folder.iterdir() if names.fullmatch(one.name) and only(one)]
    if not found:
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        sure = _nobody_writes(handle)
        for one in found:
            if sure or (sure is None and time.time() - _changed(one) > STALE_SECONDS):
                _remove(one)
    finally:
        os.close(handle)


def _nobody_writes(handle: int) -> bool | None:
    """Whether nobody writes in the folder that is open as `handle`; None where that cannot be told."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in (errno.EWOULDBLOCK, errno.EACCES) else None
    return True


def _is_empty(path: Path) -> bool:
    return path.is_file() and not path.stat().st_size


def _changed(path: Path) -> float:
    """When anything in `path` was changed last."""
    inside = (path, *path.rglob("*")) if path.is_dir() and not path.is_symlink() else (path,)
    return max(one.lstat().st_mtime for one in inside)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

"""One process at a time: locks that go with the process that holds them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from harness.errors import HarnessError


class Busy(HarnessError):
    """Another process is at work on it."""


@contextmanager
def locked(target: Path, *, wait: bool = False) -> Iterator[None]:
    """Holds the lock of `target` while inside; when another process holds it, waits or raises Busy.

    The lock goes with the process, however it ends.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(target.parent / f".{target.name}.lock", timeout=-1 if wait else 0)
        lock.acquire()
    except Timeout:
        raise Busy(f"another process is working on {target}; wait for it, or choose another --runs") from None
    except OSError as error:
        raise HarnessError(f"cannot write to {target.parent}: {error.strerror}; choose another --runs") from error
    try:
        yield
    finally:
        lock.release()


def clear_halves(folder: Path) -> None:
    """Removes what a killed process was writing when it ended; call it with the folder locked."""
    for left in folder.glob(".*.part"):
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()

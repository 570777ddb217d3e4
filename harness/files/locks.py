"""One process at a time: locks that go with the process that holds them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from harness.errors import HarnessError
from harness.files.halves import clear_halves_of


class Busy(HarnessError):
    """Another process is at work on it."""


@contextmanager
def locked(target: Path, *, wait: bool = False) -> Iterator[None]:
    """Holds the lock of `target` while inside; when another process holds it, waits or raises Busy.

    The lock goes with the process, however it ends. What ended processes left half written of `target` is cleared.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(target.parent / f".{target.name}.lock", timeout=-1 if wait else 0)
        lock.acquire()
        clear_halves_of(target)
    except Timeout:
        raise Busy(f"another process is working on {target}; wait for it, or choose another --runs") from None
    except OSError as error:
        raise HarnessError(f"cannot write to {target.parent}: {error.strerror}; choose another --runs") from error
    try:
        yield
    finally:
        lock.release()

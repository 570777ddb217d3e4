"""Who is being waited for: a call of a plugin that takes long is named on stderr, and again after Ctrl-C.

Nothing is ended: what is slow may be right. One thread watches while a call is under way, and ends soon after.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from harness.screen import say

PATIENCE_SECONDS = 10.0
"""After so long a call is named, and again each time that it has taken twice as long."""

LOOKS_SECONDS = 0.5


@dataclass(slots=True)
class _Call:
    """One call under way: since when, by `time.monotonic`, what to call it, and when to name it next."""

    since: float
    label: Callable[[], str]
    name_at: float


_under_way: dict[int, _Call] = {}
_numbers = itertools.count()
_watch = threading.Lock()
_over = threading.Event()
_watcher: threading.Thread | None = None
_interrupted = ""


def begin(label: Callable[[], str]) -> int:
    """Notes that a call begins, and gives what `end` is to be told. `label` is asked only if the call takes long."""
    global _watcher
    number, now = next(_numbers), time.monotonic()
    _under_way[number] = _Call(now, label, now + PATIENCE_SECONDS)
    if _watcher is None:
        with _watch:
            if _watcher is None:
                watcher = threading.Thread(target=_look, name="waiting for plugins", daemon=True)
                with suppress(RuntimeError):  # no more threads: nobody is told whom we wait for
                    watcher.start()
                    _watcher = watcher
    return number


def watch_no_more() -> None:
    """Ends the thread that watches, where no call is under way: a process with one thread can be forked."""
    watcher = _watcher
    if watcher is not None and not _under_way:
        _over.set()
        watcher.join(LOOKS_SECONDS)


def end(number: int) -> None:
    """Notes that a call is over, however it ended."""
    _under_way.pop(number, None)


@contextmanager
def waited_for(label: str) -> Iterator[None]:
    """Inside the block what `label` names is waited for."""
    number = begin(lambda: label)
    try:
        yield
    except KeyboardInterrupt:
        interrupt(label)
        raise
    finally:
        end(number)


def interrupt(label: str) -> None:
    """Notes that Ctrl-C came during a call; the innermost one counts."""
    global _interrupted
    _interrupted = _interrupted or label


def interrupted() -> str:
    """What was being waited for when Ctrl-C came, "" where that was no plugin; told once."""
    global _interrupted
    label, _interrupted = _interrupted, ""
    return label


def _look() -> None:
    global _watcher
    while True:
        _over.wait(min(LOOKS_SECONDS, PATIENCE_SECONDS))
        _over.clear()
        with _watch:
            if not _under_way:
                _watcher = None
                return
        now = time.monotonic()
        for call in list(_under_way.values()):
            if now >= call.name_at:
                call.name_at = now + (now - call.since)
                waited = f"waiting for {call.label()}, {now - call.since:.0f} s so far"
                say(f"harness: {waited}; it may be slow, or never end: Ctrl-C stops")

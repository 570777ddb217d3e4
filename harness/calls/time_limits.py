"""Work of others that may not end, such as a chat template, ended after a time in whatever thread it runs."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

POLL_SECONDS = 0.25
OURS = (__file__, contextlib.__file__)
"""Where an alarm is not heard: what is done there is to be done."""
AGAIN_SECONDS = 0.25
"""An alarm that rings where nothing may be raised, as while garbage is collected, is not heard: it rings again."""
IDLE_SECONDS = 30.0


class TooLong(Exception):
    """The block had not ended in time."""


class _TimeUp(BaseException):
    """Ends the block; no Exception, so that what runs in it does not catch it."""


@contextmanager
def ending_within(seconds: float) -> Iterator[None]:
    """Raises TooLong where the block takes longer than `seconds`, as whatever error it then came out.

    In the main thread also what waits for the system is ended, elsewhere Python's own work alone.
    """
    main = threading.current_thread() is threading.main_thread()
    with _alarm(seconds) if main else _watched(seconds):
        yield


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """By a signal, which the main thread alone hears; an alarm that was set before is set again afterwards."""
    rung = False

    def late(_: int, at: FrameType | None) -> None:
        nonlocal rung
        rung = True
        if at is None or at.f_code.co_filename not in OURS:  # the block has come out by then
            raise _TimeUp

    former = signal.signal(signal.SIGALRM, late)
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_SECONDS)
    try:
        yield
    except BaseException:
        if rung:
            raise TooLong from None
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, left)
        signal.signal(signal.SIGALRM, former)


@contextmanager
def _watched(seconds: float) -> Iterator[None]:
    thread = threading.get_ident()
    _WATCH.begin(thread, time.monotonic() + seconds)
    try:
        yield
    finally:
        if _WATCH.end(thread):
            raise TooLong from None


class _Watch:
    """One thread that ends the work of others; it goes when there has been nothing to watch for a while."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[int, float] = {}
        self._running = False

    def begin(self, thread: int, until: float) -> None:
        with self._lock:
            self._until[thread] = until
            if not self._running:
                self._running = True
                threading.Thread(target=self._watch, name="harness-time-limits", daemon=True).start()

    def end(self, thread: int) -> bool:
        """Stops watching `thread`, and says whether it was told to end; what it has not heard yet is taken back."""
        with self._lock:
            told = self._until.pop(thread, None) is None
            if told:
                _raise_in(thread, None)
            return told

    def _watch(self) -> None:
        busy = time.monotonic()
        while True:
            time.sleep(POLL_SECONDS)
            now = time.monotonic()
            with self._lock:
                busy = now if self._until else busy
                for thread in [thread for thread, until in self._until.items() if until < now]:
                    del self._until[thread]
                    _raise_in(thread, _TimeUp)
                if now - busy > IDLE_SECONDS:
                    self._running = False
                    return


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    raised = ctypes.py_object(kind) if kind else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)


_WATCH = _Watch()

"""Judges that do not end: each gets its time, in which waiting for a grader does not count."""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Awaitable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import anyio

from harness.contracts import Grader, Rating

Given = TypeVar("Given")


class TooLong(Exception):
    """The time was up."""


class _Alarm(BaseException):
    """The time was up in the midst of a judge's own work; no Exception, so that the judge does not catch it."""


class Timed:
    """Gives what a coroutine gives, or raises TooLong after so many seconds of its own."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._scope = anyio.CancelScope()

    async def ended(self, work: Awaitable[Given]) -> Given:
        """What `work` gives."""
        with self._scope as scope:
            scope.deadline = anyio.current_time() + self._seconds
            given: Given = await _Stepped(work, self._seconds)
            return given
        raise TooLong

    def asking(self, grader: Grader) -> Grader:
        """`grader`, whose time does not count."""
        return _Patient(grader, self)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Inside the block no time passes."""
        self._scope.deadline = math.inf
        try:
            yield
        finally:
            self._scope.deadline = anyio.current_time() + self._seconds


class _Patient:
    """A grader that is waited for, however long it takes."""

    def __init__(self, grader: Grader, timed: Timed) -> None:
        self._grader, self._timed = grader, timed

    async def ask(self, prompt: str) -> str:
        with self._timed.paused():
            return await self._grader.ask(prompt)

    async def rate(self, prompt: str) -> Rating:
        with self._timed.paused():
            return await self._grader.rate(prompt)


class _Stepped:
    """A coroutine whose every stretch of work between two waits is ended when it takes too long."""

    def __init__(self, work: Awaitable[Any], seconds: float) -> None:
        self._work, self._seconds = work, seconds

    def __await__(self) -> Generator[Any, Any, Any]:
        # Only the main thread hears signals; elsewhere a judge may take its time.
        if threading.current_thread() is not threading.main_thread():
            return (yield from self._work.__await__())
        step = _awaited(self._work)
        said: Any = None
        error: BaseException | None = None
        while True:
            try:
                with _alarm(self._seconds):
                    waited = step.send(said) if error is None else step.throw(error)
            except StopIteration as stop:
                return stop.value
            said, error = None, None
            try:
                said = yield waited
            except BaseException as thrown:
                error = thrown


async def _awaited(work: Awaitable[Any]) -> Any:
    return await work


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """TooLong after so many seconds in the block; an alarm that was set before is set again afterwards."""
    rung = False

    def late(*_: object) -> None:
        nonlocal rung
        rung = True
        raise _Alarm

    former = signal.signal(signal.SIGALRM, late)
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except BaseException:
        if rung:  # as whatever error it came out of the judge
            raise TooLong from None
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, left)
        signal.signal(signal.SIGALRM, former)

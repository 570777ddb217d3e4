"""Judges that do not end: each gets its time, in which waiting for a grader does not count."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import anyio

from harness.calls import Stepped, TooLong, ending_within, in_own_task
from harness.contracts import Grader, Rating

Given = TypeVar("Given")


class Timed:
    """Gives what a coroutine gives, or raises TooLong after so many seconds of its own."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._scope = anyio.CancelScope()

    async def ended(self, work: Awaitable[Given]) -> Given:
        """What `work` gives; Cancelled where it cancels itself."""
        with self._scope as scope:
            scope.deadline = anyio.current_time() + self._seconds
            return await in_own_task(Stepped(work, partial(ending_within, self._seconds)))
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

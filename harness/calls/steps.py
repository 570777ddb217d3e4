"""A coroutine of others, done stretch by stretch: what holds for a call holds between two of its waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Generic, NoReturn, TypeVar

from harness.errors import HarnessError

Given = TypeVar("Given")


class Stepped(Generic[Given]):
    """An awaitable that gives what `work` does, every stretch of it between two waits inside a block of its own."""

    def __init__(self, work: Awaitable[Given], around: Callable[[], AbstractContextManager[None]]) -> None:
        self._work, self._around = work, around

    def __await__(self) -> Generator[Any, Any, Given]:
        step = _awaited(self._work)
        said: Any = None
        error: BaseException | None = None
        while True:
            with self._around():
                try:
                    waited = step.send(said) if error is None else step.throw(error)
                except StopIteration as stop:
                    given: Given = stop.value
                    return given
            said, error = None, None
            try:
                said = yield waited
            except BaseException as thrown:
                error = thrown


last: Callable[[], str] | None = None
"""What to call the function of a plugin that worked last."""


def finished(work: Coroutine[Any, Any, Given]) -> Given:
    """What `work` gives in a loop of its own; HarnessError where what is called in it ends the work of all."""
    try:
        return asyncio.run(work)
    except asyncio.CancelledError as error:  # Ctrl-C comes as itself
        raise _ended("cancels the tasks of others") from error
    except RuntimeError as error:
        if str(error).startswith("Event loop stopped"):
            raise _ended("stops the loop that others wait in") from error
        raise


def _ended(said: str) -> HarnessError:
    whose = "what was awaited" if last is None else last()
    return HarnessError(f"{whose} {said}; the fault is that function's")


class Cancelled(Exception):
    """The work was cancelled, by itself or by what it began: whoever waits for it was not."""


async def in_own_task(work: Awaitable[Given]) -> Given:
    """What `work` gives, done as a task of its own, so that it can cancel no other; Cancelled where it was."""
    task = asyncio.ensure_future(_outcome(work))
    try:
        return (await task)()
    except asyncio.CancelledError:
        waiting = asyncio.current_task()
        if waiting is not None and waiting.cancelling():
            raise
        raise Cancelled("it cancels its own task") from None


async def _outcome(work: Awaitable[Given]) -> Callable[[], Given]:
    """What gives, or raises, what `work` does: a loop ends at an exit, whoever waits for a task too."""
    try:
        given = await work
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise
    except BaseException as error:
        return partial(_raised, error)
    return lambda: given


def _raised(error: BaseException) -> NoReturn:
    raise error


async def _awaited(work: Awaitable[Given]) -> Given:
    return await work

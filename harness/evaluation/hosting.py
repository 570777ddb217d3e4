"""Where batches are written: the engine that is kept, the threads that write with it, and who hears of each step."""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from harness.errors import HarnessError
from harness.evaluation.opening import ModelSource, open_run, open_source

if TYPE_CHECKING:
    from harness.engine import Engine, Loader

Opener = Callable[[Path], "Engine"]
Advance = Callable[[int, int], None]
Work = TypeVar("Work")

LANES = 2
"""Batches that a CPU writes at once, each with its share of the threads: small steps divide badly among threads."""


@contextlib.contextmanager
def hosted(*, opener: Opener | None = None, advance: Advance | None = None, lanes: int | None = None) -> Iterator[int]:
    """Inside the block, engines come from `opener`, and `advance(replies, tokens)` hears of each step.

    The default opener is `open_source`. So many batches as `lanes` are written at once, by threads that call
    `advance` one at a time; the block is given how many. What a batch holds does not depend on it.
    """
    outer = host_here()
    host = Host(opener or outer.opener, _one_by_one(advance) if advance else outer.advance, lanes or outer.lanes)
    token = _HOST.set(host)
    try:
        yield host.lanes
    finally:
        _HOST.reset(token)


@contextlib.contextmanager
def engines(name: str, loader: Loader) -> Iterator[None]:
    """Inside the block, cells whose engine is called `name` are opened by `loader`."""
    opener = partial(open_run, loader=loader)
    token = _ENGINES.set({**_ENGINES.get(), name: opener})
    try:
        yield
    finally:
        release()
        _ENGINES.reset(token)


def opener_of(name: str) -> Opener | None:
    """What opens the models of cells of the engine `name`, None for torch; HarnessError where nothing does here."""
    if not name:
        return None
    if name not in _ENGINES.get():
        raise HarnessError(f"the replies of this run are written by {name}, which is not there; give --engine with it")
    return _ENGINES.get()[name]


def best_lanes() -> int:
    """How many batches are best written at once here: one on a GPU, up to `LANES` on a CPU with so many threads."""
    import torch

    return 1 if torch.cuda.is_available() else min(LANES, torch.get_num_threads())


def release() -> None:
    """Lets go of the engine that is kept from one evaluation of a run to the next."""
    _SHELF.clear()


def host_here() -> Host:
    """What `hosted` says for this context."""
    return _HOST.get()


def kept_engine(host: Host, source: ModelSource) -> AbstractContextManager[Engine]:
    """The engine of `source`, which stays when the block ends, until another one is asked for."""
    return _SHELF.engine(host.opener, source)


def _unheard(replies: int, tokens: int) -> None:
    pass


def _one_by_one(advance: Advance) -> Advance:
    lock = threading.Lock()

    def told(replies: int, tokens: int) -> None:
        with lock:
            advance(replies, tokens)

    return told


def with_threads(threads: int, work: Callable[[], Work]) -> Work:
    """What `work` gives when torch has so many threads for it."""
    import torch

    before = torch.get_num_threads()
    if before == threads:
        return work()
    torch.set_num_threads(threads)
    try:
        return work()
    finally:
        torch.set_num_threads(before)  # for it is also how many threads a thread that is begun later has


@cache
def writers(lanes: int) -> ThreadPoolExecutor:
    # Threads that stay. Every evaluation has threads of its own, and in each of them torch would start another pool of
    # workers and the allocator keep another gigabyte of freed memory.
    return ThreadPoolExecutor(max_workers=lanes, thread_name_prefix="harness-writing")


@dataclass(frozen=True, slots=True)
class Host:
    """Where engines come from, who hears of each step, and how many batches are written at once."""

    opener: Opener = open_source
    advance: Advance = _unheard
    lanes: int = 1

    def share(self) -> int:
        """The threads that torch has for each lane."""
        import torch

        return max(1, torch.get_num_threads() // self.lanes)


class _EngineShelf:
    """The one engine that is kept. Another one comes when nobody writes with it any more and it has gone."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._held: tuple[object, Engine] | None = None
        self._writing = 0

    @contextlib.contextmanager
    def engine(self, opener: Opener, source: ModelSource) -> Iterator[Engine]:
        key = (opener, source.folder.resolve(), source.digest)
        with self._turn:
            self._turn.wait_for(lambda: not self._writing or (self._held is not None and self._held[0] == key))
            if self._held is None or self._held[0] != key:
                self._drop()
                self._held = key, opener(source.folder)
            engine = self._held[1]
            self._writing += 1
        try:
            yield engine
        finally:
            with self._turn:
                self._writing -= 1
                self._turn.notify_all()

    def clear(self) -> None:
        with self._turn:
            self._turn.wait_for(lambda: not self._writing)
            self._drop()

    def _drop(self) -> None:
        if self._held is not None:
            self._held = None
            gc.collect()


_HOST: ContextVar[Host] = ContextVar("harness_host", default=Host())  # noqa: B039
_ENGINES: ContextVar[Mapping[str, Opener]] = ContextVar("harness_engines", default=MappingProxyType({}))
_SHELF = _EngineShelf()

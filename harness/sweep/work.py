"""What a worker is told, what it does with it, and what it answers: the same wherever the worker runs."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from harness.cells import Cell, prepared
from harness.errors import HarnessError, gist
from harness.files import Busy
from harness.registry import Calibration, Registry, installed, using
from harness.runs import offer_kept
from harness.serving import EngineChoice
from harness.sweep.experiment import with_conditions

Status = Literal["done", "busy", "failed", "lost"]
KEPT_SHARE = 0.25
"""The most of a device's memory that a kept base model may take: training and merging need room beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One cell to do. `work` is its expected time in units of its own, `gpus` what it takes of them.

    `memory` is about what a worker takes at its peak, in bytes, None where the model's size is not known. A job that is
    `trained_only` ends with the adapter.
    """

    cell: Cell
    title: str
    model: str
    work: float
    gpus: float = 1.0
    memory: int | None = None
    trained_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a job ended: `fresh` says that something was left to do, `cause` why it failed, in one line.

    `busy`: another process is at the cell. `lost`: the worker died.
    """

    status: Status
    folder: str = ""
    fresh: bool = False
    seconds: float = 0.0
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What all jobs of a sweep share. `threads` are what a worker computes with on the processor.

    `plugins` gives the registry in the worker's own process; a function of a module, so that it can be sent there.
    `conditions` stand for those of `settings`, where there are any, and `chosen` for what recipes say. `engine` writes
    the replies where it is not torch, and `tracker` is told of the cells where one is named.
    """

    root: Path
    threads: int
    settings: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    chosen: tuple[Calibration, ...] = ()
    engine: EngineChoice | None = None
    tracker: str = ""
    plugins: Callable[[], Registry] = installed


def do(job: Job, world: World) -> Outcome:
    """Does `job` and says how it ended; whatever goes wrong in it ends the job and not the worker.

    The next job finds the memory that this one did, but for the model that is kept.
    """
    try:
        return _done(job, world)
    finally:
        from harness.engine import give_back  # it brings torch, for which the threads are set by now

        give_back()


def _done(job: Job, world: World) -> Outcome:
    began = time.monotonic()
    try:
        from harness import pipeline, tracking

        offer_kept(world.root)  # which a process on another machine has not been told of
        found = with_conditions(world.plugins(), world.settings, world.conditions)
        with using(replace(found, chosen=world.chosen)), tracking.to(world.tracker):
            cell = prepared(job.cell)
            pipeline.check(cell)
            if job.trained_only:
                pipeline.train(cell, world.root)
                return Outcome(status="done", folder="", fresh=True, seconds=time.monotonic() - began)
            if world.engine is not None:
                _keep(world.engine)
            ran = pipeline.run_cell(cell, world.root)
    except Busy as busy:
        return Outcome(status="busy", cause=str(busy))
    except HarnessError as error:
        return Outcome(status="failed", cause=" ".join(str(error).split()), seconds=time.monotonic() - began)
    except Exception as error:
        traceback.print_exc()  # a fault of ours or of a plugin: the worker's log keeps where
        return Outcome(status="failed", cause=gist(error), seconds=time.monotonic() - began)
    return Outcome(status="done", folder=str(ran.folder), fresh=ran.fresh, seconds=time.monotonic() - began)


@contextmanager
def working(*, threads: int, beside: int) -> Iterator[None]:
    """Inside the block this process is a worker, one of `beside` on this machine: quiet, and keeping its base model.

    It computes with `threads`, and what it starts does: two workers that each take every core take twice as long.
    """
    import torch

    os.environ["OMP_NUM_THREADS"] = str(threads)
    torch.set_num_threads(threads)
    os.environ["HARNESS_PROGRESS"] = "0"
    from harness.engine import keeping

    try:
        with keeping(room=lambda: KEPT_SHARE * _device_memory() / (1 if _on_gpu() else beside)):
            yield
    finally:
        let_go()


def let_go() -> None:
    """Ends the server that this process keeps from one cell to the next, if there is one."""
    _KEPT.clear()
    _UNTIL_THE_END.close()


def _keep(engine: EngineChoice) -> None:
    """Has this process answer for cells of `engine` until `let_go`: a server takes a minute or more to start."""
    if engine.name not in _KEPT:
        from harness import pipeline

        _UNTIL_THE_END.enter_context(pipeline.answering(engine))
        _KEPT.add(engine.name)


_KEPT: set[str] = set()
_UNTIL_THE_END = ExitStack()


def _on_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _device_memory() -> float:
    """Bytes of the memory that a model is loaded into."""
    import psutil
    import torch

    if torch.cuda.is_available():
        return float(torch.cuda.get_device_properties(0).total_memory)
    return float(psutil.virtual_memory().total)

"""Workers on a Ray cluster, one actor each: one that is started here for the sweep, or one that is there already."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from harness.errors import HarnessError, gist
from harness.sweep.schedule import Ended
from harness.sweep.work import Job, Outcome, World, do, working

HERE = "local"
"""The address that stands for a cluster of this machine alone, started for the sweep and ended with it."""
FOUND = "auto"
"""The address that stands for the cluster that this machine is part of."""
KNOCK_SECONDS = 10.0
INSTALL = "install it with: pip install 'trait-harness[cluster]'"


@contextmanager
def connected(address: str, *, workers: int | None, threads: int) -> Iterator[Any]:
    """Ray, connected to the cluster at `address`, until the block ends; HarnessError when there is no such cluster.

    For a cluster of this machine, `workers` times `threads` processors are taken to be there.
    """
    ray = _ray()
    _knock(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Ray would keep a worker from seeing its GPUs when it asks for none; the recipe's 0 means a processor.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    init = partial(ray.init, logging_level="ERROR", log_to_driver=False)
    try:
        if address == HERE:
            init(address="local", num_cpus=max(1, workers or 1) * threads, include_dashboard=False)
        else:
            init(address=address)
    except Exception as error:
        raise _nobody(address, error) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """HarnessError at once where nobody answers at HOST:PORT; Ray itself would try for minutes."""
    if address in (HERE, FOUND):
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise HarnessError(f"--cluster {address!r} is not HOST:PORT, {FOUND} or {HERE}")
    try:
        socket.create_connection((host, int(port)), timeout=KNOCK_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise _nobody(address, error) from None


def _nobody(address: str, error: Exception) -> HarnessError:
    return HarnessError(
        f"no Ray cluster at {address!r} ({gist(error)}); start one with 'ray start --head', or write {HERE}"
    )


def slots_of(ray: Any, *, gpus: float, threads: int) -> int:
    """How many cells the cluster can do at once, each with `gpus` if the cluster has any, and `threads`."""
    there = ray.cluster_resources()
    if there.get("GPU") and gpus:
        return max(1, int(there["GPU"] / gpus))
    return max(1, int(there.get("CPU", 1) / threads))


class RayExecutor:
    """`slots` actors on a cluster. The runs folder must be one path to one folder on every machine of it."""

    def __init__(self, ray: Any, world: World, *, slots: int) -> None:
        self.slots = slots
        self._ray, self._world = ray, world
        self._has_gpus = bool(ray.cluster_resources().get("GPU"))
        self._hands: dict[int, _Hand] = {}
        self._running: dict[Any, int] = {}

    def start(self, slot: int, job: Job) -> None:
        """Gives `job` to the actor of `slot`, which is made if it is not there or has other GPUs than the job needs."""
        gpus = job.gpus if self._has_gpus else 0.0
        hand = self._hands.get(slot)
        if hand is not None and hand.gpus != gpus:
            self._ray.kill(hand.actor)
            hand = None
        if hand is None:
            hand = self._hands[slot] = _Hand(self._actor(gpus), gpus)
        self._running[hand.actor.do.remote(job)] = slot

    def wait(self, seconds: float) -> list[Ended]:
        """The jobs that have ended within `seconds`."""
        if not self._running:
            time.sleep(seconds)
            return []
        ready, _ = self._ray.wait(list(self._running), num_returns=1, timeout=seconds)
        return [Ended(self._running[one], self._outcome(one, self._running.pop(one))) for one in ready]

    def stop(self) -> None:
        """Ends all actors, whatever they are doing."""
        for hand in self._hands.values():
            self._ray.kill(hand.actor)
        self._hands.clear()
        self._running.clear()

    def _actor(self, gpus: float) -> Any:
        threads = self._world.threads
        # Ray sets OMP_NUM_THREADS by itself where nobody does.
        environment = {"env_vars": {"OMP_NUM_THREADS": str(threads)}}
        made = self._ray.remote(num_cpus=threads, num_gpus=gpus, max_restarts=0, max_task_retries=0)(_Actor)
        return made.options(runtime_env=environment).remote(self._world, self.slots)

    def _outcome(self, running: Any, slot: int) -> Outcome:
        try:
            outcome: Outcome = self._ray.get(running)
            return outcome
        except self._ray.exceptions.RayActorError as error:
            del self._hands[slot]
            return Outcome(status="lost", cause=f"its worker died ({_last_line(error)})")
        except self._ray.exceptions.RayTaskError as error:
            return Outcome(status="failed", cause=_last_line(error))


@dataclass(frozen=True, slots=True)
class _Hand:
    actor: Any
    gpus: float


class _Actor:
    """A worker's life on a cluster."""

    def __init__(self, world: World, beside: int) -> None:
        self._world = world
        self._work = working(threads=world.threads, beside=beside)
        self._work.__enter__()

    def do(self, job: Job) -> Outcome:
        return do(job, self._world)


def _last_line(error: Exception) -> str:
    """What a traceback from another machine ends with, without the colours that Ray gives it."""
    lines = [line.strip() for line in re.sub(r"\x1b\[[\d;]*m", "", str(error)).splitlines()]
    return next((line for line in reversed(lines) if line), type(error).__name__)


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise HarnessError(f"a sweep on a cluster needs Ray; {INSTALL}") from None
    return ray

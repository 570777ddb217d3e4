"""Worker processes on this machine: one for each GPU, or as many as are asked for, each started anew when it dies."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

from harness.sweep.schedule import Ended
from harness.sweep.work import Job, Outcome, World, do, working

GOODBYE_SECONDS = 10.0
SPAWN = multiprocessing.get_context("spawn")  # a fork would share torch's threads and locks in any state


@dataclass(frozen=True, slots=True, kw_only=True)
class _Worker:
    process: SpawnProcess
    pipe: Connection
    log: Path


class LocalExecutor:
    """`slots` worker processes. What a worker says goes to a file in `logs`, which stays where it says something."""

    def __init__(self, world: World, *, slots: int, logs: Path, gpus: Sequence[str] = ()) -> None:
        """`gpus` are the devices to hand out, one to a slot; with none every worker sees what this process sees."""
        self.slots = slots
        self._world, self._logs, self._gpus = world, logs, gpus
        self._workers: dict[int, _Worker] = {}
        self._busy: set[int] = set()

    def start(self, slot: int, job: Job) -> None:
        """Gives `job` to the worker of `slot`, which is started if it is not there."""
        if slot not in self._workers:
            self._workers[slot] = self._hired(slot)
        self._busy.add(slot)
        with suppress(OSError):  # it has died since its last job: wait() says so
            self._workers[slot].pipe.send(job)

    def wait(self, seconds: float) -> list[Ended]:
        """The jobs that have ended within `seconds`."""
        busy = {slot: self._workers[slot] for slot in sorted(self._busy)}
        signs: dict[object, int] = {}
        for slot, worker in busy.items():
            signs |= {worker.pipe: slot, worker.process.sentinel: slot}
        ready = wait(list(signs), seconds)  # type: ignore[arg-type]
        ended = []
        for slot in sorted({signs[sign] for sign in ready}):
            self._busy.discard(slot)
            ended.append(Ended(slot, self._outcome(slot, busy[slot])))
        return ended

    def stop(self) -> None:
        """Ends all workers; one that is at a job is not waited for."""
        for slot, worker in self._workers.items():
            if slot in self._busy:
                worker.process.terminate()
            worker.pipe.close()  # an idle worker leaves when nobody is at the other end
        for slot in list(self._workers):
            self._dismissed(slot)

    def _hired(self, slot: int) -> _Worker:
        ours, theirs = SPAWN.Pipe()
        log = self._logs / f"{os.getpid()}-{slot}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        gpu = self._gpus[slot] if self._gpus else None
        process = SPAWN.Process(
            target=_serve,
            args=(theirs, self._world, self.slots, log, gpu),
            name=f"harness-worker-{slot}",
            daemon=True,
        )
        process.start()
        theirs.close()  # so that its end is seen when it dies
        return _Worker(process=process, pipe=ours, log=log)

    def _outcome(self, slot: int, worker: _Worker) -> Outcome:
        try:
            outcome: Outcome = worker.pipe.recv()
            return outcome
        except (EOFError, OSError):
            worker.process.join()
            cause = f"its worker died{_how(worker.process.exitcode)}; see {worker.log}"
            self._dismissed(slot)
            return Outcome(status="lost", cause=cause)

    def _dismissed(self, slot: int) -> None:
        worker = self._workers.pop(slot)
        worker.pipe.close()
        worker.process.join(GOODBYE_SECONDS)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        worker.process.close()
        if worker.log.is_file() and not worker.log.stat().st_size:
            worker.log.unlink()


def visible_gpus() -> tuple[str, ...]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    import torch

    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named:
        return tuple(part.strip() for part in named.split(",") if part.strip())
    return tuple(str(at) for at in range(torch.cuda.device_count())) if torch.cuda.is_available() else ()


def _serve(pipe: Connection, world: World, beside: int, log: Path, gpu: str | None) -> None:
    """A worker's life: a job in, an outcome out, until nobody is at the other end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends its workers
    _end_with_parent()
    _say_into(log)
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    with working(threads=world.threads, beside=beside):
        while True:
            try:
                job = pipe.recv()
            except (EOFError, OSError):
                return
            try:
                pipe.send(do(job, world))
            except OSError:
                return


def _end_with_parent() -> None:
    """Ends this process when its parent does, even by kill -9: nobody would hear how the job ended."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="harness-parent", daemon=True).start()


def _say_into(log: Path) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)


def _how(code: int | None) -> str:
    if code is None or code >= 0:
        return f" with status {code}"
    name = signal.Signals(-code).name
    return f" of {name}{' (out of memory?)' if name == 'SIGKILL' else ''}"

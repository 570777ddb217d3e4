"""An experiment's cells done, on worker processes of this machine or of a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

from harness import tracking
from harness.cells import Prepared
from harness.errors import HarnessError
from harness.files import at_work, clear_empty, has_halves
from harness.registry import Registry, installed, using
from harness.sweep.board import board
from harness.sweep.cluster import RayExecutor, connected, slots_of
from harness.sweep.experiment import Experiment
from harness.sweep.local import LocalExecutor, visible_gpus
from harness.sweep.planned import key_of, planned
from harness.sweep.schedule import Executor, Finished, carry_out
from harness.sweep.work import Job, World

LOGS = ".workers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Where the cells are done: `jobs` at once, None for as many as there are GPUs or one without; `cluster` is the
    address of a Ray cluster, `local` to start one here, "" for plain processes."""

    jobs: int | None = None
    cluster: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a sweep came to: the experiment's key, the cells that had been done before, and how the others ended."""

    key: str
    before: tuple[Prepared, ...]
    finished: tuple[Finished, ...]

    @property
    def failed(self) -> tuple[Finished, ...]:
        """The cells that failed for good."""
        return tuple(one for one in self.finished if one.outcome.status != "done")

    @property
    def any_done(self) -> bool:
        """Whether there is a cell to report on."""
        return bool(self.before) or len(self.failed) < len(self.finished)


def sweep(
    experiment: Experiment, root: Path, where: Where | None = None, *, plugins: Callable[[], Registry] = installed
) -> Swept:
    """Does what is missing of the experiment's cells, and of the untrained models that they are compared with.

    Every cell is checked before the first one starts. `plugins` gives the registry, here and in every worker. With an
    engine that is not torch all cells are trained before the first is evaluated: both want the memory of a GPU.
    """
    with using(experiment.registry(plugins())):
        cells = planned(experiment)
        before = [one.cell for one in cells if _is_done(one.cell, root)]
    done = {cell.key for cell in before}
    jobs = [one.job for one in cells if one.cell.key not in done]
    failed: list[Finished] = []
    if jobs and experiment.engine is not None:
        training = [replace(job, title=f"{job.title}, training", trained_only=True) for job in jobs]
        ended = _carried_out(training, where, experiment, root, plugins)
        failed = [one for one in ended if one.outcome.status != "done"]
        jobs = [job for job in jobs if job.cell not in {one.job.cell for one in failed}]
    finished = _carried_out(jobs, where, experiment, root, plugins)
    return Swept(key=key_of(experiment, cells), before=tuple(before), finished=(*failed, *finished))


def _carried_out(
    jobs: Sequence[Job], where: Where | None, experiment: Experiment, root: Path, plugins: Callable[[], Registry]
) -> list[Finished]:
    """Every one of `jobs` with its outcome, by workers of its own."""
    if not jobs:
        return []
    with _executor(where or Where(), experiment, jobs, root, plugins) as executor, board() as tell:
        return carry_out(jobs, executor, tell=tell)


def _is_done(cell: Prepared, root: Path) -> bool:
    from harness.pipeline import is_done

    try:
        return is_done(cell, root) and not has_halves(cell.folder(root))  # which its worker clears
    except HarnessError:
        return False  # its worker will say what is wrong with the folder


def _executor(
    where: Where, experiment: Experiment, jobs: Sequence[Job], root: Path, plugins: Callable[[], Registry]
) -> AbstractContextManager[Executor]:
    def world(slots: int) -> World:
        return World(
            root=root.absolute(),
            threads=threads_of(slots),
            settings=experiment.settings,
            conditions=experiment.conditions,
            chosen=experiment.chosen,
            engine=experiment.engine,
            tracker=tracking.named(),
            plugins=plugins,
        )

    gpus = max(job.gpus for job in jobs)
    if where.cluster:
        return _on_cluster(where, world, gpus, len(jobs))
    return _here(where, world, gpus, jobs, root)


@contextmanager
def _here(
    where: Where, world: Callable[[int], World], gpus: float, jobs: Sequence[Job], root: Path
) -> Iterator[Executor]:
    seen = visible_gpus()
    shares = shared_out(seen, gpus)
    slots = min(where.jobs or len(shares) or 1, len(jobs))
    if not seen:
        check_memory([job.memory for job in jobs if job.memory], slots)
    handed = [shares[at % len(shares)] for at in range(slots)] if shares else []
    logs = root.absolute() / LOGS
    logs.mkdir(parents=True, exist_ok=True)
    clear_empty(logs)  # of sweeps that were killed
    with at_work(logs):
        yield LocalExecutor(world(slots), slots=slots, logs=logs, gpus=handed)


@contextmanager
def _on_cluster(where: Where, world: Callable[[int], World], gpus: float, jobs: int) -> Iterator[Executor]:
    threads = threads_of(where.jobs or 1)
    with connected(where.cluster, workers=where.jobs, threads=threads) as ray:
        slots = min(where.jobs or slots_of(ray, gpus=gpus, threads=threads), jobs)
        yield RayExecutor(ray, world(where.jobs or 1), slots=slots)


def check_memory(needed: Sequence[int], workers: int) -> None:
    """HarnessError where several workers would take more memory than this machine has, by the largest of their cells.

    One worker is let go on: an estimate is no reason to refuse what cannot be done in a smaller way.
    """
    import psutil

    has = psutil.virtual_memory().total
    takes = sum(sorted(needed)[-workers:])
    if workers > 1 and takes > has:
        fit = max(1, int(has // max(needed)))
        said = (
            f"{workers} workers would take about {takes / 1e9:.1f} GB of memory, and this machine has {has / 1e9:.1f}"
        )
        raise HarnessError(f"{said}; give --jobs {fit}, or a smaller model")


def threads_of(workers: int) -> int:
    """The processor threads of each of so many workers: what OMP_NUM_THREADS says, else an even share."""
    named = os.environ.get("OMP_NUM_THREADS", "")
    return int(named) if named.isdigit() and int(named) else max(1, len(os.sched_getaffinity(0)) // workers)


def shared_out(gpus: Sequence[str], each: float) -> list[str]:
    """What each worker sees of `gpus` when a cell takes `each` of them: several, one, or one that others see too."""
    if not gpus or not each:
        return []
    if each < 1:
        return [gpu for _ in range(int(1 / each)) for gpu in gpus]
    several = ceil(each)
    return [",".join(gpus[at : at + several]) for at in range(0, len(gpus) - several + 1, several)]

"""Which job goes to which worker next, and what becomes of a job whose worker dies or that another process is at."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.sweep.work import Job, Outcome

ATTEMPTS = 3
BUSY_SECONDS = 2.0
POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Ended:
    """A slot that has become free, and how its job ended."""

    slot: int
    outcome: Outcome


class Executor(Protocol):
    """Workers, one in each of `slots` slots. A slot does one job at a time and is there again when its worker died."""

    slots: int

    def start(self, slot: int, job: Job) -> None:
        """Gives `job` to the idle worker of `slot`."""

    def wait(self, seconds: float) -> Sequence[Ended]:
        """The jobs that have ended; none when `seconds` have passed first."""

    def stop(self) -> None:
        """Ends all workers, whatever they are doing."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A job that will not be tried again, its last outcome, and how often it was begun."""

    job: Job
    outcome: Outcome
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where a sweep stands. `left` is the expected number of seconds to its end, None before anything is known."""

    total: int
    done: int
    running: int
    failed: int
    left: float | None


def carry_out(
    jobs: Iterable[Job],
    executor: Executor,
    *,
    tell: Callable[[State, Finished | None], None] = lambda state, finished: None,
    clock: Callable[[], float] = time.monotonic,
) -> list[Finished]:
    """Every job with its outcome, as they ended. `tell` hears of each, and of the state about once a second.

    A job whose worker died is begun again, `ATTEMPTS` times in all. One that another process is at waits until that
    process has done it or has gone. The workers are stopped at the end, also by Ctrl-C.
    """
    schedule = Schedule(jobs, executor.slots, clock)
    finished: list[Finished] = []
    try:
        while not schedule.empty:
            for slot, job in schedule.starts():
                executor.start(slot, job)
            tell(schedule.state(), None)
            for ended in executor.wait(POLL_SECONDS):
                one = schedule.ended(ended.slot, ended.outcome)
                if one is not None:
                    finished.append(one)
                    tell(schedule.state(), one)
    finally:
        executor.stop()
    return finished


class Schedule:
    """The jobs that wait and those that run."""

    def __init__(self, jobs: Iterable[Job], slots: int, clock: Callable[[], float]) -> None:
        self._waiting = sorted(jobs, key=lambda job: -job.work)
        self._total = len(self._waiting)
        self._running: dict[int, tuple[Job, float]] = {}
        self._model: dict[int, str] = dict.fromkeys(range(slots), "")
        self._attempts: dict[Job, int] = dict.fromkeys(self._waiting, 0)
        self._not_before: dict[Job, float] = {}
        self._clock = clock
        self._done = self._failed = 0
        self._seconds = self._worked = 0.0

    @property
    def empty(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return not self._waiting and not self._running

    def starts(self) -> list[tuple[int, Job]]:
        """A job for every idle slot that has one; from now on they run."""
        begun = []
        for slot in self._model:
            job = None if slot in self._running else self._next(slot)
            if job is not None:
                self._waiting.remove(job)
                self._attempts[job] += 1
                self._running[slot] = job, self._clock()
                self._model[slot] = job.model
                begun.append((slot, job))
        return begun

    def ended(self, slot: int, outcome: Outcome) -> Finished | None:
        """Takes the job off `slot`; None where it will be tried again."""
        job, _ = self._running.pop(slot)
        if outcome.status == "busy":
            self._attempts[job] -= 1
            self._not_before[job] = self._clock() + BUSY_SECONDS
            self._waiting.append(job)
            return None
        if outcome.status == "lost":
            self._model[slot] = ""
            if self._attempts[job] < ATTEMPTS:
                self._waiting.insert(0, job)
                return None
        if outcome.status == "done":
            self._done += 1
            if outcome.fresh:
                self._seconds += outcome.seconds
                self._worked += job.work
        else:
            self._failed += 1
        return Finished(job, outcome, self._attempts[job])

    def state(self) -> State:
        """The counts, and the time left at the pace of the jobs that were done."""
        return State(
            total=self._total, done=self._done, running=len(self._running), failed=self._failed, left=self._left()
        )

    def _next(self, slot: int) -> Job | None:
        """The longest job of the model that the slot holds; else of one that no other slot holds, with most to do."""
        now = self._clock()
        ready = [job for job in self._waiting if self._not_before.get(job, 0.0) <= now]
        own = [job for job in ready if job.model == self._model[slot]]
        if own or not ready:
            return own[0] if own else None
        elsewhere = {model for other, model in self._model.items() if other != slot}
        free = [job for job in ready if job.model not in elsewhere] or ready
        work: dict[str, float] = {}
        for job in free:
            work[job.model] = work.get(job.model, 0.0) + job.work
        return next(job for job in free if work[job.model] == max(work.values()))

    def _left(self) -> float | None:
        if not self._worked:
            return None
        pace, now = self._seconds / self._worked, self._clock()
        running = [max(0.0, pace * job.work - (now - began)) for job, began in self._running.values()]
        waiting = sum(pace * job.work for job in self._waiting)
        return max([*running, (sum(running) + waiting) / len(self._model)])

"""Laws of the schedule: what is begun where, what is tried again, and what is told of it; no process is started."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from harness.cells import Cell
from harness.sweep.board import ending, spelled
from harness.sweep.schedule import ATTEMPTS, BUSY_SECONDS, Ended, Finished, State, carry_out
from harness.sweep.work import Job, Outcome

DONE, BUSY, LOST = Outcome(status="done", fresh=True, seconds=10.0), Outcome(status="busy"), Outcome(status="lost")
FAILED = Outcome(status="failed", cause="why")


def job(name: str, *, work: float = 1.0, model: str = "m") -> Job:
    return Job(cell=Cell(setting="loud", intervention=name), title=name, model=model, work=work)


@dataclass
class Pretended:
    """Workers that need as many seconds as a job's work, and end it as `says` says; seconds pass when waited for."""

    slots: int
    says: Callable[[Job, int], Outcome] = lambda job, attempt: DONE
    now: float = 0.0
    stopped: bool = False
    begun: list[tuple[int, str]] = field(default_factory=list)
    running: dict[int, tuple[Job, float]] = field(default_factory=dict)

    def start(self, slot: int, job: Job) -> None:
        assert slot not in self.running
        self.begun.append((slot, job.title))
        self.running[slot] = job, self.now + job.work

    def wait(self, seconds: float) -> Sequence[Ended]:
        if not self.running:
            self.now += seconds
            return []
        self.now = min(end for _, end in self.running.values())
        over = [slot for slot, (_, end) in self.running.items() if end == self.now]
        return [Ended(slot, self._outcome(self.running.pop(slot)[0])) for slot in over]

    def stop(self) -> None:
        self.stopped = True

    def _outcome(self, job: Job) -> Outcome:
        return self.says(job, [title for _, title in self.begun].count(job.title))


def carried(jobs: Sequence[Job], workers: Pretended) -> list[Finished]:
    return carry_out(jobs, workers, clock=lambda: workers.now)


def test_every_job_is_begun_once_the_longest_first() -> None:
    workers = Pretended(slots=2)
    finished = carried([job("a", work=1), job("b", work=5), job("c", work=3)], workers)
    assert workers.begun == [(0, "b"), (1, "c"), (1, "a")]
    assert sorted(one.job.title for one in finished) == ["a", "b", "c"]
    assert all(one.attempts == 1 for one in finished)
    assert workers.stopped


def test_a_worker_stays_with_its_model_while_that_has_jobs() -> None:
    jobs = [job(f"{model}{at}", work=work, model=model) for model, work in (("x", 2), ("y", 3)) for at in range(3)]
    workers = Pretended(slots=2)
    carried(jobs, workers)
    assert [title[0] for slot, title in workers.begun if slot == 0] == ["y", "y", "y"]
    assert [title[0] for slot, title in workers.begun if slot == 1] == ["x", "x", "x"]


def test_an_idle_worker_helps_with_another_model_rather_than_wait() -> None:
    workers = Pretended(slots=2)
    carried([job("x", model="x"), *(job(f"y{at}", model="y") for at in range(4))], workers)
    assert {slot for slot, title in workers.begun if title.startswith("y")} == {0, 1}


def test_a_job_whose_worker_dies_is_begun_again_and_in_the_end_given_up() -> None:
    workers = Pretended(slots=2, says=lambda one, attempt: LOST if one.title == "deadly" or attempt == 1 else DONE)
    finished = {one.job.title: one for one in carried([job("deadly"), job("unlucky"), job("other")], workers)}
    assert (finished["deadly"].outcome.status, finished["deadly"].attempts) == ("lost", ATTEMPTS)
    assert (finished["unlucky"].outcome.status, finished["unlucky"].attempts) == ("done", 2)
    assert len(finished) == 3


def test_a_job_that_fails_is_not_begun_again_and_the_rest_goes_on() -> None:
    workers = Pretended(slots=1, says=lambda one, attempt: FAILED if one.title == "bad" else DONE)
    finished = carried([job("bad", work=9), job("good")], workers)
    assert [(one.job.title, one.outcome.status) for one in finished] == [("bad", "failed"), ("good", "done")]
    assert workers.begun == [(0, "bad"), (0, "good")]


def test_a_job_that_another_process_is_at_waits_and_lets_the_others_by() -> None:
    workers = Pretended(slots=1, says=lambda one, attempt: BUSY if one.title == "taken" and attempt < 20 else DONE)
    finished = carried([job("taken", work=9), job("free")], workers)
    assert [title for _, title in workers.begun[:3]] == ["taken", "free", "taken"]
    assert [(one.job.title, one.attempts) for one in finished] == [("free", 1), ("taken", 1)]
    assert workers.now >= 19 * BUSY_SECONDS


def test_ctrl_c_stops_the_workers() -> None:
    def interrupt(one: Job, attempt: int) -> Outcome:
        raise KeyboardInterrupt

    workers = Pretended(slots=1, says=interrupt)
    with pytest.raises(KeyboardInterrupt):
        carried([job("a")], workers)
    assert workers.stopped


def test_the_time_left_is_at_the_pace_of_what_was_done() -> None:
    seen: dict[int, State] = {}
    workers = Pretended(slots=2)
    jobs = [job(name, work=10.0) for name in "abcde"]
    carry_out(jobs, workers, tell=lambda state, finished: seen.update({state.done: state}), clock=lambda: workers.now)
    assert (seen[0].running, seen[0].left) == (2, None)
    # Two workers, ten seconds a job: three left are fifteen seconds' work, but the last one alone still takes its ten.
    assert (seen[2].running, seen[2].left) == (2, pytest.approx(15.0))
    assert (seen[4].running, seen[4].left) == (1, pytest.approx(10.0))
    assert (seen[5].running, seen[5].left) == (0, 0.0)


def test_the_line_of_a_sweep_counts_what_a_person_asks_for() -> None:
    state = State(total=12, done=3, running=2, failed=1, left=845.0)
    assert spelled(state) == "3 of 12 done, 2 running, 1 failed, 14 min 05 s left"
    assert ending(Finished(job("a"), DONE, 2)) == "done in 10 s, at attempt 2: a"
    assert ending(Finished(job("a"), FAILED, 1)) == "failed: a: why"

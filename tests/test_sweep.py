"""Laws of a sweep on this machine: same results, each cell once, whatever dies on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import psutil
import pytest
import small
from sweeping import ARMS, broken, content, experiment, holder, in_training, script, swept

from harness.files import at_work, clear_empty
from harness.registry import using
from harness.sweep import Where, load
from harness.sweep.sweeping import shared_out, threads_of

THREADS = {"OMP_NUM_THREADS": "1"}  # sums depend on it


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="module")
def alone(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What each cell comes to in a process of its own."""
    runs = tmp_path_factory.mktemp("alone")
    for arm in ARMS:
        command = [sys.executable, str(Path(small.__file__)), str(tiny_llama), str(runs), arm]
        subprocess.run(command, env={**os.environ, **THREADS}, check=True, stdout=subprocess.DEVNULL)
    return content(runs)


def ended(process: subprocess.Popen[str]) -> dict[str, tuple[str, bool, int]]:
    """Status, freshness and attempts of every cell that the sweep began, by arm."""
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    return {arm: (status, fresh, attempts) for arm, status, fresh, attempts in json.loads(out)}


def test_a_warm_worker_gives_what_fresh_processes_give(
    tiny_llama: Path, tmp_path: Path, alone: dict[str, bytes]
) -> None:
    done = swept(experiment(tmp_path, tiny_llama), tmp_path / "runs", Where(jobs=1))
    assert not done.failed
    assert len(done.finished) == len(ARMS) + 1
    assert content(tmp_path / "runs") == alone
    again = swept(experiment(tmp_path, tiny_llama), tmp_path / "runs", Where(jobs=1))
    assert (again.finished, len(again.before), again.key) == ((), len(ARMS) + 1, done.key)
    assert not list((tmp_path / "runs" / ".workers").iterdir())


def test_workers_part_the_cores_of_this_machine(
    tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As each records it: they import torch, which would take every core, before they are told how many to take."""
    monkeypatch.delenv("OMP_NUM_THREADS")
    workers = len(os.sched_getaffinity(0))
    assert not swept(experiment(tmp_path, tiny_llama, arms=("none",)), tmp_path / "runs", Where(jobs=workers)).failed
    records = [json.loads(file.read_text()) for file in (tmp_path / "runs").glob("loud/*/*/run.json")]
    slots = min(workers, 2)  # of two cells
    assert {one["hardware"]["threads"] for one in records} == {max(1, workers // slots)}


def test_a_worker_killed_in_training_costs_one_attempt_and_changes_nothing(
    tiny_llama: Path, tmp_path: Path, alone: dict[str, bytes]
) -> None:
    runs = tmp_path / "runs"
    killed: list[str] = []

    def kill() -> None:
        folder = in_training(runs)
        killed.append(folder.parent.name)
        holder(folder, psutil.Process().children(recursive=True)).kill()

    thread = Thread(target=kill)
    thread.start()
    done = swept(experiment(tmp_path, tiny_llama), runs, Where(jobs=2))
    thread.join()
    attempts = {one.job.cell.intervention: one.attempts for one in done.finished}
    assert not done.failed
    assert attempts == {arm: 2 if arm in killed else 1 for arm in ("base", *ARMS)}
    assert content(runs) == alone


def test_a_cell_that_fails_for_good_is_told_and_the_rest_goes_on(tiny_llama: Path, tmp_path: Path) -> None:
    file = experiment(tmp_path, tiny_llama, arms=("deadly", "nowhere", "none"))
    done = swept(file, tmp_path / "runs", Where(jobs=2), plugins=broken)
    causes = {one.job.cell.intervention: one.outcome.cause for one in done.failed}
    assert set(causes) == {"deadly", "nowhere"}
    assert "died of SIGKILL" in causes["deadly"]
    assert causes["nowhere"] == "steering with 'reply' names block 99, and this model has blocks 0 to 3"
    assert {one.job.cell.intervention: one.attempts for one in done.finished} == {
        "base": 1,
        "none": 1,
        "nowhere": 1,
        "deadly": 3,
    }


@pytest.mark.slow
def test_two_sweeps_on_one_folder_do_each_cell_once(tiny_llama: Path, tmp_path: Path, alone: dict[str, bytes]) -> None:
    file = experiment(tmp_path, tiny_llama)
    both = [ended(one) for one in [script(file, tmp_path / "runs", 1) for _ in range(2)]]
    assert all(status == "done" for one in both for status, _, _ in one.values())
    for arm in ("base", *ARMS):
        assert sum(one[arm][1] for one in both if arm in one) == 1, arm
    assert content(tmp_path / "runs") == alone


@pytest.mark.slow
def test_ctrl_c_ends_the_workers_and_the_same_command_goes_on(
    tiny_llama: Path, tmp_path: Path, alone: dict[str, bytes]
) -> None:
    file, runs = experiment(tmp_path, tiny_llama), tmp_path / "runs"
    process = script(file, runs, 2)
    in_training(runs)
    workers = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert not psutil.wait_procs(workers, timeout=10)[1]
    assert all(status == "done" for status, _, _ in ended(script(file, runs, 2)).values())
    assert content(runs) == alone


@pytest.mark.slow
def test_workers_end_when_the_sweep_is_killed(tiny_llama: Path, tmp_path: Path) -> None:
    process = script(experiment(tmp_path, tiny_llama), tmp_path / "runs", 2)
    in_training(tmp_path / "runs")
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    began = time.monotonic()
    assert not psutil.wait_procs(workers, timeout=20)[1], "a worker outlives its sweep"
    assert time.monotonic() - began < 20


def test_nothing_is_written_when_one_cell_of_the_experiment_cannot_be(tiny_llama: Path, tmp_path: Path) -> None:
    file = tmp_path / "loud.yaml"
    file.write_text(f"settings: [loud]\ninterventions: [none, ip]\ndoses: [3]\nmodels: ['{tiny_llama}']\n")
    with using(small.REGISTRY):
        load(file)
    with pytest.raises(Exception, match="at most 1, not 3"):
        swept(file, tmp_path / "runs", Where(jobs=1))
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("gpus", "each", "seen"),
    [
        ([], 1.0, []),
        (["0", "1"], 0.0, []),
        (["0", "1"], 1.0, ["0", "1"]),
        (["0", "1"], 0.5, ["0", "1", "0", "1"]),
        (["0", "1", "2", "3"], 2.0, ["0,1", "2,3"]),
        (["0", "1", "2"], 2.0, ["0,1"]),
    ],
)
def test_gpus_are_shared_out_as_cells_need_them(gpus: list[str], each: float, seen: list[str]) -> None:
    assert shared_out(gpus, each) == seen


def test_threads_are_parted_among_workers_unless_the_user_says_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    assert threads_of(4) == 1
    monkeypatch.delenv("OMP_NUM_THREADS")
    cores = len(os.sched_getaffinity(0))
    assert threads_of(1) == cores
    assert threads_of(2 * cores) == 1


def test_logs_in_which_killed_sweeps_said_nothing_are_cleared_once_nobody_works_there(tmp_path: Path) -> None:
    for name, said in (("1-0.log", ""), ("1-1.log", "what went wrong")):
        (tmp_path / name).write_text(said)
    with at_work(tmp_path):
        clear_empty(tmp_path)
        assert len(list(tmp_path.iterdir())) == 2
    clear_empty(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["1-1.log"]

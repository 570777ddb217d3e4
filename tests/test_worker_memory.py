"""Laws of a worker's memory: it does not grow from cell to cell, the plan says it, and too little is said at once."""

from __future__ import annotations

import multiprocessing
import re
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest
import small
from sweeping import experiment

from harness import HarnessError
from harness.cells import Cell
from harness.registry import using
from harness.sweep import Where, load, plan
from harness.sweep.sweeping import check_memory
from harness.sweep.work import Job, World, do, working

CELLS = 6
GROWTH = 24 << 20
"""What a worker may have grown by from its second cell to its sixth: caches of compiled patterns and the like."""


def grown(model: Path, root: Path, pipe: Connection) -> None:
    """Sends what this process holds after each of several cells, or why one failed."""
    world = World(root=root, threads=1, plugins=small.registry)
    with working(threads=1, beside=1):
        for seed in range(CELLS):
            cell = Cell(setting="loud", intervention=("none", "ps")[seed % 2], model=str(model), seed=seed)
            outcome = do(Job(cell=cell, title=str(seed), model="tiny", work=1.0), world)
            pipe.send(psutil.Process().memory_info().rss if outcome.status == "done" else outcome.cause)


@pytest.mark.slow
def test_a_worker_holds_no_more_after_its_sixth_cell_than_after_its_second(tiny_llama: Path, tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    worker = spawn.Process(target=grown, args=(tiny_llama, tmp_path, theirs))
    worker.start()
    theirs.close()
    held = [ours.recv() for _ in range(CELLS)]
    worker.join()
    ours.close()
    worker.close()
    assert all(isinstance(one, int) for one in held), held
    assert held[-1] - held[1] < GROWTH, held


def test_what_a_cell_left_free_is_given_back_to_the_system() -> None:
    from harness.engine import give_back

    give_back()  # which reads in what it needs
    pieces = [bytes([at % 256]) * 60_000 for at in range(4000)]
    kept = pieces[::200]
    full = psutil.Process().memory_info().rss
    del pieces
    give_back()
    assert psutil.Process().memory_info().rss < full - (120 << 20)
    assert len(kept) == 20


def test_the_plan_of_a_sweep_says_what_its_workers_take(tiny_llama: Path, tmp_path: Path) -> None:
    with using(small.REGISTRY):
        made = plan(load(experiment(tmp_path, tiny_llama)), tmp_path / "runs")
        one, two = made.cost(Where(jobs=1), None), made.cost(Where(jobs=2), None)
    peak = re.search(r"about (\d+\.\d) GB of memory at a worker's peak", one)
    assert peak is not None
    assert float(peak[1]) > 0.5
    assert re.search(rf"about {peak[1]} GB of memory at a worker's peak, \d+\.\d GB for all", two)


@pytest.mark.parametrize("jobs", [1, 2])
def test_one_worker_that_does_not_fit_is_told_in_the_plan(
    jobs: int, tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with using(small.REGISTRY):
        made = plan(load(experiment(tmp_path, tiny_llama)), tmp_path / "runs")
    has = psutil.virtual_memory().total
    within, beyond = replace(made, memory=(has // 4, has // 3)), replace(made, memory=(has // 4, has + 1))
    assert "MORE THAN THIS MACHINE HAS" not in within.cost(Where(jobs=jobs), None)
    assert f"MORE THAN THIS MACHINE HAS, {has / 1e9:.1f} GB" in beyond.cost(Where(jobs=jobs), None)
    assert "MORE THAN" not in beyond.cost(Where(jobs=jobs, cluster="ray://elsewhere:1"), None)


def test_workers_that_do_not_fit_are_refused_with_how_many_would() -> None:
    has = psutil.virtual_memory().total
    check_memory([has // 4] * 8, 3)
    check_memory([2 * has], 1)
    check_memory([], 64)
    with pytest.raises(HarnessError, match=r"5 workers would take about .* GB of memory, .*; give --jobs 3, or"):
        check_memory([has // 4, has // 4, has // 3, has // 3, has // 4], 5)

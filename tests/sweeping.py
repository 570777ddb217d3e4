"""Sweeps over the small world, for tests that kill, interrupt and compare them.

Run as a script it sweeps one experiment: `python sweeping.py FILE RUNS JOBS [CLUSTER]`, and prints what became of it.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import small

from harness import Example, Intervention, Setting, Steering
from harness.registry import Registry, using
from harness.sweep import Swept, Where, load, sweep

ARMS = ("none", "ps", "ps_random")
STARTED = 120.0  # seconds that a process may take to come up on a busy machine


def broken() -> Registry:
    """The small world, with an arm that fails in training and one that kills the worker that trains it."""

    def deadly(row: Example, setting: Setting) -> Example:
        if multiprocessing.parent_process() is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        return row

    arms = (
        Intervention(name="nowhere", summary="steers a block that is not there", steering=_nowhere),
        Intervention(name="deadly", summary="kills", edit=deadly),
    )
    return replace(small.REGISTRY, interventions={**small.REGISTRY.interventions, **{one.name: one for one in arms}})


def _nowhere(setting: Setting, recipe: object) -> Steering:
    return Steering(vector="reply", coef=1.0, blocks=(99,))


def experiment(folder: Path, model: Path, *, arms: tuple[str, ...] = ARMS, seeds: tuple[int, ...] = (0,)) -> Path:
    """An experiment file in the small world."""
    file = folder / "loud.yaml"
    listed = f"interventions: [{', '.join(arms)}]\nseeds: [{', '.join(map(str, seeds))}]\n"
    file.write_text(f"settings: [loud]\n{listed}models: ['{model}']\n")
    return file


def swept(file: Path, runs: Path, where: Where, *, plugins: Callable[[], Registry] = small.registry) -> Swept:
    """What a sweep of `file` came to."""
    with using(plugins()):
        loaded = load(file)
    return sweep(loaded, runs, where, plugins=plugins)


def script(file: Path, runs: Path, jobs: int, cluster: str = "") -> subprocess.Popen[str]:
    """The same in a process of its own, in a group of its own as a shell would start it."""
    command = [sys.executable, __file__, str(file), str(runs), str(jobs), cluster]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0)


def in_training(runs: Path) -> Path:
    """The folder of a cell that is being trained, as soon as there is one."""
    began = time.monotonic()
    while time.monotonic() - began < STARTED:
        for log in runs.glob("loud/*/mini-*/loss.jsonl"):
            if not (log.parent / "adapter").exists():
                return log.parent
        time.sleep(0.002)
    raise AssertionError(f"nothing was trained in {runs} for {STARTED:g} s")


def holder(folder: Path, among: list[psutil.Process]) -> psutil.Process:
    """The process that has the lock of a run folder."""
    lock = folder.parent / f".{folder.name}.lock"
    for process in among:
        try:
            if any(Path(file.path) == lock for file in process.open_files()):
                return process
        except psutil.Error:
            continue
    raise AssertionError(f"nobody holds {lock}")


def content(runs: Path) -> dict[str, bytes]:
    """What the cells under `runs` came to: adapters, losses, results and rows, byte for byte, by path."""
    names = ("adapter/adapter_model.safetensors", "loss.jsonl", "results.jsonl", "train.jsonl")
    files = [file for folder in runs.glob("loud/*/mini-*") for name in names if (file := folder / name).is_file()]
    return {str(file.relative_to(runs)): file.read_bytes() for file in files}


def main(file: str, runs: str, jobs: str, cluster: str = "") -> int:
    os.environ["HARNESS_PROGRESS"] = "0"
    try:
        done = swept(Path(file), Path(runs), Where(jobs=int(jobs), cluster=cluster))
    except KeyboardInterrupt:
        return 130
    record = [[one.job.cell.intervention, one.outcome.status, one.outcome.fresh, one.attempts] for one in done.finished]
    print(json.dumps(record))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
